"""The values that every layer speaks: who said what, how to sample, what it cost.

Plain frozen data; knows no model, no store and no file.
"""

from dataclasses import dataclass, field
from typing import Literal

Role = Literal["system", "user", "assistant", "tool"]

Reason = Literal[
    "done",
    "stopped",
    "length",
    "cancelled",
    "late_first",
    "late_total",
    "loading",
    "bad_output",
    "blocked",
    "failed",
    "superseded",
    "busy",
    "queue_full",
    "too_far",
]
"""Why a line ended.

`done`: the model closed its turn. `stopped`: a stop text or the guard ended it. `length`: the reply
reserve was used up. `cancelled`: the caller or a newer line ended it. `late_first`, `late_total`: a
deadline passed before the first word, or in the middle. `loading`: the model was not ready in time.
`bad_output`: the model broke character, looped or said nothing; the line holds what could be
heard of it, or authored words. `blocked`: the game's content policy forbade the player's words,
which no model has read then, or a sentence of the reply. `failed`: the model broke.

No model was asked, and nothing was recorded: `superseded`: it waited for the NPC to stop speaking,
and a newer line took its place. `busy`: the NPC was speaking, and the line was not to wait.
`queue_full`: too many lines waited. `too_far`: the NPC was out of talking range.
"""

Rung = Literal["full", "short", "authored", "bark", "silence"]
"""What the player hears: the model's reply, a cut reply, one of the sheet's `lines:`, a bark, or
nothing. A greeting is `full`."""

CallOutcome = Literal["done", "failed", "refused", "lapsed", "retracted"]
"""What became of an action: the game did it, could not do it, or did not let it happen; nobody took
it in time; or it was done and taken back."""

DropReason = Literal[
    "unreadable",
    "unknown_action",
    "blocked",
    "missing_argument",
    "bad_argument",
    "ungrounded",
    "too_many",
]
"""Why a call is no action: it cannot be read; there is no such action here; it is not possible now,
or the content policy forbids words of it; an argument is missing, or is none that is allowed;
nothing in the talk called for it; or it is one more than a turn may have."""

Emotion = Literal[
    "neutral",
    "happy",
    "amused",
    "tender",
    "sad",
    "angry",
    "afraid",
    "surprised",
    "disgusted",
    "wary",
]
"""How a line sounds."""

Priority = Literal["player", "ambient", "background"]
"""Who waits for a request; `player` is served first, `background` only in spare time."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """An action that an NPC has done, as its history shows it to the model."""

    name: str
    arguments: str
    """A JSON object."""
    result: str = ""
    """What the game answered to it, as a JSON value; empty: the history shows no answer."""
    is_before: bool = False
    """Whether it was called in front of the words of the message, not behind them."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a rendered chat.

    `text` is stripped by whoever builds the message: templates strip it too, and what is counted
    must be what is sent.
    """

    role: Role
    text: str
    token_ids: tuple[int, ...] | None = None
    """The ids the model itself produced for `text`, when they are known and still apply.

    Kept because encoding the text again may split it differently, which would end the reusable
    prefix there.
    """
    calls: tuple[ToolCall, ...] = ()
    """The actions that were done with these words; only where the prompt is still to be put
    together. A rendered chat holds them as texts."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one exchange left in the log, in order: usually the player's line and the reply.

    A turn is the unit of eviction: it is in a prompt whole or not at all.
    """

    messages: tuple[Message, ...]
    entry_ids: tuple[int, ...] = ()
    """The store entries the messages came from."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn. `temperature=0` is greedy and draws nothing."""

    temperature: float = 0.7
    top_k: int = 40
    """Candidates kept before anything else; 0 keeps the 64 best."""
    top_p: float = 0.95
    min_p: float = 0.05
    """Candidates below this share of the best candidate's probability are dropped."""
    repetition_penalty: float = 1.1
    """Divides positive and multiplies negative logits of recent tokens; 1 is off.

    Keskar et al. 2019, https://arxiv.org/abs/1909.05858.
    """
    repetition_window_tokens: int = 256
    """How many of the latest tokens of the reply the penalty looks at.

    Never the prompt: an answer mostly has to say what stands there, right above the question too. A
    server may look at the prompt all the same.
    """


@dataclass(frozen=True, slots=True)
class Usage:
    """What one request cost. `reused_tokens + prefilled_tokens == prompt_tokens` always holds."""

    prompt_tokens: int = 0
    reused_tokens: int = 0
    prefilled_tokens: int = 0
    reply_tokens: int = 0
    queue_ms: float = 0.0
    first_token_ms: float = 0.0
    """From the moment the request was handed in to its first token."""
    decode_ms: float = 0.0
    """From the first token to the last."""
    steps: int = 0
    """Passes of the model this request took part in; 0 where that is not known."""

    @property
    def tokens_per_s(self) -> float:
        """Speed of decoding after the first token; 0 for replies of fewer than two tokens."""
        return (self.reply_tokens - 1) * 1000 / self.decode_ms if self.decode_ms > 0 else 0.0


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a session runs."""

    name: str
    family: str
    """Template family: `nemotron`, `chatml` or `other`."""
    window_tokens: int
    """Prompt and reply together never exceed this."""
    device: str
    dtype: str
    sampling: Sampling = Sampling()
    """What this model speaks best with; sheets may change single values."""
    extra: dict[str, str] = field(default_factory=dict)
    """Facts worth showing, such as the source folder or the number of parameters."""
