"""One reply: ask the model, guard what it says, try once more when it cannot be used."""

import hashlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

from npc_engine.dialogue.appraisal import Appraiser
from npc_engine.dialogue.attempt import Attempt, Reply
from npc_engine.dialogue.breaks import Break
from npc_engine.dialogue.candidates import Candidates
from npc_engine.dialogue.handle import TurnHandle
from npc_engine.dialogue.limits import Limits
from npc_engine.dialogue.second_try import break_in_words, is_enough, weight_of
from npc_engine.memory.entries import ConsideredText
from npc_engine.messages import Priority, Reason, Sampling, Usage
from npc_engine.prompt.plan import Plan
from npc_engine.protocols import Clock, GenerationRequest, ModelSession

MAX_ATTEMPTS = 2
"""One try, and one more with another seed when nothing usable came."""


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
    most_tokens: int | None = None
    """How long the reply may be where that is less than the plan allows."""
    plan_again: Callable[[Break], Plan] | None = None
    """The prompt of a second try after a break of character; None: the same prompt again."""
    candidates: int = 1
    """How many replies are written at once."""
    within_s: float = 0.0
    """See `CandidateSettings`."""
    actions: tuple[str, ...] = ()
    """Names of the actions that the reply may call for."""
    max_calls: int = 1
    """How many of them."""
    appraiser: Callable[[Plan], Appraiser] | None = None
    """Judges candidates that answer a plan; only needed for more than one."""


def seed_for(base_seed: int, plan_digest: str, swipe: int, attempt: int, candidate: int = 0) -> int:
    """A seed in 0..2**31-1 that depends only on the playthrough's seed and on this turn."""
    text = f"{base_seed}:{plan_digest}:{swipe}:{attempt}"
    text += f":{candidate}" if candidate else ""
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
    considered: list[ConsideredText] = []
    for number in range(MAX_ATTEMPTS):
        if handle.ended_by is not None:
            reply = Reply("", handle.ended_by, None, 0, reply.usage)
            break
        attempt, judged = yield from _write(request, plan, number, session, handle, clock)
        considered += judged
        reply = attempt.finish(_ended_by(request, attempt, handle))
        # Behind a given opening a reply begins with other tokens than it has in a history.
        ids = None if plan.opens_reply else reply.token_ids
        reply = replace(reply, plan_digest=plan.digest, token_ids=ids)
        if reply.broken is not None and attempt.shown.strip() != reply.text:
            yield None
            if is_enough(reply.text):
                yield reply.text
        elif rest := _held_back(attempt, reply):
            yield rest
        if not _is_worth_another(reply):
            break
        if reply.broken is None:
            why = attempt.guard.ended_by or "empty"
            details.append(f"attempt {number + 1} gave nothing usable ({why})")
            reply = replace(reply, reason="bad_output", text="", token_ids=None)
        else:
            details.append(f"attempt {number + 1} broke off at {break_in_words(reply.broken)}")
            broken.append(reply)
            if request.plan_again is not None and number + 1 < MAX_ATTEMPTS:
                plan = request.plan_again(reply.broken)
        yield None
    if broken and (not reply.text or reply.broken is not None) and reply.reason != "cancelled":
        reply = _catchphrase_of(broken) or _best_of(broken, reply)
        if reply.text:
            yield None
            yield reply.text
    details += filter(None, [reply.detail, _chosen_in_words(considered, reply)])
    yield replace(reply, detail="; ".join(details), considered=tuple(considered))


def _held_back(attempt: Attempt, reply: Reply) -> str:
    """The end of a reply that was not shown while it might still have become a break."""
    is_its_end = attempt.shown and reply.text.startswith(attempt.shown)
    return reply.text[len(attempt.shown) :] if is_its_end else ""


def _is_worth_another(reply: Reply) -> bool:
    """Whether a reply is to be asked for once more."""
    if reply.broken is not None:
        return reply.reason in ("bad_output", "blocked") and not is_enough(reply.text)
    return not reply.text and not reply.calls and reply.reason in ("done", "stopped", "length")


