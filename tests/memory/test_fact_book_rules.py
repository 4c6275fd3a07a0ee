from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.content.facts import RememberRule
from npc_engine.memory.entries import (
    Entry,
    FactChanged,
    FactProposed,
    FactStated,
    FoldChanged,
    Folded,
    LineEdited,
    LineSaid,
)
from npc_engine.memory.fact_book import FactBook
from npc_engine.memory.facts import MAX_FACT_CHARS, MAX_FACT_WORDS
from npc_engine.memory.lines import Ears
from npc_engine.memory.term_index import index_terms
from tests.memory.fact_talks import captured_facts
from tests.memory.plain_facts import PlainFacts, fold_case, group, mark, rank

NPCS = ("mira", "bett")
RULES = tuple(
    RememberRule.model_validate({"from": "anyone", **fields})
    for fields in (
        {"slot": "name", "pattern": r"my name is (?P<value>\w+)"},
        {"slot": "home", "pattern": r"home of (?P<value>\w+)", "subject": "hearer"},
        {"slot": "promise", "pattern": r"I'll (?P<value>\w+ \w+)", "cardinality": "many"},
    )
)

VALUES = ("Tolan", "Ash", "ASH", "Bren")
SEEDS = st.integers(0, 2**32)


def lived(seed, num_steps=50):
    """The path at the end of a random talk: things said, stated, changed, folded and undone."""
    chance = Random(seed)
    path, day, minute = [], 41, 600
    for last_id in range(1, num_steps):
        if chance.random() < 0.06:
            path = path[: -chance.randint(1, 4)]
        if chance.random() < 0.3:
            day, minute = max(0, day + chance.choice((-1, 0, 1))), chance.choice((0, 600))
        parent = path[-1].id if path else None
        path = [*path, Entry(last_id, 1, parent, 0.0, day, minute, payload(chance, path))]
    return path


def payload(chance, path):
    kinds = (said, said, said, edited, stated, changed, folded, unfolded)
    return chance.choice(kinds)(chance, path)


def some(chance):
    return tuple(npc for npc in NPCS if chance.random() < 0.7)


def words(chance):
    value = chance.choice(VALUES)
    return chance.choice(
        (
            "",
            "Nothing of note.",
            f"my name is {value}",
            f"welcome to the home of {value}.",
            f"I'll bring {value}, and my name is Ash. I'll fetch iron",
        )
    )


def said(chance, path):
    speaker = chance.choice(("player", *NPCS))
    role = "player" if speaker == "player" else "npc"
    return LineSaid(role=role, speaker=speaker, text=words(chance), hearers=some(chance))


def edited(chance, path):
    lines = [entry.id for entry in path if isinstance(entry.payload, LineSaid)]
    return LineEdited(target=chance.choice(lines or [0]), text=words(chance))


def stated(chance, path):
    slot, value = chance.choice(("name", "home", "")), chance.choice(VALUES)
    return FactStated(
        subject="player",
        slot=slot,
        value=value,
        text=f"It is {value} {slot}.",
        origin=chance.choice(("game", "authored")),
        known_by=chance.choice((None, some(chance))),
        pinned=chance.random() < 0.2,
    )


def changed(chance, path):
    npc = chance.choice(NPCS)
    book = book_of(npc, path)
    known = [fact.id for fact in (*book.current(), *book.superseded())] or ["9.9"]
    change = chance.choice(("forget", "edit", "pin", "unpin"))
    return FactChanged(npc=npc, fact=chance.choice(known), change=change, text="Reworded.")


def folded(chance, path):
    npc = chance.choice(NPCS)
    lines = [entry.id for entry in path if isinstance(entry.payload, LineSaid)] or [0]
    facts = tuple(
        FactProposed(text=text, evidence=tuple(chance.choices(lines, k=chance.randint(0, 2))))
        for text in chance.sample(("Seven sacks.", "Old iron.", "A red coat."), 2)
    )
    return Folded(npc=npc, entry_ids=(1,), text="", kind="model", source_digest="", facts=facts)


def unfolded(chance, path):
    folds = [entry.id for entry in path if isinstance(entry.payload, Folded)]
    return FoldChanged(target=chance.choice(folds or [0]), change="undo")


def book_of(npc, path, book=None):
    book = book or FactBook(npc, RULES, {})
    ears = Ears(npc)
    for entry in path:
        feed(book, ears, entry)
    return book


def feed(book, ears, entry):
    line = ears.note(entry)
    if line is not None:
        book.hear(line)
    book.note(entry)


def bare(facts):
    """Facts without what the slow rules do not work out."""
    return [replace(fact, evidence=(), when_day=None) for fact in facts]


def shown(book):
    terms = index_terms("tolan ash bren name home promise iron reworded proposal")
    return (
        book.current(),
        book.superseded(),
        book.pinned(),
        [fact for fact, _ in book.search(terms, 50)],
        book.frequencies(terms),
        [entry_id for entry_id in range(40) if entry_id in book.stale_entries],
    )


