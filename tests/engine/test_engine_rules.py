"""Whatever is done to several NPCs while they speak, every line ends once and no save breaks."""

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from npc_engine.errors import CommandError, LateWriteError
from npc_engine.memory.entries import Folded, LineSaid
from npc_engine.model.scripted import Reply, ScriptedSession
from tests.engine.crowd import ends_of, finish, open_crowd
from tests.stage_engine import Heard

WHO = st.integers(0, 5)


def replies(seed):
    """Replies of all kinds, some slow, some long, some that come to nothing."""
    chance = random.Random(seed)

    def reply(request):
        if request.priority == "background":
            return "The stranger spoke of the mill."
        delay_s = chance.choice((0.0, 0.0, 0.0005, 0.002))
        kind = chance.randrange(8)
        if kind == 0:
            return Reply("Half a word", delay_s, fault="raise", fault_after_tokens=2)
        if kind == 1:
            return Reply("", delay_s)
        if kind == 2:
            return Reply("A long word about the mill. " * 30, delay_s)
        return Reply(f"So it is, {chance.randrange(1000)}.", delay_s)

    return reply


class EngineMachine(RuleBasedStateMachine):
    """Two NPCs of the timeline, and four chats of their own."""

    @initialize(seed=st.integers(0, 10**6))
    def open(self, seed):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        self.engine = open_crowd(self.path, ScriptedSession(replies(seed)), number=2, save=True)
        self.heard = Heard(self.engine)
        names = ("ann", "bo", "npc0", "npc1")
        self.npcs = [self.engine.npc(name) for name in names[:2]]
        self.npcs += [self.engine.new_chat(name) for name in names]
        self.lines = []
        self.snapshots = 0

    def teardown(self):
        if not hasattr(self, "engine"):
            return
        try:
            finish(self.engine, self.lines)
            self.every_line_ended_once()
            memories = [self.memory_of(npc) for npc in self.npcs]
            keys = [(npc.id, npc.chat_id) for npc in self.npcs]
            self.engine.close()
            with open_crowd(self.path, ScriptedSession(["So."]), number=2, save=True) as again:
                assert again._store.recovered_replies == 0
                assert [self.memory_of(again.npc(*key)) for key in keys] == memories
        finally:
            self.engine.close()
            self.folder.cleanup()

    def every_line_ended_once(self):
        assert ends_of(self.heard) == sorted(line.id for line in self.lines)
        for npc in self.npcs:
            path = npc.talk.path()
            ids = [entry.id for entry in path]
            assert [entry.parent_id for entry in path] == [None, *ids[:-1]][: len(ids)]
            asked = set()
            for entry in path:
                said = entry.payload
                if isinstance(said, LineSaid) and said.role == "player":
                    asked.update(said.hearers)
                elif isinstance(said, LineSaid) and said.hearers:
                    assert said.speaker in asked
                    assert said.text
                elif isinstance(said, Folded):
                    assert set(said.entry_ids) <= set(ids)

    def memory_of(self, npc):
        lines = npc.memory().lines
        assert {line.speaker for line in lines} <= {npc.id, "player"}
        assert all(line.is_own or npc.id in line.hearers for line in lines)
        return [line.text for line in lines]

    def attempt(self, act):
        """Do what may be refused while somebody speaks, or when there is nothing to do it to."""
        try:
            return act()
        except (CommandError, LateWriteError):
            return None

    @rule(who=WHO, number=st.integers(0, 99), deadline_s=st.sampled_from((None, None, 0.005, 1.0)))
    def say(self, who, number, deadline_s):
        words = f"I am called Tolan. Line {number}."
        self.lines.append(self.npcs[who].say(words, deadline_s=deadline_s))

    @rule(who=WHO)
    def regenerate(self, who):
        line = self.attempt(self.npcs[who].regenerate)
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
        finish(self.engine, self.lines)

    @rule(who=WHO)
    def undo(self, who):
        self.attempt(self.npcs[who].undo)

    @rule(who=WHO, number=st.integers(0, 99), what=st.sampled_from(("branch", "edit", "swipe")))
    def change(self, who, number, what):
        npc = self.npcs[who]
        past = npc.history()
        if not past:
            return
        entry_id = past[number % len(past)].entry_id
        if what == "branch":
            self.attempt(lambda: npc.branch(entry_id))
        elif what == "edit":
            self.attempt(lambda: npc.edit(entry_id, "Other words."))
        else:
            self.attempt(lambda: npc.swipe_to(number % 3))

    @rule(who=WHO, crowns=st.integers(0, 9))
    def change_the_world(self, who, crowns):
        self.npcs[who].world.set("crowns", crowns)
        assert self.npcs[who].world.state.values["crowns"] == crowns

    @rule(who=WHO)
    def approach(self, who):
        self.npcs[who].approach()

    @rule()
    def snapshot(self):
        self.snapshots += 1
        self.engine.snapshot(f"s{self.snapshots}")

    @precondition(lambda self: getattr(self, "snapshots", 0))
    @rule(number=st.integers(0, 99))
    def restore(self, number):
        self.engine.restore(f"s{1 + number % self.snapshots}")


TestEngine = EngineMachine.TestCase
TestEngine.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestEngine.pytestmark = [pytest.mark.slow]
