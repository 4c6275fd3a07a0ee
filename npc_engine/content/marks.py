"""Where every value of a YAML file stands: mark, key path, source.

Plain data; knows nothing of YAML syntax or of any schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from npc_engine.errors import Fault

KeyPath = tuple[str | int, ...]
"""Keys and list indices from the top of a file to one value; the whole file is `()`."""


class Mark(NamedTuple):
    """A place in a file, 1-based."""

    line: int
    column: int
    path: str = ""
    """The file, where it is not the one at hand: a value inherited from a parent sheet."""


class Quoted(str):
    """A text that stood in quotes or in a block: never read as a number, yes or no."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A file as plain data (`dict`, `tuple`, `str`, None) with the place of every node."""

    path: str
    """The file as the person named it."""
    text: str
    data: Any
    """Scalars are `str` or `Quoted`; a key without any value holds None."""
    marks: Mapping[KeyPath, Mark]
    """Where each value begins."""
    key_marks: Mapping[KeyPath, Mark] = field(default_factory=dict)
    """Where the key of each map entry begins."""
    lost: frozenset[KeyPath] = frozenset()
    """Values that could not be read; each has a fault of its own, so nothing more is said of it."""

    def mark(self, where: KeyPath, *, at_key: bool = False) -> Mark:
        """The place of a value (or of its key); of the nearest value around it if it has none."""
        if at_key and where in self.key_marks:
            return self.key_marks[where]
        while where and where not in self.marks:
            where = where[:-1]
        return self.marks.get(where, Mark(1, 1))

    def is_lost(self, where: KeyPath) -> bool:
        """Whether this value or one around it could not be read."""
        return any(where[:length] in self.lost for length in range(len(where) + 1))

    def fault(
        self,
        where: KeyPath,
        found: str,
        expected: str = "",
        advice: str = "",
        code: str = "",
        *,
        at_key: bool = False,
    ) -> Fault:
        """A fault at one value of this file."""
        mark = self.mark(where, at_key=at_key)
        return Fault(
            path=mark.path or self.path,
            line=mark.line,
            column=mark.column,
            key=key_text(where),
            found=found,
            expected=expected,
            advice=advice,
            code=code,
        )


def key_text(where: KeyPath) -> str:
    """A key path as people write it: `speech.says[0]`; numbers of list items start at 0."""
    text = ""
    for part in where:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def shown(value: object, max_chars: int = 60) -> str:
    """A value as a fault quotes it: texts in double quotes, on one line, long ones cut."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a group of keys"
    if isinstance(value, (tuple, list)):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    text = " ".join(value.split())
    if len(text) > max_chars:
        text = text[: max_chars - 1].rstrip() + "…"
    return f'"{text}"'


def quoted(text: str, max_chars: int = 60) -> str:
    """A text as it can be written in YAML: in double quotes, escaped; long ones end in `…`."""
    flat = " ".join(text.split())
    if len(flat) > max_chars:
        flat = flat[: max_chars - 1].rstrip() + "…"
    escaped = flat.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
