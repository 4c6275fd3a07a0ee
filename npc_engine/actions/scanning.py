"""A reader of JSON, of Python's literals and of most that a small model writes for them.

Takes single and typographic quotes, bare keys and words, `=` for `:`, trailing and missing commas,
comments, missing closers, `True` and `None`. Reads each character a bounded number of times, and
never raises: what cannot be read ends the value.
"""

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 24
"""Groups inside groups; what is deeper is read as nothing."""
_MAX_DIGITS = 30

_CLOSERS = {"{": "}", "[": "]", "(": ")"}
DOUBLE_QUOTES = '"“”„«»'
SINGLE_QUOTES = "'‘’‚`"
QUOTES = DOUBLE_QUOTES + SINGLE_QUOTES

_SPACE = re.compile(r"(?:\s|\ufeff|//[^\n]*|/\*(?:[^*]|\*(?!/)){0,300}\*/)+")
_AFTER_TEXT = re.compile(r"\s*(?:[,:=}\])\n]|//|/\*|\Z)")
_NEXT_KEY = re.compile(rf"\s*[{QUOTES}][^\s{QUOTES}:,]{{1,64}}[{QUOTES}]\s{{0,8}}[:=]")
_NUMBER = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_THOUSANDS = re.compile(r"[-+]?[0-9]{1,3}(?:,[0-9]{3}){1,4}(?![0-9,])")
_KEY = re.compile(r"[^\W\d][\w.$-]{0,80}")
_BARE = re.compile(r"[^,:={}\[\]()\n\"“”]+")
_BARE_VALUE = re.compile(r"[^,{}\[\]()\n]+")
_SEPARATOR = re.compile(r"\s*(?::=|=>|=|:)\s*")
_ESCAPE = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
    r"|u([0-9a-fA-F]{4})|([\s\S]))"
)
_CANDIDATES = {
    quotes: re.compile(rf"\\[\s\S]|[{quotes}]") for quotes in (DOUBLE_QUOTES, SINGLE_QUOTES)
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": ""}
_WORDS = {
    "true": True,
    "false": False,
    "null": None,
    "none": None,
    "undefined": None,
    "nil": None,
}


def _finite(digits: str) -> float:
    """A number that is one; raises `ValueError` for `NaN`, `Infinity` and what is too large."""
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return number


def _whole(digits: str) -> int:
    """A whole number of a length that anybody means; raises `ValueError` for a longer one."""
    if len(digits) > _MAX_DIGITS:
        raise ValueError(digits)
    return int(digits)


_JSON = json.JSONDecoder(parse_float=_finite, parse_int=_whole, parse_constant=_finite)
_END_OF_CUT_TEXT = re.compile(r"[\s}\])]*\Z")


@dataclass(frozen=True, slots=True)
class Scanned:
    """One value and where it ended."""

    value: Any
    end: int
    """Offset behind it."""
    is_closed: bool
    """Whether its last bracket or quote was there."""


@dataclass(slots=True)
class Members:
    """What stands between brackets: with names, and without."""

    named: dict[str, Any] = field(default_factory=dict)
    unnamed: list[Any] = field(default_factory=list)


def scan_value(text: str, start: int = 0) -> Scanned | None:
    """The value that begins at an offset, spaces passed over; None: there is none."""
    if (strict := _strict(text, start)) is not None:
        return strict
    scanner = _Scanner(text, start)
    scanner.skip_space()
    if scanner.at >= len(text):
        return None
    value = scanner.value(0)
    if value is _NOTHING:
        return None
    return Scanned(value, scanner.at, not scanner.is_cut)


def _strict(text: str, start: int) -> Scanned | None:
    """A group that is plain JSON, where no sign can be meant otherwise; None: it is not."""
    begin = len(text) - len(text[start:].lstrip())
    if text[begin : begin + 1] not in ("{", "["):
        return None
    if sum(map(text.count, "{[")) > MAX_DEPTH:
        return None
    try:
        value, end = _JSON.raw_decode(text, begin)
    except (ValueError, RecursionError):
        return None
    return Scanned(value, end, is_closed=True)


def scan_members(text: str, start: int) -> tuple[Members, Scanned]:
    """What stands in the brackets that open at an offset: arguments of a call."""
    scanner = _Scanner(text, start + 1)
    members = scanner.members(_CLOSERS[text[start]], 0)
    return members, Scanned(members.named, scanner.at, not scanner.is_cut)


_NOTHING: Any = object()


class _Scanner:
    """A place in a text. It only moves forward."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.is_cut = False
        self._expected: list[str] = []

    def skip_space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        if match:
            self.at = match.end()

    def value(self, depth: int) -> object:
        """The value here; `_NOTHING` where a closer, a comma or the end stands."""
        char = self.text[self.at : self.at + 1]
        if char in QUOTES and char:
            return self._quoted()
        if char in _CLOSERS:
            if depth >= MAX_DEPTH:
                return self._passed_over()
            self.at += 1
            members = self.members(_CLOSERS[char], depth + 1)
            if char == "{" and not (members.unnamed and not members.named):
                return {**members.named, **{str(each): None for each in _texts(members.unnamed)}}
            if members.named:
                return [*members.unnamed, members.named]
            return members.unnamed
        return self._bare_value(in_group=bool(self._expected))

    def members(self, closer: str, depth: int) -> Members:
        """Everything up to the closer; a closer of a group around this one ends it too."""
        members = Members()
        self._expected.append(closer)
        while True:
            self.skip_space()
            char = self.text[self.at : self.at + 1]
            if not char:
                self.is_cut = True
                break
            if char in ",;":
                self.at += 1
            elif char in "}])":
                if char == closer:
                    self.at += 1
                    break
                if char in self._expected[:-1]:
                    self.is_cut = True
                    break
                self.at += 1  # a stray one
            elif not self._member(members, closer, depth):
                self.is_cut = True
                break
        self._expected.pop()
        return members

    def _member(self, members: Members, closer: str, depth: int) -> bool:
        """Reads one entry; False where what follows is no part of the group any more."""
        key = self._key()
        if key is None:
            if closer == "}" and self.text[self.at] not in "{[(" + QUOTES:
                return False
            before = self.at
            value = self.value(depth)
            if value is _NOTHING or self.at == before:
                return False
            members.unnamed.append(value)
            return True
        self.skip_space()
        value = self.value(depth) if self.at < len(self.text) else _NOTHING
        members.named[key] = None if value is _NOTHING else value
        return True

    def _key(self) -> str | None:
        """A name with its `:` or `=`; None, and nothing is read, where none stands."""
        start = self.at
        if self.text[start] in QUOTES:
            was_cut = self.is_cut
            key = self._quoted()
            separator = _SEPARATOR.match(self.text, self.at)
            if separator:
                self.at = separator.end()
                return key
            self.at, self.is_cut = start, was_cut
            return None
        match = _KEY.match(self.text, start)
        separator = _SEPARATOR.match(self.text, match.end()) if match else None
        if match and separator:
            self.at = separator.end()
            return match.group()
        return None

    def _quoted(self) -> str:
        """A text in quotes; a quote that nothing of a group follows is a part of the text."""
        opener = self.text[self.at]
        closers = DOUBLE_QUOTES if opener in DOUBLE_QUOTES else SINGLE_QUOTES
        start = self.at + 1
        at = start
        for match in _CANDIDATES[closers].finditer(self.text, start):
            if match.group()[0] == "\\":
                continue
            at = match.end()
            if _AFTER_TEXT.match(self.text, at) or _NEXT_KEY.match(self.text, at):
                self.at = at
                return _unescaped(self.text[start : at - 1])
        self.at = len(self.text)
        self.is_cut = True
        rest = self.text[start:]
        # What was cut ends with closers that belong to the groups around it.
        return _unescaped(_END_OF_CUT_TEXT.sub("", rest[-64:]).join((rest[:-64], "")))

    def _bare_value(self, *, in_group: bool) -> object:
        thousands = _THOUSANDS.match(self.text, self.at)
        if thousands and self._expected[-1:] != ["]"]:
            self.at = thousands.end()
            return int(thousands.group().replace(",", ""))
        match = (_BARE_VALUE if in_group else _BARE).match(self.text, self.at)
        if not match:
            return _NOTHING
        self.at = match.end()
        return plain_value(match.group().strip())

    def _passed_over(self) -> object:
        """Nothing, for groups that are nested too deep: the rest of the text is given up."""
        self.at = len(self.text)
        self.is_cut = True
        return None


def plain_value(word: str) -> object:
    """What an unquoted word means: a number, a truth value, nothing, or the text itself."""
    lower = word.casefold()
    if lower in _WORDS:
        return _WORDS[lower]
    if _NUMBER.fullmatch(word) and len(word) <= _MAX_DIGITS:
        digits = word.replace("_", "")
        if not any(char in digits for char in ".eE"):
            return int(digits)
        number = float(digits)
        return number if abs(number) != float("inf") else word
    return word


def _texts(values: list[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, str)]


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    high, low, code, char = match.groups()
    if high:
        return chr(0x10000 + (int(high, 16) - 0xD800) * 0x400 + int(low, 16) - 0xDC00)
    if code:
        return "" if 0xD800 <= int(code, 16) <= 0xDFFF else chr(int(code, 16))
    # A path or a formula keeps its backslash; quotes, slashes and control letters lose it.
    return _ESCAPES.get(char, char if char in QUOTES + "\\/\n" else match.group())
