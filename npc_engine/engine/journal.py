"""What a recording hangs on: the places where an engine meets chance, time, threads and people.

`Journal` itself notes nothing and changes nothing. `Recorder` notes what happens there, `Replayer`
lets it happen again.
"""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from npc_engine.dialogue.handle import TurnHandle
from npc_engine.engine.fold_work import FoldWork
from npc_engine.events import Event
from npc_engine.memory.entries import Entry
from npc_engine.memory.store import SaveStore
from npc_engine.prompt.plan import Plan
from npc_engine.protocols import Clock, ModelSession

_Met = TypeVar("_Met")

Address = tuple[str | int, ...]
"""What an input is for: `engine`, or `npc`, `world` or `line` and what names it."""


class Journal:
    """Nothing is recorded and nothing replayed.

    Work is told apart by actors: a line that is answered, a fold, a call of the game. What one
    actor does is a fixed sequence, as long as it meets the same things in the same order.
    """

    most_turns = 64
    """How many turns may run at the same time."""
    keeps_order = False
    """Whether it matters who meets what first; then nothing shared is read without its lock."""

    def __init__(self) -> None:
        """Nobody acts yet."""
        self._here = threading.local()

    @property
    def actor(self) -> str:
        """Who acts on this thread; empty for work that leaves no trace, such as reading ahead."""
        return getattr(self._here, "actor", "")

    @contextmanager
    def acting(self, actor: str) -> Iterator[None]:
        """Say who acts on this thread meanwhile."""
        before = self.actor
        self._here.actor = actor
        try:
            yield
        finally:
            self._here.actor = before

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do something that no actor does, such as calling the game's handlers."""
        before, self._here.actor = self.actor, ""
        within, self._here.within = self.within, before or self.within
        try:
            yield
        finally:
            self._here.actor, self._here.within = before, within

    @property
    def within(self) -> str:
        """Who waits on this thread for what is done aside; empty for nobody."""
        return getattr(self._here, "within", "")

    def meet(self, what: str, find: Callable[[], _Met]) -> _Met:
        """What an actor finds that depends on the game, on time or on other threads.

        Args:
            what: What kind of thing, the same for each call from one place.
            find: Finds it: a value of JSON.
        """
        return find()

    def input(
        self, address: Address, verb: str, args: tuple[Any, ...], options: dict[str, Any]
    ) -> AbstractContextManager[None]:
        """A call of the game that changes something; what it calls in turn belongs to it."""
        return nullcontext()

    def lock(self) -> AbstractContextManager[Any]:
        """A reentrant lock around something that several actors share."""
        return threading.RLock()

    def begin(self, call: Callable[[], bool]) -> bool:
        """Let a turn begin, if `call` says so."""
        return call()

    def clock(self, clock: Clock) -> Clock:
        """The clock to go by."""
        return clock

    def session(self, session: ModelSession) -> ModelSession:
        """The model to ask."""
        return session

    def loaded(self, session: ModelSession | None) -> ModelSession | None:
        """What somebody finds who looks whether the model is there."""
        return session

    def closing(self, is_closed: bool) -> bool:
        """What somebody finds who looks whether closing has begun."""
        return is_closed

    def watch(self, handle: TurnHandle, actor: str) -> TurnHandle:
        """The handle of a turn of `actor` that is about to begin."""
        return handle

    def fold_actor(self, name: str) -> str:
        """Who works on a fold that is handed in now."""
        return name

    def fold_work(self, name: str) -> FoldWork:
        """Where folds are worked off."""
        return FoldWork(name)

    def note_handler(self, action: str) -> None:
        """The game takes an action from now on."""

    def reloading(self) -> None:
        """The files of the project are about to be read again."""

    def note_reload(self) -> None:
        """They were read, and some had changed."""

    def note_npc(self, npc_id: str, chat_id: int) -> None:
        """An NPC is met in a chat for the first time in this run."""

    def note_event(self, event: Event) -> None:
        """An event is on its way to the game."""

    def note_plan(self, plan: Plan) -> None:
        """A prompt was made for a reply."""

    def note_entry(self, entry: Entry) -> None:
        """An entry is in the save."""

    def end(self, store: SaveStore) -> None:
        """All lines are over; the save is about to be closed."""

    def close(self) -> None:
        """Nothing more will happen."""


class Recordable(Protocol):
    """What has methods that a recording keeps."""

    @property
    def journal(self) -> Journal:
        """Of its engine."""
        ...

    @property
    def address(self) -> Address:
        """How a replay finds it."""
        ...


_Owner = TypeVar("_Owner", bound=Recordable)
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def recorded(
    method: Callable[Concatenate[_Owner, _Given], _Result],
) -> Callable[Concatenate[_Owner, _Given], _Result]:
    """Mark a method by which a game changes something: recordings keep its calls.

    Arguments must be values of JSON or payloads of entries. A call that raises is kept as refused
    and not repeated.
    """
    verb = method.__name__

    @functools.wraps(method)
    def kept(owner: _Owner, /, *args: _Given.args, **options: _Given.kwargs) -> _Result:
        with owner.journal.input(owner.address, verb, args, options):
            return method(owner, *args, **options)

    kept.is_recorded = True  # type: ignore[attr-defined]  # what a replay may call
    return kept
