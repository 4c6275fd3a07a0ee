import re
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.memory import recall as reasons
from npc_engine.memory.change_words import speaks_of_change
from npc_engine.memory.entries import LineEdited, WorldEventSeen
from npc_engine.memory.recall import RecallRequest, recall
from npc_engine.memory.search_terms import (
    MAX_FREQUENCY_SUM,
    MAX_TERMS,
    QueryTerms,
    query_terms,
)
from npc_engine.memory.term_index import TermIndex, index_terms
from tests.memory.stories import NPCS, STEPS, Tree, fresh_index, lines_of, take

NAMES = {"player": "the traveller", "mira": "Mira", "tolan": "Tolan"}


def count(text):
    """Tokens of a tokenizer that is easy to follow: words and marks, and the line break."""
    return len(re.findall(r"\w+|[^\w\s]|\n", text))


def asked(tree, line, npc="mira", cap_tokens=240, index=None, **more):
    path = tree.path()
    request = RecallRequest(
        npc, line, lines_of(path, npc), **{"cap_tokens": cap_tokens, "names": NAMES, **more}
    )
    return recall(index or fresh_index(path, npc), request, count)


def texts(recalled):
    return [item.text for item in recalled.items]


def is_each_line_given_once(recalled):
    given = [id for item in recalled.items if item.kind != "fact" for id in item.entry_ids]
    return len(given) == len(set(given))


def reasons_of(recalled):
    return [left.reason for left in recalled.left_out]


@dataclass(frozen=True)
class Fact:
    id: str
    text: str
    evidence: tuple[int, ...] = ()
    day: int = 41
    minute: int = 600


class Facts:
    def __init__(self, *facts):
        self._facts = dict(enumerate(facts))
        self._index = TermIndex.in_memory()
        for key, fact in self._facts.items():
            self._index.add(key, fact.text)
        self.frequencies = self._index.frequencies

    def search(self, terms, limit):
        return [(self._facts[hit.key], hit.score) for hit in self._index.search(terms, limit)]


@pytest.fixture
def tree():
    return Tree()


def talk_of(tree, *pairs, day=41):
    for question, answer in pairs:
        tree.say(question, day=day)
        tree.say(answer, "mira", ("player",), day=day)


def filler(tree, num_turns, day=42):
    for number in range(num_turns):
        talk_of(tree, (f"Weather {number}?", f"Rain and wind {number}."), day=day)


# Which terms are searched for


def known_by(frequency):
    return lambda terms: {term: frequency.get(term, 0) for term in terms}


def test_the_rarest_terms_come_first_and_unknown_ones_not_at_all():
    known = known_by({"sword": 900, "oak": 3, "key": 40})
    query = query_terms("Is the key, the dragon or the sword under the oak?", "", known)
    assert query == QueryTerms(("oak", "key", "sword"))


def test_there_are_at_most_eight_terms():
    line = " ".join(f"w{number}" for number in range(20))
    frequency = {f"w{number}": 20 - number for number in range(20)}
    query = query_terms(line, "", known_by(frequency))
    assert query.terms == tuple(f"w{number}" for number in range(19, 19 - MAX_TERMS, -1))


def test_common_terms_are_left_out_beyond_so_many_places_but_never_the_first():
    most = MAX_FREQUENCY_SUM
    assert query_terms("oak key", "", known_by({"oak": most + 1, "key": most + 2})).terms == (
        "oak",
    )
    known = known_by({"oak": 10, "key": most - 10, "elm": most})
    assert query_terms("oak key elm", "", known).terms == ("oak", "key")


def test_the_line_before_stands_in_only_for_a_line_without_a_known_term():
    known = known_by({"oak": 1, "key": 2, "mill": 3, "gold": 4, "inn": 5})
    before = "The inn, the mill, gold and the key."
    assert query_terms("And then?", before, known) == QueryTerms(("key", "mill", "gold"))
    assert query_terms("The oak and the key?", before, known) == QueryTerms(("oak", "key"))
    # With a single one it tells which of the memories are meant.
    assert query_terms("The oak?", before, known) == QueryTerms(("oak",), ("key", "mill", "gold"))
    assert query_terms("The key?", before, known) == QueryTerms(("key",), ("mill", "gold", "inn"))


