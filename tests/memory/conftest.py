import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from npc_engine.memory.entries import LEAF, Entry, Leaf, LineSaid
from npc_engine.memory.store import SaveStore


class TickingClock:
    """Each look at it is one second later than the last."""

    def __init__(self) -> None:
        self._seconds = itertools.count(1_000)

    def now(self) -> float:
        return float(next(self._seconds))

    def monotonic(self) -> float:
        return float(next(self._seconds))


Say = Callable[..., Entry]


@pytest.fixture
def clock() -> TickingClock:
    return TickingClock()


@pytest.fixture
def save(tmp_path: Path) -> Path:
    return tmp_path / "saves" / "slot1.db"


@pytest.fixture
def open_store(clock: TickingClock) -> Iterator[Callable[[Path | None], SaveStore]]:
    """Opens stores and closes those a test leaves open."""
    opened: list[SaveStore] = []

    def opener(path: Path | None) -> SaveStore:
        opened.append(SaveStore.open(path, clock))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[Path | None], SaveStore]) -> SaveStore:
    return open_store(None)


@pytest.fixture
def say() -> Say:
    """Appends a line: the player's, or with `speaker` an NPC's."""

    def append(
        store: SaveStore,
        chat_id: int,
        text: str,
        speaker: str = "player",
        hearers: tuple[str, ...] | None = None,
        parent_id: int | None | Leaf = LEAF,
        day: int = 41,
        **more: object,
    ) -> Entry:
        role = "player" if speaker == "player" else "npc"
        if hearers is None:
            hearers = ("mira",) if role == "player" else ("player",)
        line = LineSaid.model_validate(
            {"role": role, "speaker": speaker, "text": text, "hearers": hearers, **more}
        )
        return store.append(chat_id, line, parent_id=parent_id, day=day, minute=600)

    return append
