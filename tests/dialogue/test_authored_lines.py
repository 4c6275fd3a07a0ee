"""The `lines:` of a sheet in a talk: said word for word, stored as authored, never a claim."""

import threading

import pytest

from npc_engine.events import AuthoredLineFound, LineEnded, ReplyStarted, TextDelta, TextReset
from npc_engine.memory.entries import LineSaid, payload_from_json
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.stage import ANN_YAML, write_project
from tests.stage_engine import Heard, open_engine

LINES = """\
lines:
  - when_asked: [what is the toll, how much to cross]
    say: "Two crowns, and the gate stays {{ state.gate }}."
    when: state.gate == "shut"
  - when_asked: [what is the toll]
    say: "No toll today."
    when: state.gate == "open"
  - {when_asked: [who built the mill], say: "I am called Grandmother Reed.", once: true}
  - {when_asked: [mind the dog], say: "He bites.", may_repeat: true}
  - {when_asked: [how deep is the well], say: "Nine fathoms.", use: stand_in}
"""
TOLL = "Two crowns, and the gate stays shut."


@pytest.fixture
def stage(tmp_path):
    engines = []

    def make(*replies, **options):
        if not (tmp_path / "characters").exists():
            write_project(tmp_path)
            sheet = tmp_path / "characters" / "ann.yaml"
            sheet.write_text(ANN_YAML + LINES, encoding="utf-8")
        engine = open_engine(tmp_path, ScriptedSession(list(replies) or ["Unasked."]), **options)
        engines.append(engine)
        return engine, engine.new_chat("ann"), Heard(engine)

    yield make
    for engine in engines:
        engine.close()


def stored(npc):
    payload = npc.talk.path()[-1].payload
    assert isinstance(payload, LineSaid)
    return payload


def test_a_line_is_said_word_for_word_without_the_model(stage):
    engine, ann, heard = stage("Fresher than you.")
    line = ann.ask("Tell me, WHAT IS the toll?")
    assert (line.text, line.reason, line.rung) == (TOLL, "done", "authored")
    assert engine.session.requests == []
    assert line.usage.reply_tokens == 0


def test_a_line_comes_as_any_reply_and_says_why(stage):
    engine, ann, heard = stage()
    line = ann.ask("What's the toll?")
    own = [event for event in heard.events if getattr(event, "line_id", None) == line.id]
    assert [type(event).__name__ for event in own] == [
        "LineRecorded",
        "ReplyStarted",
        "AuthoredLineFound",
        "TextDelta",
        "SentenceSpoken",
        "LineEnded",
    ]
    assert heard.of(ReplyStarted)[0].prompt_tokens == 0
    found = heard.of(AuthoredLineFound)[0]
    assert (found.phrase, found.by, found.score) == ("what is the toll", "words", 1.0)
    assert "".join(event.text for event in heard.of(TextDelta)) == TOLL
    assert line.detail == 'authored line for "what is the toll" (word for word)'


def test_the_record_names_the_line_and_its_phrase(stage):
    engine, ann, _ = stage()
    ann.ask("What's the toll?")
    said = stored(ann)
    assert said.authored
    assert said.called_for is not None
    assert said.called_for.phrase == "what is the toll"
    assert said.called_for.say == "Two crowns, and the gate stays {{ state.gate }}."
    assert (said.model, said.seed, said.token_ids) == ("", None, None)
    assert payload_from_json(said.model_dump_json()) == said


def test_a_line_of_an_older_save_was_called_for_by_nothing():
    old = '{"type": "line", "role": "npc", "speaker": "ann", "text": "Hm.", "authored": true}'
    assert payload_from_json(old).called_for is None


def test_conditions_choose_among_lines_with_the_same_phrase(stage):
    engine, ann, _ = stage()
    ann.world.set("gate", "open")
    assert ann.ask("What is the toll?").text == "No toll today."


def test_a_line_whose_condition_does_not_hold_leaves_the_reply_to_the_model(stage):
    engine, ann, _ = stage("It depends.")
    ann.world.set("gate", "open")
    line = ann.ask("How much to cross?")
    assert (line.text, line.rung) == ("It depends.", "full")


def test_other_words_go_to_the_model(stage):
    engine, ann, heard = stage("Fresher than you.")
    assert ann.ask("Who settled the toll for the mill?").text == "Fresher than you."
    assert heard.of(AuthoredLineFound) == []


def test_the_same_line_is_not_said_twice_in_a_row(stage):
    engine, ann, _ = stage("As I said, two.")
    said = [ann.ask("What is the toll?").text for _ in range(3)]
    assert said == [TOLL, "As I said, two.", TOLL]


def test_a_line_that_may_repeat_is_said_again_at_once(stage):
    engine, ann, _ = stage()
    assert [ann.ask("Mind the dog!").text for _ in range(2)] == ["He bites.", "He bites."]


