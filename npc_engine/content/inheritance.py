"""`extends:`: a sheet with its parent's values under its own.

One parent, one level. Single values replace the parent's, groups of keys are merged, lists are
replaced. Each value keeps the mark of the file it comes from.
"""

from collections.abc import Mapping
from typing import Any

from npc_engine.content.marks import KeyPath, Mark, Source

EXTENDS = "extends"

_OWN = frozenset({EXTENDS})
"""Keys that are not inherited."""


def merge(child: Source, parent: Source) -> Source:
    """The child with the parent's values where it has none of its own."""
    if not isinstance(child.data, dict) or not isinstance(parent.data, dict):
        return child
    inherited = {key: value for key, value in parent.data.items() if key not in _OWN}
    taken: set[KeyPath] = set()
    data = _merged(child.data, inherited, (), taken)
    return Source(
        path=child.path,
        text=child.text,
        data=data,
        marks={**_moved(parent, parent.marks, taken), **child.marks},
        key_marks={**_moved(parent, parent.key_marks, taken), **child.key_marks},
        lost=child.lost | {where for where in parent.lost if not _has(child.data, where)},
    )


def _merged(
    child: dict[str, Any], parent: dict[str, Any], where: KeyPath, taken: set[KeyPath]
) -> dict[str, Any]:
    """Parent's order first; `taken` collects the places whose whole value is the parent's."""
    merged: dict[str, Any] = {}
    for key, value in parent.items():
        own = child.get(key)
        if key not in child:
            merged[key] = value
            taken.add((*where, key))
        elif isinstance(own, dict) and isinstance(value, dict):
            merged[key] = _merged(own, value, (*where, key), taken)
        else:
            merged[key] = own
    merged.update((key, value) for key, value in child.items() if key not in merged)
    return merged


def _moved(
    parent: Source, marks: Mapping[KeyPath, Mark], taken: set[KeyPath]
) -> dict[KeyPath, Mark]:
    return {
        where: Mark(mark.line, mark.column, parent.path)
        for where, mark in marks.items()
        if any(where[:length] in taken for length in range(1, len(where) + 1))
    }


def _has(data: object, where: KeyPath) -> bool:
    for part in where:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return True