def _catchphrase_of(broken: list[Reply]) -> Reply | None:
    """The character's own catchphrase where no try gave more; it is in the role, a bark no better.

    None where one of them broke otherwise.
    """
    if len(broken) < MAX_ATTEMPTS:
        return None
    last = broken[-1]
    if any(each.broken is None or each.broken.kind != "catchphrase" for each in broken):
        return None
    words = last.broken.words if last.broken is not None else ""
    return replace(last, text=words, reason="done", detail="", broken=None, token_ids=None)


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


def _chosen_in_words(considered: list[ConsideredText], reply: Reply) -> str:
    """For the record: which of several candidates is heard."""
    place = next((at for at, one in enumerate(considered) if one.seed == reply.seed), None)
    if place is None:
        return ""
    return f"candidate {place + 1} of {len(considered)}"


def _write(
    request: ReplyRequest,
    plan: Plan,
    number: int,
    session: ModelSession,
    handle: TurnHandle,
    clock: Clock,
) -> Generator[str, None, tuple[Attempt, tuple[ConsideredText, ...]]]:
    """Yield what may be shown of one attempt, the best of its candidates if there are several."""
    left_s = None if request.deadline is None else max(0.0, request.deadline - clock.monotonic())
    attempts = [
        Attempt(
            _generation(
                request, plan, number, candidate, left_s, handle.priority or request.priority
            ),
            request.limits,
            request.actions,
            request.max_calls,
        )
        for candidate in range(request.candidates if request.appraiser is not None else 1)
    ]
    if len(attempts) == 1 or request.appraiser is None:
        return (yield from _write_one(attempts[0], session, handle)), ()
    judge = request.appraiser(plan)
    candidates = Candidates(attempts, session, handle, clock, judge, request.within_s)
    chosen = yield from candidates.write()
    return chosen, candidates.considered


def _generation(
    request: ReplyRequest,
    plan: Plan,
    number: int,
    candidate: int,
    left_s: float | None,
    priority: Priority,
) -> GenerationRequest:
    """The request of one candidate; only the first one's cache is kept for the next turn."""
    ending = f".{candidate}" if candidate else ""
    return GenerationRequest(
        request_id=f"{request.request_id}.{number}{ending}",
        prompt_ids=plan.prompt_ids,
        sampling=request.sampling,
        seed=seed_for(request.base_seed, plan.digest, request.swipe, number, candidate),
        max_tokens=min(plan.reply_tokens, request.most_tokens or plan.reply_tokens),
        priority=priority,
        deadline_s=left_s,
        conversation="" if candidate else request.conversation,
        messages=plan.messages,
    )


def _write_one(
    attempt: Attempt, session: ModelSession, handle: TurnHandle
) -> Generator[str, None, Attempt]:
    """Yield what may be shown of one attempt as it comes."""
    request_id = attempt.request_id
    events = session.stream(attempt.generation)
    handle.attach(
        lambda: session.cancel(request_id, heard_tokens=attempt.num_tokens_in(handle.heard_chars)),
        lambda priority: session.reprioritise(request_id, priority),
    )
    try:
        for event in events:
            if shown := attempt.take(event, is_heard=handle.ended_by != "cancelled"):
                yield shown
            if (attempt.is_told_all or handle.ended_by) and attempt.end is None:
                session.cancel(request_id)
    finally:
        handle.attach(None)
    return attempt


def _ended_by(request: ReplyRequest, attempt: Attempt, handle: TurnHandle) -> Reason | None:
    """Who ended the reply before the model did; the session itself at the deadline."""
    was_cancelled = attempt.end is not None and attempt.end.reason == "cancelled"
    if handle.ended_by is not None or attempt.is_told_all or not was_cancelled:
        return handle.ended_by
    if request.deadline is None:
        return None
    return "late_total" if attempt.has_words else "late_first"
