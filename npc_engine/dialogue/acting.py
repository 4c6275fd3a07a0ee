"""What an NPC does in its turn: from the calls in a reply to what became of them."""

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

from npc_engine.actions.canonical import call_id
from npc_engine.actions.checking import CheckedCall, DroppedCall, check_call, check_calls
from npc_engine.actions.grounding import agrees, is_grounded, texts_in
from npc_engine.actions.offered import OfferedAction, declared_actions, offered_actions
from npc_engine.actions.written import WrittenCall
from npc_engine.content.character import PLAYER
from npc_engine.content.state import company_of
from npc_engine.dialogue.action_rules import ActionRules, Settlement
from npc_engine.dialogue.attempt import Reply
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.choosing import NO, YES, Question, is_so
from npc_engine.dialogue.cue import SpokenOn
from npc_engine.dialogue.ending import Origin
from npc_engine.dialogue.handle import TurnOrder
from npc_engine.dialogue.outcome import payloads_of
from npc_engine.dialogue.turn_plan import Point
from npc_engine.errors import ScoringError
from npc_engine.events import (
    ActionDropped,
    ActionEnded,
    ActionHeld,
    ActionProposed,
    LineEvent,
)
from npc_engine.memory.entries import ActionCalled, Entry, Payload
from npc_engine.memory.store import SaveStore
from npc_engine.messages import ToolCall
from npc_engine.prompt.plan import Plan
from npc_engine.protocols import Clock, ModelSession

NO_RESULT = '{"done": true}'
"""What the model is told of an action that gave nothing back."""


@dataclass(frozen=True, slots=True)
class Acted:
    """What a turn has done so far."""

    calls: tuple[ToolCall, ...] = ()
    """What the game has answered, for the words that follow it."""
    needs_words: bool = False
    """Whether one more reply is wanted: something came back, or nothing was said yet."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One turn in which actions may be called for."""

    order: TurnOrder
    point: Point
    """The chat before what it speaks on."""
    on: SpokenOn
    origin: Origin
    """Where the reply comes from; the model and the prompt are still open."""
    offered: tuple[OfferedAction, ...]

    @property
    def line(self) -> str:
        """What the NPC speaks on, as said."""
        return self.on.words

    @property
    def asked_id(self) -> int:
        """The entry of what it speaks on; 0 at the start of a chat."""
        return self.on.parent_id or 0