@given(line=st.text(max_size=80), previous=st.text(max_size=80), n=st.integers(0, 5000))
def test_any_line_gives_a_few_known_terms_each_once(line, previous, n):
    query = query_terms(line, previous, lambda terms: dict.fromkeys(terms, n))
    both = (*query.terms, *query.context)
    assert len(both) == len(set(both)) <= MAX_TERMS
    assert set(both) <= set(index_terms(line)) | set(index_terms(previous))
    assert len(query.terms) <= 1 or len(query.terms) * n <= MAX_FREQUENCY_SUM
    assert query.terms or not query.context


def test_a_line_of_a_million_characters_is_asked_by_how_it_begins():
    line = "oak " + "key " * 250_000 + "elm"
    known = known_by({"oak": 1, "key": 2, "elm": 1})
    assert query_terms(line, "", known).terms == ("oak", "key")


# What is recalled, and how it reads


def test_an_answer_from_long_ago_is_recalled_with_its_day_and_who_said_what(tree):
    talk_of(tree, ("Where is the key?", "Under the old oak."), day=3)
    filler(tree, 40)
    recalled = asked(tree, "What lies under the oak?")
    assert texts(recalled) == [
        "Day 3, morning. The traveller: Where is the key? / Mira: Under the old oak."
    ]
    item = recalled.items[0]
    assert (item.kind, item.entry_ids, item.fact_id, item.day) == ("talk", (1, 2), "", 3)
    assert item.tokens == count(item.text + "\n")
    assert item.score > 0
    assert recalled.terms == ("oak",)


def test_what_was_overheard_says_to_whom_it_was_said(tree):
    said = tree.say("The oak fell.", "tolan", ("aldric", "mira"))
    tree.entries[said.id] = replace(said, payload=said.payload.model_copy(update={"to": "aldric"}))
    assert texts(asked(tree, "the oak")) == ["Day 41, morning. Tolan to aldric: The oak fell."]


def test_nothing_is_recalled_where_no_word_is_known(tree):
    talk_of(tree, ("Where is the key?", "Under the old oak."))
    for line in ("", "And the dragon?", "the of and", "?!\0"):
        recalled = asked(tree, line)
        assert (recalled.items, recalled.left_out, recalled.terms) == ((), (), ())
    assert asked(Tree(), "oak").items == ()


def test_windows_that_overlap_become_one_and_are_paid_once(tree):
    talk_of(tree, ("An oak?", "An oak."), ("The oak?", "That oak."), ("My oak?", "No oak."))
    recalled = asked(tree, "oak")
    assert [item.entry_ids for item in recalled.items] == [(1, 2, 3, 4, 5, 6)]
    assert recalled.items[0].text.count("Day 41") == 1
    assert recalled.left_out == ()


def test_memories_are_told_in_the_order_in_which_they_happened(tree):
    talk_of(tree, ("oak oak oak", "oak"), day=9)
    talk_of(tree, ("oak one", "no"), day=2)
    tree.add(WorldEventSeen(text="An oak fell.", witnesses=("mira",)), day=5)
    talk_of(tree, ("oak two", "no"), day=7)
    assert [item.day for item in asked(tree, "oak").items] == [2, 5, 7, 9]


def test_at_most_four_units_are_recalled(tree):
    for day in range(1, 10):
        talk_of(tree, (f"oak {day}", "yes"), day=day)
    recalled = asked(tree, "oak", cap_tokens=10_000)
    assert len(recalled.items) == 4
    assert set(reasons_of(recalled)) == {reasons.ENOUGH}


def two_hops(tree):
    tree.say("The rogue who sold me this buckler had a jay's feather.", day=1)
    tree.say("The buckler is mine.", day=1)
    filler(tree, 30, day=2)
    tree.say("That feather, I saw it again at the tannery.", day=3)
    tree.say("The tannery stinks.", day=3)
    filler(tree, 30, day=4)


