"""A reply of the model as speech and calls, while it is still being written.

Takes the forms in which models write calls: tags, fences, bare objects, Python calls, `Action:`
lines. Knows names, no schemas; what it cannot read as a call and nobody should hear is kept apart.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from npc_engine.actions.reply_state import ReplyState
from npc_engine.actions.splitting import read_speech
from npc_engine.actions.written import WrittenCall, normal_name

__all__ = ["MAX_REPLY_CHARS", "CallSplitter", "ReadReply", "WrittenCall", "read_reply"]

MAX_REPLY_CHARS = 20_000
"""What a reply has beyond this is not read."""

_NAMESPACES = ("functions", "tools", "actions", "function", "tool", "api", "defaultapi")


@dataclass(frozen=True, slots=True)
class ReadReply:
    """What a reply holds."""

    speech: str
    """What is said, in the model's words, without calls and what looks like them."""
    calls: tuple[WrittenCall, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Parts nobody should hear that are no calls either."""
    rest: str = field(default="", compare=False)
    """The end of the speech: what `feed` had not given out."""


def read_reply(text: str, names: Collection[str] = ()) -> ReadReply:
    """Split a whole reply.

    Args:
        text: The model's words; at most `MAX_REPLY_CHARS` of them are read.
        names: Actions the character has; only these are calls without JSON, as in `wave()`.
    """
    splitter = CallSplitter(names)
    splitter.feed(text)
    return splitter.finish()


class CallSplitter:
    """Splits a reply as it arrives. However it is cut into pieces, the result is the same."""

    def __init__(self, names: Collection[str] = (), *, max_calls: int = 1) -> None:
        """Nothing has arrived.

        Args:
            names: As for `read_reply`.
            max_calls: How many calls are wanted; 1 or more.
        """
        self._max_calls = max_calls
        known = {normal_name(name) for name in names} - {""}
        self._state = ReplyState(known | {space + name for space in _NAMESPACES for name in known})
        self._num_given = 0
        self._reading = read_speech(self._state)

    @property
    def is_complete(self) -> bool:
        """Whether all calls that are wanted were read to their end: nothing more is waited for."""
        return self._state.is_complete and len(self._state.calls) >= self._max_calls

    def feed(self, piece: str) -> str:
        """Take in a piece; gives the text that can no longer be a part of a call.

        Raises:
            RuntimeError: After `finish`.
        """
        if self._state.held.is_ended:
            raise RuntimeError("the reply was finished; a new one needs a new CallSplitter")
        room = MAX_REPLY_CHARS - len(self._state.held.text)
        if room > 0:
            self._state.held.text += piece[:room]
            next(self._reading, None)
        return self._given_out()

    def finish(self) -> ReadReply:
        """What the reply holds; no more of it will come."""
        if not self._state.held.is_ended:
            self._state.held.is_ended = True
            next(self._reading, None)
        rest = self._given_out()
        return ReadReply(
            "".join(self._state.speech).strip(),
            tuple(self._state.calls),
            tuple(self._state.unreadable),
            rest,
        )

    def _given_out(self) -> str:
        fresh = "".join(self._state.speech[self._num_given :])
        self._num_given = len(self._state.speech)
        return fresh
