"""Capture patterns of `remember:` rules: compile, and refuse what could run for ever.

Python's `re` has no time limit and tries the ways to match one after the other. So the ways are
counted by reading the pattern: a repeat multiplies them by its number of lengths, an alternative
adds its own, a repeated group raises them to a power.
"""

import re
from dataclasses import dataclass

MAX_PATTERN_CHARS = 300
MAX_WAYS = 1_000_000
"""Two open repeats and a few alternatives; more takes seconds on a long line."""

_OPEN = 500
"""What a repeat without an upper bound counts: about the length of a long line."""
_ENDLESS = 10**18

_BOUNDS = re.compile(r"\{(\d*)(,?)(\d*)\}")
_GROUP_HEAD = re.compile(r"\((?:\?(?:P<\w+>|<?[=!]|[a-zA-Z-]*:|>|#[^)]*))?")


def pattern_problem(pattern: str) -> tuple[str, str]:
    """What is wrong with a capture pattern, and what to write; two empty texts when it is fine."""
    if len(pattern) > MAX_PATTERN_CHARS:
        return f"a pattern of {len(pattern)} characters", f"at most {MAX_PATTERN_CHARS}"
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"a pattern that does not compile ({error})", "check brackets and backslashes"
    if "value" not in compiled.groupindex:
        return "a pattern without the group that is remembered", "write (?P<value>…) around it"
    if re.search(r"\(\?P=|\\[1-9]|\(\?\(", pattern):
        return "a pattern that refers back to a group", "write the pattern without it"
    if compiled.flags & re.VERBOSE:
        return "a pattern in verbose form", "write it without the flag x"
    ways = _ways(pattern)
    if ways >= _ENDLESS:
        return "a repeat inside a repeat", "repeat single letters or words, such as \\w+"
    if ways > MAX_WAYS:
        found = "a pattern with too many ways to match"
        return found, "give its repeats a bound, such as \\w{1,20}"
    return "", ""


@dataclass(slots=True)
class _Group:
    """An open group: the ways of its finished branches, of this branch, and of the last item."""

    branches: int = 0
    branch: int = 1
    item: int = 1

    def take(self, item: int) -> None:
        """A new item begins; the one before is final."""
        self.branch = min(_ENDLESS, self.branch * self.item)
        self.item = item

    def next_branch(self) -> None:
        """A `|`."""
        self.take(1)
        self.branches += self.branch
        self.branch = 1

    def close(self) -> int:
        """All ways of the group."""
        self.next_branch()
        return min(_ENDLESS, self.branches)


def _ways(pattern: str) -> int:
    """How many ways there are to match, at worst; the pattern is known to compile."""
    groups = [_Group()]
    position = 0
    while position < len(pattern):
        char = pattern[position]
        repeat = _repeat_at(pattern, position)
        if repeat is not None:
            groups[-1].item = _repeated(groups[-1].item, repeat.least, repeat.most)
            position += repeat.length
        elif char == "(":
            head = _GROUP_HEAD.match(pattern, position)
            position = head.end() if head else position + 1
            groups.append(_Group())
        elif char == ")":
            inner = groups.pop().close() if len(groups) > 1 else 1
            groups[-1].take(inner)
            position += 1
        elif char == "|":
            groups[-1].next_branch()
            position += 1
        else:
            groups[-1].take(1)
            position += _length_of_item(pattern, position)
    return groups[0].close()


@dataclass(frozen=True, slots=True)
class _Repeat:
    """A quantifier: how often, and how many characters it is written with."""

    least: int
    most: int
    length: int


def _repeated(ways: int, least: int, most: int) -> int:
    """The ways of an item once it is repeated."""
    if ways == 1:
        return min(most, _OPEN) - min(least, _OPEN) + 1
    if most >= _OPEN:
        return _ENDLESS
    total = 0
    for times in range(least, most + 1):
        total += ways**times
        if total >= _ENDLESS:
            return _ENDLESS
    return total


def _repeat_at(pattern: str, position: int) -> _Repeat | None:
    char = pattern[position]
    if char in "*+?":
        least, most, length = int(char == "+"), 1 if char == "?" else _ENDLESS, 1
    else:
        bounds = _BOUNDS.match(pattern, position)
        if bounds is None or not (bounds[1] or bounds[3]):
            return None
        least, length = int(bounds[1] or 0), len(bounds[0])
        most = int(bounds[3]) if bounds[3] else (_ENDLESS if bounds[2] else least)
    if pattern[position + length : position + length + 1] in ("?", "+"):
        length += 1  # lazy or possessive
    return _Repeat(least, most, length)


def _length_of_item(pattern: str, position: int) -> int:
    """Characters of one letter, escape or class."""
    if pattern[position] == "\\":
        return 2
    if pattern[position] != "[":
        return 1
    end = position + 1
    if pattern[end : end + 1] == "^":
        end += 1
    if pattern[end : end + 1] == "]":
        end += 1
    while end < len(pattern) and pattern[end] != "]":
        end += 2 if pattern[end] == "\\" else 1
    return end + 1 - position
