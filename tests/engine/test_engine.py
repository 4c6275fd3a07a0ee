"""The facade: say, tick, wait, await, cancel, deadlines, world, saves."""

import asyncio
import threading
import time

import pytest

from npc_engine.engine import Engine
from npc_engine.errors import CommandError, LoadError, SaveLockedError, StoreError
from npc_engine.events import FoldEnded, LineEnded, ModelReady, Notice, TextDelta, WorldChanged
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.engine.crowd import MANY_WORDS, SLOW, wait_until
from tests.stage_engine import Heard, open_engine


@pytest.fixture
def stage(tmp_path):
    engines = []

    def make(session, **options):
        engine = open_engine(tmp_path, session, **options)
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.close()


def tick_until(engine, done, limit_s=20.0):
    end = time.monotonic() + limit_s
    while not done():
        engine.tick(budget_ms=2)
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.001)


def test_say_returns_before_anything_was_written_and_tick_delivers(stage):
    engine = stage(ScriptedSession([Reply("Fresher than you.", delay_s=0.01)]))
    line = engine.npc("ann").say("Is it fresh?")
    assert (line.text, line.done, line.said) == ("", False, "Is it fresh?")
    tick_until(engine, lambda: line.done)
    assert (line.text, line.reason, line.rung) == ("Fresher than you.", "done", "full")
    assert line.recorded


def test_nothing_is_delivered_between_ticks(stage):
    engine = stage(ScriptedSession(["Fresher than you."]))
    line = engine.npc("ann").say("Is it fresh?")
    tick_until(engine, lambda: line.recorded)
    seen = (line.text, line.done)
    wait_until(lambda: not engine.npc("ann").is_speaking)
    assert (line.text, line.done) == seen


def test_events_are_delivered_on_the_thread_that_ticks(stage):
    engine = stage(ScriptedSession(["Fresher than you."]))
    threads = set()
    engine.subscribe(lambda event: threads.add(threading.get_ident()))
    line = engine.npc("ann").say("Is it fresh?")
    tick_until(engine, lambda: line.done)
    assert threads == {threading.get_ident()}


def test_a_tick_with_no_time_still_delivers_one_event(stage):
    engine = stage(ScriptedSession(["Fresher than you."]))
    engine.npc("ann").say("Is it fresh?")
    wait_until(lambda: engine.stats().waiting_events > 1)
    assert engine.tick(budget_ms=0) == 1


def test_waiting_text_is_joined_while_nobody_ticks(stage):
    engine = stage(ScriptedSession([MANY_WORDS]))
    heard = Heard(engine)
    line = engine.npc("bo").say("Talk.")
    wait_until(lambda: not engine.npc("bo").is_speaking)
    tick_until(engine, lambda: line.done)
    assert len(heard.of(TextDelta)) <= 2


def test_a_blocking_and_an_awaited_reply_are_the_same_turn(stage):
    engine = stage(ScriptedSession(["One.", "Two.", "Three."]))
    ann = engine.npc("ann")
    assert ann.ask("A?").text == "One."
    assert asyncio.run(ann.reply("B?")).text == "Two."

    async def read():
        return [event async for event in ann.stream("C?")]

    events = asyncio.run(read())
    assert isinstance(events[-1], LineEnded)
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "Three."


def test_leaving_a_stream_early_cancels_the_line(stage):
    engine = stage(ScriptedSession([SLOW, "Next."]))
    ann = engine.npc("bo")

    async def leave():
        stream = ann.stream("Talk.")
        async for event in stream:
            if isinstance(event, TextDelta):
                break
        await stream.aclose()

    asyncio.run(leave())
    assert ann.ask("And?").text == "Next."


def test_cancel_ends_the_line_and_keeps_what_was_heard(stage):
    engine = stage(ScriptedSession([SLOW, "Next."]))
    bo = engine.npc("bo")
    line = bo.say("Talk.")
    tick_until(engine, lambda: len(line.text) > 20)
    line.cancel()
    tick_until(engine, lambda: line.done)
    assert (line.reason, line.rung) == ("cancelled", "short")
    assert line.text.startswith("baba bace")
    assert len(line.text) < 2000
    assert bo.history()[-1].text == line.text
    assert line.text in bo.plan("And?").text


def test_a_new_line_interrupts_the_one_under_way(stage):
    engine = stage(ScriptedSession([SLOW, "Next."]))
    bo = engine.npc("bo")
    first = bo.say("Talk.")
    tick_until(engine, lambda: bool(first.text))
    second = bo.say("Stop!")
    tick_until(engine, lambda: first.done and second.done)
    assert (first.reason, second.text) == ("cancelled", "Next.")


