"""Barks that a game asks for: authored words of one NPC, said at once and without the model."""

import hashlib
from collections.abc import Iterator, Sequence

from npc_engine.content.character import PLAYER
from npc_engine.content.emotions import without_tag
from npc_engine.content.nearest import suggest
from npc_engine.dialogue.audience import audience_of
from npc_engine.dialogue.plain_text import plain
from npc_engine.dialogue.spoken_events import mood_of, with_speech
from npc_engine.dialogue.talk import Talk
from npc_engine.engine.admission import ended_unheard
from npc_engine.engine.line import Line
from npc_engine.engine.loop import Loop
from npc_engine.engine.world import WorldHandle
from npc_engine.errors import CommandError
from npc_engine.events import EmotionShown, LineEnded, LineEvent, TextDelta
from npc_engine.memory.entries import LineSaid
from npc_engine.messages import Rung, Usage


class Barker:
    """Says the barks of one NPC in one chat. Safe from any thread."""

    def __init__(self, loop: Loop, talk: Talk, world: WorldHandle, seed: int) -> None:
        """No bark was said yet.

        Args:
            loop: Where lines are told.
            talk: Whose barks.
            world: Of the same chat.
            seed: With equal seeds the barks of a kind come in equal order.
        """
        self._loop = loop
        self._talk = talk
        self._world = world
        self._seed = seed
        self._lock = loop.journal.lock()
        self._rounds: dict[str, BarkRounds] = {}

    def bark(self, kind: str, *, record: bool) -> Line:
        """Say the next bark of a kind; see `Npc.bark`.

        Raises:
            CommandError: No sheet of the cast has the kind, or the engine is closed.
        """
        options = self._options(kind)
        line = self._loop.new_line(self._talk.npc, "", None, priority="ambient")
        is_too_far = self._loop.journal.meet(
            "too_far", lambda: self._loop.attention.is_too_far(line.npc)
        )
        if is_too_far:
            line.handle.end("too_far")
            self._loop.inbox.post(
                ended_unheard(line, "too_far", "nobody is near enough to hear it")
            )
            return line
        emotion, words = without_tag(self._next(kind, options)) if options else (None, "")
        if words and record:
            self._world.put_line(self._entry(words))

        def events() -> Iterator[LineEvent]:
            if emotion is not None:
                yield EmotionShown(line.id, emotion)
            if words:
                yield TextDelta(line.id, words)
            rung: Rung = "bark" if words else "silence"
            yield LineEnded(line.id, line.npc, words, "done", rung, None, Usage())

        allowed = self._talk.sheet.speech.emotions
        self._loop.post_told(
            line, with_speech(events(), allowed=allowed, mood=lambda: mood_of(self._talk))
        )
        return line

    def _options(self, kind: str) -> Sequence[str]:
        sheets = self._talk.cast.sheets.values()
        known = {each for sheet in sheets for each, lines in sheet.barks.items() if lines}
        if kind not in known:
            advice = suggest(kind, known, kind="there are") or "no sheet has any"
            raise CommandError(f'bark: found the kind "{kind}", which no sheet has; {advice}')
        return self._talk.sheet.barks.get(kind, ())

    def _next(self, kind: str, options: Sequence[str]) -> str:
        with self._lock:
            if kind not in self._rounds:
                self._rounds[kind] = BarkRounds(f"{self._seed}:{self._talk.npc}:{kind}")
            return plain(self._rounds[kind].next(options)).strip()

    def _entry(self, words: str) -> LineSaid:
        heard = audience_of(self._talk.npc, self._world.state)
        return LineSaid(
            role="npc",
            speaker=self._talk.npc,
            text=words,
            hearers=(PLAYER, *heard.bystanders),
            to=PLAYER,
            place=heard.place,
            authored=True,
            reason="done",
            rung="bark",
        )


class BarkRounds:
    """The barks of one kind: all of them in turn, each round in another order."""

    def __init__(self, key: str) -> None:
        """No bark was said yet; `key` decides the order."""
        self._key = key
        self._num_rounds = 0
        self._options: tuple[str, ...] = ()
        self._left: list[str] = []
        self._last = ""

    def next(self, options: Sequence[str]) -> str:
        """The bark that comes next, never the same twice in a row if there are others.

        Args:
            options: At least one; where they have changed, a new round begins.
        """
        if not self._left or tuple(options) != self._options:
            self._options = tuple(options)
            self._left = self._drawn()
        self._last = self._left.pop(0)
        return self._last

    def _drawn(self) -> list[str]:
        def place(option: str) -> bytes:
            text = f"{self._key}:{self._num_rounds}:{option}"
            return hashlib.blake2b(text.encode(), digest_size=8).digest()

        self._num_rounds += 1
        order = sorted(set(self._options), key=place)
        return [*order[1:], order[0]] if order[0] == self._last else order
