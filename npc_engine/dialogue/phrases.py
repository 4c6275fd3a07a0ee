"""Phrases that are looked for word by word in a text that is still growing.

Phrases are written as `(i'm|i am) (just|) an assistant`: lower-case words, choices in brackets.
`^` stands for the beginning of a sentence, `.` for its end; `:`, `"` and `[` may stand between
words. Other signs of a text are passed over.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_PARTS = re.compile(r"[()|]|[^()|\s]+")
SOFT_MARKS = frozenset(':"[')
"""Signs a phrase may ask for; one that does not ask passes them over."""


@dataclass(slots=True)
class _Place:
    """A place inside the phrases: what may follow, and what was said if they end here."""

    following: dict[str, list[int]] = field(default_factory=dict)
    kind: str = ""


class Phrases:
    """Many phrases, ready to be followed together.

    States are worked out when a text first gets there, because the choices multiply.
    """

    def __init__(self, phrases: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Take kinds with their phrases; where two phrases end together, the first kind stays."""
        self._places = [_Place()]
        self._states: dict[frozenset[int], State] = {}
        for kind, texts in phrases:
            for text in texts:
                parts = _PARTS.findall(text)
                for place in self._choices(parts, [0]):
                    self._places[place].kind = self._places[place].kind or kind
                if parts:
                    raise ValueError(f"a bracket too many in the phrase {text!r}")
        self.root = self.state(frozenset((0,)))

    def state(self, numbers: frozenset[int]) -> "State":
        """The state of being at several places at once."""
        if numbers not in self._states:
            places = [self._places[number] for number in sorted(numbers)]
            following: dict[str, list[int]] = {}
            for place in places:
                for word, targets in place.following.items():
                    following.setdefault(word, []).extend(targets)
            kind = next((place.kind for place in places if place.kind), "")
            self._states[numbers] = State(self, following, kind)
        return self._states[numbers]

    def _choices(self, parts: list[str], begin: Sequence[int]) -> list[int]:
        """The places behind all choices up to the closing bracket; takes the parts it reads."""
        done: list[int] = []
        here = list(begin)
        while parts and parts[0] != ")":
            part = parts.pop(0)
            if part == "|":
                done += here
                here = list(begin)
            elif part == "(":
                here = self._choices(parts, here)
                del parts[:1]
            else:
                here = [self._behind(part, here)]
        return [*done, *here]

    def _behind(self, word: str, before: Sequence[int]) -> int:
        number = len(self._places)
        self._places.append(_Place())
        for place in before:
            self._places[place].following.setdefault(word, []).append(number)
        return number


class State:
    """Where a text stands in the phrases it has begun."""

    __slots__ = ("_following", "_known", "_phrases", "beginnings", "kind")

    def __init__(self, phrases: Phrases, following: dict[str, list[int]], kind: str) -> None:
        """A state with what may follow, and what was found if a phrase ends here."""
        self._phrases = phrases
        self._following = following
        self._known: dict[str, State] = {}
        self.kind = kind
        self.beginnings = {
            word[:length] for word in following for length in range(1, len(word) + 1)
        }
        """Beginnings of all words that may follow."""

    def after(self, word: str) -> "State | None":
        """The state behind a word; None if no phrase goes on with it."""
        if word not in self._following:
            return None
        if word not in self._known:
            self._known[word] = self._phrases.state(frozenset(self._following[word]))
        return self._known[word]

    @property
    def goes_on(self) -> bool:
        """Whether a longer phrase may still come."""
        return bool(self._following)


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase that was said."""

    kind: str
    start: int
    """Where its first word stands."""


class PhraseWatch:
    """Follows phrases through one text."""

    def __init__(self, lists: Iterable[Phrases]) -> None:
        """Begin before the first word."""
        self._roots = tuple(phrases.root for phrases in lists)
        self._heads = tuple(head for root in self._roots if (head := root.after("^")) is not None)
        self._begun: list[tuple[int, State]] = []

    def word(self, word: str, start: int, *, is_first: bool) -> Found | None:
        """Note a whole word; tells what ends with it, the one that began first.

        Args:
            word: In small letters, with straight apostrophes.
            start: Where it stands.
            is_first: Whether it begins a sentence.
        """
        return self._advance(word, [*self._begun, *self._beginning(start, is_first=is_first)])

    def mark(self, mark: str, start: int) -> Found | None:
        """Note one of `SOFT_MARKS`."""
        passing = [(at, state) for at, state in self._begun if state.after(mark) is None]
        found = self._advance(mark, [*self._begun, *self._beginning(start, is_first=False)])
        self._begun += passing
        return found

    def end(self) -> Found | None:
        """Note the end of a sentence."""
        return self._advance(".", self._begun)

    def begun_at(self, partial: str, start: int, *, is_first: bool) -> int | None:
        """Where the first phrase begins that may still be meant; None if there is none.

        Args:
            partial: The beginning of the word that is being written; empty between words.
            start: Where that word stands.
            is_first: Whether it begins a sentence.
        """
        if not partial:
            return min((at for at, _ in self._begun), default=None)
        open_states = [*self._begun, *self._beginning(start, is_first=is_first)]
        return min((at for at, state in open_states if partial in state.beginnings), default=None)

    def _beginning(self, start: int, *, is_first: bool) -> list[tuple[int, State]]:
        return [(start, state) for state in (*self._roots, *(self._heads if is_first else ()))]

    def _advance(self, token: str, states: list[tuple[int, State]]) -> Found | None:
        begun: list[tuple[int, State]] = []
        found: Found | None = None
        for at, state in states:
            after = state.after(token)
            if after is None:
                continue
            if after.kind and (found is None or at < found.start):
                found = Found(after.kind, at)
            if after.goes_on:
                begun.append((at, after))
        self._begun = begun
        return found