def test_a_deadline_before_the_first_word_gives_a_bark(stage):
    engine = stage(ScriptedSession([Reply("", fault="hang"), "Next."]))
    line = engine.npc("ann").ask("Hello.", deadline_s=0.2)
    assert (line.text, line.reason, line.rung) == ("Hm.", "late_first", "bark")
    assert engine.npc("ann").ask("And?").text == "Next."


def test_a_deadline_in_the_middle_cuts_at_a_sentence(stage):
    reply = Reply("Sentence one. Sentence two goes on", fault="hang")
    engine = stage(ScriptedSession([reply]))
    line = engine.npc("ann").ask("Hello.", deadline_s=0.5)
    assert (line.text, line.reason, line.rung) == ("Sentence one.", "late_total", "short")


def test_a_model_that_is_still_loading_lets_lines_wait(stage):
    gate = threading.Event()

    def load(on_progress):
        on_progress("reading weights", 0.5)
        gate.wait(10)
        return ScriptedSession(["At last."])

    engine = Engine(*parts(stage), load)
    try:
        heard = Heard(engine)
        late = engine.npc("ann").ask("Hello?", deadline_s=0.2)
        assert (late.reason, late.rung, late.text) == ("loading", "bark", "Hm.")
        line = engine.npc("ann").say("Hello again.")
        gate.set()
        tick_until(engine, lambda: line.done)
        assert line.text == "At last."
        assert len(heard.of(ModelReady)) == 1
        assert [item.text for item in engine.npc("ann").history()][0] == "Hello?"
    finally:
        engine.close()


def parts(stage):
    """Library, world id and a store of a project on disk, for engines put together by hand."""
    engine = stage(ScriptedSession(["So."]))
    from npc_engine.engine.clock import SystemClock
    from npc_engine.memory.store import SaveStore

    return engine._library, "ford", SaveStore.open(None, SystemClock())


def test_a_model_that_cannot_be_loaded_is_said_and_lines_end(stage):
    def load(on_progress):
        raise LoadError("no weights; run: npc models get smollm2")

    engine = Engine(*parts(stage), load)
    try:
        heard = Heard(engine)
        line = engine.npc("ann").ask("Hello?")
        assert (line.rung, line.reason) == ("bark", "failed")
        assert "npc models get" in line.detail
        assert "npc models get" in heard.of(Notice)[0].text
        with pytest.raises(LoadError):
            engine.wait_ready()
    finally:
        engine.close()


def test_world_values_change_conditions_and_stand_in_the_tail(stage):
    engine = stage(ScriptedSession(["So."] * 5))
    ann = engine.npc("ann")
    heard = Heard(engine)
    assert "until the toll is settled" in ann.plan("The gate?").text
    engine.world.set("gate", "open")
    assert engine.world.state.values["gate"] == "open"
    engine.world.set("gate", "open")
    ann.ask("The gate?")
    plan = ann.plan("The gate?")
    assert "until the toll is settled" not in plan.text
    assert "The gate is open." in plan.text
    assert [event.name for event in heard.of(WorldChanged)] == ["gate"]
    with pytest.raises(CommandError, match="open, shut"):
        engine.world.set("gate", "ajar")
    with pytest.raises(CommandError, match="gate"):
        engine.world.set("gaet", "open")


def test_trust_set_by_the_game_reveals_the_secret(stage):
    engine = stage(ScriptedSession(["So."]))
    ann = engine.npc("ann")
    assert "forty crowns" not in ann.plan("Debts?").text
    engine.world.set("relationships.ann.player.trust", 3)
    tick_until(engine, lambda: "forty crowns" in ann.plan("Debts?").text)


def test_an_event_reaches_its_witnesses_only(stage):
    engine = stage(ScriptedSession(["So."]))
    engine.world.event("The mill wheel broke.", witnesses=("ann",))
    tick_until(engine, lambda: "mill wheel broke" in engine.npc("ann").plan("What?").text)
    assert "mill wheel broke" not in engine.npc("bo").plan("What?").text


def test_npcs_of_one_game_share_the_world_but_not_what_was_said(stage):
    engine = stage(ScriptedSession(["I heard.", "What?"]))
    engine.npc("ann").ask("The password is heron.")
    assert "heron" in engine.npc("ann").plan("So?").text
    assert "heron" not in engine.npc("bo").plan("So?").text
    assert engine.npc("bo").history() != ()


def test_a_save_resumes_where_it_was_left(tmp_path):
    with open_engine(tmp_path, ScriptedSession(["One."]), save=True) as engine:
        chat = engine.new_chat("ann")
        chat.ask("Remember me?")
        chat.save_typed("half a li")
        plan = chat.plan("And now?")
    with open_engine(tmp_path, ScriptedSession(["Two."]), save=True) as engine:
        chat = engine.resume_chat("ann")
        assert [line.text for line in chat.history()] == ["Remember me?", "One."]
        assert chat.typed() == "half a li"
        assert chat.plan("And now?").prompt_ids == plan.prompt_ids


