"""The output guard: what of a model's text may be heard, decided while it streams.

Cuts role tags, template markers and other people's lines; drops the speaker's own label; ends the
reply at the sheet's number of sentences. Holds back only what could still become one of these.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from npc_engine.dialogue.plain_text import plain, without_open_escape
from npc_engine.sentences import finished_part, sentence_ends

_MARKER = re.compile(
    r"<?/?extra_id_\d+>?"
    r"|<\|[^|\n]{0,40}\|?>?"
    r"|</?s>"
    r"|</?\[?(?:tool_?call|tool|context|inst|sys)\b[^>\n]*>?"
    r"|\[/?INST\]",
    re.IGNORECASE,
)
_ROLE_LINE = re.compile(r"(?:^|\n)[ ]*(?:user|assistant|tool|system)[ ]*(?::|\n)", re.IGNORECASE)
_LAST_ROLE_LINE = re.compile(_ROLE_LINE.pattern.replace(r"|\n)", "|\n|$)"), re.IGNORECASE)
_OPEN_MARKER = re.compile(
    r"<[^<>\n]{0,48}$"
    r"|\[/?(?:I(?:N(?:ST?)?)?)?$"
    r"|(?<!\w)e(?:x(?:t(?:r(?:a(?:_(?:i(?:d(?:_\d*)?)?)?)?)?)?)?)?$",
    re.IGNORECASE,
)
_MAX_LABEL_CHARS = 48


@dataclass(slots=True)
class OutputGuard:
    """Guards one reply. Feed it text as it comes; `ended_by` says when to stop the model."""

    own_names: tuple[str, ...]
    """Labels the speaker may put in front of its own words, such as `Mira` and `Mira Voss`."""
    other_names: tuple[str, ...] = ()
    """Whoever else could be given a line: the player and the cast."""
    max_sentences: int | None = None
    ended_by: str = ""
    """Why nothing more will be let through; empty while the reply may go on."""
    cut: str = ""
    """What was removed at the end, for the record of the turn."""
    _raw: str = ""
    _shown: str = ""
    _own: re.Pattern[str] = field(init=False)
    _others: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Build the patterns of this speaker; small models copy the prompt's `Mira knows:` too."""
        self.own_names = (*self.own_names, *(f"{name} knows" for name in self.own_names))
        self._own = re.compile(rf"\s*{_label(self.own_names)}")
        self._others = re.compile(
            rf"(?:^|\n)[ ]*{_label((*self.other_names, *_STOCK_LABELS, *self.own_names))}"
        )

    def feed(self, text: str) -> str:
        """Add model text; returns what may be shown now in addition to what was shown."""
        if self.ended_by:
            return ""
        self._raw += text
        safe = self._safe(final=False)
        if not safe.startswith(self._shown):
            return ""
        added = safe[len(self._shown) :]
        self._shown = safe
        return added

    def finish(self, *, unfinished: bool) -> str:
        """The whole reply, complete and trimmed.

        Args:
            unfinished: The model did not end by itself; a last sentence without an end is dropped
                unless it is all there is.
        """
        if not self.ended_by:
            self._shown = self._safe(final=True)
        reply = self._shown.strip()
        if unfinished:
            whole = finished_part(reply)
            if whole and whole != reply:
                self.cut = reply[len(whole) :].strip()
                reply = whole
        return balanced(reply)

    def _safe(self, *, final: bool) -> str:
        text = plain(self._raw if final else without_open_escape(self._raw))
        own = self._own.match(text)
        if own:
            text = text[own.end() :]
        text = text.lstrip()
        end = self._end_of_own_words(text, final=final)
        if end is not None:
            self.cut = text[end:].strip()
            return text[:end].rstrip()
        return text if final else text[: self._held_from(text)].rstrip()

    def _end_of_own_words(self, text: str, *, final: bool) -> int | None:
        """Where the reply must end, and why; None while it may go on."""
        ends: list[tuple[int, str]] = []
        for pattern, why in (
            (_MARKER, "a template marker"),
            (_LAST_ROLE_LINE if final else _ROLE_LINE, "a role tag"),
            (self._others, "another speaker"),
        ):
            match = pattern.search(text)
            if match:
                ends.append((match.start(), why))
        if self.max_sentences:
            sentences = sentence_ends(text)
            if len(sentences) >= self.max_sentences:
                last = sentences[self.max_sentences - 1]
                if text[last:].strip():
                    ends.append((last, "enough sentences"))
        if not ends:
            return None
        end, self.ended_by = min(ends)
        return end

    def _held_from(self, text: str) -> int:
        """From where on the text could still turn into something that must not be shown."""
        hold = len(text.rstrip())
        line_start = text.rfind("\n") + 1
        last_line = text[line_start:].strip()
        if len(last_line) <= _MAX_LABEL_CHARS and self._may_be_label(last_line):
            hold = min(hold, len(text[:line_start].rstrip()))
        open_marker = _OPEN_MARKER.search(text)
        if open_marker:
            hold = min(hold, open_marker.start())
        return hold

    def _may_be_label(self, last_line: str) -> bool:
        start = last_line.lstrip("*\"' ").casefold()
        labels = (*self.own_names, *self.other_names, *_STOCK_LABELS, *_ROLES)
        return any(f"{label.casefold()}**:".startswith(start) for label in labels) or any(
            f"{label.casefold()}:".startswith(start) for label in labels
        )


_STOCK_LABELS = ("Player", "Someone", "You", "Narrator", "User", "Assistant")
_ROLES = ("user", "assistant", "tool", "system")


def _label(names: Iterable[str]) -> str:
    """A pattern for `Name:` at the beginning of a line, with or without emphasis."""
    options = "|".join(
        re.escape(name) for name in sorted(set(names), key=len, reverse=True) if name
    )
    return rf"(?:\*\*|__)?(?:{options})(?:\*\*|__)?[ ]?:(?:\*\*|__)?[ ]*"


def balanced(reply: str) -> str:
    """The reply without a quotation mark that wraps or opens it alone.

    Models put spoken words in quotes and then stop before the closing one, or quote all of it.
    """
    for opening, closing in (('"', '"'), ("“", "”")):
        if reply.startswith(opening):
            inner = reply[1:]
            if closing not in inner and opening not in inner:
                return inner.strip()
            if inner.endswith(closing) and inner.count(closing) == 1 and opening not in inner[:-1]:
                return inner[:-1].strip()
    return reply
