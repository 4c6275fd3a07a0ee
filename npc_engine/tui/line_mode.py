"""Line mode: one input line is one line or command; replies to stdout, notes to stderr.

For pipes, dumb terminals and screen readers. Writes no escape sequences. In a pipe a reply is
written sentence by sentence as it comes, because a finished sentence is never taken back.
"""

import itertools
import json
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from types import FrameType
from typing import TextIO

from npc_engine.content.library import Library
from npc_engine.content.project import sheet_named
from npc_engine.dialogue.commands import is_command
from npc_engine.engine import Engine, Line, Npc
from npc_engine.errors import CommandError, ModelError
from npc_engine.events import (
    Event,
    FoldEnded,
    LineEnded,
    ModelLoading,
    ModelReady,
    Notice,
    TextDelta,
    TextReset,
)
from npc_engine.sentences import finished_part
from npc_engine.tui.reasons import reason_text
from npc_engine.tui.rehearsal import act_in_words

EXIT_FINE = 0
EXIT_NOTHING_RUN = 2
EXIT_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class LineModeOptions:
    """How replies are written."""

    is_terminal: bool = False
    """A person reads: names in front, whole replies, a prompt sign."""
    as_json: bool = False
    """One event a line on stdout instead of text."""


class Writer:
    """Writes events; remembers how much of the running reply is out already."""

    def __init__(self, npc: Npc, out: TextIO, notes: TextIO, options: LineModeOptions) -> None:
        """Bind to one NPC and two streams."""
        self._npc = npc
        self._out = out
        self._notes = notes
        self._options = options
        self._heard = ""
        self._written = ""
        self._loading = ""
        self._is_ready = False

    def event(self, event: Event) -> None:
        """Write one event, if there is anything to write about it."""
        if self._options.as_json:
            self._json(event)
        elif isinstance(event, TextDelta):
            self._heard += event.text
            if not self._options.is_terminal:
                self._write_finished_sentences()
        elif isinstance(event, TextReset):
            self._heard = ""
        elif isinstance(event, LineEnded):
            self._end(event)
        if isinstance(event, ModelLoading):
            self._progress(event)
        elif isinstance(event, ModelReady):
            self._is_ready = True
            self.note(f"model: {event.name} on {event.device}, {event.dtype}")
        elif isinstance(event, FoldEnded):
            self.note(f"folded {event.turns} turns into {event.tokens_after} tokens ({event.kind})")
        elif acted := act_in_words(event):
            self.note(f"[{self._npc.sheet.nickname} {acted}]")
        elif isinstance(event, Notice) and (self._is_ready or event.level != "error"):
            # Before the model is ready an error is raised as well, and told by whoever catches it.
            self.note(f"{event.level}: {event.text}")

    def note(self, text: str) -> None:
        """Write something about the talk, not part of it."""
        self._notes.write(f"{text}\n")
        self._notes.flush()

    def say(self, text: str) -> None:
        """Write a whole line of the NPC, such as an earlier one."""
        prefix = f"{self._npc.sheet.nickname}: " if self._options.is_terminal else ""
        self._out.write(f"{prefix}{text}\n\n")
        self._out.flush()

    def answer(self, text: str) -> None:
        """Write what a command answers."""
        stream = self._notes if self._options.as_json else self._out
        stream.write(f"{text}\n\n")
        stream.flush()

    def _write_finished_sentences(self) -> None:
        """Only words that no later rule takes back: an opening quotation mark still might be."""
        if self._heard.lstrip().startswith(('"', "“")):
            return
        whole = finished_part(self._heard.strip())
        if any(map(str.isalnum, whole)) and whole.startswith(self._written):
            self._out.write(whole[len(self._written) :])
            self._out.flush()
            self._written = whole

    def _end(self, event: LineEnded) -> None:
        if event.text.startswith(self._written) and not self._options.is_terminal:
            self._out.write(f"{event.text[len(self._written) :]}\n\n")
            self._out.flush()
        elif event.text:
            self.say(event.text)
        if event.reason not in ("done", "stopped") or event.rung == "silence":
            detail = f": {event.detail}" if event.detail else ""
            self.note(f"[{event.rung} · {reason_text(event.reason)}{detail}]")
        self._heard = self._written = ""

    def _progress(self, event: ModelLoading) -> None:
        if event.step != self._loading:
            self._loading = event.step
            self.note(f"{event.step} …")

    def _json(self, event: Event) -> None:
        data = {"event": type(event).__name__, **asdict(event)}
        self._out.write(json.dumps(data, ensure_ascii=False) + "\n")
        self._out.flush()