def test_a_line_for_once_is_said_once_in_all_chats_of_a_save(stage):
    engine, ann, _ = stage("I told you.", "Somebody.", "My kin.")
    words = "I am called Grandmother Reed."
    assert ann.ask("Who built the mill?").text == words
    ann.ask("Mind the dog.")
    assert ann.ask("Who built the mill?").text == "I told you."
    other = engine.new_chat("ann")
    assert other.ask("Who built the mill?").text == "Somebody."


def test_a_line_that_was_taken_back_was_not_said(stage):
    engine, ann, _ = stage()
    ann.ask("Who built the mill?")
    ann.undo()
    assert ann.ask("Who built the mill?").rung == "authored"


def test_another_try_is_the_models_own_reply_and_the_line_stays_beside_it(stage):
    engine, ann, _ = stage("Two crowns, friend.")
    ann.ask("What is the toll?")
    line = ann.wait(ann.regenerate())
    assert (line.text, line.rung) == ("Two crowns, friend.", "full")
    assert (ann.history()[-1].version, ann.history()[-1].versions) == (2, 2)
    ann.swipe_to(0)
    assert ann.history()[-1].text == TOLL


def test_a_line_is_no_claim_that_is_remembered(stage):
    engine, ann, _ = stage()
    assert ann.ask("Who built the mill?").text.startswith("I am called")
    assert ann.talk.learned() == ()


def test_the_model_reads_what_was_said(stage):
    engine, ann, _ = stage("Then pay.")
    ann.ask("What is the toll?")
    ann.ask("That is a lot.")
    assert TOLL in "".join(message.text for message in engine.session.requests[-1].messages)


def test_a_stand_in_is_said_only_where_the_model_gave_nothing(stage):
    engine, ann, heard = stage("Deep enough.", "", "")
    assert ann.ask("How deep is the well?").text == "Deep enough."
    line = ann.ask("How deep is the well?")
    assert (line.text, line.reason, line.rung) == ("Nine fathoms.", "bad_output", "authored")
    assert [event.phrase for event in heard.of(AuthoredLineFound)] == ["how deep is the well"]
    assert "gave nothing usable" in line.detail
    assert stored(ann).authored


def test_a_stand_in_replaces_what_broke_character(stage):
    broken = "As an AI language model, I cannot help."
    engine, ann, heard = stage(broken, broken)
    line = ann.ask("How deep is the well?")
    assert (line.text, line.rung) == ("Nine fathoms.", "authored")
    assert line.text == heard.of(LineEnded)[-1].text


def test_a_stand_in_is_said_when_the_model_fails(stage):
    engine, ann, _ = stage(Reply("", fault="raise"))
    line = ann.ask("How deep is the well?")
    assert (line.text, line.reason, line.rung) == ("Nine fathoms.", "failed", "authored")


def test_without_a_line_that_fits_a_bark_is_said(stage):
    engine, ann, heard = stage("", "")
    assert ann.ask("How are you?").rung == "bark"
    assert heard.of(TextReset)


def test_a_line_is_said_while_the_model_still_loads(stage, tmp_path):
    engine, _, _ = stage()
    engine.close()
    ready = threading.Event()

    def load(progress):
        ready.wait(60)
        return ScriptedSession(["Later."])

    slow = open_engine(tmp_path, load)
    try:
        line = slow.new_chat("ann").ask("What is the toll?", deadline_s=30)
        assert (line.text, line.rung) == (TOLL, "authored")
    finally:
        ready.set()
        slow.close()


def test_a_text_that_cannot_be_filled_leaves_the_reply_to_the_model(stage, tmp_path):
    write_project(tmp_path)
    text = 'lines:\n  - {when_asked: [the odds], say: "{{ 1 // (state.crowns - 5) }} to one."}\n'
    (tmp_path / "characters" / "ann.yaml").write_text(ANN_YAML + text, encoding="utf-8")
    engine, ann, _ = stage("Even.")
    assert ann.ask("What are the odds?").text == "Even."


def test_the_shown_plan_says_when_it_is_not_used(stage):
    engine, ann, _ = stage()
    shown = ann.command("/prompt What is the toll?").text
    assert f'authored line for "what is the toll" (word for word): "{TOLL}"' in shown
    assert "No model is asked" not in ann.command("/prompt How are you?").text


def test_a_whisper_is_answered_to_the_player_alone_and_bystanders_hear_the_rest(stage):
    engine, ann, _ = stage()
    ann.ask("What is the toll?", hearers=("bo",))
    assert stored(ann).hearers == ("player", "bo")
    ann.ask("Mind the dog.", whisper=True)
    assert (stored(ann).hearers, stored(ann).whispered) == (("player",), True)
