"""A player who keeps everybody talking: what the game asks of the engine, frame by frame."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.game_loop.costs import Meter
from benchmarks.game_loop.figures import TICK_MS
from benchmarks.game_loop.stage import LINES
from npc_engine.engine import ActionCall, Engine, Line
from npc_engine.events import Event, LineEnded, TextDelta

HZ = 60
SNAPSHOT = "benchmark"


@dataclass(frozen=True, slots=True)
class Habits:
    """How often the game does what, in frames."""

    pause: int = HZ
    """At most so long an NPC is left alone after a reply."""
    barge_in: int = 3 * HZ
    event: int = 2 * HZ
    snapshot: int = 10 * HZ


class Silences:
    """How long text of a reply still comes after the player has broken in."""

    def __init__(self) -> None:
        """Nobody was interrupted."""
        self.found: list[int] = []
        """For each reply: how many ticks after the barge-in still brought text of it."""
        self._ticks: dict[int, int] = {}
        self._last: dict[int, int] = {}

    def broke_in(self, line_id: int) -> None:
        """The player does not want to hear more of this line."""
        self._ticks.setdefault(line_id, 0)
        self._last.setdefault(line_id, 0)

    def tick_begins(self) -> None:
        """Whatever comes now comes one tick later."""
        for line_id in self._ticks:
            self._ticks[line_id] += 1

    def hear(self, event: Event) -> None:
        """Take in an event of any line."""
        if isinstance(event, TextDelta) and event.line_id in self._ticks:
            self._last[event.line_id] = self._ticks[event.line_id]
        elif isinstance(event, LineEnded) and event.line_id in self._ticks:
            del self._ticks[event.line_id]
            self.found.append(self._last.pop(event.line_id))


class Game:
    """Talks with all NPCs through one engine and measures every call."""

    def __init__(self, engine: Engine, meter: Meter, chance: random.Random) -> None:
        """Nobody has spoken yet.

        Args:
            engine: Ready to answer.
            meter: Measures, on this thread.
            chance: Decides who is told what, and when.
        """
        self._engine = engine
        self._meter = meter
        self._chance = chance
        self._habits = Habits()
        self._talks = {npc_id: engine.npc(npc_id) for npc_id in engine.npc_ids}
        self._lines: dict[str, Line] = {}
        self._next_at: dict[str, int] = {}
        self._frame = 0
        self.silences = Silences()
        self.reasons: Counter[str] = Counter()
        self.actions: Counter[str] = Counter()
        self.num_tokens = 0
        engine.subscribe(self._hear)
        for name in engine.cast.world.actions:
            engine.on_action(name, self._act)

    def reset(self) -> None:
        """Forget what was counted."""
        self.silences = Silences()
        self.reasons.clear()
        self.actions.clear()
        self.num_tokens = 0

    @property
    def num_open(self) -> int:
        """Lines that have not ended."""
        return sum(not line.done for line in self._lines.values())

    def frame(self) -> None:
        """One frame: deliver, change the world, speak."""
        self._frame += 1
        self._look_around()
        self.tick()
        world, frame = self._engine.world, self._frame
        self._meter.call("world.set", lambda: world.set("gold", 1 + frame % 50))
        if frame % self._habits.event == 0:
            text = f"Cart {frame // self._habits.event} of the day rolled over the green."
            self._meter.call("world.event", lambda: world.event(text))
        if frame % self._habits.snapshot == 0:
            self._meter.call("snapshot", lambda: self._engine.snapshot(SNAPSHOT))
        if frame % self._habits.barge_in == 0:
            self._break_in()
        for npc_id in self._talks:
            self._keep_talking(npc_id)

    def tick(self) -> None:
        """Deliver what has come."""
        self.silences.tick_begins()
        self._meter.call("tick", lambda: self._engine.tick(TICK_MS))

    def restore(self) -> None:
        """Go back to the last snapshot, in the middle of everything."""
        self._meter.call("restore", lambda: self._engine.restore(SNAPSHOT))

    def _look_around(self) -> None:
        """Say how far everybody is, where the engine wants to know."""
        set_focus: Callable[[Mapping[str, float]], Any] | None
        set_focus = getattr(self._engine, "set_focus", None)
        if set_focus is not None:
            near = {npc_id: 2.0 + (self._frame + 7 * n) % 60 / 10 for n, npc_id in
                    enumerate(self._talks)}  # fmt: skip
            self._meter.call("set_focus", lambda: set_focus(near))

    def _keep_talking(self, npc_id: str) -> None:
        line = self._lines.get(npc_id)
        if line is not None and not line.done:
            return
        if npc_id not in self._next_at:
            self._next_at[npc_id] = self._frame + self._chance.randrange(self._habits.pause)
        if self._frame >= self._next_at[npc_id]:
            del self._next_at[npc_id]
            self._say(npc_id)

    def _say(self, npc_id: str) -> None:
        text = self._chance.choice(LINES)
        npc = self._talks[npc_id]
        self._lines[npc_id] = self._meter.call("say", lambda: npc.say(text))

    def _break_in(self) -> None:
        """Stop somebody who is being heard, by a gesture or by another line."""
        heard = [line for line in self._lines.values() if line.text and not line.done]
        if not heard:
            return
        line = self._chance.choice(heard)
        self.silences.broke_in(line.id)
        if self._chance.random() < 0.5:
            self._meter.call("cancel", line.cancel)
        else:
            self._say(line.npc)

    def _act(self, call: ActionCall) -> str:
        self.actions[call.name] += 1
        return "done"

    def _hear(self, event: Event) -> None:
        self.silences.hear(event)
        if isinstance(event, LineEnded):
            self.reasons[event.reason] += 1
            self.num_tokens += event.usage.reply_tokens
