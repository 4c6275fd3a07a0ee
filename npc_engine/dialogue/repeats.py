"""Repetition in a reply: a sentence again, four words again and again, an earlier reply again."""

from collections import Counter
from collections.abc import Iterable, Sequence

from npc_engine.dialogue.spoken import words_of
from npc_engine.memory.words import is_question

_GRAM_WORDS = 4
_MAX_GRAMS = 3
"""So often the same four words are a loop."""
_SENTENCE_WORDS = 4
"""A shorter sentence may be said twice: "No. No."."""
_REPLY_WORDS = 6
"""A shorter reply may be given again, but not a third time: "Not for coin."."""


_PERSONS = frozenset(words_of("i me my mine myself we us our you your yours"))
_COURTESY = frozenset(words_of("thank thanks good welcome hello hi farewell goodbye bless"))


def is_told_to_the_speaker(sentence: str) -> bool:
    """Whether a sentence of the player makes no sense in the mouth of who hears it.

    "My boots hurt today." given back word for word is an echo; a greeting is not, and a question is
    often said again before it is answered.
    """
    said = words_of(sentence)
    if len(said) < _SENTENCE_WORDS or is_question(sentence) or said[0] in _COURTESY:
        return False
    return not _PERSONS.isdisjoint(said)


def worn(earlier: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Words of replies that were given twice already; a single word such as "No." never wears."""
    rows = [words_of(reply) for reply in earlier]
    return tuple(dict.fromkeys(row for row in rows if len(row) > 1 < rows.count(row)))


def no_answers(line: str) -> tuple[tuple[str, ...], ...]:
    """The words of a player's line that is no reply to itself; greetings and short words are."""
    said = words_of(line)
    return () if len(said) < _SENTENCE_WORDS or said[0] in _COURTESY else (said,)


class _Following:
    """Rows of words that a text may be saying again."""

    def __init__(self, rows: Iterable[tuple[str, ...]]) -> None:
        self.rows = list(rows)
        self.begin()

    def begin(self) -> None:
        """The first word is next."""
        self.alive = list(self.rows)
        self.count = 0

    def word(self, word: str) -> None:
        if self.alive:
            count = self.count
            self.alive = [row for row in self.alive if len(row) > count and row[count] == word]
        self.count += 1

    def is_whole(self) -> bool:
        """Whether all words of a row were said, and no more."""
        return any(len(row) == self.count for row in self.alive)

    def may_go_on(self, partial: str) -> bool:
        """Whether what was said and is being said is still the beginning of a row."""
        if not self.alive or not (self.count or partial):
            return False
        if not partial:
            return True
        count = self.count
        return any(len(row) > count and row[count].startswith(partial) for row in self.alive)


class RepeatWatch:
    """Follows one reply."""

    def __init__(
        self,
        earlier: Sequence[tuple[str, ...]] = (),
        sentences: Sequence[tuple[str, ...]] = (),
    ) -> None:
        """Begin a reply.

        Args:
            earlier: The words of earlier replies that are not to be given again.
            sentences: The words of sentences that are not to be said again.
        """
        self._replies = _Following(row for row in earlier if len(row) >= _REPLY_WORDS)
        self._sentences = _Following(row for row in sentences if len(row) >= _SENTENCE_WORDS)
        self._sentence: list[str] = []
        self._grams: Counter[tuple[str, ...]] = Counter()
        self._nearly: dict[tuple[str, ...], set[str]] = {}
        """By three words, the fourth that would make a loop now."""
        self._last: tuple[str, ...] = ()

    def word(self, word: str) -> bool:
        """Note a whole word; tells whether it makes a loop."""
        self._replies.word(word)
        self._sentences.word(word)
        self._sentence.append(word)
        gram = (*self._last, word)
        self._last = gram[1 - _GRAM_WORDS :]
        if len(gram) < _GRAM_WORDS:
            return False
        self._grams[gram] += 1
        if self._grams[gram] == _MAX_GRAMS - 1:
            self._nearly.setdefault(gram[:-1], set()).add(word)
        return self._grams[gram] >= _MAX_GRAMS

    def end(self) -> str:
        """Note the end of a sentence; tells what was said again: `sentence`, `reply`, nothing."""
        again = ""
        if self._replies.is_whole():
            again = "reply"
        elif self._sentences.is_whole():
            again = "sentence"
        elif len(self._sentence) >= _SENTENCE_WORDS:
            self._sentences.rows.append(tuple(self._sentence))
        self._sentence = []
        self._sentences.begin()
        return again

    def may_repeat_reply(self, partial: str) -> bool:
        """Whether the reply may still turn out to be an earlier one."""
        return self._replies.may_go_on(partial)

    def may_repeat_sentence(self, partial: str) -> bool:
        """Whether the sentence may still turn out to be an earlier one of this reply."""
        return self._sentences.may_go_on(partial)

    def may_become_loop(self, partial: str) -> bool:
        """Whether the word that is being written may be the one that makes a loop."""
        return any(word.startswith(partial) for word in self._nearly.get(self._last, ()))