@given(SEEDS, st.sampled_from(NPCS))
@settings(deadline=None, max_examples=40)
def test_a_book_agrees_with_the_rules_written_out(seed, npc):
    path = lived(seed)
    book, plain = book_of(npc, path), PlainFacts(npc, RULES).read(path)
    assert bare(book.current()) == bare(plain.current())
    assert bare(book.superseded()) == bare(plain.superseded())


@given(SEEDS, st.sampled_from(NPCS))
@settings(deadline=None, max_examples=40)
def test_a_book_that_is_asked_all_the_time_equals_one_begun_anew(seed, npc):
    path = lived(seed)
    asked, ears = FactBook(npc, RULES, {}), Ears(npc)
    for entry in path:
        feed(asked, ears, entry)
        shown(asked)
    once = book_of(npc, path)
    assert shown(asked) == shown(once)
    assert shown(book_of(npc, path, asked.afresh())) == shown(once)
    assert captured_facts(path, npc, RULES, "player") == once.current()


@given(SEEDS, st.sampled_from(NPCS))
@settings(deadline=None, max_examples=40)
def test_of_one_property_only_the_value_with_the_largest_rank_is_current(seed, npc):
    path = lived(seed)
    book = book_of(npc, path)
    current = book.current()
    assert len({group(fact) for fact in current}) == len(current)
    by_group = {group(fact): fact for fact in current}
    for fact in book.superseded():
        winner = by_group[group(fact)]
        assert rank(fact) < rank(winner)
        assert fold_case(fact.value) != fold_case(winner.value)
    marks = {mark(fact) for fact in current}
    assert marks.isdisjoint(mark(fact) for fact in book.superseded())


@given(SEEDS, st.sampled_from(NPCS), st.data())
@settings(deadline=None, max_examples=40)
def test_a_rollback_restores_what_was_known(seed, npc, data):
    path = lived(seed)
    back = data.draw(st.integers(0, len(path)))
    before = shown(book_of(npc, path[:back]))
    further = book_of(npc, path)
    assert shown(book_of(npc, path[:back], further.afresh())) == before


@given(SEEDS)
@settings(deadline=None, max_examples=40)
def test_nobody_learns_from_what_was_out_of_earshot(seed):
    path = lived(seed)
    said = {entry.id: entry.payload for entry in path}
    for npc in NPCS:
        for fact in (*(book := book_of(npc, path)).current(), *book.superseded()):
            source = said[fact.entry_id]
            if isinstance(source, LineSaid):
                assert npc == source.speaker or npc in source.hearers
            elif isinstance(source, FactStated):
                assert source.known_by is None or npc in source.known_by
            else:
                assert source.npc == npc
            if fact.origin == "model":
                assert all(
                    npc == said[line].speaker or npc in said[line].hearers for line in fact.evidence
                )


@given(SEEDS, st.sampled_from(NPCS))
@settings(deadline=None, max_examples=40)
def test_a_search_finds_current_facts_and_nothing_else(seed, npc):
    book = book_of(npc, lived(seed))
    current = book.current()
    for fact in current:
        found = [each for each, _ in book.search(index_terms(fact.text), 100)]
        assert fact in found
        assert set(found) <= set(current)
    assert set(book.pinned()) <= set(current)


@given(SEEDS, st.sampled_from(NPCS))
@settings(deadline=None, max_examples=40)
def test_a_line_is_stale_when_it_gives_values_and_none_of_them_counts(seed, npc):
    path = lived(seed)
    book, plain = book_of(npc, path), PlainFacts(npc, RULES).read(path)
    current = {mark(fact) for fact in book.current()}
    for entry in path:
        says = [row for row in plain.rows if entry.id in row.evidence and row.text != "Reworded."]
        is_stale = bool(says) and current.isdisjoint(map(mark, says))
        assert (entry.id in book.stale_entries) == is_stale


@given(
    st.text(max_size=400),
    st.text(max_size=400),
    st.text(alphabet="ab .!?'\n\x00“中", max_size=1500),
    st.integers(0, 1_000_000),
)
@settings(deadline=None, max_examples=40)
def test_texts_and_values_stay_within_their_limits(value, text, line, day):
    rules = (RememberRule(slot="word", pattern=r"(?P<value>\S[^!]{0,150})", cardinality="many"),)
    book = FactBook("mira", rules, {"player": "p " * 60})
    path = [
        Entry(1, 1, None, 0.0, day, 0, FactStated(subject="x", slot="y", value=value, text=text)),
        Entry(
            2,
            1,
            1,
            0.0,
            day,
            0,
            LineSaid(role="player", speaker="player", text=line, hearers=("mira",)),
        ),
        Entry(3, 1, 2, 0.0, day, 0, FactChanged(npc="mira", fact="1.0", change="edit", text=text)),
    ]
    for fact in book_of("mira", path, book).current():
        assert 0 < len(fact.text) <= MAX_FACT_CHARS
        assert 0 < len(fact.text.split()) <= MAX_FACT_WORDS
        assert len(fact.value) <= MAX_FACT_CHARS
        assert "\n" not in fact.text + fact.value
