"""Folds in spare time: no line waits for one, a player's line breaks them off, they go on later."""

import itertools
import threading

import pytest

from npc_engine.dialogue.handle import TurnHandle
from npc_engine.engine.fold_work import FoldWork
from npc_engine.events import FoldEnded, LineEnded
from npc_engine.memory.entries import Folded
from npc_engine.memory.folding import EDITED, LEFT_PATH, RESTORED
from npc_engine.model.scripted import ScriptedSession
from tests.dialogue.fold_stage import GOOD, well
from tests.engine.crowd import LIMIT_S, open_crowd, wait_until
from tests.stage_engine import Heard

LONG = (
    "I am Tolan, from the tower of Greyford, and I paid Ann forty silver for nine sacks of flour "
    "at the mill of Harrow. " + "The road was long. " * 12
)
REPLY = "On Friday Bo keeps the ferry near Harrow."


class FoldSession(ScriptedSession):
    """Answers folds well, but only while `let_folds_on` is set; until then they hang."""

    def __init__(self):
        beginnings = itertools.cycle(["Aye.", "Nay.", "Well.", "Hm.", "So.", "Look.", "Oh."])
        super().__init__(
            lambda r: well(r) if r.priority == "background" else f"{next(beginnings)} {REPLY}"
        )
        self.let_folds_on = threading.Event()
        self.waiting = threading.Event()

    def stream(self, request):
        events = super().stream(request)
        return self._held(request, events) if request.priority == "background" else events

    def _held(self, request, events):
        stream = self._streams.get(request.request_id)
        self.waiting.set()
        while not self.let_folds_on.wait(0.002):
            if stream is None or stream.cancelled.is_set():
                break
        yield from events

    def of(self, priority):
        return [request for request in self.requests if request.priority == priority]

    def questions(self):
        return [r.messages[-1].text.rsplit("\n\n", 1)[-1] for r in self.of("background")]


@pytest.fixture
def stage(tmp_path):
    engines = []

    def make(session=None, **options):
        session = session or FoldSession()
        engine = open_crowd(tmp_path, session, number=0, **options)
        engines.append(engine)
        return engine, session, Heard(engine)

    yield make
    for engine in engines:
        engine.close()


def talk_until(engine, npc, done, limit=40):
    for number in range(limit):
        if done():
            return
        npc.ask(f"{LONG} Tale {number}.")
        engine.tick(None)
    raise AssertionError("it never happened")


def talk_until_a_fold_waits(engine, npc, session):
    talk_until(engine, npc, lambda: session.waiting.wait(0.1))


def folds_of(npc):
    return [fold.kind for fold in npc.memory().episodes]


def test_no_line_waits_for_a_fold_that_hangs(stage):
    engine, session, heard = stage()
    ann = engine.new_chat("ann")
    talk_until(engine, ann, lambda: len(folds_of(ann)) >= 3)
    assert set(folds_of(ann)) == {"digest"}
    assert all(event.reason == "done" for event in heard.of(LineEnded))
    per_line = len(session.of("player")) / len(heard.of(LineEnded))
    assert per_line == 1.0


def test_a_players_line_breaks_the_fold_off_and_it_goes_on_after_the_reply(stage):
    engine, session, heard = stage()
    ann = engine.new_chat("ann")
    talk_until_a_fold_waits(engine, ann, session)
    asked = session.questions()
    session.waiting.clear()
    ann.ask("And?")
    assert session.waiting.wait(LIMIT_S)
    assert session.questions() == [*asked, asked[-1]]
    session.let_folds_on.set()
    wait_until(lambda: len(session.questions()) >= len(asked) + 5)
    talk_until(engine, ann, lambda: folds_of(ann))
    assert folds_of(ann) == ["model"]
    wait_until(lambda: heard.of(FoldEnded), lambda: engine.tick(None))
    assert [event.kind for event in heard.of(FoldEnded)] == ["model"]


def test_a_players_line_to_another_npc_breaks_it_off_too(stage):
    engine, session, _ = stage()
    ann, bo = engine.npc("ann"), engine.npc("bo")
    talk_until_a_fold_waits(engine, ann, session)
    running = session.of("background")[-1].request_id
    session.waiting.clear()
    bo.ask("Hello.")
    assert session.waiting.wait(LIMIT_S)
    assert session.of("background")[-1].request_id == running
    assert session.requests[-2].priority == "player"


def test_an_ambient_line_leaves_a_fold_to_the_models_own_order(stage):
    engine, session, _ = stage()
    ann, bo = engine.npc("ann"), engine.npc("bo")
    talk_until_a_fold_waits(engine, ann, session)
    asked = session.questions()
    bo.ask("Hello.", priority="ambient")
    assert session.questions() == asked


