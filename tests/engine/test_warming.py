"""Reading ahead: what is warmed is what the next prompt begins with."""

import threading

import pytest

from npc_engine.engine import Engine
from npc_engine.engine.clock import SystemClock
from npc_engine.engine.warming import Warmer, WarmUp
from npc_engine.events import FoldEnded
from npc_engine.memory.store import SaveStore
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.engine.crowd import HeldSession, finish, open_crowd, wait_until
from tests.stage_engine import Heard

LIMIT_S = 20.0


@pytest.fixture(params=[True, False], ids=["contexts", "no contexts"])
def stage(tmp_path, request):
    engines = []

    def make(*replies, **options):
        session = ScriptedSession(
            list(replies), tokenizer=PlainTokenizer(takes_contexts=request.param)
        )
        engine = open_crowd(tmp_path, session, number=0, **options)
        engines.append(engine)
        return engine, session

    yield make
    for engine in engines:
        engine.close()


def warmed_for(session, conversation):
    return [ids for name, ids in session.warmed if name == conversation]


def last_for_the_player(session):
    """The newest request that is no fold's: one may follow the reply at once."""
    return [request for request in session.requests if request.priority != "background"][-1]


def wait_warm(session, npc):
    """Until the newest warm-up of the NPC is the one for the path as it is now, folds included."""

    def is_warm():
        return warmed_for(session, npc.talk.conversation)[-1:] == [
            npc.talk.stable_ids(session.tokenizer)
        ]

    wait_until(is_warm)


def assert_next_prompt_was_read_ahead(session, npc, words="What then?"):
    wait_warm(session, npc)
    warmed = warmed_for(session, npc.talk.conversation)[-1]
    line = npc.ask(words)
    prompt = last_for_the_player(session).prompt_ids
    assert 0 < len(warmed) < len(prompt)
    assert prompt[: len(warmed)] == warmed
    assert line.usage.reused_tokens >= len(warmed)


def test_the_beginning_of_the_first_prompt_is_read_when_the_player_comes_near(stage):
    engine, session = stage("One.")
    bo = engine.new_chat("bo")
    bo.approach()
    assert_next_prompt_was_read_ahead(session, bo)


def test_after_a_reply_all_but_the_next_line_is_read_ahead(stage):
    engine, session = stage("I said a word about the mill.")
    ann = engine.new_chat("ann")
    ann.ask("I am called Tolan.")
    for number in range(5):
        before = warmed_for(session, ann.talk.conversation)[-1:]
        assert_next_prompt_was_read_ahead(session, ann, f"The gate, for the {number}. time?")
        wait_warm(session, ann)
        assert len(warmed_for(session, ann.talk.conversation)[-1]) > len(
            before[0] if before else ()
        )


def test_reading_ahead_leaves_only_the_last_user_turn_to_read(stage):
    engine, session = stage("I said a word about the mill.")
    ann = engine.new_chat("ann")
    ann.ask("Hello.")
    wait_warm(session, ann)
    line = ann.ask("And now?")
    tail = session.tokenizer.count(last_for_the_player(session).messages[-1].text)
    assert line.usage.prefilled_tokens <= tail + 8


def test_after_a_greeting_and_after_a_reply_that_was_cut_it_is_read_ahead(stage):
    engine, session = stage(Reply("One is said. Two is not", fault="raise"), "So.")
    ann = engine.new_chat("ann")
    ann.wait(ann.greet())
    assert_next_prompt_was_read_ahead(session, ann)
    assert_next_prompt_was_read_ahead(session, ann)


def test_after_a_fold_the_new_beginning_is_read_ahead(stage):
    engine, session = stage("I said a long thing about the mill.")
    heard = Heard(engine)
    ann = engine.new_chat("ann")
    while not heard.of(FoldEnded):
        ann.ask("And then there was a long road, " + "again " * 60)
        wait_warm(session, ann)
        engine.tick(None)
    assert_next_prompt_was_read_ahead(session, ann)