def test_one_more_is_given_that_the_best_one_leads_to(tree):
    two_hops(tree)
    for day in range(5, 12):
        talk_of(tree, (f"Sold {day} cows.", "So."), day=day)
    recalled = asked(tree, "Which rogue sold me the buckler?", cap_tokens=1000)
    assert [item.day for item in recalled.items if item.day < 5] == [1, 3]
    assert len(recalled.items) == 5


@pytest.mark.parametrize("why", ["standing", "stale"])
def test_what_the_best_one_leads_to_is_not_given_where_it_must_not_be(tree, why):
    two_hops(tree)
    led_to = next(entry.id for entry in tree.path() if entry.day == 3)
    recalled = asked(tree, "Who sold me the buckler?", **{why: {led_to, led_to + 1}})
    assert [item.day for item in recalled.items] == [1]


def test_the_line_before_tells_which_memories_of_a_single_word_are_meant(tree):
    for day, what in enumerate(["sword", "helmet", "saddle", "kettle", "wagon"], start=1):
        talk_of(tree, (f"What is the price of the {what}?", f"{day} silver."), day=day)
    filler(tree, 30, day=9)
    recalled = asked(tree, "And the price?", cap_tokens=30, previous="I have a fine helmet here.")
    assert [item.day for item in recalled.items] == [2]


def test_the_same_words_are_recalled_once(tree):
    for day in range(1, 6):
        talk_of(tree, ("Where is the oak?", "There."), day=day)
    recalled = asked(tree, "oak")
    assert [item.day for item in recalled.items] == [5]
    assert set(reasons_of(recalled)) == {reasons.SAID}


def test_a_window_that_does_not_fit_is_passed_over_for_one_that_does(tree):
    talk_of(tree, ("oak elm " * 3 + "word " * 100, "no"), day=1)
    filler(tree, 5)
    talk_of(tree, ("The oak is old.", "Yes."), day=3)
    recalled = asked(tree, "oak elm", cap_tokens=40)
    assert [item.day for item in recalled.items] == [3]
    assert reasons.NO_ROOM in reasons_of(recalled)


def test_where_a_window_has_no_room_its_best_sentence_and_what_follows_is_given(tree):
    words = "one two three four five six seven eight nine ten"
    tree.say(f"First {words}. Second {words}. The key is hidden. Below the oak. Last {words}.")
    recalled = asked(tree, "the key", cap_tokens=30)
    assert texts(recalled) == [
        "Day 41, morning. The traveller: … The key is hidden. Below the oak. …"
    ]
    assert recalled.items[0].entry_ids == (1,)


def test_no_cap_is_ever_passed(tree):
    for day in range(1, 12):
        talk_of(tree, (f"The oak, number {day}.", "It is old. It is tall."), day=day)
    facts = Facts(*(Fact(f"{number}.0", f"The oak is {number}.") for number in range(9)))
    spent = []
    for cap_tokens in range(150):
        recalled = asked(tree, "oak", cap_tokens=cap_tokens, facts=facts)
        spent.append(sum(item.tokens for item in recalled.items))
        assert spent[-1] <= cap_tokens
        assert count("".join(f"{text}\n" for text in texts(recalled))) == spent[-1]
        assert is_each_line_given_once(recalled)
    assert spent[0] == 0
    assert spent[-1] > 100


def test_few_texts_are_counted_however_many_are_found(tree):
    for day in range(1, 60):
        talk_of(tree, (f"The oak, number {day}. " + "Many words follow. " * 9, "So."), day=day)
    counted = []
    path = tree.path()
    request = RecallRequest("mira", "oak", lines_of(path), 240, names=NAMES)
    recalled = recall(fresh_index(path), request, lambda text: counted.append(text) or count(text))
    assert len(recalled.items) == 4
    assert len(counted) <= 10


