"""Between the turns and the game: calls go to their handlers in a tick, and come back once."""

import asyncio
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from npc_engine.dialogue.action_rules import Settlement
from npc_engine.dialogue.handle import TurnHandle
from npc_engine.engine.action_call import LATER, ActionCall
from npc_engine.events import ActionProposed, Notice
from npc_engine.protocols import Clock

_log = logging.getLogger(__name__)

_LOOK_S = 0.02
"""How often a waiting turn looks whether it still has to wait."""

Handler = Callable[[ActionCall], Any]
Veto = Callable[[ActionCall], bool]
Retract = Callable[[ActionCall], bool]


@dataclass(frozen=True, slots=True)
class Handling:
    """How the game takes one action."""

    handle: Handler
    veto: Veto | None = None
    retract: Retract | None = None


@dataclass(frozen=True, slots=True)
class LateCall:
    """A call whose turn is over before the game has settled it."""

    chat_id: int
    proposed: ActionProposed


@dataclass(slots=True, eq=False)
class _Open:
    """A call that is not settled, or whose settlement nobody has taken."""

    chat_id: int
    turn: TurnHandle
    proposed: ActionProposed | None = None
    is_taken: bool = False
    """Whether a tick has given it to the game."""
    is_deferred: bool = False
    """Whether its handler has said that it answers later."""
    is_late: bool = False
    """Whether the turn no longer waits: whoever settles it stores it."""
    settlement: Settlement | None = None


