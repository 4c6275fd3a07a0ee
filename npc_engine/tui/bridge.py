"""Between the engine and the screens: ticks, keeps the state, says when there is news.

Knows no widget. Everything here belongs to the thread of the app's event loop.
"""

from collections.abc import Callable

from npc_engine.dialogue.plain_text import plain
from npc_engine.engine import Engine
from npc_engine.events import Event
from npc_engine.tui.conversation import Conversation
from npc_engine.tui.state import ChatState, ModelState, model_ready, on_model_event

TICK_MS = 8
"""How long one pump may deliver events, so that keys are never waited for."""


class Bridge:
    """Pumps one engine. Screens `listen`, and read `model` and the conversation's state."""

    def __init__(self, engine: Engine) -> None:
        """Begin to listen to an engine; the caller closes the engine."""
        self.engine = engine
        self.model = ModelState()
        self.conversation: Conversation | None = None
        self._listeners: list[Callable[[], None]] = []
        self._unsubscribe: Callable[[], None] | None = engine.subscribe(self._on_event)
        self._look_at_model()

    def open(self, npc_id: str, *, anew: bool = False) -> Conversation:
        """Open the latest chat with an NPC, or a new one.

        Raises:
            CommandError: There is no such character.
            StoreError: The save refused.
        """
        engine = self.engine
        npc = engine.new_chat(npc_id) if anew else engine.resume_chat(npc_id)
        self.conversation = Conversation(engine, npc)
        self.conversation.begin()
        return self.conversation

    def leave(self) -> None:
        """Close the open chat; a reply under way goes on and is stored."""
        self.conversation = None

    def pump(self) -> None:
        """Deliver what has happened; tell the listeners once if anything changed."""
        model, state = self.model, self._state()
        self.engine.tick(TICK_MS)
        self._look_at_model()
        if self.model is not model or self._state() is not state:
            self.tell()

    def tell(self) -> None:
        """Call every listener."""
        for listen in tuple(self._listeners):
            listen()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` when the state changed; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """Stop listening; twice is fine."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def _state(self) -> ChatState | None:
        return None if self.conversation is None else self.conversation.state

    def _on_event(self, event: Event) -> None:
        self.model = on_model_event(self.model, event)
        if self.conversation is not None:
            self.conversation.on_event(event)

    def _look_at_model(self) -> None:
        """Catch what happened before anybody listened."""
        session, error = self.engine.session, self.engine.load_error
        if error is not None and self.model.phase != "failed":
            self.model = ModelState("failed", plain(str(error)))
        elif session is not None and self.model.phase == "loading":
            self.model = model_ready(session.info)