class Acting:
    """Lets one NPC act in one chat. All of it happens on the thread of the turn."""

    def __init__(
        self,
        npc: str,
        chat_id: int,
        store: SaveStore,
        clock: Clock,
        rules: ActionRules,
        *,
        why_blocked: Callable[[str], str] = lambda words: "",
    ) -> None:
        """Bind to a chat of the store.

        Args:
            npc: Id of the sheet.
            chat_id: A chat of `store`.
            store: The save.
            clock: Tells how long ago an action was done.
            rules: How actions are handled.
            why_blocked: Why the content policy forbids words of an argument; empty if it does not.
        """
        self._npc = npc
        self._chat_id = chat_id
        self._store = store
        self._clock = clock
        self._rules = rules
        self._why_blocked = why_blocked

    @property
    def max_calls(self) -> int:
        """How many actions one turn may have."""
        return self._rules.most_per_turn

    def offered(self, point: Point) -> tuple[OfferedAction, ...]:
        """What the NPC could do at a point of the chat, and what of it is not possible now."""
        handled = self._rules.desk.handled
        sheet = point.cast.sheets[self._npc]
        if not handled or not (sheet.actions or sheet.own_actions):
            return ()
        state = point.memory.state(point.path)
        last_done = point.memory.acts(point.path, lambda book: dict(book.last_done))
        return offered_actions(
            sheet,
            point.cast.world,
            state,
            last_done=last_done,
            now_s=self._clock.now(),
            done_once=frozenset(last_done),
            handled=handled,
            present=(PLAYER, *company_of(state, self._npc)),
        )

    def known(self, cast: Cast) -> tuple[OfferedAction, ...]:
        """All that the NPC may ever do in this game, as far as its sheet stands now."""
        handled = self._rules.desk.handled
        sheet = cast.sheets[self._npc]
        return tuple(
            OfferedAction(name, declaration, {})
            for name, declaration in declared_actions(sheet, cast.world).items()
            if name in handled
        )

    def agreed(self, occasion: Occasion) -> Generator[LineEvent, None, Acted]:
        """Do what was held until the player agrees, if this line does; else let it go."""
        point = occasion.point
        if occasion.on.swipes_of is None or occasion.origin.to in point.cast.sheets:
            return Acted()  # no player has answered what was offered
        passed, held = point.memory.acts(point.path, lambda book: (book.passed, book.held))
        if not agrees(occasion.line):
            passed, held = (*passed, *held), ()
        for called in passed:
            yield self._let_go(occasion, called, "the player did not agree")
        answers: list[ToolCall] = []
        for called in held:
            answers += yield from self._do_held(occasion, called)
        return Acted(tuple(answers), needs_words=bool(answers))

    def act(
        self,
        occasion: Occasion,
        reply: Reply,
        said_in: Entry | None,
        plan: Plan,
        session: ModelSession,
    ) -> Generator[LineEvent, None, Acted]:
        """Do what a reply calls for.

        Args:
            occasion: The turn.
            reply: What the model wrote.
            said_in: The entry of its words; None if it has none.
            plan: What it answers.
            session: Who wrote it.
        """
        line_id = occasion.order.line_id
        for text in reply.unreadable:
            yield ActionDropped(line_id, self._npc, "", "unreadable", text[:200])
        checked = check_calls(
            reply.calls,
            occasion.offered,
            max_calls=self.max_calls,
            is_called_for=lambda call: self._is_called_for(occasion, call, plan, session),
        )
        wanted: list[CheckedCall] = []
        for each in checked:
            if isinstance(each, DroppedCall):
                yield ActionDropped(line_id, self._npc, each.name, each.reason, each.detail)
            elif why := self._why_blocked(". ".join(texts_in(each.arguments))):
                yield ActionDropped(line_id, self._npc, each.name, "blocked", why)
            else:
                wanted.append(each)
        answers: list[ToolCall] = []
        for call in wanted:
            answers += yield from self._carry_out(occasion, call, said_in)
        returns = any(self._declared(occasion, call.name).declaration.returns for call in wanted)
        is_mute = said_in is None
        return Acted(tuple(answers), needs_words=bool(answers) and (returns or is_mute))

    # -- inside -------------------------------------------------------------------------------

    def _is_called_for(
        self, occasion: Occasion, call: CheckedCall, plan: Plan, session: ModelSession
    ) -> bool:
        """Whether anything in the talk wants the action."""
        if self._rules.grounding == "off":
            return True
        point, offered = occasion.point, self._declared(occasion, call.name)
        goals = point.cast.sheets[self._npc].goals
        if not is_grounded(
            call.name,
            offered.declaration,
            call.arguments,
            occasion.line,
            _last_words(point),
            goals,
        ):
            return False
        return self._rules.grounding == "words" or _is_wanted(
            session, plan, offered, occasion.order
        )

    def _carry_out(
        self, occasion: Occasion, checked: CheckedCall, said_in: Entry | None
    ) -> Generator[LineEvent, None, list[ToolCall]]:
        """Propose one call and store what became of it."""
        declaration = self._declared(occasion, checked.name).declaration
        called = self._called(occasion, checked, said_in)
        called = called.model_copy(update={"waits_for_yes": declaration.confirm})
        self._append(occasion, called)
        if declaration.confirm:
            yield ActionHeld(
                occasion.order.line_id, self._npc, called.call_id, called.action, checked.arguments
            )
            return []
        for_result = declaration.returns or said_in is None
        return (yield from self._ask_game(occasion, called, for_result=for_result))

    def _do_held(
        self, occasion: Occasion, held: ActionCalled
    ) -> Generator[LineEvent, None, list[ToolCall]]:
        """Propose what the player has agreed to, if it is still possible.

        It gets an id of its own: the yes may be said again after a restore or a `regenerate`.
        """
        written = WrittenCall(held.action, json.loads(held.arguments), "")
        checked = check_call(written, occasion.offered)
        if isinstance(checked, DroppedCall):
            yield self._let_go(occasion, held, checked.detail)
            return []
        called = self._called(occasion, checked, None)
        called = called.model_copy(update={"held_as": held.call_id})
        self._append(occasion, called)
        return (yield from self._ask_game(occasion, called, for_result=True))

    def _called(
        self, occasion: Occasion, checked: CheckedCall, said_in: Entry | None
    ) -> ActionCalled:
        # The last entry tells another try at the same line from the first.
        turn = f"{self._chat_id}:{self._npc}:{occasion.asked_id}:{self._store.last_entry_id()}"
        return ActionCalled(
            call_id=call_id(turn, checked.name, checked.arguments),
            npc=self._npc,
            action=checked.name,
            arguments=json.dumps(checked.arguments, ensure_ascii=False),
            answers=occasion.asked_id,
            said_in=None if said_in is None else said_in.id,
        )

    def _ask_game(
        self, occasion: Occasion, called: ActionCalled, *, for_result: bool
    ) -> Generator[LineEvent, None, list[ToolCall]]:
        """Propose a call that is stored, and store what became of it."""
        handle = occasion.order.handle
        self._rules.desk.expect(called.call_id, self._chat_id, handle)
        arguments: Mapping[str, Any] = json.loads(called.arguments)
        yield ActionProposed(
            occasion.order.line_id,
            self._npc,
            called.call_id,
            called.action,
            arguments,
            called.held_as,
        )
        settlement = self._rules.desk.wait(called.call_id, handle, for_result=for_result)
        if settlement is None:
            return []
        yield self._settle(occasion, called, settlement)
        return [_answer(called, settlement)]

    def _let_go(self, occasion: Occasion, held: ActionCalled, why: str) -> ActionEnded:
        return self._settle(occasion, held, Settlement("lapsed", detail=why))

    def _settle(
        self, occasion: Occasion, called: ActionCalled, settlement: Settlement
    ) -> ActionEnded:
        point = occasion.point
        for payload in payloads_of(called, settlement, point.cast, point.memory.state()):
            self._append(occasion, payload)
        return ActionEnded(
            occasion.order.line_id,
            self._npc,
            called.call_id,
            called.action,
            settlement.outcome,
            settlement.result,
            settlement.detail,
        )

    def _append(self, occasion: Occasion, payload: Payload) -> None:
        state = occasion.point.memory.state()
        self._store.append(
            self._chat_id, payload, day=state.day, minute=state.minute, epoch=occasion.order.epoch
        )

    def _declared(self, occasion: Occasion, name: str) -> OfferedAction:
        return next(action for action in occasion.offered if action.name == name)


def _answer(called: ActionCalled, settlement: Settlement) -> ToolCall:
    """What the model is told of a call in the words that follow it."""
    if settlement.outcome == "done":
        result = settlement.result or NO_RESULT
    else:
        why = settlement.detail or "it was not possible"
        result = json.dumps({"done": False, "why": why}, ensure_ascii=False)
    return ToolCall(called.action, called.arguments, result)


def _last_words(point: Point) -> str:
    """What the NPC said last."""
    own = [line.text for line in point.memory.view(point.path).lines if line.is_own]
    return own[-1] if own else ""


def _is_wanted(session: ModelSession, plan: Plan, action: OfferedAction, order: TurnOrder) -> bool:
    """Whether the model holds an action for called for; yes where it cannot be asked."""
    text = (
        "Do the last words that were said ask for this to be done now? "
        f"{session.tokenizer.neutralise(action.declaration.description)}"
    )
    question = Question(
        text, (YES, NO), messages=plan.messages, contexts=plan.contexts, tools=plan.tools
    )
    try:
        found = is_so(
            session, question, request_id=f"line-{order.line_id}.act", priority=order.priority
        )
    except ScoringError:
        return True
    return found is not False
