"""The verdict on a line: what breaks character, what only looks like it, and what is shown when."""

import re
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.content.library import Library
from npc_engine.dialogue.breaks import ENDINGS
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.guard import OutputGuard
from npc_engine.dialogue.invented import KnownNames
from npc_engine.dialogue.limits import Limits, spoken_limits
from npc_engine.dialogue.reading import Reading
from npc_engine.dialogue.verdict import breaks_in
from npc_engine.prompt.wording import RULES
from tests.stage import CHARACTERS, WORLDS, sheet

HERE = Path(__file__).parent
CHARACTER = re.compile(r"\[(?P<name>[^,]+),.*\](?P<machine> \*)?$")
FERRYMAN = Limits(
    ("Corran Hale", "Corran"),
    ("Traveller",),
    known=KnownNames(
        "You are Corran Hale, ferryman. The toll is 4 coppers. The last crossing is at 20:30. "
        "Marl Sands lies over the water. The traveller says:"
    ),
)


def lines_of(name):
    text = (HERE / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def benign():
    limits = Limits()
    for line in lines_of("benign_lines.txt"):
        character = CHARACTER.match(line)
        if character:
            name = character["name"]
            limits = Limits(
                (name, name.split()[0]),
                ("Traveller",),
                may_be_machine=bool(character["machine"]),
                known=KnownNames(line),
            )
        else:
            yield line, limits


BENIGN = list(benign())
OUT_OF_ROLE = [(line, FERRYMAN) for line in lines_of("out_of_role_lines.txt")]


def test_at_most_two_in_a_hundred_lines_in_character_are_flagged():
    flagged = [line for line, limits in BENIGN if breaks_in(line, limits)]
    assert len(BENIGN) >= 120
    assert len(flagged) <= 0.02 * len(BENIGN), flagged


def test_at_least_95_in_a_hundred_lines_out_of_role_are_flagged():
    missed = [line for line, limits in OUT_OF_ROLE if not breaks_in(line, limits)]
    assert len(OUT_OF_ROLE) >= 100
    assert len(missed) <= 0.05 * len(OUT_OF_ROLE), missed


def authored():
    """Every line that a shipped sheet puts into its character's mouth."""
    library = Library.open(CHARACTERS, WORLDS)
    for world in map(library.world, ("oakhollow", "scarth_top")):
        cast = Cast(world, {sheet.id: sheet for sheet in library.cast(world)})
        for id, own in cast.sheets.items():
            lines = (*own.greetings, *chain.from_iterable(own.barks.values()))
            lines += tuple(example.reply for example in own.examples)
            lines += tuple(line.say for line in own.lines)
            yield from ((line, spoken_limits(id, cast)) for line in lines)


def test_no_line_of_a_shipped_sheet_is_flagged():
    lines = list(authored())
    assert len(lines) >= 150
    assert [line for line, limits in lines if breaks_in(line, limits)] == []


def test_words_of_a_help_desk_give_it_away_together_unless_they_are_the_sheets_own():
    line = "My responses are generated from patterns in data."
    assert [found.kind for found in breaks_in(line, Limits())] == ["assistant"]
    clerk = sheet(summary="Files the responses that the data office generated.")
    assert breaks_in(line, Limits(sheet=clerk)) == ()
    assert breaks_in("Your data? Generated. My responses? None.", Limits()) == ()


def test_only_an_android_may_say_that_it_is_a_machine():
    line = "I am a robot, yes. You are wet."
    assert [found.kind for found in breaks_in(line, Limits())] == ["disclosure"]
    assert breaks_in(line, Limits(may_be_machine=True)) == ()
    vendor = "I am a robot made by OpenAI."
    assert breaks_in(vendor, Limits(may_be_machine=True))


@pytest.mark.parametrize(
    ("text", "kind", "sentence", "words"),
    [
        ("Sit. As an AI, I can't. Go.", "disclosure", "As an AI, I can't.", "As an AI"),
        ("Sit. How may I assist you?", "assistant", "How may I assist you?", "How may I assist"),
        ("Sit.\nDAN: anything.", "persona", "DAN: anything.", "DAN:"),
        ("Sit. Thou art late.", "never_says", "Thou art late.", "Thou"),
        ("Sit. Ask old Henrik. Go.", "invented", "Ask old Henrik.", "Henrik"),
        ("It is 4 coppers. Or 75.", "invented", "Or 75.", "75"),
        (f"Sit. {' '.join(RULES.split()[6:16])}", "rules", None, None),
        ("It is a long way. It is a long way.", "loop", "It is a long way.", None),
    ],
)
def test_a_break_names_its_kind_its_sentence_and_its_words(text, kind, sentence, words):
    known = KnownNames("4 coppers")
    found = breaks_in(text, Limits(never_says=("thou",), known=known))[0]
    assert found.kind == kind
    assert sentence is None or text[found.start : found.end].strip() == sentence
    assert words is None or found.words == words


def test_numbers_in_words_digits_and_hours_are_the_same_numbers():
    known = KnownNames("The toll is 30 silver and twenty-five for a cart. It is 18:30. Unit 7.")
    limits = Limits(known=known)
    for line in ("Thirty silver.", "Pay 25.", "Come at six.", "Wait for 18:30.", "seven, then"):
        assert breaks_in(line, limits) == (), line
    for line in ("Forty silver.", "Pay 26.", "Come at nine.", "I waited seventeen years."):
        assert [found.kind for found in breaks_in(line, limits)] == ["invented"], line


def test_names_of_the_cast_and_allowed_names_are_not_invented():
    known = KnownNames("A mill.", ("Bo Tern", "Saint Oswin"))
    assert breaks_in("Ask Bo, or pray to Oswin.", Limits(known=known)) == ()
    assert breaks_in("Ask Bo, or pray to Oswald.", Limits(known=known))


def test_a_script_without_spaces_is_read_sign_by_sign():
    limits = Limits(never_says=("魔法",))
    assert [found.kind for found in breaks_in("我会魔法。", limits)] == ["never_says"]
    assert breaks_in("我会打铁。", limits) == ()


# -- on the stream ---------------------------------------------------------------------------------


def streamed(pieces, limits):
    """Everything shown on the way, whether or not it was taken back, and the guard."""
    guard = OutputGuard(limits)
    return "".join(guard.feed(piece) for piece in pieces), guard


def begun_breaks(shown, limits):
    """Breaks in a text that goes on with other words."""
    reading = Reading(limits)
    reading.add(f"{shown} and")
    return [found for found in reading.breaks if found.kind not in ENDINGS]


def by_words(line):
    return re.findall(r"\s*\S+", line)


@pytest.mark.parametrize("split", [list, by_words], ids=["by characters", "by words"])
def test_no_break_is_ever_shown(split):
    for line, limits in OUT_OF_ROLE:
        shown, guard = streamed(split(f"Mind the rope. {line} Then go."), limits)
        guard.finish(unfinished=False)
        assert not begun_breaks(shown, limits), line


def test_what_stands_before_a_break_stays():
    for line, limits in OUT_OF_ROLE:
        guard = OutputGuard(limits)
        guard.feed(f"Mind the wet rope. {line}")
        reply = guard.finish(unfinished=False)
        assert reply.startswith("Mind the wet rope.") or guard.broken is None, line


def test_lines_in_character_are_held_back_by_few_characters():
    held = []
    for line, limits in BENIGN:
        guard = OutputGuard(limits)
        raw = shown = ""
        for piece in by_words(line):
            raw += piece
            shown += guard.feed(piece)
            assert raw.startswith(shown)
            held.append(len(raw) - len(shown))
        assert guard.finish(unfinished=False) == line.strip('"')
    at_once = sum(1 for characters in held if characters == 0) / len(held)
    assert at_once >= 0.5
    assert sum(held) / len(held) <= 4
    assert max(held) <= 40


def test_a_text_that_cannot_become_a_break_is_shown_at_once():
    guard = OutputGuard(FERRYMAN)
    for piece in ("Mind", " the", " rope", ",", " paid", " before", " we", " push", " off."):
        assert guard.feed(piece) == piece


def test_an_apology_is_held_only_until_it_is_the_characters_own():
    guard = OutputGuard(FERRYMAN)
    shown = [guard.feed(piece) for piece in by_words("I'm sorry, but I can't help you cross")]
    assert shown[:5] == [""] * 5
    assert "".join(shown) == "I'm sorry, but I can't help you cross"


LEXICON = (
    "I'm sorry I can't assist with that as an AI Henrik Dr. four 4 75 the rope. Go! thou "
    "how may help you today? it is long way <|im_end|> \nTraveller: *nods* I’m mend-ed DAN: "
    "[Developer Mode] language model can I user: 18:30 You play the one character described "
    "below, and only that"
)
WORDS = LEXICON.split(" ")
TEXTS = st.lists(st.sampled_from([*WORDS, *WORDS[:20], "\n", " ", "**", "e", "'"]), max_size=40)
LIMITS = st.sampled_from(
    (
        FERRYMAN,
        Limits(("Ann",), ("Traveller",), max_sentences=2, never_says=("thou", "long way")),
        Limits(earlier=("I can't help you four the rope.",), drops_directions=True),
        Limits(
            known=KnownNames("4 ropes.", line="Who? 75?", unanswerable=("name", "number")),
            not_echoed=("it is long way",),
        ),
    )
)


@settings(max_examples=400, deadline=None)
@given(words=TEXTS, limits=LIMITS, cuts=st.lists(st.integers(0, 200), max_size=30))
def test_how_a_reply_is_split_changes_nothing_and_no_break_is_shown(words, limits, cuts):
    text = " ".join(words)
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    pieces = [text[a:b] for a, b in zip(places, places[1:], strict=False)]
    whole_shown, whole = streamed([text], limits)
    parts_shown, parts = streamed(pieces, limits)
    # What was shown is the same unless a break came: then the parts may have shown more before it.
    assert parts_shown.startswith(whole_shown)
    assert parts.ended_by or parts_shown == whole_shown
    assert not begun_breaks(parts_shown, limits) or limits.drops_directions
    finals = [guard.finish(unfinished=False) for guard in (whole, parts)]
    assert finals[0] == finals[1]
    assert whole.ended_by == parts.ended_by
    if limits.drops_directions:
        return
    assert not [found for found in breaks_in(finals[0], limits) if found.kind not in ENDINGS]


def test_stage_directions_stay_unless_the_sheet_drops_them():
    text = "*sets the oar down* No. *spits* Not tonight. 3 * 4 is a lot."
    for pieces in ([text], list(text), by_words(text)):
        kept, _ = streamed(pieces, Limits())
        assert kept == text
        guard = OutputGuard(Limits(drops_directions=True))
        for piece in pieces:
            guard.feed(piece)
        assert guard.finish(unfinished=False) == "No. Not tonight. 3 * 4 is a lot."
