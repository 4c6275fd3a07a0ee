"""What a game and its model worker say to each other, and how it becomes frames and back.

Requests carry a number of their own on the way, so that names chosen by the game may repeat.
`GenerationRequest.messages` stays behind: a local model reads the ids alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, chain
from typing import Any, TypeVar

from npc_engine.messages import ModelInfo, Priority, Sampling, Usage
from npc_engine.model.worker.frames import Frame, FrameError
from npc_engine.protocols import GenerationEnd, GenerationRequest

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Open:
    """The first thing the worker hears: how to open its session."""

    opener: str
    """`module:function`; called with the options and `on_progress`."""
    options: Mapping[str, Any]
    """Keyword arguments; JSON values."""
    lower_priority: bool = True


@dataclass(frozen=True, slots=True)
class Submit:
    """Write a reply, or score given ones; the request's id is the worker's name for it."""

    number: int
    request: GenerationRequest
    continuations: tuple[tuple[int, ...], ...] = ()
    """Score these after its prompt, and write nothing; see `scoring`."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a request, named as the worker knows it."""

    name: str
    heard_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Reprioritise:
    """Serve a request sooner or later."""

    name: str
    priority: Priority


@dataclass(frozen=True, slots=True)
class Warm:
    """Read ids in spare time."""

    conversation: str
    prompt_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fork:
    """Copy a conversation's cache."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop a conversation's cache."""

    conversation: str


@dataclass(frozen=True, slots=True)
class Close:
    """Free the model and end."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What takes time while the model loads."""

    step: str
    share: float | None


@dataclass(frozen=True, slots=True)
class TokenizerSource:
    """From what the game builds the tokenizer of the worker's model."""

    folder: str
    """The model's folder; empty for a `PlainTokenizer`."""
    window_tokens: int
    takes_contexts: bool = True
    """For a `PlainTokenizer`."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded."""

    info: ModelInfo
    tokenizer: TokenizerSource
    can_score: bool = False


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The model could not be loaded; the worker ends."""

    error: str


@dataclass(frozen=True, slots=True)
class Delta:
    """One token of a request."""

    number: int
    token_id: int
    text: str


@dataclass(frozen=True, slots=True)
class Events:
    """Everything that happened since the last frame; a request's tokens come before its end."""

    deltas: tuple[Delta, ...] = ()
    ends: tuple[tuple[int, GenerationEnd], ...] = ()
    stats: Mapping[str, float] | None = None
    """Fresh counters when a request ended."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Sign of life, several times a second."""

    num_events: int = 0
    """Events since the start."""
    live_requests: int = 0
    stats: Mapping[str, float] | None = None
    """The session's counters; None while it loads."""


Message = (
    Open | Submit | Cancel | Reprioritise | Warm | Fork | Forget | Close
    | Progress | Ready | LoadFailed | Events | Beat
)  # fmt: skip


def to_frame(message: Message) -> Frame:
    """The message as a frame."""
    kind = _KINDS[type(message)]
    write = _WRITERS.get(type(message))
    return write(kind, message) if write is not None else Frame(kind, asdict(message))


def from_frame(frame: Frame) -> Message:
    """The message a frame carries.

    Raises:
        FrameError: The kind is unknown, or something is missing or of another type.
    """
    if frame.kind >= len(_READERS):
        raise FrameError(f"model worker: found a frame of the unknown kind {frame.kind}")
    kind, read = _READERS[frame.kind]
    try:
        return read(frame.header, frame.ids)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise FrameError(
            f"model worker: a {kind.__name__} frame is not as expected: "
            f"{type(error).__name__}: {error}"
        ) from error


def _write_submit(kind: int, message: Submit) -> Frame:
    request = message.request
    header = {
        "number": message.number,
        "request_id": request.request_id,
        "sampling": asdict(request.sampling),
        "seed": request.seed,
        "max_tokens": request.max_tokens,
        "stop": request.stop,
        "priority": request.priority,
        "deadline_s": request.deadline_s,
        "conversation": request.conversation,
    }
    if message.continuations:
        header["sizes"] = [len(ids) for ids in message.continuations]
    return Frame(kind, header, tuple(chain(request.prompt_ids, *message.continuations)))


