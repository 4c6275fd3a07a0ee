"""Runs requests at once, each on a thread of its own, and notes when their tokens came."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from npc_engine.errors import NpcEngineError
from npc_engine.messages import Usage
from npc_engine.protocols import GenerationEnd, GenerationRequest, ModelSession

_LOOK_S = 0.1
"""How often the waiting thread wakes up, so that Ctrl-C is noticed on every system."""


@dataclass(slots=True)
class Spoken:
    """One reply, as it was heard. Times are seconds of `time.perf_counter`."""

    request: GenerationRequest
    handed_in_at: float = 0.0
    token_times: list[float] = field(default_factory=list)
    usage: Usage = Usage()
    problem: str = ""
    """Why nothing can be said about its speed; empty when it went well."""
    error: BaseException | None = None
    """What should never happen in a session; raised again on the thread that waits."""

    @property
    def first_token_ms(self) -> float:
        """From handing in to the first token, as the caller sees it."""
        return (self.token_times[0] - self.handed_in_at) * 1000

    @property
    def longest_gap_ms(self) -> float:
        """The longest wait between two tokens; 0 for fewer than two."""
        times = self.token_times
        gaps = [late - early for early, late in zip(times, times[1:], strict=False)]
        return max(gaps, default=0.0) * 1000


def speak(session: ModelSession, requests: Sequence[GenerationRequest]) -> list[Spoken]:
    """Hand in all requests at once and wait for all of them.

    An interrupt cancels what is still being said, and is raised.
    """
    spoken = [Spoken(request) for request in requests]
    threads = [
        threading.Thread(target=_listen, args=(session, one), name="npc-bench", daemon=True)
        for one in spoken
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(_LOOK_S)
    except BaseException:
        for request in requests:
            session.cancel(request.request_id)
        raise
    for one in spoken:
        if one.error is not None:
            raise one.error
    return spoken


def tokens_per_s(spoken: Sequence[Spoken]) -> float:
    """Tokens a second of all speakers together, while every one of them was speaking.

    Where the replies do not overlap, over the whole time from the first token to the last. 0 when
    there are fewer than two tokens.
    """
    first = [one.token_times[0] for one in spoken if one.token_times]
    last = [one.token_times[-1] for one in spoken if one.token_times]
    if not first:
        return 0.0
    begin, end = max(first), min(last)
    if begin >= end:
        begin, end = min(first), max(last)
    if begin >= end:
        return 0.0
    heard = sum(1 for one in spoken for at in one.token_times if begin < at <= end)
    return heard / (end - begin)


def _listen(session: ModelSession, spoken: Spoken) -> None:
    """Thread: take every event of one reply."""
    try:
        spoken.handed_in_at = time.perf_counter()
        for event in session.stream(spoken.request):
            if isinstance(event, GenerationEnd):
                spoken.usage = event.usage
                spoken.problem = _problem(event, len(spoken.token_times))
            else:
                spoken.token_times.append(time.perf_counter())
    except NpcEngineError as error:
        spoken.problem = str(error)
    except BaseException as error:  # noqa: BLE001 - raised again where the caller waits
        spoken.error = error


def _problem(end: GenerationEnd, num_tokens: int) -> str:
    if end.reason == "failed":
        return end.error or "the request failed"
    if end.reason == "cancelled":
        return "not done within the time limit"
    return "" if num_tokens else "the model had nothing to say"