def test_nothing_is_asked_for_a_fold_while_a_reply_is_written(stage):
    engine, session, _ = stage(session=CountingSession())
    ann = engine.new_chat("ann")
    talk_until(engine, ann, lambda: len(folds_of(ann)) >= 2)
    wait_until(lambda: session.of("background"))
    assert session.begun_beside_a_reply == 0


class CountingSession(FoldSession):
    """Counts requests for folds that begin while a player's reply is being written."""

    def __init__(self):
        super().__init__()
        self.let_folds_on.set()
        self.replies = 0
        self.begun_beside_a_reply = 0

    def stream(self, request):
        if request.priority == "background":
            self.begun_beside_a_reply += self.replies > 0
            return super().stream(request)
        return self._reply(super().stream(request))

    def _reply(self, events):
        self.replies += 1
        try:
            yield from events
        finally:
            self.replies -= 1


def test_the_prompt_of_a_line_during_a_fold_reuses_all_that_was_read_before_it(stage):
    engine, session, _ = stage()
    ann = engine.new_chat("ann")
    ann.ask(LONG)
    wait_until(lambda: warm(session, ann))
    before = ann.ask(LONG).usage
    talk_until_a_fold_waits(engine, ann, session)
    wait_until(lambda: warm(session, ann))
    during = ann.ask(LONG).usage
    assert during.prefilled_tokens <= before.prefilled_tokens + 4


def warm(session, npc):
    """Whether the newest warm-up of the NPC is the one for the path as it is now."""
    ids = [ids for name, ids in session.warmed if name == npc.talk.conversation]
    return ids[-1:] == [npc.talk.stable_ids(session.tokenizer)]


@pytest.mark.parametrize("how", [EDITED, LEFT_PATH, RESTORED])
def test_a_fold_of_what_was_changed_is_thrown_away_and_said(stage, how):
    engine, session, heard = stage()
    ann = engine.new_chat("ann")
    ann.ask(LONG)
    first = ann.history()[0].entry_id
    engine.snapshot("early")
    talk_until_a_fold_waits(engine, ann, session)
    if how == EDITED:
        ann.edit(first, "Other words.")
    elif how == LEFT_PATH:
        ann.branch(first)
    else:
        engine.restore("early")
    session.let_folds_on.set()
    wait_until(lambda: heard.of(FoldEnded), lambda: engine.tick(None))
    (event,) = heard.of(FoldEnded)
    assert (event.kind, event.reason) == ("discarded", how)
    assert folds_of(ann) == []


def test_closing_in_mid_fold_leaves_nothing_half_and_the_next_start_folds(tmp_path):
    session = FoldSession()
    with open_crowd(tmp_path, session, number=0, save=True) as engine:
        ann = engine.npc("ann")
        talk_until_a_fold_waits(engine, ann, session)
        lines = [line.text for line in ann.history()]
    session = FoldSession()
    session.let_folds_on.set()
    with open_crowd(tmp_path, session, number=0, save=True) as engine:
        ann = engine.npc("ann")
        assert [line.text for line in ann.history()] == lines
        assert not any(isinstance(entry.payload, Folded) for entry in ann.talk.path())
        ann.ask("And?")
        wait_until(lambda: len(session.questions()) == len(GOOD))
        talk_until(engine, ann, lambda: folds_of(ann))
        assert folds_of(ann) == ["model"]


# -- the thread -------------------------------------------------------------------------------


@pytest.fixture
def work():
    made = FoldWork("test-folds")
    yield made
    assert made.close(LIMIT_S)


def test_a_fold_that_is_broken_off_is_called_again_once_nobody_waits(work):
    handles, over = [], threading.Event()

    def prepare(handle):
        handles.append(handle)
        wait_until(lambda: handle.ended_by is not None or len(handles) > 1)
        if len(handles) > 1:
            over.set()
        return len(handles) > 1

    work.submit(prepare)
    wait_until(lambda: handles)
    work.hold(1)
    work.hold(2)
    wait_until(lambda: handles[0].ended_by is not None)
    work.release(1)
    assert not over.wait(0.05)
    assert len(handles) == 1
    work.release(2)
    assert over.wait(LIMIT_S)
    assert handles[1].ended_by is None


def test_folds_come_one_after_the_other_and_a_broken_one_holds_up_no_thread(work):
    order = []

    def failing(handle):
        order.append("failing")
        raise RuntimeError("broken")

    def good(handle):
        order.append("good")
        return True

    work.submit(failing)
    work.submit(good)
    wait_until(lambda: order == ["failing", "good"])


def test_after_closing_nothing_is_begun():
    work = FoldWork("test-folds")
    handles = []

    def prepare(handle):
        handles.append(handle)
        wait_until(lambda: handle.ended_by is not None)
        return False

    work.submit(prepare)
    work.submit(prepare)
    wait_until(lambda: handles)
    assert work.close(LIMIT_S)
    assert len(handles) == 1
    assert isinstance(handles[0], TurnHandle)