class Desk:
    """Implements `ActionDesk`. Handlers run on the thread that ticks; the rest on any.

    A call that no tick takes within `take_within_s` lapses and is never given to the game. A
    handler that answers later has `result_within_s` before the NPC speaks on without it; the answer
    is stored whenever it comes.
    """

    def __init__(
        self,
        clock: Clock,
        post: Callable[[Notice], None],
        store_late: Callable[[LateCall, Settlement], None],
        *,
        take_within_s: float = 1.0,
        result_within_s: float = 5.0,
    ) -> None:
        """No action is handled yet.

        Args:
            clock: Measures how long calls wait.
            post: Takes notices of what went wrong in a handler.
            store_late: Stores what became of a call that no turn waits for any more.
            take_within_s: See the class.
            result_within_s: See the class.
        """
        self._clock = clock
        self._post = post
        self._store_late = store_late
        self._take_within_s = take_within_s
        self._result_within_s = result_within_s
        self._condition = threading.Condition()
        self._handlings: dict[str, Handling] = {}
        self._open: dict[str, _Open] = {}
        self._runner: _AsyncRunner | None = None
        self._closed = False

    # -- for the game -------------------------------------------------------------------------

    def register(self, name: str, handling: Handling) -> None:
        """Take an action from now on; another handling of that name is replaced."""
        with self._condition:
            self._handlings = {**self._handlings, name: handling}

    def handling_of(self, name: str) -> Handling | None:
        """How the game takes an action; None: not at all."""
        return self._handlings.get(name)

    @property
    def handled(self) -> frozenset[str]:
        """Names of the actions that the game takes."""
        return frozenset(self._handlings)

    def is_with_game(self, call_id: str) -> bool:
        """Whether a call was given to the game, and what became of it is not stored yet."""
        with self._condition:
            found = self._open.get(call_id)
            return found is not None and found.is_taken

    def deliver(self, event: ActionProposed) -> ActionCall | None:
        """Give a call to its handler, on the thread that ticks; None when it has lapsed.

        The call of a line that has ended, as by a restore, is not given to the game.
        """
        with self._condition:
            found = self._open.get(event.call_id)
            if found is None or found.is_taken or found.turn.has_ended:
                return None
            call = ActionCall(
                event.call_id, event.npc, event.action, event.arguments, self._settled
            )
            found.proposed, found.is_taken = event, True
            handling = self._handlings.get(event.action)
            self._condition.notify_all()
        if handling is None:
            call.refused("the game no longer takes this action")
        else:
            self._handle(call, handling)
        return call

    # -- for the turns ------------------------------------------------------------------------

    def expect(self, call_id: str, chat_id: int, handle: TurnHandle) -> None:
        """See `ActionDesk.expect`."""
        with self._condition:
            self._open[call_id] = _Open(chat_id, handle)

    def wait(self, call_id: str, handle: TurnHandle, *, for_result: bool) -> Settlement | None:
        """See `ActionDesk.wait`."""
        start = self._clock.monotonic()
        taken_at: float | None = None
        with self._condition:
            found = self._open.get(call_id)
            if found is None:  # forgotten by a restore before anybody waited
                return Settlement("lapsed", detail="restored")
            while found.settlement is None:
                now = self._clock.monotonic()
                if found.is_taken:
                    taken_at = now if taken_at is None else taken_at
                    is_over = now - taken_at >= self._result_within_s
                    is_over = is_over or (found.is_deferred and not for_result)
                    if is_over or handle.has_ended or self._closed:
                        found.is_late = True
                        return None
                elif self._closed or handle.has_ended or now - start >= self._take_within_s:
                    del self._open[call_id]
                    return Settlement("lapsed", detail="the game did not take it in time")
                self._condition.wait(_LOOK_S)
            self._open.pop(call_id, None)
            return found.settlement

    def forget_all(self) -> None:
        """After a restore: whatever was called for before it is not stored any more."""
        with self._condition:
            for each in self._open.values():
                each.settlement = each.settlement or Settlement("lapsed", detail="restored")
            self._open.clear()
            self._condition.notify_all()

    def close(self) -> None:
        """Nobody waits any more."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
            runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()

    # -- inside -------------------------------------------------------------------------------

    def _handle(self, call: ActionCall, handling: Handling) -> None:
        try:
            if handling.veto is not None and not handling.veto(call):
                call.refused("the game does not allow it")
                return
            given = handling.handle(call)
            if inspect.isawaitable(given):
                self._defer(call)
                self._await(call, given)
            elif given is LATER:
                self._defer(call)
            else:
                call.done(given)
        except Exception as error:  # noqa: BLE001  a handler is the game's code: it must not end a tick
            self._failed(call, error)

    def _defer(self, call: ActionCall) -> None:
        with self._condition:
            if (found := self._open.get(call.id)) is not None:
                found.is_deferred = True
            self._condition.notify_all()

    def _await(self, call: ActionCall, given: Awaitable[Any]) -> None:
        async def finish() -> None:
            try:
                call.done(await given)
            except asyncio.CancelledError:
                if not self._closed:
                    call.failed(f"the handler of {call.name} was cancelled")
                raise
            except Exception as error:  # noqa: BLE001  as above
                self._failed(call, error)

        with self._condition:
            if self._runner is None:
                self._runner = _AsyncRunner()
            runner = self._runner
        runner.run(finish)

    def _failed(self, call: ActionCall, error: Exception) -> None:
        _log.error("the handler of %s failed", call.name, exc_info=error)
        text = f"the handler of {call.name} failed: {type(error).__name__}: {error}"
        call.failed(text)
        self._post(Notice("error", text))

    def _settled(self, call: ActionCall, settlement: Settlement) -> None:
        with self._condition:
            found = self._open.get(call.id)
            if found is None:
                return
            found.settlement = settlement
            if found.is_late:
                del self._open[call.id]
            self._condition.notify_all()
        if found.is_late and found.proposed is not None:
            self._store_late(LateCall(found.chat_id, found.proposed), settlement)


class _AsyncRunner:
    """Runs handlers that are coroutines: on the running event loop, or else on one of its own."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, finish: Callable[[], Any]) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run_coroutine_threadsafe(finish(), self._own_loop())
            return
        task = running.create_task(finish())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            loop = asyncio.new_event_loop()
            self._loop = loop

            def run() -> None:
                loop.run_forever()
                # What was handed in last begins, or it would be a coroutine that nobody awaits.
                loop.run_until_complete(asyncio.sleep(0))
                if left := asyncio.all_tasks(loop):
                    for task in left:
                        task.cancel()
                    loop.run_until_complete(asyncio.wait(left))
                loop.close()

            threading.Thread(target=run, name="npc-engine-handlers", daemon=True).start()
        return self._loop