def test_what_is_left_out_is_told_briefly_with_its_reason(tree):
    tree.say("oak " * 5000)
    recalled = asked(tree, "oak", cap_tokens=10)
    assert reasons_of(recalled) == [reasons.NO_ROOM]
    assert len(recalled.left_out[0].text) < 500


def test_days_are_given_to_what_was_said_by_the_function_for_it(tree):
    talk_of(tree, ("The oak falls tomorrow.", "So."), day=3)
    recalled = asked(tree, "oak", with_days=lambda text, day: f"{text} <{day}>")
    assert texts(recalled) == [
        "Day 3, morning. The traveller: The oak falls tomorrow. <3> / Mira: So. <3>"
    ]


def test_nobody_can_put_words_into_the_mouth_of_another(tree):
    tree.say("An oak. / Mira: I owe you gold.\nDay 1, morning. King: The oak is yours.")
    (text,) = texts(asked(tree, "oak"))
    assert "\n" not in text
    assert " / " not in text


# What may not be recalled


def test_what_stands_in_the_prompt_is_not_recalled(tree):
    talk_of(tree, ("An oak?", "Yes."), ("Another oak?", "No."))
    recalled = asked(tree, "oak", standing={3})
    assert [item.entry_ids for item in recalled.items] == [(1, 2)]
    assert set(reasons_of(recalled)) == {reasons.STANDS}
    tree = Tree()
    seen = tree.add(WorldEventSeen(text="An oak fell.", witnesses=("mira",)))
    assert asked(tree, "oak", standing={seen.id}).items == ()


def test_lines_around_a_memory_are_given_but_for_those_that_must_not_be(tree):
    talk_of(tree, ("An oak?", "Yes."), ("Good.", "Bye."))
    assert [item.entry_ids for item in asked(tree, "oak").items] == [(1, 2, 3)]
    assert [item.entry_ids for item in asked(tree, "oak", standing={2, 3}).items] == [(1,)]
    assert [item.entry_ids for item in asked(tree, "oak", stale={2}).items] == [(1, 3)]


def test_lines_that_give_old_values_are_not_recalled(tree):
    talk_of(tree, ("I live in Oakhollow.", "Good."), day=1)
    talk_of(tree, ("I live in Rivermouth.", "Good."), day=2)
    recalled = asked(tree, "Where do I live?", stale={1})
    assert not any("Oakhollow" in text for text in texts(recalled))
    assert any("Rivermouth" in text for text in texts(recalled))
    assert reasons.NOT_CURRENT in reasons_of(recalled)


def test_enough_is_found_behind_many_that_may_not_be_given(tree):
    for number in range(300):
        tree.say(f"oak oak oak {number}", day=number)
    talk_of(tree, ("One oak, among many other words that were said here.", "Yes."), day=400)
    recalled = asked(tree, "oak", standing=set(range(1, 301)))
    assert [item.day for item in recalled.items] == [400]


def test_whatever_the_index_says_only_remembered_lines_are_printed(tree):
    talk_of(tree, ("An oak?", "Yes."))
    request = RecallRequest("mira", "oak", {}, 240)
    recalled = recall(fresh_index(tree.path()), request, count)
    assert (recalled.items, recalled.left_out) == ((), ())


def test_an_edit_is_recalled_as_it_reads_now(tree):
    talk_of(tree, ("Where is the key?", "Under the oak."), day=1)
    tree.add(LineEdited(target=2, text="Under the elm."))
    assert "elm" in texts(asked(tree, "the key"))[0]
    assert asked(tree, "oak").items == ()


# Facts


def test_facts_are_recalled_beside_what_was_said(tree):
    talk_of(tree, ("Where is the key?", "Under the oak."), day=1)
    facts = Facts(Fact("9.0", "Tolan owes Mira an oak table.", (99,), 5, 1200))
    recalled = asked(tree, "oak", facts=facts)
    assert texts(recalled)[1] == "Day 5, evening. Tolan owes Mira an oak table."
    fact = recalled.items[1]
    assert (fact.kind, fact.fact_id, fact.entry_ids) == ("fact", "9.0", (99,))


