"""Barks that a game asks for by kind: said at once, without the model, each once in a round."""

import pytest

from npc_engine.engine import Engine
from npc_engine.engine.barking import BarkRounds
from npc_engine.errors import CommandError
from npc_engine.events import EmotionShown, LineEnded, SentenceSpoken
from npc_engine.model.scripted import ScriptedSession
from tests.engine.crowd import HeldSession, finish
from tests.stage import write_project
from tests.stage_engine import Heard

BO_BARKS = """\
barks:
  idle: ["The water rises.", "Ropes, ropes, ropes.", "Another day dry."]
  hurt: ["[angry] Mind your boots!"]
"""
IDLE = {"The water rises.", "Ropes, ropes, ropes.", "Another day dry."}


@pytest.fixture
def stage(tmp_path):
    made = []

    def make(session=None, save=None, **options):
        if not (tmp_path / "worlds").exists():
            write_project(tmp_path)
            bo = tmp_path / "characters" / "bo.yaml"
            bo.write_text(bo.read_text(encoding="utf-8") + BO_BARKS, encoding="utf-8")
        world, sheets = tmp_path / "worlds" / "ford.yaml", tmp_path / "characters"
        session = session or ScriptedSession(["So."])
        path = tmp_path / save if save else None
        made.append(Engine.open(world, sheets, path, session, prewarm=False, **options))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def barks(engine, number, kind="idle"):
    lines = [engine.npc("bo").bark(kind) for _ in range(number)]
    engine.tick(None)
    return [line.text for line in lines]


def test_a_bark_is_done_on_the_next_tick_and_asks_no_model(stage):
    engine = stage()
    heard = Heard(engine)
    line = engine.npc("bo").bark("idle")
    assert not line.done
    engine.tick(None)
    assert line.text in IDLE
    assert (line.done, line.reason, line.rung, line.entry_id) == (True, "done", "bark", None)
    assert [event.text for event in heard.of(SentenceSpoken)] == [line.text]
    assert engine.session.requests == []


def test_a_bark_neither_waits_for_a_reply_nor_interrupts_it(stage):
    session = HeldSession(["One two three."])
    engine = stage(session)
    bo = engine.npc("bo")
    reply = bo.say("A?")
    session.wait_for(1)
    bark = bo.bark("idle")
    engine.tick(None)
    assert bark.done
    session.let_go.set()
    finish(engine, [reply])
    assert (reply.text, reply.reason) == ("One two three.", "done")


def test_no_bark_of_a_kind_comes_again_before_all_were_said_nor_twice_in_a_row(stage):
    said = barks(stage(), 30)
    for start in range(0, 30, 3):
        assert set(said[start : start + 3]) == IDLE
    assert all(one != other for one, other in zip(said, said[1:], strict=False))


@pytest.mark.parametrize("number", [1, 2, 3, 7])
def test_rounds_follow_each_other_without_the_same_bark_twice(number):
    options = [f"Bark {index}." for index in range(number)]
    rounds = BarkRounds("7:bo:idle")
    said = [rounds.next(options) for _ in range(40 * number)]
    for start in range(0, len(said), number):
        assert sorted(said[start : start + number]) == options
    if number > 1:
        assert all(one != other for one, other in zip(said, said[1:], strict=False))


def test_the_order_depends_on_the_seed_alone(stage):
    assert barks(stage(seed=1), 9) == barks(stage(seed=1), 9)
    assert len({tuple(barks(stage(seed=seed), 9)) for seed in range(8)}) > 1


def test_a_bark_is_remembered_only_where_that_is_asked_for(stage):
    engine = stage(save="slot.db")
    engine.world.arrive("ann", "mill")
    engine.world.arrive("bo", "mill")
    bo, ann = engine.npc("bo"), engine.npc("ann")
    forgotten = bo.bark("hurt")
    kept = bo.bark("idle", record=True)
    engine.tick(None)
    bo.ask("Hello.")
    assert [line.text for line in bo.history()] == [kept.text, "Hello.", "So."]
    assert kept.text in [line.text for line in ann.memory().lines]
    assert forgotten.text not in [line.text for line in ann.memory().lines]
    engine.close()
    assert stage(save="slot.db").npc("bo").history()[0].text == kept.text


def test_the_tag_of_a_bark_is_shown_and_neither_said_nor_stored(stage):
    engine = stage()
    heard = Heard(engine)
    line = engine.npc("bo").bark("hurt", record=True)
    engine.tick(None)
    assert (line.text, line.emotion) == ("Mind your boots!", "angry")
    assert [event.emotion for event in heard.of(EmotionShown)] == ["angry"]
    engine.npc("bo").ask("Sorry.")
    assert engine.npc("bo").history()[0].text == "Mind your boots!"


def test_an_unknown_kind_is_refused_and_a_kind_of_others_meets_silence(stage):
    engine = stage()
    with pytest.raises(CommandError, match='found the kind "idel".*did you mean "idle"'):
        engine.npc("bo").bark("idel")
    line = engine.npc("ann").bark("idle")
    engine.tick(None)
    assert (line.text, line.reason, line.rung) == ("", "done", "silence")


def test_nobody_barks_out_of_earshot(stage):
    engine = stage()
    engine.set_focus({"ann": 1.0})
    line = engine.npc("bo").bark("idle", record=True)
    engine.tick(None)
    assert (line.text, line.reason) == ("", "too_far")
    assert engine.npc("bo").history() == ()


def test_barks_that_nobody_takes_stay_bounded(stage):
    engine = stage(max_lines=2)
    with pytest.raises(CommandError, match="call engine.tick"):
        for _ in range(20):
            engine.npc("bo").bark("idle")
    heard = Heard(engine)
    engine.tick(None)
    assert len(heard.of(LineEnded)) == 8
