"""The model answers one line: it speaks, may act, and after an action may speak once more."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

from npc_engine.dialogue.acting import Acted, Acting, Occasion
from npc_engine.dialogue.attempt import Reply
from npc_engine.dialogue.barge_in import as_heard
from npc_engine.dialogue.closing import Closing
from npc_engine.dialogue.ending import Origin, ReplyRecorder
from npc_engine.dialogue.handle import TurnOrder
from npc_engine.dialogue.reply import ReplyRequest, write_reply
from npc_engine.events import LineEvent, ReplyStarted, TextDelta, TextReset
from npc_engine.memory.entries import Entry
from npc_engine.messages import Message, Usage
from npc_engine.prompt import wording
from npc_engine.prompt.plan import Plan
from npc_engine.protocols import Clock, ModelSession

_DRAFT_EVERY_S = 0.5
"""How often the reply in flight is written down, so that a kill loses at most this much."""

_BETWEEN = "\n"
"""Between the words before an action and those after it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a talk asks of the model in one turn."""

    plan: Callable[[tuple[Message, ...], str], Plan]
    """The prompt, after what was said and done in answer already, and with a reminder."""
    first: Callable[[Plan, tuple[Message, ...]], ReplyRequest]
    """What to ask with it."""
    then: Callable[[Plan, tuple[Message, ...]], ReplyRequest]
    """The same for one more reply in the same turn."""


class Answering:
    """Answers lines for one NPC in one chat."""

    def __init__(
        self,
        npc: str,
        acting: Acting,
        closing: Closing,
        recorder: ReplyRecorder,
        clock: Clock,
    ) -> None:
        """Bind to a chat.

        Args:
            npc: Id of the sheet.
            acting: Does what replies call for.
            closing: Ends turns.
            recorder: Keeps replies.
            clock: Wall time for drafts.
        """
        self._npc = npc
        self._acting = acting
        self._closing = closing
        self._recorder = recorder
        self._clock = clock

    def answer(
        self, occasion: Occasion, wanted: Wanted, session: ModelSession
    ) -> Iterator[LineEvent]:
        """Speak, act where the talk calls for it, and end the line."""
        order = occasion.order
        before = Acted()
        if occasion.offered:
            before = yield from self._acting.agreed(occasion)
        so_far = _told(occasion, before, "")
        plan = wanted.plan(so_far, "")
        yield ReplyStarted(order.line_id, plan.total_tokens, plan.shared_prefix_tokens)
        request = wanted.first(plan, so_far)
        max_calls = 0 if so_far else self._acting.max_calls
        request = replace(request, actions=_names(occasion), max_calls=max_calls)
        reply, shown = yield from self._speak(order, request, session, occasion.on.parent_id)
        if not (reply.calls or reply.unreadable):
            reply = as_heard(reply, shown, order.handle.settle())
            origin = _origin(occasion, reply, plan, session)
            yield from self._closing.close(order.line_id, origin, reply, shown)
            return
        origin = _origin(occasion, reply, plan, session)
        said_in = self._closing.keep_words(origin, reply) if reply.text else None
        if said_in is not None:
            order.handle.said_before = said_in.id, len(reply.text + _BETWEEN)
        acted = yield from self._acting.act(occasion, reply, said_in, plan, session)
        is_over = order.handle.ended_by is not None
        if not is_over and (acted.needs_words or said_in is None):
            yield from self._speak_on(occasion, wanted, reply, said_in, acted, session)
        elif said_in is not None:
            heard = order.handle.settle()
            yield from self._closing.end_at(order.line_id, reply, said_in, order.epoch, heard)
        else:
            reply = replace(reply, reason=order.handle.ended_by or "bad_output")
            yield from self._closing.close(order.line_id, origin, reply, shown)

    # -- inside -------------------------------------------------------------------------------

    def _speak_on(
        self,
        occasion: Occasion,
        wanted: Wanted,
        first: Reply,
        said_in: Entry | None,
        acted: Acted,
        session: ModelSession,
    ) -> Iterator[LineEvent]:
        """Say what follows from an action, or what was not said beside one that came to nothing.

        Nothing more can be done in this turn.
        """
        order = occasion.order
        so_far = _told(occasion, acted, first.text)
        wish = "" if so_far else wording.REMIND_TO_SPEAK.format(nickname=_nickname(occasion))
        plan = wanted.plan(so_far, wish)
        lead = first.text + _BETWEEN if first.text else ""
        if lead:
            yield TextDelta(order.line_id, _BETWEEN)
        request = wanted.then(plan, so_far)
        request = replace(request, actions=_names(occasion), max_calls=0)
        # A crash must leave what was done on the path: these words follow it.
        follows = occasion.on.parent_id if said_in is None else said_in.id
        reply, shown = yield from self._speak(order, request, session, follows, lead=lead)
        heard = order.handle.settle()
        reply = as_heard(reply, shown, None if heard is None else max(0, heard - len(lead)))
        if said_in is not None and not reply.text:
            if shown:
                yield TextReset(order.line_id)
                yield TextDelta(order.line_id, first.text)
            yield from self._closing.end_at(order.line_id, first, said_in, order.epoch, heard)
            return
        origin = replace(_origin(occasion, reply, plan, session), said_before=lead)
        if said_in is not None:
            origin = replace(origin, answers=None)  # it follows those words, it is no other reply
        yield from self._closing.close(order.line_id, origin, reply, shown)

    def _speak(
        self,
        order: TurnOrder,
        request: ReplyRequest,
        session: ModelSession,
        parent_id: int | None,
        *,
        lead: str = "",
    ) -> Generator[LineEvent, None, tuple[Reply, str]]:
        """One reply as it comes; gives the reply, and what is shown of it.

        Args:
            order: The turn.
            request: What to ask.
            session: Who writes.
            parent_id: The entry its words follow.
            lead: What stands in front of it and is never taken back.
        """
        reply = Reply("", "failed", None, 0, Usage())
        shown = ""
        drafted_at = self._clock.monotonic()
        for piece in write_reply(request, session, order.handle, self._clock):
            if isinstance(piece, Reply):
                reply = piece
            elif piece is None:
                shown = ""
                yield TextReset(order.line_id)
                if lead:
                    yield TextDelta(order.line_id, lead)
            else:
                shown += piece
                yield TextDelta(order.line_id, piece)
                now = self._clock.monotonic()
                if now - drafted_at >= _DRAFT_EVERY_S:
                    self._recorder.draft(shown, parent_id, order.epoch)
                    drafted_at = now
        return reply, shown


def _origin(occasion: Occasion, reply: Reply, plan: Plan, session: ModelSession) -> Origin:
    return occasion.origin.written_by(reply.plan_digest or plan.digest, session)


def _names(occasion: Occasion) -> tuple[str, ...]:
    """Whatever stands in the prompt: what is blocked now is read as well, and dropped."""
    return tuple(action.name for action in occasion.offered)


def _told(occasion: Occasion, acted: Acted, words: str) -> tuple[Message, ...]:
    """What was said and done, as the prompt of the next words has it.

    Behind the last result stands what is wanted: small models greet, or call again, without it.
    """
    if not acted.calls:
        return ()
    *others, last = acted.calls
    wish = wording.REMIND_OF_ACT.format(nickname=_nickname(occasion))
    last = replace(last, result=f"{last.result}\n{wish}")
    return (Message("assistant", words, calls=(*others, last)),)


def _nickname(occasion: Occasion) -> str:
    point = occasion.point
    return point.cast.sheets[point.npc].nickname
