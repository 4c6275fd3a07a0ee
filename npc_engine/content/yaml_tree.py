"""YAML events to plain data: builds maps, lists and texts, notes where each stands.

Works on the parser's events, not on its node tree: anchors and tags are still visible there, and
deep nesting costs no stack. What our YAML does not have is a fault, and reading goes on.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Protocol

import yaml

from npc_engine.content.forbidden import find_forbidden, without_forbidden
from npc_engine.content.marks import KeyPath, Mark, Quoted, key_text, quoted, shown
from npc_engine.errors import Fault

MAX_DEPTH = 32
MAX_NODES = 50_000

Loader = type[yaml.SafeLoader] | type[yaml.CSafeLoader]

_LOADER: Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SIGNS = {"*": "a reference", "&": "an anchor", "!": "a tag"}

_NodeEvent = yaml.ScalarEvent | yaml.AliasEvent | yaml.CollectionStartEvent


class YamlMark(Protocol):
    """A place as both parsers of PyYAML give it, 0-based."""

    @property
    def line(self) -> int:
        """The line."""
        ...

    @property
    def column(self) -> int:
        """The column."""
        ...


@dataclass(slots=True)
class Tree:
    """What one pass over the events gives."""

    path: str
    lines: list[str]
    data: Any = None
    marks: dict[KeyPath, Mark] = field(default_factory=dict)
    key_marks: dict[KeyPath, Mark] = field(default_factory=dict)
    lost: set[KeyPath] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    stopped: bool = False
    """Too deep, too large or a second document: the rest was not read."""


def build_tree(text: str, path: str, *, loader: Loader = _LOADER) -> Tree:
    """Read one document.

    Raises:
        yaml.YAMLError: The text is not YAML.
    """
    builder = _Builder(Tree(path, text.split("\n")))
    for event in yaml.parse(text, Loader=loader):
        builder.take(event)
        if builder.tree.stopped:
            break
    return builder.tree


@dataclass(slots=True)
class _Frame:
    """One open map or list."""

    where: KeyPath
    value: dict[str, Any] | list[Any]
    in_flow: bool
    """Between brackets, here or further out."""
    key: str | None = None
    """The key whose value comes next."""
    skip_next: bool = False
    """The value that comes next belongs to a refused key."""


class _Builder:
    """Takes events one by one; `tree` grows."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._open: list[_Frame] = []
        self._dropped_depth = 0
        """Open maps and lists inside a value or key that is being dropped."""
        self._nodes = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """One event of the parser."""
        if isinstance(event, yaml.CollectionEndEvent):
            self._end()
        elif isinstance(event, (yaml.CollectionStartEvent, yaml.ScalarEvent, yaml.AliasEvent)):
            self._node(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._document(event)

    def _document(self, event: yaml.Event) -> None:
        self._documents += 1
        if self._documents == 2:
            self._fault(
                _mark(event),
                (),
                'a second document ("---")',
                "one document in a file",
                "remove the line with ---, or move what follows into a file of its own",
            )
            self.tree.stopped = True

    def _node(self, event: _NodeEvent) -> None:
        opens = isinstance(event, yaml.CollectionStartEvent)
        if self._is_too_much(event):
            return
        if self._dropped_depth:
            self._dropped_depth += opens
        elif self._open and self._open[-1].skip_next:
            self._open[-1].skip_next = False
            self._dropped_depth = int(opens)
        elif self._expects_key():
            self._key(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        else:
            self._leaf(event)

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        where, mark = self._next_where(), _mark(event)
        self._refuse_extras(event, where, mark)
        self.tree.marks[where] = mark
        in_flow = bool(event.flow_style) or bool(self._open and self._open[-1].in_flow)
        is_map = isinstance(event, yaml.MappingStartEvent)
        self._open.append(_Frame(where, {} if is_map else [], in_flow))

    def _end(self) -> None:
        if self._dropped_depth:
            self._dropped_depth -= 1
            return
        value = self._open.pop().value
        self._attach(value if isinstance(value, dict) else tuple(value))

    def _leaf(self, event: yaml.ScalarEvent | yaml.AliasEvent) -> None:
        where, mark = self._next_where(), _mark(event)
        value: str | None = None
        if isinstance(event, yaml.AliasEvent):
            self._refuse_sign("*", where, mark)
        else:
            self._refuse_extras(event, where, mark)
            value = self._text(event, where, mark)
        self.tree.marks[where] = mark
        self._attach(value)

    def _attach(self, value: object) -> None:
        if not self._open:
            self.tree.data = value
            return
        frame = self._open[-1]
        if isinstance(frame.value, list):
            frame.value.append(value)
        else:
            frame.value[str(frame.key)] = value
            frame.key = None

    def _text(self, event: yaml.ScalarEvent, where: KeyPath, mark: Mark) -> str | None:
        plain = not event.style
        if plain and not event.value:
            return None
        value: str = event.value if plain else Quoted(event.value)
        for stray in find_forbidden(value):
            self._fault(mark, where, stray.name, "visible text", "remove it", "E109")
            return Quoted(without_forbidden(value))
        if plain and "?" in value and self._open and self._open[-1].in_flow:
            self._refuse_question(value, where, mark)
        return value

    def _key(self, event: _NodeEvent) -> None:
        frame, mark = self._open[-1], _mark(event)
        frame.skip_next = True
        if not isinstance(event, yaml.ScalarEvent) or not _is_plain_key(event):
            self._refuse_key(event, mark)
            self._dropped_depth = int(isinstance(event, yaml.CollectionStartEvent))
            return
        key = without_forbidden(event.value)
        where = (*frame.where, key)
        if key != event.value:
            stray = next(find_forbidden(event.value))
            self._fault(mark, where, stray.name, "visible text", "remove it", "E109")
        elif key in frame.value:
            first = self.tree.key_marks[where].line
            self._fault(
                mark,
                where,
                f"the key {shown(key)} a second time (first in line {first})",
                "each key once",
                "keep one of the two, or join their values",
            )
        elif frame.in_flow and not self._has_value(event):
            self._refuse_lonely_key(key, frame, mark)
        else:
            self.tree.key_marks[where] = mark
            frame.key = key
            frame.skip_next = False

    # -- what our YAML does not have --------------------------------------------------------------

    def _refuse_key(self, event: _NodeEvent, mark: Mark) -> None:
        where = self._open[-1].where
        line = self.tree.lines[mark.line - 1]
        before = line[: mark.column - 1].rstrip()
        if line.startswith("{", mark.column - 1) and before.endswith("{"):
            text = value_text(line, len(before) - 1)
            self._fault(
                Mark(mark.line, len(before)),
                where,
                'a text that begins with "{{"',
                "a text in quotes",
                f"put the text in quotes: {quoted(text)}",
            )
            self.tree.lost.add(where)
        elif isinstance(event, yaml.ScalarEvent) and event.value == "<<":
            self._fault(
                mark,
                where,
                'the merge key "<<"',
                "plain keys",
                "write the keys out, or use extends: for a shared parent",
            )
        elif isinstance(event, yaml.ScalarEvent) and not event.value:
            self._fault(
                mark, where, "a colon without a key before it", "key: value", "write the key"
            )
        else:
            self._fault(
                mark, where, "a key that is not plain text", "a text as key", "put it in quotes"
            )

    def _has_value(self, event: yaml.ScalarEvent) -> bool:
        """Whether a colon follows a key between brackets."""
        end = _place(event.end_mark)
        rest = self.tree.lines[end.line - 1][end.column - 1 :].lstrip()
        return not rest.startswith((",", "}"))

    def _refuse_lonely_key(self, key: str, frame: _Frame, mark: Mark) -> None:
        name, colon, rest = key.partition(":")
        if colon and rest:
            where = (*frame.where, name)
            self._fault(mark, where, shown(key), "a space after the colon", f"write {name}: {rest}")
            self.tree.lost.add(where)
            return
        previous = next(reversed(frame.value), None) if isinstance(frame.value, dict) else None
        told = frame.value[previous] if isinstance(frame.value, dict) and previous else None
        if isinstance(told, str) and told.isdigit() and key.isdigit():
            advice = f"decimals are written with a point: {previous}: {told}.{key}"
        elif isinstance(told, str) and not isinstance(told, Quoted):
            advice = (
                "a comma inside { } begins a new entry; if it belongs to the text, "
                f"put the text in quotes: {previous}: {quoted(f'{told}, {key}')}"
            )
        else:
            advice = f"write {key}: and its value"
        self._fault(
            mark, (*frame.where, key), f"{shown(key)} without a value", "key: value", advice
        )
        if previous:
            self.tree.lost.add((*frame.where, previous))

    def _refuse_question(self, value: str, where: KeyPath, mark: Mark) -> None:
        last = where[-1]
        brackets, key = ("[ ]", "") if isinstance(last, int) else ("{ }", f"{last}: ")
        self._fault(
            mark,
            where,
            f'the text {shown(value)} with a "?" inside {brackets}',
            "a text in quotes there",
            f"put the text in quotes: {key}{quoted(value)}",
        )

    def _refuse_extras(
        self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, where: KeyPath, mark: Mark
    ) -> None:
        if event.anchor:
            self._refuse_sign("&", where, mark)
        elif event.tag is not None:
            self._refuse_sign("!", where, mark)

    def _refuse_sign(self, sign: str, where: KeyPath, mark: Mark) -> None:
        in_flow = bool(self._open) and self._open[-1].in_flow
        text = value_text(self.tree.lines[mark.line - 1], mark.column - 1, in_flow=in_flow)
        self._fault(
            mark,
            where,
            f'a value that begins with "{sign}", which YAML reads as {_SIGNS[sign]}',
            "a text in quotes",
            f"put the text in quotes: {quoted(text)}",
        )
        self.tree.lost.add(where)

    def _is_too_much(self, event: _NodeEvent) -> bool:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._fault(
                _mark(event),
                (),
                f"more than {MAX_NODES:,} values",
                f"at most {MAX_NODES:,}",
                "split the file",
            )
            self.tree.stopped = True
        elif len(self._open) + self._dropped_depth > MAX_DEPTH:
            self._fault(
                _mark(event),
                (),
                f"values nested deeper than {MAX_DEPTH} levels",
                f"at most {MAX_DEPTH} levels",
                "take the inner parts out",
            )
            self.tree.stopped = True
        return self.tree.stopped

    # -- places -----------------------------------------------------------------------------------

    def _expects_key(self) -> bool:
        return (
            bool(self._open)
            and isinstance(self._open[-1].value, dict)
            and (self._open[-1].key is None)
        )

    def _next_where(self) -> KeyPath:
        if not self._open:
            return ()
        frame = self._open[-1]
        if isinstance(frame.value, list):
            return (*frame.where, len(frame.value))
        return (*frame.where, str(frame.key))

    def _fault(
        self, mark: Mark, where: KeyPath, found: str, expected: str, advice: str, code: str = "E003"
    ) -> None:
        place = (self.tree.path, mark.line, mark.column, key_text(where))
        self.tree.faults.append(Fault(*place, found, expected, advice, code))


def value_text(line: str, column: int, *, in_flow: bool = False) -> str:
    """The text an author meant as one value.

    Args:
        line: The line it stands in.
        column: Where it begins, 0-based.
        in_flow: Whether a comma or closing bracket ends it, besides a comment and the line's end.
    """
    rest = line[column:]
    end = re.search(r" #|[,\]}]" if in_flow else " #", rest)
    return (rest[: end.start()] if end else rest).strip()


def _mark(event: yaml.Event) -> Mark:
    return _place(event.start_mark)


def _place(mark: YamlMark | None) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)


def _is_plain_key(event: yaml.ScalarEvent) -> bool:
    if event.anchor or event.tag is not None:
        return False
    return bool(event.style) or event.value not in ("", "<<")
