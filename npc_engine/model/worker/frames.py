"""The bytes between a game and its model worker: frames of a kind, a JSON header and token ids.

A frame is `NE`, one byte for its kind, the sizes of both parts, the header in UTF-8, then the ids
as signed 64-bit numbers, little end first. Ids are not JSON because a prompt may hold thousands.
"""

import json
import struct
import sys
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from npc_engine.errors import ModelError

MAX_HEADER_BYTES = 4 << 20
MAX_IDS_BYTES = 16 << 20

_MAGIC = b"NE"
_HEAD = struct.Struct("<2sBII")
_ID_BYTES = 8


class FrameError(ModelError):
    """What came through the pipe is not a frame; the connection cannot be used any more."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it travels."""

    kind: int
    """0 to 255."""
    header: Mapping[str, Any]
    ids: tuple[int, ...] = ()
    """Each must fit into 64 bits with a sign."""


def encode(frame: Frame) -> bytes:
    """The frame as bytes.

    Raises:
        FrameError: A part is larger than the other side would take, or an id does not fit.
    """
    header = json.dumps(frame.header, separators=(",", ":")).encode("ascii")
    try:
        ids = _little_end_first(array("q", frame.ids)).tobytes()
    except OverflowError as error:
        raise FrameError("model worker: a token id needs more than 64 bits") from error
    _check_sizes(len(header), len(ids))
    return b"".join((_HEAD.pack(_MAGIC, frame.kind, len(header), len(ids)), header, ids))


class FrameDecoder:
    """Turns a stream of bytes, cut anywhere, into frames."""

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def is_inside_frame(self) -> bool:
        """Whether the bytes so far end in the middle of a frame."""
        return bool(self._held)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now.

        Raises:
            FrameError: The bytes are no frames; nothing more can be read from this stream.
        """
        self._held += data
        frames: list[Frame] = []
        start = 0
        while (end := self._end_of_frame(start)) is not None:
            frames.append(self._decode(start, end))
            start = end
        del self._held[:start]
        return frames

    def _end_of_frame(self, start: int) -> int | None:
        """Where the frame that begins at `start` ends; None while it is not all there."""
        seen = bytes(self._held[start : start + len(_MAGIC)])
        if seen != _MAGIC[: len(seen)]:
            raise FrameError(
                f"model worker: found the bytes {seen!r} on the pipe; expected a frame; something "
                "else writes to this pipe, or the two sides are of different versions"
            )
        if len(self._held) - start < _HEAD.size:
            return None
        _, _, header_bytes, ids_bytes = _HEAD.unpack_from(self._held, start)
        _check_sizes(header_bytes, ids_bytes)
        end = start + _HEAD.size + int(header_bytes) + int(ids_bytes)
        return end if end <= len(self._held) else None

    def _decode(self, start: int, end: int) -> Frame:
        _, kind, header_bytes, _ = _HEAD.unpack_from(self._held, start)
        body = start + _HEAD.size + header_bytes
        try:
            header = json.loads(self._held[start + _HEAD.size : body])
        except (ValueError, RecursionError) as error:
            raise FrameError(f"model worker: a frame's header is no JSON: {error}") from error
        if not isinstance(header, dict):
            raise FrameError("model worker: a frame's header is not a JSON object")
        ids = array("q")
        ids.frombytes(bytes(self._held[body:end]))
        return Frame(kind, header, tuple(_little_end_first(ids)))


def join(frames: Iterable[Frame]) -> bytes:
    """Several frames as bytes, in order."""
    return b"".join(encode(frame) for frame in frames)


def _check_sizes(header_bytes: int, ids_bytes: int) -> None:
    """Refuse what no honest sender sends, before memory is spent on it."""
    for what, size, most in (
        ("header", header_bytes, MAX_HEADER_BYTES),
        ("ids", ids_bytes, MAX_IDS_BYTES),
    ):
        if size > most:
            raise FrameError(
                f"model worker: the {what} of a frame has {size:,} bytes; at most {most:,}"
            )
    if ids_bytes % _ID_BYTES:
        raise FrameError(
            f"model worker: the ids of a frame have {ids_bytes:,} bytes; expected a multiple of 8"
        )


def _little_end_first(ids: "array[int]") -> "array[int]":
    """The ids in the order of the wire, or back; turned on the spot where the machine differs."""
    if sys.byteorder == "big":
        ids.byteswap()
    return ids
