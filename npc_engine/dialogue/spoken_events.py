"""What a game shows and speaks of a turn: whole sentences, and how they sound, between its events.

Made where the turn is taken, so that it costs the game's own thread nothing.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress

from npc_engine.content.character import PLAYER
from npc_engine.content.emotions import Emotion, emotion_among, fitted
from npc_engine.dialogue.speech_parts import SpeechReader
from npc_engine.dialogue.talk import Talk
from npc_engine.errors import LateWriteError
from npc_engine.events import (
    EmotionShown,
    LineEnded,
    LineEvent,
    SentenceSpoken,
    TextDelta,
    TextReset,
)


def with_speech(
    events: Iterable[LineEvent],
    *,
    allowed: Collection[Emotion] = (),
    mood: Callable[[], Emotion] = lambda: "neutral",
) -> Iterator[LineEvent]:
    """The events of a turn with `EmotionShown` and `SentenceSpoken` among them.

    An `EmotionShown` of the turn's own is an author's tag: it holds for all that follows up to the
    next `TextReset`.

    Args:
        events: Of one line.
        allowed: The emotions of the sheet; empty allows all.
        mood: How the speaker stands to the player; asked at most once, when nothing else tells.
    """
    telling = _Telling(allowed, mood)
    for event in events:
        if isinstance(event, EmotionShown):
            telling.tag = event.emotion
        elif isinstance(event, TextReset):
            yield event
            telling.restart()
        elif isinstance(event, TextDelta):
            yield event
            yield from telling.add(event)
        elif isinstance(event, LineEnded):
            yield from telling.end(event)
            yield event
        else:
            yield event


def mood_of(talk: Talk) -> Emotion:
    """How an NPC stands to the player, by `feels`; `neutral` where nothing tells."""
    with suppress(LateWriteError):
        relation = talk.state().relationships.get(talk.npc, {}).get(PLAYER, {})
        return emotion_among(str(relation.get("feels", ""))) or "neutral"
    return "neutral"


class _Telling:
    """What was told of one line."""

    def __init__(self, allowed: Collection[Emotion], mood: Callable[[], Emotion]) -> None:
        self.tag: Emotion | None = None
        self._allowed = allowed
        self._ask_mood = mood
        self._mood: Emotion | None = None
        self._reader = SpeechReader()
        self._pieces: list[str] = []
        self._num_told = 0
        self._shown: Emotion = "neutral"

    def restart(self) -> None:
        self.tag = None
        self._reader = SpeechReader()
        self._pieces = []
        self._num_told = 0
        self._shown = "neutral"

    def add(self, event: TextDelta) -> Iterator[LineEvent]:
        self._pieces.append(event.text)
        self._reader.feed(event.text)
        yield from self._new(event.line_id)

    def end(self, event: LineEnded) -> Iterator[LineEvent]:
        """The last sentence; all of them anew where the end reads differently."""
        if event.text == "".join(self._pieces):
            self._reader.finish()
            yield from self._new(event.line_id)
            return
        told, tag = self._reader.sentences[: self._num_told], self.tag
        final = SpeechReader()
        final.feed(event.text)
        final.finish()
        if final.sentences[: len(told)] != told:
            yield TextReset(event.line_id)
            self.restart()
            self.tag = tag
            if event.text:
                yield TextDelta(event.line_id, event.text)
        self._reader = final
        yield from self._new(event.line_id)

    def _new(self, line_id: int) -> Iterator[LineEvent]:
        emotion = self._emotion()
        if emotion != self._shown:
            self._shown = emotion
            yield EmotionShown(line_id, emotion)
        while self._num_told < len(self._reader.sentences):
            index = self._num_told
            self._num_told += 1
            yield SentenceSpoken(line_id, index, self._reader.sentences[index], emotion)

    def _emotion(self) -> Emotion:
        found = self.tag or self._reader.emotion
        if found is None and self._reader.is_empty:
            return self._shown
        if found is None:
            if self._mood is None:
                self._mood = self._ask_mood()
            found = self._mood
        return fitted(found, self._allowed)
