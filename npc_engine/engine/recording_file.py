"""Recordings as files: JSON lines that are only ever added, and what is read back from them."""

import json
import logging
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from npc_engine.dialogue.cue import Cue
from npc_engine.errors import RecordingError

FORMAT = 1
"""Of the files this version writes; readers refuse later ones."""
MAX_LINE_CHARS = 8_000_000
_GATHER_S = 0.01
"""Rows that come within this time are written together, so that a game's call is not held up by
the writer; a killed process loses no more than this."""

_log = logging.getLogger(__name__)

Item = Mapping[str, Any]
Row = Item | Callable[[], Item]
"""A line of the file, or how to make it: that is done on the writer's thread."""


class RecordingWriter:
    """Writes rows on a thread of its own. What is written survives the death of the process.

    A fault of the disk ends the recording, never the game.
    """

    def __init__(self, path: Path) -> None:
        """Begin a file.

        Raises:
            RecordingError: There is one already, or it cannot be written.
        """
        self.path = path
        try:
            if path.exists():
                raise RecordingError(
                    str(path), 0, "a file already", "a new name", "move it away, or name another"
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("x", encoding="utf-8", newline="\n")
        except OSError as error:
            raise RecordingError(
                str(path), 0, f"that it cannot be written ({error.strerror})", "a place for a file"
            ) from error
        self._rows: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="npc-engine-record", daemon=True)
        self._thread.start()

    def put(self, row: Row) -> None:
        """Add a row; returns at once."""
        self._rows.put(row)

    def close(self) -> None:
        """Write what waits and close the file; may be called twice."""
        self._is_closing.set()
        self._rows.put(None)
        self._thread.join()

    def _run(self) -> None:
        with self._file:
            try:
                while self._write_some():
                    pass
            except OSError as error:
                _log.error("%s: the recording ended, as the disk failed: %s", self.path, error)

    def _write_some(self) -> bool:
        """Write the row that comes next and all that wait behind it; False at the end."""
        row = self._rows.get()
        self._is_closing.wait(_GATHER_S)
        lines: list[str] = []
        order: list[list[Any]] = []
        while row is not None:
            item = row() if callable(row) else row
            if item["k"] == "order":
                order.append([item["of"], item["n"]])
            else:
                _end_order(lines, order)
                lines.append(_line(item))
            if self._rows.empty():
                break
            row = self._rows.get()
        _end_order(lines, order)
        self._file.write("".join(lines))
        self._file.flush()
        return row is not None


def _end_order(lines: list[str], order: list[list[Any]]) -> None:
    """Write takings of locks that stand side by side in one line."""
    if order:
        lines.append(_line({"k": "order", "of": order}))
        order.clear()


def _line(item: Item) -> str:
    text = json.dumps(item, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") + "\n"


def read_rows(path: Path) -> tuple[list[Item], bool]:
    """All rows of a recording, its header first, and whether its last line was torn.

    Raises:
        RecordingError: It cannot be read, is none, is damaged, or a later version wrote it.
    """
    rows: list[Item] = []
    torn = False
    for number, text, is_whole in _lines(path):
        try:
            row = json.loads(text)
            if not isinstance(row, dict) or not isinstance(row.get("k"), str):
                raise ValueError
        except (ValueError, RecursionError) as error:
            if not is_whole and number > 1:
                torn = True
                break
            raise RecordingError(
                str(path),
                number,
                "a line that cannot be read",
                "an object of JSON with a kind",
                "the recording was damaged; only its beginning up to here can be of use",
            ) from error
        if number == 1:
            _check_header(path, row)
        rows.append(row)
    if not rows:
        raise RecordingError(str(path), 0, "an empty file", "a recording")
    return rows, torn


def _lines(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Number, text and whether the line has its end."""
    try:
        with path.open("rb") as file:
            number = 0
            while raw := file.readline(MAX_LINE_CHARS):
                number += 1
                yield number, raw.decode("utf-8", "replace"), raw.endswith(b"\n")
    except OSError as error:
        raise RecordingError(
            str(path), 0, f"that it cannot be read ({error.strerror})", "a recording"
        ) from error


def _check_header(path: Path, row: Item) -> None:
    found = row.get("format")
    if row["k"] != "recording" or not isinstance(found, int):
        raise RecordingError(
            str(path), 1, "another kind of file", 'the header of a recording, {"k":"recording",…}'
        )
    if found > FORMAT:
        raise RecordingError(
            str(path),
            1,
            f"format {found}",
            f"{FORMAT} or older",
            f"a later version wrote it ({row.get('version', 'unknown')}); replay it with that one",
        )


def as_plain(value: Any) -> Any:  # noqa: ANN401 - whatever a game gave
    """A value as JSON can hold it; payloads of entries as what they say of themselves."""
    if isinstance(value, Cue):
        return {"cue": asdict(value)}
    if isinstance(value, BaseModel):
        return {"payload": value.model_dump_json()}
    if isinstance(value, dict):
        return {str(key): as_plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [as_plain(each) for each in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return {"unknown": repr(value)}
