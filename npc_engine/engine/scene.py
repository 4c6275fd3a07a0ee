"""A scene: several NPCs and players at one place, who hear each other and speak in turn."""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

from npc_engine.content.character import PLAYER
from npc_engine.dialogue.cue import Cue, begins, joins_in
from npc_engine.dialogue.next_speaker import Decision, Situation, keyed_roll, next_speakers
from npc_engine.dialogue.plain_text import player_words
from npc_engine.engine.awaiting import events_of
from npc_engine.engine.line import Line
from npc_engine.engine.loop import Loop
from npc_engine.engine.npc import Npc
from npc_engine.engine.presence import Presence
from npc_engine.engine.rounds import Round
from npc_engine.engine.scene_log import SceneLog
from npc_engine.errors import CommandError
from npc_engine.events import LineEnded, LineEvent, LineRecorded, Notice
from npc_engine.memory.entries import Entry, LineSaid
from npc_engine.messages import Priority

if TYPE_CHECKING:
    from npc_engine.engine.engine import Engine

NARRATOR = "narrator"
"""Who tells what everybody perceives."""

_log = logging.getLogger(__name__)

Choose = Callable[[Situation, Decision], Sequence[str] | None]
"""Told what was said and whom the engine would let speak; the ids of who speaks instead, in order,
or None."""


