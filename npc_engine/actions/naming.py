"""Which known name was meant by a written one: exact, by case, normalised, or by a clear part."""

from collections.abc import Iterable
from typing import NamedTuple

from npc_engine.actions.written import normal_name

_MIN_PART_CHARS = 3


class Match(NamedTuple):
    """A known name and how it was found."""

    name: str
    is_exact: bool


def match_name(written: str, known: Iterable[str]) -> Match | None:
    """The known name a written one means; None where none or several could be meant.

    The first of these that gives exactly one name: the same; the same but for case; the same but
    for spaces, dashes and dots; the last part behind a dot or slash (`functions.wave`); the name
    that begins with it or it begins with; the name that holds it. Parts have at least 3 letters.
    """
    names = list(dict.fromkeys(known))
    if written in names:
        return Match(written, is_exact=True)
    stripped = written.strip().strip("\"'`*.")
    folded = [name for name in names if name.casefold() == stripped.casefold()]
    if len(folded) == 1:
        return Match(folded[0], is_exact=False)
    for key in _keys(stripped):
        same = [name for name in names if normal_name(name) == key]
        if len(same) == 1:
            return Match(same[0], is_exact=False)
        if same:
            return None
    return _by_part(normal_name(stripped), names)


def _keys(written: str) -> Iterable[str]:
    """The normalised name, and its last part where it has a namespace."""
    key = normal_name(written)
    if key:
        yield key
    for separator in (".", "/", ":"):
        last = normal_name(written.rpartition(separator)[2])
        if last and last != key:
            yield last


def _by_part(key: str, names: list[str]) -> Match | None:
    if len(key) < _MIN_PART_CHARS:
        return None
    keys = {name: normal_name(name) for name in names}
    begins = [name for name, other in keys.items() if other.startswith(key)]
    holds = [name for name, other in keys.items() if key in other]
    inside = [
        name for name, other in keys.items() if len(other) >= _MIN_PART_CHARS and other in key
    ]
    for found in (begins, holds, inside):
        if len(found) == 1:
            return Match(found[0], is_exact=False)
        if found:
            return None
    return None
