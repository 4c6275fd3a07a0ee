"""One frame after the other: the player's hands, the pure rules, the guests, the bubbles."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from examples.tavern import deeds
from examples.tavern.bubbles import Bubble, grown, heard
from examples.tavern.company import Company
from examples.tavern.frame_times import Frame, FrameTimes
from examples.tavern.people import PLAYER
from examples.tavern.room import distance
from examples.tavern.saving import Slot
from examples.tavern.tavern import EARSHOT_PX, Inputs, Tavern, Wish, noted, opening, update
from npc_engine import Engine, NpcEngineError

TICK_BUDGET_MS = 2.0
MEMORY_EVERY_S = 0.5
"""How often the panel of memories is looked up."""


class Game:
    """The tavern in play. Draws nothing; `tavern` and `bubbles` are what there is to draw."""

    def __init__(
        self, engine: Engine, slot: Slot, *, timer: Callable[[], float] = time.perf_counter
    ) -> None:
        """An evening begins, or goes on where the slot has it."""
        self.tavern: Tavern = opening()
        self.bubbles: dict[str, Bubble] = {}
        self.emotions: dict[str, str] = {}
        self.memories: tuple[str, ...] = ()
        """What the guest nearby remembers, while the panel is open."""
        self.frames = FrameTimes()
        self.played_s = 0.0
        """How long this evening has been played; unlike the tavern's time, no load sets it back."""
        self.company = Company(engine, self._do)
        self._slot = slot
        self._timer = timer
        self._memory_at_s = 0.0
        self._wants_to_go_on = True
        self._engine_ms = 0.0
        self._tick_ms = 0.0
        if not slot.is_empty:
            self._load()

    def step(self, inputs: Inputs, dt: float) -> bool:
        """One frame; False once the player has had enough.

        Args:
            inputs: What the hands did.
            dt: Seconds of game time since the last frame.
        """
        self.tavern, wishes = update(self.tavern, inputs, dt, self.company.speaking)
        self.played_s += dt
        start = self._timer()
        for wish in wishes:
            self._grant(wish)
        ticked = self._timer()
        self.company.tick(self.played_s, budget_ms=TICK_BUDGET_MS)
        self._tick_ms = (self._timer() - ticked) * 1000
        self._remember()
        here = self.tavern.player.at
        self.company.stand_at({each.id: distance(each.at, here) for each in self.tavern.guests})
        self.company.pass_time(
            is_player_talking=bool(self.tavern.talking_to),
            is_read=all(bubble.is_over for bubble in self.bubbles.values()),
        )
        self._engine_ms = (self._timer() - start) * 1000
        self._hang_bubbles(dt)
        return self._wants_to_go_on

    def note_frame(self, work_ms: float, cpu_ms: float) -> None:
        """Keep how long the frame took, drawing included; see `Frame`."""
        self.frames.add(Frame(work_ms, self._tick_ms, self._engine_ms, cpu_ms))

    # -- wishes -------------------------------------------------------------------------------

    def _grant(self, wish: Wish) -> None:
        match wish.kind:
            case "meet":
                self.company.meet(wish.npc)
            case "say":
                near, seen = self._near(wish.npc), self._seen_chars(wish.npc)
                self.company.say(wish.npc, wish.text, near, seen)
                said = Bubble(PLAYER, wish.text, shown_chars=len(wish.text), is_whole=True)
                self.bubbles[PLAYER] = said
            case "leave":
                self.company.part(wish.npc, self._seen_chars(wish.npc))
            case "pay":
                self._pay(wish.npc)
            case "save":
                self._save()
            case "load":
                self._load()
            case "quit":
                self._wants_to_go_on = False

    def _near(self, npc: str) -> tuple[str, ...]:
        """Who stands so near that it hears what is said to a guest."""
        here = self.tavern.guest(npc).at
        near = (each for each in self.tavern.guests if distance(each.at, here) < EARSHOT_PX)
        return tuple(each.id for each in near)

    def _seen_chars(self, npc: str) -> int | None:
        """How much of what a guest says has been seen; None is all of it."""
        bubble = self.bubbles.get(npc)
        return None if bubble is None or bubble.kind != "speech" else int(bubble.shown_chars)

    def _pay(self, npc: str) -> None:
        deed = deeds.pay(self.tavern, npc, self.company.trust(npc))
        self.tavern = deed.tavern
        if not deed.refused:
            self.company.tell(deed.world)

    def _do(self, npc: str, action: str, arguments: Mapping[str, str]) -> str:
        """An action that the engine proposes; it comes in the middle of a tick."""
        deed = deeds.done(self.tavern, npc, action, arguments)
        self.tavern = deed.tavern
        if not deed.refused:
            self.company.tell(deed.world)
        return deed.refused

    # -- saves --------------------------------------------------------------------------------

    def _save(self) -> None:
        name = self._slot.next_name
        self.company.snapshot(name)
        self._slot.write(self.tavern, name)
        self.tavern = noted(self.tavern, "Saved.")

    def _load(self) -> None:
        if self._slot.is_empty:
            self.tavern = noted(self.tavern, "There is no save yet.")
            return
        try:
            self.company.restore(self._slot.snapshot_name)
        except NpcEngineError as error:
            self.tavern = noted(self.tavern, f"The save could not be loaded: {error}")
            return
        now = self.tavern
        self.tavern = replace(self._slot.read(), overlay=now.overlay, memory=now.memory)
        self.tavern = noted(self.tavern, "Loaded.")
        self.bubbles.clear()

    # -- what is shown ------------------------------------------------------------------------

    def _remember(self) -> None:
        """Look the memories up, though not every frame."""
        if not self.tavern.memory or self.played_s < self._memory_at_s:
            return
        self._memory_at_s = self.played_s + MEMORY_EVERY_S
        npc = self.tavern.talking_to or self.tavern.nearest
        self.memories = self.company.memories(npc) if npc else ()

    def _hang_bubbles(self, dt: float) -> None:
        bubbles: dict[str, Bubble] = {}
        voices = self.company.voices()
        is_awaited = any(not voice.is_whole and voice.kind == "thought" for voice in voices)
        for voice in voices:
            bubble = self.bubbles.get(voice.npc, Bubble(voice.npc))
            bubble = heard(bubble, voice.text, voice.kind, is_whole=voice.is_whole)
            if bubble.is_over:
                self.company.dismiss(voice.npc)
            bubbles[voice.npc] = grown(bubble, dt)
            self.emotions[voice.npc] = voice.emotion
        for npc, bubble in self.bubbles.items():
            if npc not in bubbles and not bubble.is_over:  # its talk is over, but not read
                age_s = 0.0 if npc == PLAYER and is_awaited else dt  # until an answer begins
                bubbles[npc] = grown(replace(bubble, is_whole=True), age_s)
        self.bubbles = bubbles
