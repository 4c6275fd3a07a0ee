"""One reply: ask the model, guard what it says, try once more when it cannot be used."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from npc_engine.dialogue.breaks import Break
from npc_engine.dialogue.guard import OutputGuard
from npc_engine.dialogue.handle import TurnHandle
from npc_engine.dialogue.limits import Limits
from npc_engine.dialogue.second_try import break_in_words, is_enough, weight_of
from npc_engine.messages import Priority, Reason, Sampling, Usage
from npc_engine.prompt.plan import Plan
from npc_engine.protocols import (
    Clock,
    GenerationEnd,
    GenerationRequest,
    ModelSession,
    TokenDelta,
)

MAX_ATTEMPTS = 2
"""One try, and one more with another seed when nothing usable came."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model said in the end, and how it ended."""

    text: str
    reason: Reason
    token_ids: tuple[int, ...] | None
    """The ids that decode to exactly `text`; None when the guard changed it inside a token."""
    seed: int
    usage: Usage
    cut: str = ""
    detail: str = ""
    plan_digest: str = ""
    """Of the prompt it answers; a second try has one of its own."""
    broken: Break | None = None
    """Where it broke character; `text` then is what was said before."""


@dataclass(slots=True)
class _Attempt:
    """What one request has produced so far."""

    ids: list[int] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    shown: str = ""
    """What was let through; not yet taken back."""
    end: GenerationEnd | None = None


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """What to ask of the model for one reply."""

    request_id: str
    plan: Plan
    sampling: Sampling
    base_seed: int
    swipe: int
    """How many replies to this line there were before: each gets a seed of its own."""
    conversation: str
    limits: Limits
    priority: Priority = "player"
    deadline: float | None = None
    """Monotonic seconds at which nobody waits any more; None is never."""
    plan_again: Callable[[Break], Plan] | None = None
    """The prompt of a second try after a break of character; None: the same prompt again."""


def seed_for(base_seed: int, plan_digest: str, swipe: int, attempt: int) -> int:
    """A seed in 0..2**31-1 that depends only on the playthrough's seed and on this turn."""
    text = f"{base_seed}:{plan_digest}:{swipe}:{attempt}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest()) & 0x7FFFFFFF


def write_reply(
    request: ReplyRequest, session: ModelSession, handle: TurnHandle, clock: Clock
) -> Iterator[str | None | Reply]:
    """Yield texts to show, None where what was shown is void, and at last the `Reply`.

    The `Reply` may hold no text: then the caller falls back to authored words. Model faults do not
    raise; they end with the reason `failed`.

    Args:
        request: What to ask.
        session: Who writes.
        handle: How others end the reply.
        clock: Tells how much of the time until the deadline is left for each attempt.
    """
    plan, details = request.plan, list[str]()
    reply = Reply("", "failed", None, 0, Usage())
    broken: list[Reply] = []
    for attempt in range(MAX_ATTEMPTS):
        if handle.ended_by is not None:
            reply = Reply("", handle.ended_by, None, 0, reply.usage)
            break
        seed = seed_for(request.base_seed, plan.digest, request.swipe, attempt)
        guard, state = OutputGuard(request.limits), _Attempt()
        generation = _generation(request, plan, attempt, seed, clock)
        yield from _stream(generation, session, handle, guard, state)
        reply = _finish(state, guard, _ended_by(request, state, guard, handle), seed)
        # Behind a given opening a reply begins with other tokens than it has in a history.
        ids = None if plan.opens_reply else reply.token_ids
        reply = replace(reply, plan_digest=plan.digest, token_ids=ids)
        if reply.broken is not None and state.shown.strip() != reply.text:
            yield None
            if is_enough(reply.text):
                yield reply.text
        if not _is_worth_another(reply):
            break
        if reply.broken is None:
            details.append(
                f"attempt {attempt + 1} gave nothing usable ({guard.ended_by or 'empty'})"
            )
            reply = replace(reply, reason="bad_output", text="", token_ids=None)
        else:
            details.append(f"attempt {attempt + 1} broke off at {break_in_words(reply.broken)}")
            broken.append(reply)
            if request.plan_again is not None and attempt + 1 < MAX_ATTEMPTS:
                plan = request.plan_again(reply.broken)
        yield None
    if broken and (not reply.text or reply.broken is not None) and reply.reason != "cancelled":
        reply = _best_of(broken, reply)
        if reply.text:
            yield None
            yield reply.text
    yield replace(reply, detail="; ".join([*details, *filter(None, [reply.detail])]))


