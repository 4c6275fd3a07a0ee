"""However talk, actions, saves and faults fall together, nothing is done twice or known early.

`NPC_ENGINE_INTERLEAVINGS` says how many of them are tried; 40 by default.
"""

import os
import random
import tempfile
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from npc_engine.engine import LATER, Engine
from npc_engine.errors import CommandError, LateWriteError
from npc_engine.events import ActionEnded, ActionProposed
from npc_engine.memory.entries import ActionCalled, ActionSettled, Folded
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.engine.crowd import ends_of, wait_until
from tests.stage import FakeClock, write_project
from tests.stage_engine import Heard

ACTIONS = """\
actions:
  ring_bell: {description: Ring the bell., keys: [bell], reversible: true}
  sell_flour:
    description: Sell flour.
    parameters: {sacks: {type: integer, minimum: 1, maximum: 9}}
    required: [sacks]
    keys: [flour]
    tells: "{npc} sells {sacks} sacks."
  look_up: {description: Look it up in the book., keys: [book], returns: true}
"""
NAMES = ("ann", "bo")
WHO = st.integers(0, len(NAMES) - 1)
CALLS = {
    "bell": '<toolcall> {"name": "ring_bell", "arguments": {}} </toolcall>',
    "flour": '<toolcall> {"name": "sell_flour", "arguments": {"sacks": 2}} </toolcall>',
    "book": '<toolcall> {"name": "look_up", "arguments": {}} </toolcall>',
    "weather": '{"name": "sell_flour", "arguments": {"sacks": 99}}',
}
ABOUT = st.sampled_from(tuple(CALLS))


class WatchedSession(ScriptedSession):
    """Notes whether a line's prompt holds words that its timeline cannot know."""

    def __init__(self, seed):
        chance = random.Random(seed)
        lock = threading.Lock()

        def reply(request):
            if request.priority == "background":
                return "The stranger spoke of the mill."
            with lock:
                kind, delay_s = chance.randrange(10), chance.choice((0.0, 0.0, 0.001))
            asked = self.tokenizer.decode(request.prompt_ids).rpartition("The ")[2]
            call = CALLS.get(asked.partition(",")[0], "")
            if kind == 0:
                return Reply("Half a word", delay_s, fault="raise", fault_after_tokens=2)
            if kind == 1:
                return Reply("", delay_s)
            if kind < 8:
                return Reply(f"{'So be it. ' if kind % 2 else ''}{call}", delay_s)
            return Reply("So it is.", delay_s)

        super().__init__(reply)
        self.forbidden = frozenset()
        self.first_line = 0
        self.known_early = []

    def stream(self, request):
        number = request.request_id.removeprefix("line-").partition(".")[0]
        if number.isdigit() and int(number) >= self.first_line:
            words = set(self.tokenizer.decode(request.prompt_ids).split())
            self.known_early += words & self.forbidden
        yield from super().stream(request)


