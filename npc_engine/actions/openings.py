"""Where a call begins in a text that is still arriving, and where its brackets close."""

from collections.abc import Collection
from dataclasses import dataclass

from npc_engine.actions.held_text import HeldText, Waiting
from npc_engine.actions.scanning import DOUBLE_QUOTES, QUOTES, SINGLE_QUOTES
from npc_engine.actions.written import normal_name

_OPENERS = (
    *("toolcall", "toolcalls", "functioncall", "functioncalls", "pythontag", "function", "invoke"),
    *("toolcallstart", "toolcallbegin", "toolcallsbegin", "startfunctioncall", "tool", "tools"),
)
_CLOSERS = (
    *("toolcallend", "toolcallsend", "endfunctioncall", "endtoolcall", "eomid", "eotid"),
    *("toolsep", "parameter"),
)
_TAGS = (*_OPENERS, *_CLOSERS)
_OPEN_ENDED = ("toolcall", "toolcalls", "functioncall", "functioncalls")
"""Tags whose `>` some models leave out."""
_MAX_TAG_CHARS = 100
_MAX_KEY_CHARS = 64
_MAX_LEADING = 4
"""Brackets before the first key or value that shows that data begin."""
_MAX_OPEN = 64
"""Brackets inside brackets; a group that has more ends there."""
_BARE_KEY_CHARS = " .-$"
_HEADLESS = ("name", "function", "arguments", "parameters", "toolcall", "action", "tool")
_PAIRS = {"{": "}", "[": "]", "(": ")"}


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that belongs to calls."""

    end: int
    """Offset behind it."""
    is_closer: bool
    name: str = ""
    """The action, where the tag names it."""
    has_closer: bool = True
    """Whether a closing tag is expected."""


def read_tag(held: HeldText, start: int) -> Waiting[Tag | None]:
    """The tag at a `<`; None as soon as it can be none."""
    index = start + 1
    word = ""
    while index - start < _MAX_TAG_CHARS:
        char = yield from held.char(index)
        if char == "=" or not char or not (char.isalnum() or char in "_-|/▁｜"):
            break
        word += char
        index += 1
        if not _can_be_tag(word):
            return None
    key = normal_name(word)
    if key not in _TAGS:
        return None
    is_closer = word.lstrip("|").startswith("/") or key in _CLOSERS
    char = yield from held.char(index)
    if char == ">":
        return Tag(index + 1, is_closer, has_closer=key != "pythontag")
    end = (yield from _tag_end(held, index)) if char == "=" or char.isspace() else None
    if end is not None:
        return Tag(end + 1, is_closer, "" if is_closer else _name_in(held.text[index:end]))
    return Tag(index, is_closer) if key in _OPEN_ENDED else None


def looks_like_group(held: HeldText, start: int) -> Waiting[bool]:
    """Whether a `{` or `[` begins data; `{smiles}` and `[sighs]` are words."""
    index = start
    brackets = 0
    while brackets < _MAX_LEADING:
        char = yield from held.char(index)
        if char not in ("{", "["):
            break
        brackets += 1
        index = yield from held.after_space(index + 1, 64)
    if not char:
        return False
    if char in QUOTES:
        return True
    if char in "}]":
        return held.text[start] == "{"
    if not (char.isalnum() or char in "_$") or held.text[start] == "[" and brackets == 1:
        return False
    last = index + _MAX_KEY_CHARS
    while index < last:
        char = yield from held.char(index)
        if not char or not (char.isalnum() or char in "_" + _BARE_KEY_CHARS):
            break
        index += 1
    return char in (":", "=") and char != ""


def is_headless(held: HeldText, start: int) -> Waiting[bool]:
    """Whether a quote begins a key such as `"name":` of data whose `{` is missing.

    Also the quote that ends a key whose beginning is missing. A word in quotes with a colon behind
    it is speech where no value follows, as in: "No": he said it twice.
    """
    index = yield from held.word_end(start + 1, _MAX_KEY_CHARS)
    key = held.text[start + 1 : index]
    if key:
        char = yield from held.char(index)
        if not char or char not in QUOTES:
            return False
        index += 1
    index = yield from held.after_space(index, 4)
    if (yield from held.char(index)) != ":":
        return False
    if normal_name(key) in _HEADLESS:
        return True
    index = yield from held.after_space(index + 1, 4)
    char = yield from held.char(index)
    if char and char in "tfn":
        end = yield from held.word_end(index, 6)
        return held.text[index:end] in ("true", "false", "null")
    return char != "" and (char in "{[-" or char in QUOTES or char.isdigit())


def read_known_name(
    held: HeldText, start: int, names: Collection[str]
) -> Waiting[tuple[int, bool]]:
    """How far a word reaches, and whether it is one of the names; given up as soon as it cannot be.

    Args:
        held: The text.
        start: Where the word begins.
        names: As `normal_name` gives them.
    """
    index = start
    while True:
        char = yield from held.char(index)
        if char and (char.isalnum() or char == "_"):
            index += 1
            if not _begins_one(held.text[start:index], names):
                return index, False
            continue
        if char and char in ".-:/" and not _is_one(held.text[start:index], names, char):
            following = yield from held.char(index + 1)
            if following and following.isalnum():
                index += 1
                continue
        return index, normal_name(held.text[start:index]) in names


def read_group(held: HeldText, start: int, *, opened: str = "") -> Waiting[tuple[int, bool]]:
    """Where the brackets that open at an offset close, and whether they do.

    Texts in quotes are passed over. A tag of calls or a fence ends the group, closed or not.

    Args:
        held: The text.
        start: At the bracket, or behind one that is missing.
        opened: A bracket that stands before, though not in the text.
    """
    expected = [_PAIRS[opened]] if opened else []
    index = start
    may_quote = True
    while True:
        char = yield from held.char(index)
        if not char or (yield from _ends_group(held, index, char)):
            return index, False
        if char in QUOTES and may_quote:
            index, is_cut = yield from _read_quoted(held, index)
            if is_cut:
                return index, False
            continue
        index += 1
        if char in _PAIRS:
            if len(expected) >= _MAX_OPEN:
                return index, False
            expected.append(_PAIRS[char])
        elif char in "}])" and char in expected:
            while expected.pop() != char:
                pass
            if not expected:
                return index, True
        may_quote = char in "{[(,:=;}])\n" or (may_quote and char.isspace())


def _read_quoted(held: HeldText, start: int) -> Waiting[tuple[int, bool]]:
    """Behind the quote that ends a text, by the rules of `scanning`; whether the text was cut."""
    is_double = held.text[start] in DOUBLE_QUOTES
    closers = DOUBLE_QUOTES if is_double else SINGLE_QUOTES
    index = start + 1
    while True:
        char = yield from held.char(index)
        if not char or (yield from _ends_group(held, index, char)):
            return index, True
        if char == "\\":
            index += 2
            continue
        index += 1
        if char in closers and (yield from _ends_text(held, index)):
            return index, False


def _ends_text(held: HeldText, index: int) -> Waiting[bool]:
    """Whether what stands behind a quote lets it end a text."""
    while True:
        char = yield from held.char(index)
        if char == "\n" or not char or not char.isspace():
            break
        index += 1
    if not char or char in ",:=}])\n<":
        return True
    if char == "/":
        return (yield from held.char(index + 1)) in ("/", "*")
    if char not in QUOTES:
        return False
    index += 1
    last = index + _MAX_KEY_CHARS
    while index < last:
        char = yield from held.char(index)
        if not char or char.isspace() or char in ":,":
            return False
        index += 1
        if char in QUOTES:
            index = yield from held.after_space(index, 8)
            char = yield from held.char(index)
            return char in (":", "=")
    return False


def _ends_group(held: HeldText, index: int, char: str) -> Waiting[bool]:
    if char == "<":
        return (yield from read_tag(held, index)) is not None
    if char == "`" and (yield from held.char(index + 1)) == "`":
        return (yield from held.char(index + 2)) == "`"
    return False


def _tag_end(held: HeldText, index: int) -> Waiting[int | None]:
    """Where the `>` of a tag with attributes stands; None where other text follows instead."""
    last = index + _MAX_TAG_CHARS
    start = index
    while index < last:
        char = yield from held.char(index)
        if char == ">":
            return index
        inside = held.text[start:index].strip()
        begins = not inside and not (char.isspace() or char in "=n")
        if not char or char in "{}[]()<\n" or begins:
            return None
        index += 1
    return None


def _name_in(attributes: str) -> str:
    text = attributes.strip().removeprefix("name").strip()
    if not text.startswith("="):
        return ""
    name = text[1:].strip().strip("\"'").strip(" /")
    return name.split('"')[0].split("'")[0]


def _can_be_tag(word: str) -> bool:
    key = normal_name(word)
    return any(tag.startswith(key) for tag in _TAGS)


def _begins_one(word: str, names: Collection[str]) -> bool:
    key = normal_name(word)
    return any(name.startswith(key) for name in names)


def _is_one(word: str, names: Collection[str], char: str) -> bool:
    """Whether a name ends before a `:`, which may also stand inside of one."""
    return char == ":" and normal_name(word) in names