def _read_submit(header: Mapping[str, Any], ids: tuple[int, ...]) -> Submit:
    fields = dict(header)
    number = _typed(fields.pop("number"), int)
    fields["sampling"] = Sampling(**fields["sampling"])
    fields["stop"] = tuple(fields["stop"])
    prompt, *continuations = _cut(ids, fields.pop("sizes", ()))
    return Submit(number, GenerationRequest(prompt_ids=prompt, **fields), tuple(continuations))


def _cut(ids: tuple[int, ...], sizes: Sequence[int]) -> list[tuple[int, ...]]:
    """The prompt, then the pieces of these sizes that follow it."""
    ends = list(accumulate(sizes, initial=len(ids) - sum(sizes)))
    if ends[0] < 0 or any(size < 0 for size in sizes):
        raise ValueError("sizes and ids do not match")
    return [ids[start:end] for start, end in zip((0, *ends), ends, strict=False)]


def _write_warm(kind: int, message: Warm) -> Frame:
    return Frame(kind, {"conversation": message.conversation}, message.prompt_ids)


def _read_ready(header: Mapping[str, Any]) -> Ready:
    info = dict(header["info"])
    info["sampling"] = Sampling(**info["sampling"])
    source = TokenizerSource(**header["tokenizer"])
    return Ready(ModelInfo(**info), source, _typed(header.get("can_score", False), bool))


def _write_events(kind: int, message: Events) -> Frame:
    """Numbers and ids of tokens side by side in the ids, their texts in the header."""
    header: dict[str, Any] = {"texts": [delta.text for delta in message.deltas]}
    if message.ends:
        header["ends"] = [[number, asdict(end)] for number, end in message.ends]
    if message.stats is not None:
        header["stats"] = dict(message.stats)
    ids = tuple(value for delta in message.deltas for value in (delta.number, delta.token_id))
    return Frame(kind, header, ids)


def _read_events(header: Mapping[str, Any], ids: tuple[int, ...]) -> Events:
    deltas = tuple(map(Delta, ids[::2], ids[1::2], _typed(header["texts"], list)))
    if not len(deltas) * 2 == len(header["texts"]) * 2 == len(ids):
        raise ValueError("texts and ids do not match")
    ends = tuple((_typed(number, int), _read_end(end)) for number, end in header.get("ends", ()))
    return Events(deltas, ends, header.get("stats"))


def _read_end(fields: Mapping[str, Any]) -> GenerationEnd:
    usage, log_probs = Usage(**fields["usage"]), tuple(fields.get("log_probs", ()))
    return GenerationEnd(**{**fields, "usage": usage, "log_probs": log_probs})


def _typed(value: object, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        raise TypeError(f"found {type(value).__name__}; expected {kind.__name__}")
    return value


def _plain(kind: Callable[..., Message]) -> Callable[[Mapping[str, Any], tuple[int, ...]], Message]:
    """A reader for messages whose header holds their fields as they are."""
    return lambda header, ids: kind(**header)


_READERS: tuple[tuple[type, Callable[[Mapping[str, Any], tuple[int, ...]], Message]], ...] = (
    (Open, _plain(Open)),
    (Submit, _read_submit),
    (Cancel, _plain(Cancel)),
    (Reprioritise, _plain(Reprioritise)),
    (Warm, lambda header, ids: Warm(header["conversation"], ids)),
    (Fork, _plain(Fork)),
    (Forget, _plain(Forget)),
    (Close, _plain(Close)),
    (Progress, _plain(Progress)),
    (Ready, lambda header, ids: _read_ready(header)),
    (LoadFailed, _plain(LoadFailed)),
    (Events, _read_events),
    (Beat, _plain(Beat)),
)
_KINDS: dict[type, int] = {kind: number for number, (kind, _) in enumerate(_READERS)}
_WRITERS: dict[type, Callable[[int, Any], Frame]] = {
    Submit: _write_submit,
    Warm: _write_warm,
    Events: _write_events,
}