@pytest.mark.parametrize("act", ["undo", "swipe", "edit", "branch", "command"])
def test_after_a_change_of_the_past_it_is_read_ahead_anew(stage, act):
    engine, session = stage("One.", "Two.", "Three.", "Four.")
    ann = engine.new_chat("ann")
    ann.ask("A?")
    ann.ask("B?")
    ann.wait(ann.regenerate())
    wait_warm(session, ann)
    before = len(session.warmed)
    if act == "undo":
        ann.undo()
    elif act == "swipe":
        ann.swipe_to(0)
    elif act == "edit":
        ann.edit(ann.history()[1].entry_id, "Another word.")
    elif act == "branch":
        ann.branch(ann.history()[1].entry_id)
    else:
        ann.command("/undo")
    wait_until(lambda: len(session.warmed) > before)
    assert_next_prompt_was_read_ahead(session, ann)


def test_the_world_is_read_once_and_every_prompt_begins_with_it(stage):
    engine, session = stage("One.")
    wait_until(lambda: session.warmed)
    name, ids = session.warmed[0]
    assert name == "world:ford"
    text = session.tokenizer.decode(ids)
    assert "A village at a river crossing." in text
    assert "The river is high this week." in text
    assert "Ann" not in text
    for npc in ("ann", "bo"):
        engine.npc(npc).ask("Hello.")
        assert session.requests[-1].prompt_ids[: len(ids)] == ids
    assert len(warmed_for(session, name)) == 1


def test_reading_ahead_waits_for_the_model(stage):
    engine, _ = stage("x")
    gate = threading.Event()
    session = ScriptedSession(["At last."])

    def load(on_progress):
        gate.wait(LIMIT_S)
        return session

    late = Engine(engine._library, "ford", SaveStore.open(None, SystemClock()), load)
    with late:
        ann = late.npc("ann")
        ann.wait(ann.greet())
        assert session.warmed == []
        gate.set()
        assert_next_prompt_was_read_ahead(session, ann)


def test_nothing_is_read_ahead_while_the_npc_speaks_or_if_it_is_switched_off(tmp_path):
    session = HeldSession(["One.", "Two."])
    with open_crowd(tmp_path, session, number=0) as engine:
        ann = engine.npc("ann")
        line = ann.say("Hello.")
        session.wait_for(1)
        ann.approach()
        bo = engine.npc("bo")
        bo.approach()
        wait_until(lambda: warmed_for(session, bo.talk.conversation))
        assert warmed_for(session, ann.talk.conversation) == []
        session.let_go.set()
        finish(engine, [line])
        wait_warm(session, ann)
    quiet = ScriptedSession(["One."])
    store = SaveStore.open(None, SystemClock())
    with Engine(engine._library, "ford", store, quiet, prewarm=False) as engine:
        engine.npc("ann").ask("Hello.")
    assert quiet.warmed == []


def always():
    return True


def test_a_warm_up_that_nobody_wants_any_more_is_dropped_even_late():
    session = ScriptedSession(["x"])
    warmer = Warmer(lambda: session)
    wanted = threading.Event()
    wanted.set()

    def ids(tokenizer):
        wanted.clear()
        return (1, 2)

    warmer.ask(WarmUp("late", ids, wanted.is_set))
    warmer.ask(WarmUp("never", lambda tokenizer: (3,), lambda: False))
    warmer.ask(WarmUp("empty", lambda tokenizer: (), always))
    warmer.ask(WarmUp("kept", lambda tokenizer: (4,), always))
    wait_until(lambda: session.warmed)
    assert session.warmed == [("kept", (4,))]
    assert warmer.close(LIMIT_S)


def test_of_several_warm_ups_of_a_conversation_only_the_latest_is_done():
    session = ScriptedSession(["x"])
    loaded = threading.Event()

    def ready():
        loaded.wait(LIMIT_S)
        return session

    warmer = Warmer(ready)
    for number in range(5):
        warmer.ask(WarmUp("a", lambda tokenizer, number=number: (number,), always))
    warmer.ask(WarmUp("b", lambda tokenizer: (9,), always))
    loaded.set()
    wait_until(lambda: len(session.warmed) == 2)
    assert session.warmed == [("a", (4,)), ("b", (9,))]
    assert warmer.close(LIMIT_S)


def test_warm_ups_that_wait_are_dropped_when_it_closes():
    session = ScriptedSession(["x"])
    closing = threading.Event()

    def ready():
        closing.wait(LIMIT_S)
        return session

    warmer = Warmer(ready)
    warmer.ask(WarmUp("a", lambda tokenizer: (1,), always))
    threading.Timer(0.05, closing.set).start()
    assert warmer.close(LIMIT_S)
    assert session.warmed == []
