"""Calls the game's inputs again: on as many threads as the game had, each in its order."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from npc_engine.dialogue.audience import Audience
from npc_engine.dialogue.cue import Cue
from npc_engine.engine.engine import Engine
from npc_engine.engine.recording_file import Item
from npc_engine.engine.replayer import Replayer
from npc_engine.errors import NpcEngineError, RecordingError
from npc_engine.memory.entries import payload_from_json


class ReplayedInputs:
    """Hands inputs to threads."""

    def __init__(self, engine: Engine, replayer: Replayer, path: str) -> None:
        """No input came yet.

        Args:
            engine: What the inputs are for.
            replayer: Told of what cannot be done.
            path: Of the recording, for errors.
        """
        self._engine = engine
        self._replayer = replayer
        self._path = path
        self._queues: dict[int, SimpleQueue[Callable[[], None] | None]] = {}
        self._threads: list[threading.Thread] = []

    def hand_in(self, at: int, row: Item) -> None:
        """Let the thread of an input make it, behind its earlier ones.

        Raises:
            RecordingError: It is none that a game can make.
        """
        call = self._call_of(at, row)
        self._put(row["thread"], lambda: self._make(at, row, call))

    def meet(self, at: int, row: Item) -> None:
        """Meet an NPC as the game did, so that a restore puts back as many."""
        self._put(row["thread"], lambda: self._meet(at, row))

    def close(self, timeout_s: float) -> None:
        """Wait until all inputs were made."""
        for queue in self._queues.values():
            queue.put(None)
        for thread in self._threads:
            thread.join(timeout_s)

    def _put(self, number: int, call: Callable[[], None]) -> None:
        queue = self._queues.get(number)
        if queue is None:
            queue = self._queues[number] = SimpleQueue()
            thread = threading.Thread(
                target=_work_off, args=(queue,), name="npc-engine-replay", daemon=True
            )
            self._threads.append(thread)
            thread.start()
        queue.put(call)

    def _meet(self, at: int, row: Item) -> None:
        with self._refusals(at, "meet", f"met:{row['chat']}:{row['npc']}"):
            self._engine.npc(row["npc"], row["chat"])

    def _make(self, at: int, row: Item, call: Callable[[object], object]) -> None:
        actor = f"input:{row['n']}"
        with self._refusals(at, row["do"], actor):
            target = self._target(row["to"])
            with self._replayer.acting(actor):
                call(target)

    @contextmanager
    def _refusals(self, at: int, verb: str, actor: str) -> Iterator[None]:
        try:
            yield
        except NpcEngineError as error:
            what = f"{verb} was let in then, and now is not: {error}"
            self._replayer.differ("input", what, at=at, actor=actor)
            self._replayer.order.give_up(actor, "it was refused")

    def _call_of(self, at: int, row: Item) -> Callable[[object], object]:
        args, options = _given(row["with"][0]), _given(row["with"][1])

        def call(target: object) -> object:
            return getattr(target, row["do"])(*args, **options)

        owner = {"engine": Engine}.get(row["to"][0]) or _class_of(row["to"][0])
        if owner is None or not getattr(getattr(owner, row["do"], None), "is_recorded", False):
            raise RecordingError(
                self._path,
                at,
                f'an input "{row["do"]}" for "{row["to"][0]}"',
                "an input that this version knows",
                "another version wrote it; replay it with that one",
            )
        return call

    def _target(self, address: list[Any]) -> object:
        if address[0] == "engine":
            return self._engine
        npc = self._engine.npc(address[1], address[2])
        return npc.world if address[0] == "world" else npc


def _class_of(kind: str) -> type | None:
    from npc_engine.engine.npc import Npc
    from npc_engine.engine.world import WorldHandle

    return {"npc": Npc, "world": WorldHandle}.get(kind)


def _given(value: Any) -> Any:  # noqa: ANN401 - whatever a game gave
    """A value as the game gave it; see `as_plain`."""
    if isinstance(value, list):
        return tuple(map(_given, value))
    if isinstance(value, dict):
        if value.keys() == {"payload"}:
            return payload_from_json(value["payload"])
        if value.keys() == {"cue"}:
            return _cue(value["cue"])
        return {name: _given(each) for name, each in value.items()}
    return value


def _cue(value: dict[str, Any]) -> Cue:
    audience = {name: _given(each) for name, each in value["audience"].items()}
    return Cue(**{**value, "audience": Audience(**audience)})


def _work_off(queue: SimpleQueue[Callable[[], None] | None]) -> None:
    while (call := queue.get()) is not None:
        call()
