"""Answers kept in a file as they come, so that a long run can be interrupted and gone on with.

JSON lines: a header that says what was asked of which model, then runs, series and answers in the
order in which they happened. A series counts once it is whole; begun again, it counts anew.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from benchmarks.character.answers import Answer
from benchmarks.character.probes import Probe
from benchmarks.character.talks import Spoken

COMPARED = ("model", "sampling", "probes", "exam")
"""Fields of a header that have to be equal for answers to stand in one table."""


class SaveError(ValueError):
    """A file that cannot be gone on with; the text says why."""


@dataclass(slots=True)
class _Kept:
    """What is known of one series."""

    answers: list[Answer] = field(default_factory=list)
    refused: tuple[str, ...] = ()
    is_complete: bool = False


class Saved:
    """The answers of all series, kept in memory and, if there is one, in a file."""

    def __init__(self, path: Path | None = None, probes: Sequence[Probe] = ()) -> None:
        """Read what is there.

        Args:
            path: Made by `head`, if it is missing; None keeps everything in memory alone.
            probes: All that may have been answered.

        Raises:
            SaveError: The file is damaged or something else.
        """
        self._path = path
        self._lock = threading.Lock()
        self._series: dict[str, _Kept] = {}
        self.header: Mapping[str, Any] = {}
        """Empty until there is one."""
        self.run = 1
        """The number of this run, from 1 on."""
        if path is not None and path.exists():
            self._read(path, {probe.id: probe for probe in probes})

    def is_complete(self, key: str) -> bool:
        """Whether a series was played to its end."""
        kept = self._series.get(key)
        return kept is not None and kept.is_complete

    def answers(self, key: str) -> tuple[Answer, ...]:
        """Of a series, in the order in which they came."""
        return tuple(self._series[key].answers)

    def refused(self, key: str) -> tuple[str, ...]:
        """Written lines of a series that were not let through."""
        return self._series[key].refused

    def check(self, header: Mapping[str, Any]) -> None:
        """Compare with what is there; raises `SaveError` with all that differs.

        Args:
            header: Of this run; fields it does not have are not compared.
        """
        if not self.header:
            return
        wrong = [
            f"{name}: the file has {_short(self.header.get(name))}, this run {_short(header[name])}"
            for name in COMPARED
            if name in header and header[name] != self.header.get(name)
        ]
        if wrong:
            told = "\n  ".join(wrong)
            raise SaveError(
                f"{self._path}: its answers cannot stand beside those of this run.\n  {told}\n"
                "Ask for the same, or give --save another file."
            )

    def head(self, header: Mapping[str, Any], together: int) -> None:
        """Note what this run is; a new file gets its header."""
        self.check(header)
        if not self.header:
            self.header = dict(header)
            self._write({"header": self.header})
        self._write({"run": self.run, "together": together, "version": header.get("version")})

    def drop(self, arms: Sequence[str]) -> None:
        """Forget these arms, so that they are played again."""
        self._drop(arms)
        self._write({"fresh": list(arms)})

    def begin(self, key: str) -> None:
        """A series begins, or begins again."""
        with self._lock:
            self._series[key] = _Kept()
            self._write({"begins": key})

    def add(self, key: str, answer: Answer, on_answer: Callable[[], None] = lambda: None) -> None:
        """Keep an answer; `on_answer` is never called twice at a time."""
        with self._lock:
            self._series[key].answers.append(answer)
            if self._path is not None:
                self._write({"series": key, "answer": _data(answer)})
            on_answer()

    def end(self, key: str, refused: Sequence[str]) -> None:
        """A series is whole."""
        with self._lock:
            kept = self._series[key]
            kept.refused, kept.is_complete = tuple(refused), True
            self._write({"ends": key, "refused": list(refused)})

    def _drop(self, arms: Sequence[str]) -> None:
        gone = [key for key in self._series if key.partition("/")[0] in arms]
        for key in gone:
            del self._series[key]

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._path is None:
            return
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _read(self, path: Path, probes: Mapping[str, Probe]) -> None:
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):  # killed in the middle of a line
            path.write_bytes(whole)
        for number, text in enumerate(whole.decode("utf-8").splitlines(), start=1):
            try:
                self._take(json.loads(text), probes)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise SaveError(
                    f"{path}, line {number}: {type(error).__name__}: {error}; expected what --save "
                    "of this version writes; give --save another file"
                ) from error
        if whole and not self.header:
            raise SaveError(f"{path}: no header; give --save another file")

    def _take(self, line: Mapping[str, Any], probes: Mapping[str, Probe]) -> None:
        """One line of the file."""
        if "header" in line:
            self.header = line["header"]
        elif "run" in line:
            self.run = line["run"] + 1
        elif "fresh" in line:
            self._drop(line["fresh"])
        elif "begins" in line:
            self._series[line["begins"]] = _Kept()
        elif "ends" in line:
            kept = self._series[line["ends"]]
            kept.refused, kept.is_complete = tuple(line["refused"]), True
        elif line["answer"]["probe"] in probes:  # others: `check` tells that the probes differ
            self._series[line["series"]].answers.append(_answer(line["answer"], probes))


def _data(answer: Answer) -> dict[str, Any]:
    """An answer as JSON data; the prompt, most of it by far, has been searched and is left out."""
    spoken = {**asdict(answer.spoken), "prompt": ""}
    return {
        **{part.name: getattr(answer, part.name) for part in fields(answer)},
        "probe": answer.probe.id,
        "spoken": spoken,
    }


def _answer(data: Mapping[str, Any], probes: Mapping[str, Probe]) -> Answer:
    spoken = {**data["spoken"], "written": tuple(data["spoken"]["written"])}
    values = {
        **data,
        "probe": probes[data["probe"]],
        "spoken": Spoken(**spoken),
        "said": tuple(data["said"]),
    }
    return Answer(**values)


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:197] + "..."