class ActingMachine(RuleBasedStateMachine):
    """Two NPCs of a game that takes three actions, each in its own way."""

    @initialize(seed=st.integers(0, 10**6))
    def open(self, seed):
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        write_project(path)
        world = path / "worlds" / "ford.yaml"
        world.write_text(world.read_text() + ACTIONS)
        for name in NAMES:
            sheet = path / "characters" / f"{name}.yaml"
            sheet.write_text(sheet.read_text() + "actions: [ring_bell, sell_flour, look_up]\n")
        self.session = WatchedSession(seed)
        self.clock = FakeClock()
        self.engine = Engine.open(
            world,
            path / "characters",
            path / "slot.db",
            self.session,
            prewarm=False,
            clock=self.clock,
        )
        self.heard = Heard(self.engine)
        self.done, self.open_calls, self.lines = Counter(), [], []
        self.engine.on_action("ring_bell", self.ring, retract=lambda call: True)
        self.engine.on_action("sell_flour", self.sell, veto=lambda call: True)
        self.engine.on_action("look_up", self.look_up)
        self.words, self.snapshots = 0, {}

    def ring(self, call):
        self.done[call.id] += 1

    def sell(self, call):
        self.done[call.id] += 1
        self.open_calls.append(call)
        return LATER

    def look_up(self, call):
        self.done[call.id] += 1
        if self.done.total() % 5 == 0:
            raise RuntimeError("the book is gone")
        return {"page": 4}

    def teardown(self):
        if not hasattr(self, "engine"):
            return
        try:
            for call in self.open_calls:
                call.done()
            self.let_all_end()
            assert ends_of(self.heard) == sorted(line.id for line in self.lines)
            assert not self.session.known_early
            self.nothing_was_done_twice()
        finally:
            self.engine.close()
            self.folder.cleanup()

    def let_all_end(self):
        wait_until(lambda: all(line.done for line in self.lines), self.tick_later)

    def tick_later(self):
        """Time passes only here, so that a turn gives up an answer without a test that waits."""
        self.clock.time += 0.05
        self.engine.tick(None)

    def nothing_was_done_twice(self):
        assert set(self.done.values()) <= {1}
        proposed = Counter(event.call_id for event in self.heard.of(ActionProposed))
        assert set(proposed.values()) <= {1}
        assert set(self.done) <= set(proposed)
        outcomes = Counter(
            event.call_id for event in self.heard.of(ActionEnded) if event.outcome != "retracted"
        )
        assert set(outcomes.values()) <= {1}
        path = [entry.payload for entry in self.engine.npc("ann").talk.path()]
        called = [each.call_id for each in path if isinstance(each, ActionCalled)]
        settled = [each.call_id for each in path if isinstance(each, ActionSettled)]
        assert len(set(called)) == len(called)
        assert len(set(settled)) == len(settled)

    def what_was(self):
        """The path without folds, which may come between any two turns."""
        path = self.engine.npc("ann").talk.path()
        return [
            (entry.id, entry.payload) for entry in path if not isinstance(entry.payload, Folded)
        ]

    def attempt(self, act):
        try:
            return act()
        except (CommandError, LateWriteError):
            return None

    @rule(asked=st.lists(st.tuples(WHO, ABOUT), min_size=1, max_size=3))
    def say(self, asked):
        for who, about in asked:
            self.words += 1
            words = f"The {about}, please: word{self.words} ."
            self.lines.append(self.engine.npc(NAMES[who]).say(words))

    @rule(who=WHO, about=ABOUT)
    def ask(self, who, about):
        self.say([(who, about)])
        self.let_all_end()

    @rule(who=WHO)
    def regenerate(self, who):
        line = self.attempt(self.engine.npc(NAMES[who]).regenerate)
        if line is not None:
            self.lines.append(line)

    @precondition(lambda self: self.lines)
    @rule(number=st.integers(0, 99))
    def cancel(self, number):
        self.lines[-1 - number % min(4, len(self.lines))].cancel()

    @rule(budget_ms=st.sampled_from((0, 2, None)))
    def tick(self, budget_ms):
        self.engine.tick(budget_ms)

    @rule()
    def wait(self):
        self.let_all_end()

    @rule(how=st.sampled_from(("done", "failed", "refused")))
    def settle(self, how):
        if self.open_calls:
            getattr(self.open_calls.pop(), how)()

    @rule(who=WHO)
    def undo(self, who):
        self.attempt(self.engine.npc(NAMES[who]).undo)

    @rule(crowns=st.integers(0, 9))
    def change_the_world(self, crowns):
        self.engine.world.set("crowns", crowns)

    @rule()
    def something_happens(self):
        self.words += 1
        self.engine.world.event(f"A cart breaks: word{self.words} .", witnesses=NAMES)

    @rule()
    def snapshot(self):
        self.let_all_end()
        name = f"s{len(self.snapshots)}"
        self.engine.snapshot(name)
        path = self.what_was()
        self.snapshots[name] = (self.words, path, self.session.forbidden)

    @precondition(lambda self: getattr(self, "snapshots", None))
    @rule(number=st.integers(0, 99))
    def restore(self, number):
        name = f"s{number % len(self.snapshots)}"
        self.engine.restore(name)
        words, path, forbidden = self.snapshots[name]
        assert self.what_was() == path
        later = {f"word{number}" for number in range(words + 1, self.words + 1)}
        self.session.forbidden = forbidden | later
        self.session.first_line = max((line.id for line in self.lines), default=0) + 1


TestActing = ActingMachine.TestCase
TestActing.settings = settings(
    max_examples=int(os.environ.get("NPC_ENGINE_INTERLEAVINGS", "40")),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestActing.pytestmark = [pytest.mark.slow]