def test_a_second_process_on_one_save_is_refused(tmp_path):
    with open_engine(tmp_path, save=True), pytest.raises(SaveLockedError, match="slot"):
        open_engine(tmp_path, save=True)


def test_a_snapshot_brings_back_lines_and_world(stage):
    engine = stage(ScriptedSession(["One.", "Two."]))
    ann = engine.npc("ann")
    ann.ask("A?")
    engine.snapshot("before")
    ann.ask("B?")
    engine.world.set("crowns", 9)
    tick_until(engine, lambda: ann.talk.state().values["crowns"] == 9)
    engine.restore("before")
    assert [line.text for line in ann.history()] == ["A?", "One."]
    assert ann.state().values["crowns"] == 5
    with pytest.raises(StoreError, match="known: before"):
        engine.restore("befor")


def test_a_reply_that_was_under_way_at_a_restore_is_not_kept(stage):
    engine = stage(ScriptedSession(["One.", SLOW, "Three."]))
    bo = engine.npc("bo")
    bo.ask("A?")
    engine.snapshot("before")
    line = bo.say("B?")
    tick_until(engine, lambda: bool(line.text))
    engine.restore("before")
    tick_until(engine, lambda: line.done)
    assert [item.text for item in bo.history()] == ["A?", "One."]
    assert bo.ask("C?").text == "Three."


def test_unknown_names_are_errors_that_help(stage):
    engine = stage(ScriptedSession(["So."]))
    with pytest.raises(CommandError, match="there are: ann, bo"):
        engine.npc("nobody")


def test_the_path_cannot_change_under_a_reply(stage):
    engine = stage(ScriptedSession([SLOW]))
    bo = engine.npc("bo")
    line = bo.say("Talk.")
    tick_until(engine, lambda: bool(line.text))
    with pytest.raises(CommandError, match="stop the reply first"):
        bo.undo()
    line.cancel()
    tick_until(engine, lambda: line.done)
    assert bo.undo() == "Talk."


def test_closing_in_the_middle_of_a_reply_keeps_what_was_heard(tmp_path):
    session = ScriptedSession([SLOW])
    engine = open_engine(tmp_path, session, save=True)
    bo = engine.npc("bo")
    line = bo.say("Talk.")
    tick_until(engine, lambda: len(line.text) > 20)
    engine.close()
    engine.close()
    with open_engine(tmp_path, ScriptedSession(["So."]), save=True) as engine:
        last = engine.npc("bo").history()[-1]
        assert last.text.startswith("baba bace")
        assert last.reason == "cancelled"
    with pytest.raises(CommandError, match="closed"):
        bo.say("Still there?")


def test_a_long_talk_folds_after_replies_and_always_fits(stage):
    engine = stage(
        ScriptedSession(lambda request: "I said a long thing about the mill at Greyford.")
    )
    ann = engine.new_chat("ann")
    heard = Heard(engine)
    for number in range(40):
        ann.ask(
            f"I am called Tolan. Tale {number} of the road to Greyford and back " + "again " * 60
        )
        plan = ann.plan("So?")
        assert plan.total_tokens + plan.reply_tokens + plan.margin_tokens <= plan.window_tokens
    folds = heard.of(FoldEnded)
    assert len(folds) >= 3
    assert all(fold.tokens_after < fold.tokens_before for fold in folds)
    kinds = [type(event).__name__ for event in heard.events]
    assert all(kinds[i - 1] == "LineEnded" for i, kind in enumerate(kinds) if kind == "FoldEnded")
    assert "Tolan" in ann.plan("Who am I?").text


def test_equal_seeds_and_inputs_give_equal_plans(tmp_path):
    def talk(folder):
        with open_engine(folder, ScriptedSession(["One.", "Two."]), seed=7) as engine:
            ann = engine.new_chat("ann")
            ann.ask("A?")
            ann.ask("B?")
            return [(r.prompt_ids, r.seed) for r in engine.session.requests]

    assert talk(tmp_path / "a") == talk(tmp_path / "b")


def test_reload_takes_a_changed_sheet_into_the_running_talk(tmp_path):
    with open_engine(tmp_path, ScriptedSession(["One."])) as engine:
        ann = engine.new_chat("ann")
        ann.ask("A?")
        path = tmp_path / "characters" / "ann.yaml"
        path.write_text(
            path.read_text(encoding="utf-8").replace("counts everything twice", "counts nothing"),
            encoding="utf-8",
        )
        assert engine.reload() == ("ann",)
        assert "counts nothing" in ann.plan("B?").text
