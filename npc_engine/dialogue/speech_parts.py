"""A reply taken apart: what is spoken, what is done meanwhile, and how it sounds.

Reads text in pieces; what it finds does not depend on where the pieces were cut, and costs the same
however many there are.
"""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from npc_engine.content.emotions import Emotion, fitted
from npc_engine.dialogue.emotion_words import emotion_scores
from npc_engine.dialogue.stage_marks import MARK_SIGNS, Mark, label_at, mark_at
from npc_engine.sentences import sentence_ends

_QUOTES = {'"': '"', "“": "“”"}
"""What opens a quoted reply, and which signs are left out of it then."""
_NEXT_SIGN = re.compile(rf"[{re.escape(MARK_SIGNS)}\n]")
_PARTS = re.compile(r"\n|[^\S\n]+|\S+")
_UNSPACED_END = re.compile(r"[。！？](?=.)", re.DOTALL)
_JOINS_BACK = frozenset(".,;:!?…")


@dataclass(frozen=True, slots=True)
class SpokenParts:
    """A reply taken apart."""

    speech: str
    """What is spoken: no stage directions, no tags; sentences are parted by one space."""
    emotion: Emotion
    stage: tuple[str, ...]
    """What is done, in order, such as `wipes hands`."""


def spoken_parts(
    text: str, *, mood: Emotion = "neutral", allowed: Collection[Emotion] = ()
) -> SpokenParts:
    """Take a whole reply apart.

    Args:
        text: As it was written.
        mood: How it sounds where neither a tag, nor a direction, nor its words tell.
        allowed: The emotions of the sheet; empty allows all.
    """
    reader = SpeechReader()
    reader.feed(text)
    reader.finish()
    return SpokenParts(reader.speech, fitted(reader.emotion or mood, allowed), tuple(reader.stage))


class SpeechReader:
    """Takes one reply apart as it grows."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self.sentences: list[str] = []
        """What was spoken in whole sentences; at the end also what is left."""
        self.stage: list[str] = []
        """Stage directions, in order."""
        self._tag: Emotion | None = None
        self._acted: Emotion | None = None
        self._scores: Counter[Emotion] = Counter()
        self._held = ""
        self._words: list[str] = []
        self._word = ""
        self._told = ""
        self._is_row_start = True
        self._is_behind_mark = False
        self._last_sign = ""
        self._quotes = ""
        self._has_spoken = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said or done yet."""
        return not (self._has_spoken or self.stage)

    @property
    def speech(self) -> str:
        """What is spoken so far."""
        rest = self._rest()
        told = self._told
        return f"{told} {rest}" if told and rest else told or rest

    @property
    def emotion(self) -> Emotion | None:
        """How it sounds so far; None where nothing tells.

        By its last tag, else by its last direction that tells, else by its words.
        """
        if self._tag or self._acted:
            return self._tag or self._acted
        best = self._scores.most_common(1)
        return best[0][0] if best else None

    def feed(self, text: str) -> None:
        """More of the reply."""
        self._held += text
        self._read(final=False)

    def finish(self) -> None:
        """The reply is complete; what is left is its last sentence."""
        self._read(final=True)
        self._end_word()
        self._end_sentence()

    # -- reading ------------------------------------------------------------------------------

    def _read(self, *, final: bool) -> None:
        text, at = self._held, 0
        while at < len(text):
            if self._is_row_start and text[at] == " ":
                at += 1
                continue
            if self._is_row_start:
                label = label_at(text, at, final=final)
                if label == "open":
                    break
                self._is_row_start = False
                if label is not None:
                    at = self._mark(label)
                    continue
            if text[at] in MARK_SIGNS:
                mark = mark_at(text, at, before=self._last_sign, final=final)
                if mark is None:
                    break
                at = self._mark(mark)
                continue
            end = self._plain_end(text, at)
            self._say(text[at:end])
            at = end
        self._held = text[at:]

    def _plain_end(self, text: str, at: int) -> int:
        """Up to where words run on, a line's end with them."""
        sign = _NEXT_SIGN.search(text, at)
        if sign is None:
            return len(text)
        return sign.end() if sign[0] == "\n" else sign.start()

    def _mark(self, mark: Mark) -> int:
        if mark.kind == "words":
            self._say(mark.text)
            return mark.end
        self._end_word()
        self._is_behind_mark = True
        if mark.kind == "tag":
            self._tag = mark.emotion
        else:
            self.stage.append(mark.text)
            self._acted = mark.emotion or self._acted
        return mark.end

    def _say(self, text: str) -> None:
        for part in _PARTS.findall(text):
            if part == "\n":
                self._end_word()
                self._end_sentence()
                self._is_row_start = True
                self._last_sign = ""
            elif part.isspace():
                self._end_word()
                self._is_behind_mark = False
            else:
                self._is_row_start = False
                self._add(part)

    def _add(self, part: str) -> None:
        """A piece of a word, with the signs around it."""
        if not self._has_spoken and not self._quotes and part[0] in _QUOTES:
            self._quotes = _QUOTES[part[0]]
        for quote in self._quotes:
            part = part.replace(quote, "")
        if not part:
            return
        if self._is_behind_mark and part[0] in _JOINS_BACK:
            self._word = self._words.pop() if self._words else ""
            part = part if self._word else part.lstrip("".join(_JOINS_BACK))
            if not part:
                return
        self._is_behind_mark = False
        self._has_spoken = True
        self._word += part
        self._last_sign = part[-1:] or self._last_sign
        while end := _UNSPACED_END.search(self._word):
            rest = self._word[end.end() :]
            self._word = self._word[: end.end()]
            self._end_word()
            self._word = rest

    def _end_word(self) -> None:
        word, self._word = self._word, ""
        if not word:
            return
        self._words.append(word)
        if len(word) in sentence_ends(f"{word} "):
            self._end_sentence()

    def _end_sentence(self) -> None:
        sentence = " ".join(self._words)
        if not any(map(str.isalnum, sentence)):
            return
        self._words = []
        self.sentences.append(sentence)
        self._told = f"{self._told} {sentence}" if self._told else sentence
        self._scores.update(emotion_scores(sentence))

    def _rest(self) -> str:
        """What was begun and is no whole sentence yet."""
        rest = " ".join([*self._words, self._word] if self._word else self._words)
        return rest if any(map(str.isalnum, rest)) else ""
