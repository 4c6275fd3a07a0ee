"""Marks that are no speech: markers of chat templates, role tags, and labels of who speaks.

Each question is answered yes, no, or "cannot be told yet", so that a text that is still growing is
held back exactly as long as the answer is open.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

_MARKER = re.compile(
    r"<?/?extra_id_\d+>?"
    r"|<\|"
    r"|</?s>"
    r"|</?\[?(?:tool_?call|tool_?response|tool|context|inst|sys)(?!\w)[^>\n]*>?"
    r"|\[/?INST\]"
    r"|```",
    re.IGNORECASE,
)
_HEADS = (
    *(f"{lead}extra_id_0" for lead in ("<", "</")),
    "<|",
    "<s>",
    "</s>",
    *(
        f"{lead}{word}"
        for lead in ("<", "</", "<[", "</[")
        for word in ("tool_call", "toolcall", "tool_response", "tool", "context", "inst", "sys")
    ),
    "[inst]",
    "[/inst]",
    "```",
)
_HEAD_BEGINNINGS = frozenset(head[:length] for head in _HEADS for length in range(1, len(head) + 1))
MARKER_SIGNS = frozenset("<[`")
"""Signs a marker begins with."""
_BARE_HEAD = "extra_id_"

_ROLES = ("user", "assistant", "tool", "system")
_ROLE_LINE = re.compile(rf"[ ]*(?:{'|'.join(_ROLES)})[ ]*(?::|\n)", re.IGNORECASE)
_LAST_ROLE_LINE = re.compile(rf"[ ]*(?:{'|'.join(_ROLES)})[ ]*(?::|\n|$)", re.IGNORECASE)
_NAME = r"[^:\n]{1,90}?"
_LABEL = re.compile(
    rf"[ ]*(?:\*\*|__)?(?P<speaker>{_NAME})(?: to (?P<hearer>{_NAME}))?"
    r"(?:\*\*|__)?[ ]?:(?:\*\*|__)?[ ]*"
)
"""`Name:` and `Name to Name:`, with or without emphasis; a name has at most 80 characters."""
_STOCK_LABELS = ("Player", "Someone", "You", "Narrator", "User", "Assistant")

Answer = Literal["yes", "no", "open"]
Speaker = Literal["own", "other", "role", "none", "open"]


def marker_at(text: str, start: int, *, final: bool) -> Answer:
    """Whether a template's marker begins at one of `MARKER_SIGNS`."""
    match = _MARKER.match(text, start)
    begun = text[start : start + 16].casefold()
    if not final and begun in _HEAD_BEGINNINGS and (match is None or begun[-1].isalpha()):
        return "open"
    return "yes" if match else "no"


def is_bare_marker(word: str) -> bool:
    """Whether a word is a marker without its bracket; small models write such."""
    return word.startswith(_BARE_HEAD)


def may_become_bare_marker(partial: str) -> bool:
    """Whether a word that is being written may become one."""
    return _BARE_HEAD.startswith(partial) or partial.startswith(_BARE_HEAD)


@lru_cache(maxsize=256)
def labels_for(own: tuple[str, ...], others: tuple[str, ...]) -> "Labels":
    """The labels of one speaker, made once for all its replies."""
    return Labels(own, others)


class Labels:
    """Tells from the beginning of a line whose words it announces."""

    def __init__(self, own: Sequence[str], others: Sequence[str]) -> None:
        """Take names; small models also copy the prompt's `Mira knows:`.

        Args:
            own: Labels the speaker may put in front of its own words.
            others: Whoever else could be given a line.
        """
        named = tuple(filter(None, own))
        self._own = frozenset((*named, *(f"{name} knows" for name in named)))
        shared = frozenset((*named, *others, *map(_capital, others), *_STOCK_LABELS)) - {""}
        self._others = shared
        self._beginnings = (_beginnings_of(shared), _beginnings_of(self._own))

    def speaker_at(self, text: str, start: int, *, is_begin: bool, final: bool) -> Speaker:
        """Whose label stands at the beginning of a line.

        Args:
            text: What is there so far.
            start: Where the line begins.
            is_begin: Whether it is the first line, where the speaker's own label may stand.
            final: Whether nothing more comes.
        """
        label = self._label_at(text, start)
        is_own = label is not None and label["speaker"] in self._own
        if label is not None and is_own and is_begin:
            # Its closing asterisks may still come.
            is_open = not final and text[label.end() :] in ("", "*", "_")
            return "open" if is_open else "own"
        if (_LAST_ROLE_LINE if final else _ROLE_LINE).match(text, start):
            return "role"
        if label is not None:
            return "other"
        return "none" if final or not self._may_come(text[start:]) else "open"

    def own_end(self, text: str, start: int) -> int:
        """Where the speaker's own label ends."""
        label = self._label_at(text, start)
        return label.end() if label is not None and label["speaker"] in self._own else start

    def _label_at(self, text: str, start: int) -> re.Match[str] | None:
        """The label of somebody who is known, said to anybody who is known if to somebody."""
        label = _LABEL.match(text, start)
        if label is None or not self._is_known(label["speaker"]):
            return None
        hearer = label["hearer"]
        return label if hearer is None or self._is_known(hearer) else None

    def _is_known(self, name: str) -> bool:
        return name in self._others or name in self._own

    def _may_come(self, line: str) -> bool:
        core = line.lstrip(" ")
        core = core[2:] if core[:2] in ("**", "__") else core.removeprefix("*").removeprefix("_")
        role = core.rstrip(" ").casefold()
        if " to " in core:
            speaker, _, hearer = core.partition(" to ")
            return self._is_known(speaker) and (not hearer or self._begins(hearer))
        return self._begins(core) or any(name.startswith(role) for name in _ROLES)

    def _begins(self, words: str) -> bool:
        return any(words in beginnings for beginnings in self._beginnings)


def _capital(name: str) -> str:
    """How a name without a capital, such as `the traveller`, begins a row of a prompt."""
    return name[:1].upper() + name[1:]


@lru_cache(maxsize=64)
def _beginnings_of(names: frozenset[str]) -> frozenset[str]:
    """Whatever a label of one of these names may look like while it is being written."""
    return frozenset(
        full[:length]
        for name in names
        for full in (f"{name}** :", f"{name}__ :", f"{name} :", f"{name} to ")
        for length in range(len(full))
    )
