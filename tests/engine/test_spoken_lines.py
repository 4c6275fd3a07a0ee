"""What a game gets to speak: sentences in order, how they sound, and a line that keeps in step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.content.emotions import EMOTIONS
from npc_engine.dialogue.speech_parts import spoken_parts
from npc_engine.dialogue.spoken_events import with_speech
from npc_engine.engine.line import Line
from npc_engine.events import LineEnded, SentenceSpoken, TextDelta, TextReset
from npc_engine.messages import Usage
from npc_engine.model.scripted import ScriptedSession
from tests.stage import ANN_YAML, write_project
from tests.stage_engine import Heard, open_engine


@pytest.fixture
def stage(tmp_path):
    engines = []

    def make(*replies, sheet=ANN_YAML, **options):
        write_project(tmp_path)
        (tmp_path / "characters" / "ann.yaml").write_text(sheet, encoding="utf-8")
        engine = open_engine(tmp_path, ScriptedSession(list(replies)), **options)
        engines.append(engine)
        return engine, engine.new_chat("ann"), Heard(engine)

    yield make
    for engine in engines:
        engine.close()


def ended(text):
    return LineEnded(1, "ann", text, "done", "full", None, Usage())


def told(events):
    """The sentences that count at the end."""
    sentences = []
    for event in events:
        if isinstance(event, TextReset):
            sentences = []
        elif isinstance(event, SentenceSpoken):
            assert event.index == len(sentences)
            sentences.append(event.text)
    return sentences


def test_sentences_come_as_soon_as_they_are_whole_and_before_the_end(stage):
    _, ann, heard = stage("*wipes hands* Fresher than you. Always. (sighs) Mostly")
    line = ann.ask("Is the flour fresh?")
    sentences = heard.of(SentenceSpoken)
    assert [(each.index, each.text) for each in sentences] == [
        (0, "Fresher than you."),
        (1, "Always."),
        (2, "Mostly"),
    ]
    kinds = [type(event) for event in heard.of(TextDelta | SentenceSpoken | LineEnded)]
    assert kinds[-2:] == [SentenceSpoken, LineEnded]
    assert kinds.index(SentenceSpoken) < len(kinds) - 1 - kinds[::-1].index(TextDelta)
    assert line.text == "*wipes hands* Fresher than you. Always. (sighs) Mostly"
    assert line.speech == "Fresher than you. Always. Mostly"
    assert line.stage == ("wipes hands", "sighs")
    assert line.emotion == "sad"
    assert ann.history()[-1].text == line.text


def test_after_a_reset_the_sentences_begin_anew(stage):
    _, ann, heard = stage("Assistant: no. I cannot help with that, as an AI.", "Now then. Ask.")
    line = ann.ask("Hello.")
    assert told([*heard.of(SentenceSpoken | TextReset)]) == ["Now then.", "Ask."]
    assert line.speech == "Now then. Ask."


def test_a_tag_of_the_author_is_shown_and_never_said(stage):
    sheet = ANN_YAML.replace("[Mind the step., You again.]", '["[amused] Mind the step.", Bye.]')
    sheet = sheet.replace("fail: [Not now., Later., Ask again.]", 'fail: ["[angry] Not now.", No.]')
    sheet += 'lines:\n  - {when_asked: [what is the toll], say: "[wary] Why do you ask?"}\n'
    _, ann, heard = stage(*["..."] * 8, sheet=sheet)
    greeting = ann.wait(ann.greet())
    assert (greeting.text, greeting.emotion) == ("Mind the step.", "amused")
    line = ann.ask("What is the toll?")
    assert (line.text, line.emotion, line.rung) == ("Why do you ask?", "wary", "authored")
    barks = [ann.ask("Hello."), ann.ask("Hello?"), ann.ask("Hello!")]
    assert [(each.text, each.emotion) for each in barks] == [
        ("Not now.", "angry"),
        ("No.", "neutral"),
        ("Not now.", "angry"),
    ]
    assert not any("[" in line.text for line in ann.history())
    assert heard.of(SentenceSpoken)[0].emotion == "amused"


def test_where_nothing_else_tells_a_line_sounds_as_the_relationship_feels(stage):
    engine, ann, _ = stage("The mill is open.", "Damn the mill.")
    ann.world.set("relationships.ann.player.feels", "grudging love")
    assert ann.ask("Hello.").emotion == "tender"
    assert ann.ask("Hello?").emotion == "angry"


def test_a_sheet_may_limit_the_emotions(stage):
    limited = ANN_YAML.replace("max_sentences: 3}", "max_sentences: 3, emotions: [happy, sad]}")
    _, ann, _ = stage("Ha! Ha!", "Damn you all.", sheet=limited)
    assert ann.ask("Hello.").emotion == "happy"
    assert ann.ask("Hello?").emotion == "neutral"


TEXTS = st.lists(
    st.sampled_from(
        [
            "Damn. ",
            "*nods* ",
            "Ha! ",
            "(sighs)",
            '"',
            "You ",
            "Mr. Reed ",
            "go.",
            "\n",
            "[sad] ",
            "你好。",
        ]
    ),
    max_size=10,
)


@given(st.lists(TEXTS, min_size=1, max_size=3), st.booleans(), st.sampled_from(EMOTIONS))
def test_the_sentences_joined_are_the_speech_whatever_was_taken_back(tries, is_cut, mood):
    events = []
    for pieces in tries:
        events += [TextReset(1)] if events else []
        events += [TextDelta(1, piece) for piece in pieces]
    final = "".join(tries[-1])
    final = final[: len(final) // 2] if is_cut else final
    heard = list(with_speech([*events, ended(final)], mood=lambda: mood))
    line = Line(1, "ann", "Hello.", None)
    for event in heard:
        line.deliver(event)
        assert line.speech is not None
    assert " ".join(told(heard)) == line.speech == spoken_parts(final).speech
    assert line.stage == spoken_parts(final).stage
    parts = spoken_parts(final, mood=mood)
    if parts.speech or parts.stage:
        assert line.emotion == parts.emotion
