"""Several replies written at once, of which the best is heard.

The others begin when the first has its first token: by then the prompt is read, and a session that
shares what was read gives it to them. Streaming begins as soon as every candidate has a whole
sentence, or when the player has waited long enough.
"""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import starmap
from queue import Empty, SimpleQueue

from npc_engine.dialogue.appraisal import Appraisal, Appraiser
from npc_engine.dialogue.attempt import Attempt
from npc_engine.dialogue.handle import TurnHandle
from npc_engine.errors import CommandError
from npc_engine.memory.entries import ConsideredText
from npc_engine.messages import Priority
from npc_engine.protocols import Clock, ModelEvent, ModelSession

MAX_CANDIDATES = 4


@dataclass(frozen=True, slots=True)
class CandidateSettings:
    """How many replies to write at once where the sheet does not say, and how long to compare."""

    by_priority: Mapping[Priority, int] = field(default_factory=dict)
    """1 to 4 for each class of priority; 1 where none is given."""
    within_s: float = 1.0
    """Seconds after the first token at which the best there is begins to be heard, even if not all
    have a whole sentence yet."""

    @classmethod
    def of(cls, candidates: int | Mapping[Priority, int], within_s: float) -> "CandidateSettings":
        """From the options of `Engine.open`.

        Raises:
            CommandError: A number is not 1 to 4, or the time is below 0.
        """
        priorities: tuple[Priority, ...] = ("player", "ambient", "background")
        asked = dict.fromkeys(priorities, candidates) if isinstance(candidates, int) else candidates
        for priority, number in asked.items():
            require_candidates(number, f"for {priority}")
        if not within_s >= 0:
            raise CommandError(f"choose_within_s: found {within_s!r}; expected 0 or more seconds")
        return cls({**asked}, within_s)

    def number_for(self, priority: Priority) -> int:
        """How many to write for somebody of this class."""
        return self.by_priority.get(priority, 1)


def require_candidates(number: object, where: str = "") -> None:
    """Raise `CommandError` for a number of candidates that is not 1 to 4."""
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MAX_CANDIDATES:
        place = f"candidates {where}".strip()
        raise CommandError(f"{place}: found {number!r}; expected 1 to {MAX_CANDIDATES}")


_Came = tuple[int, ModelEvent | Exception | None]
"""Of which candidate, and what; None where its stream is over."""


class Candidates:
    """One round of replies that are written at once."""

    def __init__(
        self,
        attempts: Sequence[Attempt],
        session: ModelSession,
        handle: TurnHandle,
        clock: Clock,
        appraiser: Appraiser,
        within_s: float,
    ) -> None:
        """Take attempts that have not begun.

        Args:
            attempts: One for each candidate; each with a request of its own.
            session: Who writes.
            handle: How others end the reply.
            clock: Measures the wait.
            appraiser: Judges them.
            within_s: See `CandidateSettings`.
        """
        self.considered: tuple[ConsideredText, ...] = ()
        """All of them as they were judged; empty until the choice fell."""
        self._attempts = attempts
        self._session = session
        self._handle = handle
        self._clock = clock
        self._appraiser = appraiser
        self._within_s = within_s
        self._came: SimpleQueue[_Came] = handle.queue()
        self._choose_at: float | None = None
        self._num_begun = 0

    def write(self) -> Generator[str, None, Attempt]:
        """Yield what may be shown of the best; return it when it is over."""
        chosen: Attempt | None = None
        self._handle.attach(self._cancel_all)
        try:
            self._begin(1)
            while chosen is None or not chosen.is_closed:
                attempt, shown = self._next(waits=chosen is None)
                if chosen is None:
                    chosen = self._chosen()
                    shown = chosen.shown if chosen is not None else ""
                    self._let_go(chosen)
                elif attempt is not chosen:
                    shown = ""
                if shown:
                    yield shown
        finally:
            self._handle.attach(None)
            self._cancel_all()
        return chosen

    # -- inside -------------------------------------------------------------------------------

    def _next(self, *, waits: bool) -> tuple[Attempt | None, str]:
        """The next thing that comes; nothing once the time to choose is there."""
        left_s = None
        if waits and self._choose_at is not None:
            left_s = max(0.0, self._choose_at - self._clock.monotonic())
            if not left_s and any(map(_can_be_heard, self._begun())):
                return None, ""
        try:
            index, event = self._came.get(timeout=left_s or None)
        except Empty:
            return None, ""
        if isinstance(event, Exception):
            raise event
        attempt = self._attempts[index]
        shown = "" if event is None else attempt.take(event)
        attempt.is_closed = attempt.is_closed or event is None
        if self._choose_at is None:
            self._choose_at = self._clock.monotonic() + self._within_s
            if not attempt.is_closed and self._handle.ended_by is None:
                self._begin(len(self._attempts))
        if not attempt.is_closed and (attempt.is_told_all or self._handle.ended_by):
            self._session.cancel(attempt.request_id)
        return attempt, shown

    def _begun(self) -> Sequence[Attempt]:
        return self._attempts[: self._num_begun]

    def _begin(self, number: int) -> None:
        """Hand requests in, in order, and read each on a thread of its own."""
        for index in range(self._num_begun, number):
            events = self._session.stream(self._attempts[index].generation)
            pump = threading.Thread(
                target=_pump,
                args=(index, events, self._came.put),
                name=f"npc-engine-candidate-{index}",
                daemon=True,
            )
            self._num_begun = index + 1
            pump.start()

    def _chosen(self) -> Attempt | None:
        """The best, once all can be judged or the time is over; None while it is too early."""
        begun = self._begun()
        heard = [attempt for attempt in begun if _can_be_heard(attempt)]
        late = self._choose_at is not None and self._clock.monotonic() >= self._choose_at
        is_time = late or self._handle.ended_by is not None
        if not heard or not (is_time or all(attempt.is_ready for attempt in begun)):
            return None
        judged = self._appraiser.appraise(begun)
        pairs = list(zip(begun, judged, strict=True))
        self.considered = tuple(starmap(_considered, pairs)) if len(begun) > 1 else ()
        scores = {id(attempt): appraisal.score for attempt, appraisal in pairs}
        return max(heard, key=lambda attempt: scores[id(attempt)])

    def _let_go(self, chosen: Attempt | None) -> None:
        """End what was not chosen."""
        for attempt in self._begun() if chosen is not None else ():
            if attempt is not chosen and not attempt.is_closed:
                self._session.cancel(attempt.request_id)

    def _cancel_all(self) -> None:
        for attempt in self._begun():
            if not attempt.is_closed:
                self._session.cancel(attempt.request_id)


def _pump(
    index: int, events: Generator[ModelEvent, None, None], put: Callable[[_Came], None]
) -> None:
    try:
        for event in events:
            put((index, event))
        put((index, None))
    except Exception as error:  # noqa: BLE001  raised again where the reply is written
        put((index, error))


def _can_be_heard(attempt: Attempt) -> bool:
    """Whether there is something of it to begin with, if only its end."""
    return bool(attempt.shown) or attempt.is_over


def _considered(attempt: Attempt, appraisal: Appraisal) -> ConsideredText:
    return ConsideredText(
        text=attempt.shown.strip(),
        seed=attempt.generation.seed,
        score=round(appraisal.score, 3),
        why=appraisal.in_words(),
    )
