"""How long a player waits for the first token while a fold is being written, and otherwise."""

import itertools
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.memory.schedule import small_talk
from benchmarks.memory.script import Script
from benchmarks.memory.shares import percentile
from benchmarks.report import Figure
from npc_engine import Engine
from npc_engine.messages import ModelInfo, Priority
from npc_engine.protocols import (
    GenerationRequest,
    ModelEvent,
    ModelSession,
    TokenDelta,
    Tokenizer,
)

ROOT = Path(__file__).parents[2]
MAX_RATIO = 1.1


@dataclass(frozen=True, slots=True)
class Wait:
    """One turn."""

    first_token_ms: float
    """From saying the line to the first token."""
    is_during_fold: bool
    """A request of a fold was open meanwhile."""
    prompt_tokens: int


class WatchedSession:
    """A session that notes when requests of folds are open, and when a reply begins."""

    def __init__(self, session: ModelSession) -> None:
        """Watch a session; closing it closes that one."""
        self._session = session
        self.first_token_at = 0.0
        self.open_folds: list[list[float]] = []
        """When each began, and ended if it has."""

    @property
    def info(self) -> ModelInfo:
        """Of the session."""
        return self._session.info

    @property
    def tokenizer(self) -> Tokenizer:
        """Of the session."""
        return self._session.tokenizer

    def stream(self, request: GenerationRequest) -> Iterator[ModelEvent]:
        """The session's events, noted as they pass."""
        is_fold = request.priority == "background"
        note = [time.perf_counter()]
        if is_fold:
            self.open_folds.append(note)
        return self._noted(self._session.stream(request), note, is_fold=is_fold)

    def _noted(
        self, events: Iterator[ModelEvent], note: list[float], *, is_fold: bool
    ) -> Iterator[ModelEvent]:
        try:
            for event in events:
                if not is_fold and not self.first_token_at and isinstance(event, TokenDelta):
                    self.first_token_at = time.perf_counter()
                yield event
        finally:
            note.append(time.perf_counter())
            close = getattr(events, "close", None)
            if close is not None:
                close()

    def cancel(self, request_id: str, *, heard_tokens: int | None = None) -> None:
        """As the session does."""
        self._session.cancel(request_id, heard_tokens=heard_tokens)

    def reprioritise(self, request_id: str, priority: Priority) -> None:
        """As the session does."""
        self._session.reprioritise(request_id, priority)

    def warm(self, conversation: str, prompt_ids: Sequence[int]) -> None:
        """As the session does."""
        self._session.warm(conversation, prompt_ids)

    def fork(self, source: str, target: str) -> None:
        """As the session does."""
        self._session.fork(source, target)

    def forget(self, conversation: str) -> None:
        """As the session does."""
        self._session.forget(conversation)

    def stats(self) -> Mapping[str, float]:
        """As the session does."""
        return self._session.stats()

    def close(self) -> None:
        """As the session does."""
        self._session.close()


def fold_waits(
    script: Script,
    session: ModelSession,
    turns: int,
    on_turn: Callable[[], None] = lambda: None,
    *,
    seed: int = 0,
) -> list[Wait]:
    """Talk with one NPC, every line said as soon as the reply before it has ended.

    Args:
        script: Its plants, then its small talk; the replies are the model's own.
        session: Closed at the end.
        turns: How many.
        on_turn: Called after each.
        seed: Of the small talk.
    """
    watched = WatchedSession(session)
    lines = [plant.player for plant in script.plants if plant.player]
    lines += [
        player for player, _ in itertools.islice(small_talk([script], random.Random(seed)), turns)
    ]
    found = []
    world = ROOT / "worlds" / f"{script.world}.yaml"
    with Engine.open(world, ROOT / "characters", None, watched, seed=seed) as engine:
        npc = engine.npc(script.npc)
        for text in lines[:turns]:
            watched.first_token_at = 0.0  # a second try of the same reply does not count
            said_at = time.perf_counter()
            line = npc.ask(text)
            first_at = watched.first_token_at
            if first_at:
                during = any(
                    fold[0] <= first_at and (len(fold) < 2 or fold[1] >= said_at)
                    for fold in watched.open_folds
                )
                tokens = line.usage.prompt_tokens if line.usage else 0
                found.append(Wait((first_at - said_at) * 1000, during, tokens))
            on_turn()
    return found


def wait_figures(waits: Sequence[Wait]) -> list[Figure]:
    """Both groups and their ratio; the first turn, which reads everything, is left out."""
    figures = []
    at: dict[tuple[bool, int], float] = {}
    for during, name in ((True, "during a fold"), (False, "other turns")):
        ms = [wait.first_token_ms for wait in waits[1:] if wait.is_during_fold == during]
        for percent in (50, 99):
            at[during, percent] = percentile(ms, percent)
            figures.append(
                Figure(f"first token, p{percent}, {name}", at[during, percent], "ms", runs=len(ms))
            )
    for percent, target in ((50, None), (99, MAX_RATIO)):
        ratio = at[True, percent] / at[False, percent] if at[False, percent] else 0.0
        figures.append(
            Figure(f"first token during folds / otherwise, p{percent}", ratio, "x", target,
                   at_most=True)
        )  # fmt: skip
    return figures
