"""A session that several engines use one after the other."""

from typing import cast

from npc_engine.protocols import ModelSession


class _Lent:
    """Passes everything on but `close`."""

    def __init__(self, session: ModelSession) -> None:
        self._session = session

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)

    def close(self) -> None:
        """Nothing: closing is left to the owner."""


def lent(session: ModelSession) -> ModelSession:
    """The same session for an engine that closes what it was given."""
    return cast(ModelSession, _Lent(session))