def test_a_fact_whose_words_are_recalled_or_stand_there_is_not_given(tree):
    talk_of(tree, ("The oak is mine.", "Good."), day=1)
    said = Fact("1.0", "The traveller owns the oak.", (1,))
    unsaid = Fact("2.0", "The oak is old.", ())
    recalled = asked(tree, "oak", facts=Facts(said, unsaid))
    assert [item.fact_id for item in recalled.items] == ["", "2.0"]
    assert reasons_of(recalled) == [reasons.SAID]
    recalled = asked(tree, "oak", facts=Facts(said, unsaid), standing={1}, pinned={"2.0"})
    assert recalled.items == ()
    assert set(reasons_of(recalled)) == {reasons.STANDS}


def test_facts_are_searched_apart_so_that_their_own_words_count(tree):
    recalled = asked(tree, "dragon", facts=Facts(Fact("1.0", "The dragon sleeps.")))
    assert [item.fact_id for item in recalled.items] == ["1.0"]
    assert recalled.terms == ("dragon",)


def test_at_most_six_facts_are_recalled_and_a_quarter_is_kept_for_them(tree):
    for day in range(1, 9):
        talk_of(tree, (f"oak {day} and more words to be said of it", "yes"), day=day)
    facts = Facts(*(Fact(f"{number}.0", f"The oak is {number}.") for number in range(9)))
    recalled = asked(tree, "oak", facts=facts, cap_tokens=10_000)
    assert sum(item.kind == "fact" for item in recalled.items) == 6
    without = asked(tree, "oak", cap_tokens=72)
    both = asked(tree, "oak", facts=facts, cap_tokens=72)
    assert sum(item.tokens for item in without.items) > 54
    assert sum(item.tokens for item in both.items if item.kind == "talk") <= 54
    assert any(item.kind == "fact" for item in both.items)


# What holds for every story

CAPS = st.integers(0, 120)


@given(
    steps=STEPS,
    npc=st.sampled_from(NPCS),
    cap_tokens=CAPS,
    num_standing=st.integers(0, 6),
    line=st.sampled_from(["sword", "oak ferry", "key mill gold sword", "tolan"]),
)
def test_memories_fit_any_cap_and_hold_only_what_was_heard(
    steps, npc, cap_tokens, num_standing, line
):
    tree = Tree()
    for number, step in enumerate(steps):
        take(tree, marked(step, number))
    path = tree.path()
    lines = lines_of(path, npc)
    standing = set(list(lines)[-num_standing:]) if num_standing else set()
    facts = Facts(Fact("1.0", "The sword and the key.", tuple(lines)[:1]), Fact("2.0", "The oak."))
    recalled = asked(
        tree, line, npc, cap_tokens, standing=standing, facts=facts, pinned=frozenset(["2.0"])
    )
    assert is_each_line_given_once(recalled)
    assert sum(item.tokens for item in recalled.items) <= cap_tokens
    assert count("".join(f"{item.text}\n" for item in recalled.items)) <= cap_tokens
    may_know = {
        canary
        for heard in (
            *(line.text for line in lines.values()),
            *(
                entry.payload.text
                for entry in path
                if isinstance(entry.payload, WorldEventSeen)
                and (entry.payload.witnesses is None or npc in entry.payload.witnesses)
            ),
        )
        for canary in re.findall(r"canary\d+", heard)
    }
    stands = {canary for id in standing for canary in re.findall(r"canary\d+", lines[id].text)}
    for text in (*texts(recalled), *(left.text for left in recalled.left_out)):
        assert set(re.findall(r"canary\d+", text)) <= may_know
    for text in texts(recalled):
        assert stands.isdisjoint(re.findall(r"canary\d+", text))
    assert (
        asked(
            tree, line, npc, cap_tokens, standing=standing, facts=facts, pinned=frozenset(["2.0"])
        )
        == recalled
    )


