"""The one tree of errors, and the fault: one thing wrong in a file a person wrote.

    NpcEngineError
    ├── ContentError            sheets, worlds and templates; carries all faults of a file at once
    │   ├── SheetError
    │   ├── WorldError
    │   └── TemplateError       a condition or a `{{ }}` text that does not compile or run
    ├── BudgetError             a section that can never fit its cap
    ├── ModelError
    │   ├── LoadError           no weights, no network, a damaged file
    │   ├── GenerationError     the model failed in the middle of a reply
    │   └── ScoringError        continuations could not be scored
    ├── StoreError              a save that cannot be opened or written
    │   ├── SaveDamagedError
    │   ├── SaveLockedError
    │   ├── SaveNewerError
    │   └── LateWriteError      what a restore or a deletion overtook
    ├── RecordingError          a recording that cannot be written or replayed
    ├── MemoryFileError         an exported memory that cannot be taken in
    └── CommandError            a command or argument that makes no sense here

Texts follow one pattern: where, what was found, what was expected, what to do.
Cancelling a reply is not an error: the line ends with the reason `cancelled`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in one place of a file.

    `str(fault)` is the line a writer reads:
    `path:line:col key: found …; expected …; advice [code]`.
    """

    path: str
    """The file as the person named it; an absolute path only if they gave one."""
    line: int
    """1-based; 0 when the whole file is meant."""
    column: int
    """1-based; 0 when the whole file is meant."""
    key: str
    """Dotted path inside the file, such as `speech.max_sentences` or `knows[2]`; may be empty."""
    found: str
    expected: str = ""
    advice: str = ""
    """What to write instead, or the nearest known name."""
    code: str = ""
    """Rule name, such as `E101`; stable, for filters."""
    severity: Severity = "error"

    def __str__(self) -> str:
        """The one-line form."""
        where = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        head = f"{where} {self.key}" if self.key else where
        parts = [f"found {self.found}" if self.expected else self.found]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.advice:
            parts.append(self.advice)
        code = f" [{self.code}]" if self.code else ""
        return f"{head}: {'; '.join(parts)}{code}"


class NpcEngineError(Exception):
    """Everything this package raises on purpose."""


class ContentError(NpcEngineError):
    """A file that a person wrote is wrong; `faults` holds every fault found in it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Build the text from the faults, one a line."""
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class SheetError(ContentError):
    """A character sheet is wrong."""


class WorldError(ContentError):
    """A world is wrong."""


class TemplateError(ContentError):
    """A condition or template text does not compile, or ran over its limits."""


class BudgetError(NpcEngineError):
    """A section cannot be made to fit its cap by any rule.

    Attributes:
        section: Name of the section.
        tokens: What it needs.
        cap_tokens: What it may have.
        largest: Fields by tokens, largest first.
    """

    def __init__(
        self,
        owner: str,
        section: str,
        tokens: int,
        cap_tokens: int,
        largest: Iterable[tuple[str, int]] = (),
        *,
        advice: str = "",
    ) -> None:
        """Name the section, both numbers and the fields worth shortening, or what else to do."""
        self.section = section
        self.tokens = tokens
        self.cap_tokens = cap_tokens
        self.largest = tuple(largest)
        fields = ", ".join(f"{name} {count:,}" for name, count in self.largest[:3])
        mend = f"; longest: {fields}; shorten one of them" if fields else ""
        mend += f"; {advice}" if advice else ""
        super().__init__(
            f"{owner}: section {section} needs {tokens:,} tokens; at most {cap_tokens:,}{mend}"
        )


class ModelError(NpcEngineError):
    """The model could not be loaded or could not answer."""


class LoadError(ModelError):
    """Weights, tokenizer or template are missing, damaged or not usable."""


class GenerationError(ModelError):
    """The model failed while it was writing a reply."""


class ScoringError(ModelError):
    """Continuations could not be scored: the request makes no sense, or the model was lost."""


class StoreError(NpcEngineError):
    """A save could not be opened, read or written."""


class SaveDamagedError(StoreError):
    """A save failed its integrity check; it was set aside, not overwritten.

    Attributes:
        kept_at: Where the damaged file lies now.
    """

    def __init__(self, message: str, kept_at: str) -> None:
        """Keep the new place of the file beside the text."""
        self.kept_at = kept_at
        super().__init__(message)


class SaveLockedError(StoreError):
    """Another process has this save open."""


class SaveNewerError(StoreError):
    """A save was written by a newer version; it was not touched."""


class LateWriteError(StoreError):
    """A write belongs to a past that a restore or a deletion has ended; it was not stored."""


class MemoryFileError(NpcEngineError):
    """An exported memory is damaged, foreign or too large; nothing of it was taken in."""

    def __init__(self, where: str, found: str, expected: str, advice: str = "") -> None:
        """Build the text; `where` is a place inside the file, empty for all of it."""
        self.where = where
        place = f"memory file: {where}" if where else "memory file"
        mend = f"; {advice}" if advice else ""
        super().__init__(f"{place}: found {found}; expected {expected}{mend}")


class RecordingError(NpcEngineError):
    """A recording is damaged, newer or incomplete, or there is one already where one is begun.

    Attributes:
        line: 1-based line of the file; 0 when the whole file is meant.
    """

    def __init__(self, path: str, line: int, found: str, expected: str, advice: str = "") -> None:
        """Build the text from where, what was found, what was expected and what to do."""
        self.line = line
        where = f"{path}:{line}" if line else path
        mend = f"; {advice}" if advice else ""
        super().__init__(f"{where}: found {found}; expected {expected}{mend}")


class CommandError(NpcEngineError):
    """A command, option or name makes no sense here; the text says what would."""
