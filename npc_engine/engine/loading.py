"""The model of an engine: opened on a thread of its own while lines already wait for it."""

import logging
import threading
from collections.abc import Callable

from npc_engine.engine.inbox import Inbox
from npc_engine.engine.journal import Journal
from npc_engine.errors import NpcEngineError
from npc_engine.events import ModelLoading, ModelReady, Notice
from npc_engine.protocols import ModelSession

_log = logging.getLogger(__name__)

Progress = Callable[[str, float | None], None]
OpenSession = Callable[[Progress], ModelSession]


class Loading:
    """The model, once it is there. Safe from any thread."""

    def __init__(self, session: ModelSession | OpenSession, inbox: Inbox, journal: Journal) -> None:
        """Take a ready session, or begin to open one.

        Args:
            session: The session, or how to open it.
            inbox: Told how far that has come.
            journal: Lets a recording see the session.
        """
        self._inbox = inbox
        self._journal = journal
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._is_closed = False
        self.session: ModelSession | None = None
        """None while it loads, and when that failed."""
        self.error: NpcEngineError | None = None
        """Why it could not be loaded."""
        if callable(session):
            threading.Thread(
                target=self._load, args=(session,), name="npc-engine-load", daemon=True
            ).start()
        else:
            self._take(session)

    def wait(self, timeout_s: float) -> bool:
        """Wait until loading is over, well or not; False when the time ran out."""
        return self._done.wait(timeout_s)

    def stop(self) -> None:
        """A session that comes from now on is closed at once."""
        with self._lock:
            self._is_closed = True

    def _load(self, open_session: OpenSession) -> None:
        try:
            session = open_session(lambda step, share: self._inbox.post(ModelLoading(step, share)))
        except NpcEngineError as error:
            self._failed(error)
            return
        except Exception as error:  # noqa: BLE001  the outer edge of the loading thread
            _log.exception("the model could not be loaded")
            self._failed(NpcEngineError(f"the model could not be loaded: {error}"))
            return
        with self._lock:
            is_late = self._is_closed
            self.session = None if is_late else session
        if is_late:
            session.close()
            self._done.set()
            return
        self._take(session)

    def _failed(self, error: NpcEngineError) -> None:
        self.error = error
        self._inbox.post(Notice("error", str(error)))
        self._done.set()

    def _take(self, session: ModelSession) -> None:
        self.session = self._journal.session(session)
        self._done.set()
        info = session.info
        self._inbox.post(ModelReady(info.name, info.device, info.dtype))
