"""The guests among themselves: when they begin, how fast it goes, and when it ends."""

from npc_engine import Line, Round, Scene
from npc_engine.dialogue.next_speaker import Decision, Situation

FIRST_AFTER_S = 9.0
"""Of silence, before two guests begin to talk."""
AGAIN_AFTER_S = 14.0
PAIR_RESTS_S = 40.0
MAX_LINES = 3
TOPICS = (
    "the knocking under the floor",
    "the heifer that is missing",
    "how high the tide stands tonight",
    "the traveller with the wet boots",
    "the song about the drowned bell",
)


class SmallTalk:
    """Rounds of talk that nobody waits for, one at a time.

    The engine writes faster than people read, so a line is audible only once the one before it
    has been read.
    """

    def __init__(self, scene: Scene) -> None:
        """Nobody speaks yet."""
        self._scene = scene
        scene.choose = _answer_at_least_once
        self._round: Round | None = None
        self._num_audible = 0
        self._next_s = FIRST_AFTER_S
        self._now_s = 0.0
        self.num_rounds = 0

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines of the talk under way."""
        return tuple(self._round.lines) if self._round is not None else ()

    @property
    def heard(self) -> tuple[Line, ...]:
        """Those of them that were or are heard."""
        return self.lines[: self._num_audible]

    @property
    def audible(self) -> tuple[Line, ...]:
        """The line that can be heard now, if any."""
        return self.heard[-1:]

    def pass_time(self, now_s: float, *, is_read: bool) -> None:
        """Let the next line be heard, or the next talk begin."""
        self._now_s = now_s
        if self._round is None:
            if now_s >= self._next_s:
                self._begin()
        elif self._num_audible < len(self._round.lines):
            if is_read:
                self._num_audible += 1
        elif self._round.done and is_read and all(line.done for line in self._round.lines):
            self._end()

    def stop(self) -> None:
        """The player speaks: they break off and wait for the next silence."""
        if self._round is not None:
            self._round.cancel()
            self._end()
        self._next_s = max(self._next_s, self._now_s + FIRST_AFTER_S)

    def forget(self) -> None:
        """After a restore: whatever was under way is no more."""
        self._round = None
        self._num_audible = 0
        self._next_s = self._now_s + FIRST_AFTER_S

    def _begin(self) -> None:
        topic = TOPICS[self.num_rounds % len(TOPICS)]
        begun = self._scene.talk_among(topic, max_lines=MAX_LINES, cooldown_s=PAIR_RESTS_S)
        self._next_s = self._now_s + AGAIN_AFTER_S
        if begun.done:
            return
        self.num_rounds += 1
        self._round = begun

    def _end(self) -> None:
        self._round = None
        self._num_audible = 0
        self._next_s = self._now_s + AGAIN_AFTER_S


def _answer_at_least_once(situation: Situation, decision: Decision) -> tuple[str, ...] | None:
    """Who was spoken to by another guest answers, where the engine would let silence fall."""
    if situation.by_npc and situation.said_to and not decision.speakers:
        return (situation.said_to,)
    return None