def stdin_lines(stream: TextIO) -> Iterator[str]:
    """The lines of a stream; bytes that are no text become replacement characters.

    Where a person types, a prompt sign is shown; there the end of input is a line that is missing.
    """
    if stream.isatty():
        while True:
            try:
                yield input("> ")
            except EOFError:
                return
    yield from stream


def choose_by_line(
    library: Library, lines: Iterator[str], notes: TextIO
) -> tuple[str, Iterator[str]]:
    """Who to talk with when nobody was named: shows everybody, and takes the first line.

    If that line is nobody's name, it is already for the first character of the list.

    Raises:
        CommandError: There are no characters.
    """
    ids = library.sheet_ids()
    if not ids:
        raise CommandError("found no character; expected YAML sheets in the folder of characters")
    notes.write("characters:\n")
    for sheet_id in ids:
        sheet = library.sheet(sheet_id)
        notes.write(f"  {sheet_id:<10} {sheet.name}. {sheet.summary}\n")
    notes.write(f"write a name to choose; anything else is said to {ids[0]}\n")
    notes.flush()
    first = next(lines, None)
    if first is None:
        return ids[0], lines
    try:
        return sheet_named(library, first), lines
    except CommandError:
        return ids[0], itertools.chain([first], lines)


def run_lines(
    engine: Engine,
    npc: Npc,
    lines: Iterable[str],
    out: TextIO,
    notes: TextIO,
    options: LineModeOptions,
) -> int:
    """Talk until the input ends or `/quit`; returns the exit code.

    Every accepted line is in the save before its reply begins. An interrupt during a reply stops
    that reply; at the prompt it ends the talk. A reader that goes away (broken pipe) ends the talk
    quietly.
    """
    writer = Writer(npc, out, notes, options)
    unsubscribe = engine.subscribe(writer.event)
    try:
        engine.wait_ready()
        _begin(npc, writer)
        for text in lines:
            npc, go_on = _take(engine, npc, text, writer)
            if not go_on:
                break
        return EXIT_FINE
    except ModelError as error:
        writer.note(f"error: {error}")
        return EXIT_NOTHING_RUN
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return EXIT_FINE
    finally:
        unsubscribe()


def _begin(npc: Npc, writer: Writer) -> None:
    """Greet in a new chat; in an old one, say where it was left."""
    past = npc.history()
    if not past:
        _finish(npc, npc.greet())
        return
    npc.approach()
    writer.note(
        f"resuming the chat with {npc.sheet.nickname}, {len(past)} lines so far; /new begins anew"
    )
    last = past[-1]
    if last.role == "npc":
        writer.note(f"{npc.sheet.nickname}, last: {last.text}")


def _take(engine: Engine, npc: Npc, text: str, writer: Writer) -> tuple[Npc, bool]:
    """Work off one input line; returns who is spoken with next, and whether to go on."""
    words = text.rstrip("\r\n")
    if not words.strip():
        return npc, True
    try:
        if not is_command(words):
            _finish(npc, npc.say(words.removeprefix("/") if words.startswith("//") else words))
            return npc, True
        result = npc.command(words)
        if result.text:
            writer.answer(result.text)
        if result.effect == "regenerate":
            _finish(npc, npc.regenerate())
        elif result.effect == "new_chat":
            npc = engine.new_chat(npc.id)
            _finish(npc, npc.greet())
        elif result.effect == "changed":
            _show_last(npc, words, writer)
        return npc, result.effect != "quit"
    except CommandError as error:
        writer.note(f"error: {error}")
        return npc, True


def _show_last(npc: Npc, command: str, writer: Writer) -> None:
    """After a swipe, the reply that is current now."""
    past = npc.history()
    if command.lstrip("/").startswith("swipe") and past and past[-1].role == "npc":
        writer.say(past[-1].text)


def _finish(npc: Npc, line: Line) -> None:
    with _interrupt_stops(line.cancel):
        npc.wait(line)


@contextmanager
def _interrupt_stops(stop: Callable[[], None]) -> Iterator[None]:
    """While a reply runs, an interrupt stops it instead of the program."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        stop()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