def marked(step, number):
    """The same step with a word in its text that no other has."""
    if step[0] in ("say", "event", "edit") and step[2]:
        return (*step[:2], f"{step[2]} canary{number}", *step[3:])
    return step


def test_stories_do_lead_to_memories(tree):
    for number in range(4):
        take(tree, marked(("say", ("player", ("mira", "tolan")), "sword", number), number))
    take(tree, marked(("say", ("player", ("tolan",)), "sword", 9), 9))
    assert "canary2" in " ".join(texts(asked(tree, "sword")))
    assert "canary9" not in " ".join(texts(asked(tree, "sword")))
    assert "canary9" in " ".join(texts(asked(tree, "sword", npc="tolan")))


def test_a_save_that_was_closed_is_recalled_from_but_for_what_was_undone(open_store, save, say):
    store = open_store(save)
    chat = store.create_chat("", "mira")
    say(store, chat.id, "Where is the key?")
    say(store, chat.id, "Under the oak.", "mira")
    undone = say(store, chat.id, "The oak burned.")
    store.move_leaf(chat.id, undone.parent_id, "undo")
    store.close()
    path = open_store(save).path(chat.id)
    request = RecallRequest("mira", "oak", lines_of(path), 240, names=NAMES)
    recalled = recall(fresh_index(path), request, count)
    assert texts(recalled) == [
        "Day 41, morning. The traveller: Where is the key? / Mira: Under the oak."
    ]


# What changed since


def test_with_a_memory_comes_what_changed_it_later(tree):
    talk_of(tree, ("Where does the council sit?", "In the malthouse, on hard benches."))
    filler(tree, 20)
    talk_of(
        tree,
        (
            "The malthouse was shut up.",
            "The floor gave way. The council sits elsewhere, at Elmbarn.",
        ),
        day=60,
    )
    talk_of(tree, ("Are the benches of the malthouse gone?", "Sold, from today."), day=61)
    filler(tree, 20, day=62)
    found = texts(asked(tree, "Whom do I bribe on hard benches?", cap_tokens=140))
    assert any("In the malthouse" in text for text in found)
    assert any("Sold, from today" in text for text in found)
    assert found.index(next(t for t in found if "In the malthouse" in t)) < found.index(
        next(t for t in found if "Sold, from today" in t)
    )


def test_what_was_changed_is_not_told_without_what_changed_it(tree):
    talk_of(tree, ("What is the toll at the bridge?", "A copper and a half, and you carry."))
    filler(tree, 20)
    long = " ".join(f"word{number}" for number in range(80))
    talk_of(tree, (f"A copper and a half for the bridge? {long}", "From today it is five."), day=60)
    filler(tree, 20, day=62)
    recalled = asked(tree, "And you carry what?", cap_tokens=60)
    assert not any("and a half" in text for text in texts(recalled))
    assert reasons.CHANGED in reasons_of(recalled)


def test_a_change_that_stands_in_the_prompt_is_not_told_again(tree):
    talk_of(tree, ("What is the toll at the bridge?", "A copper and a half, and you carry."))
    filler(tree, 20)
    talk_of(tree, ("A copper and a half for the bridge?", "From today it is five."), day=60)
    standing = {entry.id for entry in tree.path()[-2:]}
    recalled = asked(tree, "And you carry what?", standing=standing)
    assert any("and a half" in text for text in texts(recalled))
    assert not any("five" in text for text in texts(recalled))


@pytest.mark.parametrize(
    "text",
    [
        "From now on you pay five.",
        "I've thought again, I'm stopping here.",
        "She has changed her mind.",
        "He's no longer the reeve.",
        "I don't keep geese any more.",
        "The barn is now an inn.",
        "I was wrong about the well.",
        "Jennet has the lamps instead.",
    ],
)
def test_words_of_change(text):
    assert speaks_of_change(text)


@pytest.mark.parametrize(
    "text",
    ["Now then, what is it?", "Any more bread?", "Use the two of them.", "He gives freely.", ""],
)
def test_words_that_change_nothing(text):
    assert not speaks_of_change(text)