def _is_worth_another(reply: Reply) -> bool:
    """Whether a reply is to be asked for once more."""
    if reply.broken is not None:
        return reply.reason == "bad_output" and not is_enough(reply.text)
    return not reply.text and reply.reason in ("done", "stopped", "length")


def _best_of(broken: list[Reply], last: Reply) -> Reply:
    """What can be heard of the reply that broke lightest; the last one if there is nothing."""
    usable = [reply for reply in broken if reply.text]
    best = min(
        usable, key=lambda reply: weight_of(reply.broken) if reply.broken else 0, default=last
    )
    return replace(
        best,
        reason=last.reason,
        detail="",
        usage=last.usage,
        broken=best.broken or broken[-1].broken,
    )


def _generation(
    request: ReplyRequest, plan: Plan, attempt: int, seed: int, clock: Clock
) -> GenerationRequest:
    left_s = None if request.deadline is None else max(0.0, request.deadline - clock.monotonic())
    return GenerationRequest(
        request_id=f"{request.request_id}.{attempt}",
        prompt_ids=plan.prompt_ids,
        sampling=request.sampling,
        seed=seed,
        max_tokens=plan.reply_tokens,
        priority=request.priority,
        deadline_s=left_s,
        conversation=request.conversation,
        messages=plan.messages,
    )


def _stream(
    generation: GenerationRequest,
    session: ModelSession,
    handle: TurnHandle,
    guard: OutputGuard,
    state: _Attempt,
) -> Iterator[str]:
    request_id = generation.request_id
    events = session.stream(generation)
    handle.attach(lambda: session.cancel(request_id))
    try:
        for event in events:
            if isinstance(event, TokenDelta):
                state.ids.append(event.token_id)
                state.pieces.append(event.text)
                shown = guard.feed(event.text)
            else:
                state.end = event
                shown = guard.feed(event.tail)
            if shown:
                state.shown += shown
                yield shown
            if (guard.ended_by or handle.ended_by) and state.end is None:
                session.cancel(request_id)
    finally:
        handle.attach(None)


def _ended_by(
    request: ReplyRequest, state: _Attempt, guard: OutputGuard, handle: TurnHandle
) -> Reason | None:
    """Who ended the reply before the model did; the session itself at the deadline."""
    was_cancelled = state.end is not None and state.end.reason == "cancelled"
    if handle.ended_by is not None or guard.ended_by or not was_cancelled:
        return handle.ended_by
    if request.deadline is None:
        return None
    return "late_total" if any(piece.strip() for piece in state.pieces) else "late_first"


def _finish(state: _Attempt, guard: OutputGuard, ended_by: Reason | None, seed: int) -> Reply:
    end = state.end
    if end is None:
        return Reply("", "failed", None, seed, Usage(), detail="the session ended without an end")
    reason: Reason = "stopped" if guard.ended_by and end.reason == "cancelled" else end.reason
    if ended_by is not None and end.reason == "cancelled":
        reason = ended_by
    text = guard.finish(unfinished=reason in ("length", "failed", "late_first", "late_total"))
    if not any(character.isalnum() for character in text):
        text = ""
    if guard.broken is not None and reason in ("done", "stopped", "length"):
        reason = "bad_output"
    detail = ""
    if end.reason == "failed":
        detail = end.error or "the model failed"
    if text and guard.broken is not None:
        detail = f"ended at {break_in_words(guard.broken)}"
    elif text and guard.ended_by:
        detail = f"ended at {guard.ended_by}"
    ids = _ids_of(text, state)
    return Reply(text, reason, ids, seed, end.usage, guard.cut, detail, broken=guard.broken)


def _ids_of(text: str, state: _Attempt) -> tuple[int, ...] | None:
    """The leading ids whose text is exactly the reply's; trailing space is not kept."""
    raw = ""
    for index, piece in enumerate(state.pieces):
        raw += piece
        if raw.strip() == text:
            return tuple(state.ids[: index + 1])
    return None