class Scene:
    """The NPCs and players at one place of the game's timeline; see `Engine.scene`.

    Who is there is world state, as `world.arrive` and `world.leave` say. It belongs to the thread
    that ticks: no other may call it.
    """

    def __init__(self, engine: "Engine", loop: Loop, place: str, seed: int) -> None:
        """Made by the engine."""
        self.place = place
        self.choose: Choose | None = None
        """Lets the game decide who speaks."""
        self._engine = engine
        self._loop = loop
        self._seed = seed
        self._world = engine.world
        self._there = Presence(place, self._world, lambda: engine.cast)
        self._log = SceneLog()
        self._round: Round | None = None
        self._begin_next: list[Callable[[], None]] = []
        self._line: Line | None = None
        self._queue: list[str] = []
        self._player_entry: int | None = None
        self._talked_at: dict[frozenset[str], float] = {}
        self._is_ambient = False
        self._world.movements.append(self._moved)

    # -- who is there -------------------------------------------------------------------------

    @property
    def present(self) -> tuple[str, ...]:
        """Ids of NPCs and players who are there now, in the order of the cast, players last."""
        return self._there.present

    @property
    def npcs(self) -> tuple[str, ...]:
        """Ids of the NPCs who are there now."""
        return self._there.npcs

    def arrive(self, who: str) -> None:
        """An NPC or a player comes in; those who are there see it."""
        self._world.arrive(who, self.place)

    def leave(self, who: str) -> None:
        """An NPC or a player goes; those who stay see it, and a reply of theirs breaks off."""
        if who in self.present:
            self._world.leave(who)

    def mute(self, who: str, *, asleep: bool = False) -> None:
        """An NPC does not speak in this scene until `unmute`, nor hear it if it is asleep.

        Not kept in the save: a game says it again after a load.
        """
        self._there.mute(who, asleep=asleep)

    def unmute(self, who: str) -> None:
        """An NPC may speak and hears again."""
        self._there.unmute(who)

    # -- speaking -----------------------------------------------------------------------------

    def say(
        self,
        text: str,
        speaker: str = PLAYER,
        *,
        whisper_to: str | None = None,
        acted_upon: Sequence[str] = (),
        max_replies: int = 3,
    ) -> Round:
        """Say something to those who are there; returns at once.

        Whoever speaks here breaks off first; memory keeps what was heard.

        Args:
            text: The words.
            speaker: Id of a player, who is there from then on if it was nowhere, or of an NPC that
                is there and says what the game wants.
            whisper_to: Id of an NPC; nobody else hears the words and the answer.
            acted_upon: Ids of NPCs to whom something is done with these words, such as a gift.
            max_replies: How many lines may follow, reactions of others among them. All who were
                called by name answer, up to this number.

        Raises:
            CommandError: The text is empty, the speaker or the one whispered to is not there, or
                the engine is closed.
        """
        words = player_words(text)
        self._loop.require_open()
        self._there.enter(speaker)
        heard_by = self._there.hearers(speaker)
        if whisper_to is not None and whisper_to not in self.npcs:
            raise CommandError(self._there.not_there(whisper_to))
        begun = Round(speaker, words, max_replies)

        def begin() -> None:
            self._is_ambient = False
            situation = self._situation(
                words, speaker, whisper_to=whisper_to or "", acted_upon=tuple(acted_upon)
            )
            self._begin(begun, situation, heard_by)

        self._take_over(begun, begin)
        return begun

    def narrate(self, text: str) -> None:
        """Tell what everybody who is there and awake perceives; NPCs that talk alone stop for it.

        Raises:
            CommandError: The text is empty.
        """
        self._tell(text, self._there.hearers())
        if self._is_ambient and self._round is not None:
            self._round.end("happened")

    def talk_among(
        self, topic: str | None = None, *, max_lines: int = 8, cooldown_s: float = 60.0
    ) -> Round:
        """Let two NPCs who are there talk with each other, after whatever is being said.

        It ends after so many lines, when a player speaks, something is told or somebody leaves,
        or when one has nothing to say.

        Args:
            topic: What of, as it stands after "about".
            max_lines: At most so many lines.
            cooldown_s: Pairs that talked within so many seconds of the engine's clock do not talk
                again; by default a minute.
        """
        self._loop.require_open()
        begun = Round(NARRATOR, "", max_lines)
        if self._line is not None or self._begin_next:
            begun.end("interrupted")
            return begun
        pair = self._pair(cooldown_s)
        if pair is None:
            able = [who for who in self.npcs if self._there.may_speak(who)]
            begun.end("cooldown" if len(able) > 1 else "silence")
            return begun
        self._is_ambient, self._round, self._queue = True, begun, []
        first, other = pair
        begun.decisions.append(Decision((first,), "talkative", f"speaks to {other}"))
        names = self._engine.cast.names
        direction = begins(names[first], names[other], topic or "")
        self._speak(begun, first, Cue(other, self._there.audience(first, other), None, direction))
        return begun

    def wait(self, waited: Round) -> Round:
        """Wait until a round is over; delivers events on this thread meanwhile."""
        while not waited.done:
            line = self._line
            if line is not None:
                self._loop.wait(line)
            else:
                self._loop.tick_if_free()
        return waited

    async def stream(self, listened: Round) -> AsyncIterator[LineEvent]:
        """The events of a round's lines as they come; leaving early ends the line under way."""
        place = 0
        while place < len(listened.lines) or not listened.done:
            if place == len(listened.lines):
                line = self._line
                if line is None:
                    return
                async for _ in events_of(self._loop, line):
                    pass  # an earlier line has to break off first
                continue
            async for event in events_of(self._loop, listened.lines[place]):
                yield event
            place += 1

    # -- the course of a round ----------------------------------------------------------------

    def _take_over(self, begun: Round, begin: Callable[[], None]) -> None:
        """Begin a round once whoever speaks has broken off."""
        if self._round is not None:
            self._round.cancel()
        self._begin_next.append(begin)
        if self._line is None:
            self._begin_what_waits()

    def _begin_what_waits(self) -> None:
        while self._begin_next and self._line is None:
            self._begin_next.pop(0)()
            if self._begin_next and self._round is not None:
                self._round.cancel()

    def _begin(self, begun: Round, situation: Situation, heard_by: tuple[str, ...]) -> None:
        self._round, self._queue, self._player_entry = begun, [], None
        decision = self._decide(situation, heard_by)
        begun.decisions.append(decision)
        if not decision.speakers or begun.max_replies < 1:
            self._keep_unanswered(situation, heard_by)
            begun.end("silence")
            return
        first, *rest = decision.speakers
        self._queue = rest
        hearers = tuple(who for who in heard_by if who != first)
        try:
            line = self._npc(first).say(
                situation.text,
                speaker=situation.speaker,
                whisper=bool(situation.whisper_to),
                hearers=hearers,
            )
        except CommandError:
            begun.end("closed")
            return
        self._follow(begun, line)

    def _keep_unanswered(self, situation: Situation, heard_by: tuple[str, ...]) -> None:
        is_npc = situation.speaker in self._engine.cast.sheets
        whispered = bool(situation.whisper_to)
        self._world.put_line(
            LineSaid(
                role="npc" if is_npc else "player",
                speaker=situation.speaker,
                text=situation.text,
                hearers=(situation.whisper_to,) if whispered else heard_by,
                to=situation.whisper_to,
                place=self.place,
                whispered=whispered,
            )
        )

    def _speak(self, begun: Round, who: str, cue: Cue, priority: Priority = "ambient") -> None:
        try:
            line = self._npc(who).speak(cue, priority=priority)
        except CommandError:
            begun.end("closed")
            return
        self._follow(begun, line)

    def _follow(self, begun: Round, line: Line) -> None:
        self._line = line
        begun.lines.append(line)
        line.listeners.append(lambda event: self._heard(begun, line, event))

    def _heard(self, begun: Round, line: Line, event: LineEvent) -> None:
        if isinstance(event, LineRecorded) and self._player_entry is None:
            self._player_entry = event.entry_id
        for listen in tuple(begun.listeners):
            listen(event)
        if not isinstance(event, LineEnded):
            return
        self._line = None
        if not begun.done:
            self._go_on(begun, line)
        self._begin_what_waits()

    def _go_on(self, begun: Round, line: Line) -> None:
        """After a line: the next of those who were called, or somebody who joins in."""
        if self._loop.is_closed or line.reason == "cancelled":
            begun.end("closed" if self._loop.is_closed else "interrupted")
        elif len(begun.lines) >= begun.max_replies:
            begun.end("cap")
        elif self._is_ambient and line.entry_id is None:
            begun.end("silence")
        elif begun.speaker != NARRATOR and begun.speaker not in self.present:
            begun.end("left")
        elif not self._next_called(begun):
            self._react(begun, line)

    def _next_called(self, begun: Round) -> bool:
        while self._queue:
            who = self._queue.pop(0)
            if who not in self.npcs:
                begun.decisions.append(Decision((), "silence", f"{who} has left"))
            elif self._there.may_speak(who):
                self._answer(begun, who, begun.speaker, self._player_entry)
                return True
        return False

    def _react(self, begun: Round, line: Line) -> None:
        if line.entry_id is None or line.rung == "bark" or self._whispers(line):
            begun.end("said")
            return
        to = self._log.last_with(self._path(), self.place, line.npc)
        situation = self._situation(
            line.text,
            line.npc,
            by_npc=True,
            said_to=to if to in self._engine.cast.sheets else "",
            has_spoken=frozenset(each.npc for each in begun.lines),
        )
        decision = self._decide(situation, self.npcs)
        begun.decisions.append(decision)
        if not decision.speakers:
            begun.end("left" if self._is_ambient and to not in self.present else "said")
            return
        if self._is_ambient:
            self._note_talk(line.npc, decision.speakers[0])
        self._answer(begun, decision.speakers[0], line.npc, line.entry_id)

    def _answer(self, begun: Round, who: str, to: str, asked: int | None) -> None:
        names = self._engine.cast.names
        direction = joins_in(names[who], names[to])
        self._speak(begun, who, Cue(to, self._there.audience(who, to), asked, direction))

    def _whispers(self, line: Line) -> bool:
        said = next((e.payload for e in reversed(self._path()) if e.id == line.entry_id), None)
        return isinstance(said, LineSaid) and said.whispered

    # -- deciding -----------------------------------------------------------------------------

    def _situation(
        self,
        text: str,
        speaker: str,
        *,
        whisper_to: str = "",
        acted_upon: tuple[str, ...] = (),
        by_npc: bool = False,
        said_to: str = "",
        has_spoken: frozenset[str] = frozenset(),
    ) -> Situation:
        path = self._path()
        return Situation(
            text,
            speaker,
            self._seed,
            self._log.num_lines(path, self.place),
            by_npc,
            said_to,
            whisper_to,
            self._log.last_with(path, self.place, speaker),
            acted_upon,
            has_spoken,
        )

    def _decide(self, situation: Situation, heard_by: Sequence[str]) -> Decision:
        decision = next_speakers(situation, self._there.members(heard_by))
        if self.choose is None:
            return decision
        try:
            chosen = self.choose(situation, decision)
        except Exception as error:  # noqa: BLE001  a game's own code must not end the tick
            _log.exception("choose() of the scene %s failed", self.place)
            self._loop.inbox.post(Notice("error", f"choose() failed: {error}"))
            return decision
        if chosen is None:
            return decision
        there = tuple(who for who in chosen if who in self.npcs and who != situation.speaker)
        return Decision(tuple(dict.fromkeys(there)), "chosen by the game")

    def _pair(self, cooldown_s: float) -> tuple[str, str] | None:
        """Two who may talk now, by their talkativeness and rolls."""
        now = self._loop.clock.monotonic()
        count = self._log.num_lines(self._path(), self.place)
        able = [each for each in self._there.members(self.npcs) if each.may_speak]
        rolls = {each.id: keyed_roll(self._seed, count, each.id) for each in able}
        order = sorted(able, key=lambda each: (rolls[each.id] - each.talkativeness, each.id))
        for first in order:
            for other in order:
                talked_at = self._talked_at.get(frozenset((first.id, other.id)))
                if first is not other and (talked_at is None or now - talked_at >= cooldown_s):
                    self._note_talk(first.id, other.id)
                    return first.id, other.id
        return None

    def _note_talk(self, one: str, other: str) -> None:
        self._talked_at[frozenset((one, other))] = self._loop.clock.monotonic()

    # -- who is where -------------------------------------------------------------------------

    def _moved(self, who: str, before: str, after: str) -> None:
        if self.place not in (before, after):
            return
        others = self._there.hearers(who)
        name = self._engine.cast.names[who]
        is_arrival = after == self.place
        if others:
            verb = "comes in" if is_arrival else "leaves"
            self._tell(f"{name[:1].upper()}{name[1:]} {verb}.", others)
        if is_arrival or self._round is None:
            return
        if self._is_ambient:
            self._round.end("left")
        if self._line is not None and self._line.npc == who:
            self._round.end("left")
            self._line.cancel()

    def _tell(self, text: str, hearers: tuple[str, ...]) -> None:
        self._world.put_line(
            LineSaid(
                role="narrator",
                speaker=NARRATOR,
                text=player_words(text),
                hearers=hearers,
                place=self.place,
                authored=True,
            )
        )

    def _path(self) -> tuple[Entry, ...]:
        self._world.settle()
        return self._engine.npc(self._engine.npc_ids[0]).talk.path()

    def _npc(self, who: str) -> Npc:
        return self._engine.npc(who)
