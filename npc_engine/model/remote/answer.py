"""Reads one answer of a server into a job: tokens out, the ending, the server's counts.

Works on any source of bytes; knows neither retries nor the library that brings the bytes.
"""

from collections.abc import AsyncIterator, Callable

from npc_engine.model.remote.faults import ServerFault
from npc_engine.model.remote.job import RemoteJob
from npc_engine.model.remote.reply import ReplyText
from npc_engine.model.remote.stream import Lines, Piece, read_answer, read_line
from npc_engine.protocols import FinalReason

_ENDINGS: dict[str, FinalReason] = {"length": "length", "max_tokens": "length"}
_BROKEN_OFF = frozenset({"error", "abort", "content_filter"})
MAX_WHOLE_BYTES = 4 << 20


class Answer:
    """One answer while it is being read."""

    def __init__(
        self,
        job: RemoteJob,
        reply: ReplyText,
        room_tokens: int,
        *,
        on_progress: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        """Read into `job`.

        Args:
            job: Gets the tokens, and its ending once that is known.
            reply: Splits the text.
            room_tokens: The most tokens to deliver.
            on_progress: Called whenever the model has written something.
            on_end: Called once the ending is known and only counts may follow.
        """
        self._job = job
        self._reply = reply
        self._room_tokens = room_tokens
        self._on_progress = on_progress
        self._on_end = on_end
        self._was_thinking = False
        self.is_finished = False
        """The ending is known; only counts may follow."""

    async def read_stream(self, data: AsyncIterator[bytes]) -> None:
        """Read server-sent events to their end, or until the reply is cut here.

        Raises:
            ServerFault: Broken or missing parts, an error in the stream.
        """
        lines = Lines()
        async for part in data:
            for line in lines.feed(part):
                if self._take(read_line(line)):
                    return
        for line in lines.rest():
            if self._take(read_line(line)):
                return
        if not self.is_finished:
            raise ServerFault(self._missing_end())

    async def read_whole(self, data: AsyncIterator[bytes]) -> None:
        """Read one JSON object: what servers that do not stream send.

        Raises:
            ServerFault: As for `read_stream`.
        """
        body = bytearray()
        async for part in data:
            body += part
            if len(body) > MAX_WHOLE_BYTES:
                raise ServerFault(f"found an answer of more than {MAX_WHOLE_BYTES:,} bytes")
        self._take(read_answer(bytes(body)))
        if not (self.is_finished or self._job.num_tokens):
            raise ServerFault(
                "found JSON without a reply; expected a chat completion; check the address"
            )
        self._end("done")

    def _take(self, piece: Piece | None) -> bool:
        """Take what one line holds; whether nothing more is to be read."""
        if piece is None:
            return False
        self._job.was_read = True
        if piece.usage is not None:
            self._job.server_usage = piece.usage
        if self.is_finished:
            return piece.is_last
        if piece.is_thought or piece.text:
            self._was_thinking = self._was_thinking or piece.is_thought
            self._on_progress()
        if self._say(piece.text):
            return True
        if piece.finish:
            self._finish(piece)
        elif piece.is_last:
            self._end("done")
        return piece.is_last

    def _say(self, text: str) -> bool:
        """Deliver text; whether a stop text or the limit ended the reply here."""
        for token_id, shown in self._reply.feed(text):
            self._job.deliver(token_id, shown)
            stopped = self._reply.stopped
            if stopped or self._job.num_tokens >= self._room_tokens:
                self._end("stopped" if stopped else "length")
                return True
        return False

    def _finish(self, piece: Piece) -> None:
        """Take the server's word for why the reply ended."""
        if piece.finish in _BROKEN_OFF:
            raise ServerFault(
                f"found finish_reason {piece.finish}; the server broke the reply off; "
                "look at the server's log"
            )
        if piece.stop_text and piece.stop_text in self._job.request.stop:
            self._end("stopped")
        else:
            self._end(_ENDINGS.get(piece.finish, "done"))

    def _end(self, reason: FinalReason) -> None:
        if self.is_finished:
            return
        if self._was_thinking and not self._job.num_tokens:
            raise ServerFault(
                "found reasoning and no reply; switch the model's thinking off at the server, "
                "or use a model that does not think aloud"
            )
        self._job.ending = reason
        self.is_finished = True
        self._on_end()

    def _missing_end(self) -> str:
        if self._job.num_tokens:
            return "the reply was cut off in the middle; look at the server's log"
        if self._job.was_read:
            return "the stream ended before the first word; look at the server's log"
        return "found no chat reply in the answer; check that the address is that of a chat server"
