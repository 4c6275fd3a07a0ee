"""What a game calls in its frames waits for nobody, and who is interrupted falls silent at once."""

import threading

import pytest

from npc_engine.events import TextDelta
from npc_engine.memory.entries import LineSaid, WorldPatched
from npc_engine.model.scripted import ScriptedSession
from npc_engine.protocols import TokenDelta
from tests.engine.crowd import LIMIT_S, wait_until
from tests.stage_engine import Heard, open_engine


@pytest.fixture
def stage(tmp_path):
    engines = []

    def make(session, **options):
        engines.append(open_engine(tmp_path, session, **options))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


class BusyStore:
    """Somebody is storing something and does not come to an end."""

    def __init__(self, engine):
        self._store = engine._store
        self._may_end = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self):
        self._writing = threading.Event()
        self._thread.start()
        assert self._writing.wait(LIMIT_S)

    def __exit__(self, *_):
        self._may_end.set()
        self._thread.join()

    def _write(self):
        with self._store._database.writing():
            self._writing.set()
            self._may_end.wait(LIMIT_S)


def returns(call):
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(LIMIT_S / 2)
    return not thread.is_alive()


def test_no_call_of_a_frame_waits_for_what_is_being_stored(stage):
    engine = stage(ScriptedSession(["Fresher than you."]))
    ann, world = engine.npc("ann"), engine.world
    ann.ask("Hello.")
    wait_until(lambda: not ann.is_speaking)
    lines = []
    with BusyStore(engine):
        assert returns(lambda: lines.append(ann.say("And now?")))
        assert returns(lambda: world.set("gate", "open"))
        assert returns(lambda: world.event("A cart rolled by."))
        assert returns(lambda: world.arrive("bo", "the mill"))
        assert world.state.values["gate"] == "open"
        assert returns(lambda: engine.tick(2))
        assert returns(lines[0].cancel)
    wait_until(lambda: lines[0].done, lambda: engine.tick(None))


def test_a_value_set_back_while_the_first_is_stored_is_the_last(stage):
    engine = stage(ScriptedSession(["Fresher than you."]))
    engine.npc("ann").ask("Hello.")
    world = engine.world
    with BusyStore(engine):
        world.set("gate", "open")
        world.set("gate", "shut")
        world.event("The gate moved.")
        assert [event.text for event in world.state.events] == ["The gate moved."]
    world.settle()
    assert world.state.values["gate"] == "shut"
    stored = [e.payload for e in engine.npc("ann").talk.path()]
    assert [each.value for each in stored if isinstance(each, WorldPatched)][-1:] in ([], ["shut"])


class DeafSession(ScriptedSession):
    """Goes on writing for a while after it was told to stop, as a busy model does."""

    def __init__(self):
        super().__init__(["Fresher than you. I ground it at dawn."])
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def stream(self, request):
        for number, event in enumerate(super().stream(request)):
            if isinstance(event, TokenDelta) and number == 2:
                self.begun.set()
                self.let_go.wait(LIMIT_S)
            yield event

    def cancel(self, request_id, *, heard_tokens=None):
        """Hears nothing."""


@pytest.mark.parametrize("barge_in", ["cancel", "say"])
def test_who_is_interrupted_is_heard_no_more_even_if_the_model_writes_on(stage, barge_in):
    session = DeafSession()
    engine = stage(session, prewarm=False)
    heard, ann = Heard(engine), engine.npc("ann")
    line = ann.say("Is the flour fresh?")
    assert session.begun.wait(LIMIT_S)
    engine.tick(None)
    text = line.text
    if barge_in == "cancel":
        line.cancel()
    else:
        ann.say("Never mind.")
    session.let_go.set()
    wait_until(lambda: line.done, lambda: engine.tick(None))
    shown = "".join(e.text for e in heard.of(TextDelta) if e.line_id == line.id)
    assert shown == text
    assert (line.reason, line.text) == ("cancelled", text.strip())
    kept = [e.payload.text for e in ann.talk.path() if isinstance(e.payload, LineSaid)]
    assert kept[1:2] in ([text.strip()], ["Never mind."], [])
