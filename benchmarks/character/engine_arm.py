"""The arms with the engine: the same lines through `npc.ask`, with the options of the arm."""

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.character.arms import Placed
from benchmarks.character.recording import Asked, RecordingSession
from benchmarks.character.script import CHARACTERS, WORLDS
from benchmarks.character.talks import Spoken
from npc_engine import Engine
from npc_engine.engine import Line, Npc
from npc_engine.events import LineEvent, TextDelta, TextReset

DEADLINE_S = 600.0
"""A line that takes longer is ended, so that no arm can hold up the exam; slow models need some."""


class EngineStage:
    """An engine in one world with the options of one arm."""

    def __init__(self, session: RecordingSession, world: str, seed: int, options: Placed) -> None:
        """Open the engine; options of sheets are written into copies of them."""
        self._session = session
        self._say = dict(options.say)
        self._folder = tempfile.TemporaryDirectory() if options.sheet else None
        characters = CHARACTERS
        if self._folder is not None:
            characters = _with_options(Path(self._folder.name), options.sheet)
        more: dict[str, Any] = dict(options.engine)
        self._engine = Engine.open(
            WORLDS / f"{world}.yaml", characters, None, session, seed=seed, prewarm=False, **more
        )

    def talk(self, npc: str) -> "EngineTalk":
        """A new chat."""
        return EngineTalk(self._session, self._engine.new_chat(npc), self._say)

    def close(self) -> None:
        """Close the engine; the model stays open."""
        self._engine.close()
        if self._folder is not None:
            self._folder.cleanup()


class EngineTalk:
    """One chat with one NPC."""

    def __init__(self, session: RecordingSession, npc: Npc, say: dict[str, Any]) -> None:
        """Take over a new chat; `say` goes with every line that a model answers."""
        self._session = session
        self._npc = npc
        self._say = say

    def fill(self, player: str, reply: str) -> bool:
        """See `talks.Talk`.

        Where the engine would have something else heard, the line is edited to what is written.

        Raises:
            RuntimeError: Nothing was said, so that there is no line to edit.
        """
        self._session.fixed = reply
        try:
            line = self._npc.ask(player)
        finally:
            self._session.fixed = None
        if line.text != reply:
            if line.entry_id is None:
                raise RuntimeError(
                    f"{self._npc.id} was to say {reply!r} and said nothing "
                    f"({line.reason}, {line.detail})"
                )
            self._npc.edit(line.entry_id, reply)
        self._npc.plan("")  # waits for what follows a reply, so that folds come at fixed turns
        return line.text == reply

    def ask(self, line: str, probe_id: str, *, keep: bool = False) -> Spoken:
        """See `talks.Talk`."""
        npc, session = self._npc, self._session
        npc.plan("")
        session.read_ahead(npc.talk.conversation, npc.talk.stable_ids(session.tokenizer))
        session.asked.clear()
        watched = _Watched()
        begun = time.perf_counter()
        options = {"deadline_s": DEADLINE_S, **self._say}
        spoken_line = npc.say(line, **options)
        spoken_line.listeners.append(watched.take)
        npc.wait(spoken_line)
        whole_ms = (time.perf_counter() - begun) * 1000
        spoken = self._spoken(spoken_line, watched, begun, whole_ms)
        if not keep:
            npc.undo()
        return spoken

    def _spoken(self, line: Line, watched: "_Watched", begun: float, whole_ms: float) -> Spoken:
        asked = self._session.asked
        first = asked[0] if asked else None
        shown = watched.shown_at_s
        return Spoken(
            text=line.text,
            written=tuple(each.text for each in asked),
            prompt=first.prompt if first else "",
            system=first.system if first else "",
            prompt_tokens=len(first.request.prompt_ids) if first else 0,
            reused_tokens=first.usage.reused_tokens if first else 0,
            first_ms=None if shown is None else (shown - begun) * 1000,
            first_written_ms=_first_written_ms(first, begun),
            was_cut_short=first is not None
            and first.reason not in ("done", "stopped", "length", "failed"),
            whole_ms=whole_ms,
            heard_tokens=self._session.tokenizer.count(line.text),
            was_replaced=watched.was_reset
            or line.rung in ("bark", "silence")
            or _was_asked_again(asked),
            how=", ".join(part for part in (line.rung, line.reason, line.detail) if part),
            error="" if line.reason != "failed" else line.detail,
        )


def _first_written_ms(first: Asked | None, begun: float) -> float | None:
    if first is None or first.first_at_s is None:
        return None
    return (first.first_at_s - begun) * 1000


def _was_asked_again(asked: Sequence[Asked]) -> bool:
    """Whether a request began after the first had ended: candidates begin together."""
    first_end = asked[0].ended_s if asked else None
    return first_end is not None and any(each.begun_s >= first_end for each in asked[1:])


class _Watched:
    """What happened to a line while it was spoken."""

    def __init__(self) -> None:
        self.shown_at_s: float | None = None
        """When the text that stayed was first shown."""
        self.was_reset = False

    def take(self, event: LineEvent) -> None:
        if isinstance(event, TextDelta) and self.shown_at_s is None:
            self.shown_at_s = time.perf_counter()
        elif isinstance(event, TextReset):
            self.was_reset = True


def _with_options(folder: Path, options: Mapping[str, object]) -> Path:
    """Copies of the sheets in which these keys have these values."""
    target = folder / "characters"
    shutil.copytree(CHARACTERS, target)
    for sheet in target.glob("*.yaml"):
        data = yaml.safe_load(sheet.read_text(encoding="utf-8"))
        text = yaml.safe_dump({**data, **options}, allow_unicode=True, sort_keys=False)
        sheet.write_text(text, encoding="utf-8")
    return target
