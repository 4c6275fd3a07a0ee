"""What the save holds: payloads of the entry tree, and the rows around it, as plain values.

A payload is one thing that happened, tagged by `type`; it is stored as JSON and never changed.
Knows no file and no SQL.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from npc_engine.content.state import Value
from npc_engine.messages import CallOutcome, Reason, Rung, Usage

SpokenBy = Literal["player", "npc", "narrator"]
FoldKind = Literal["model", "digest", "edited"]
FactOrigin = Literal["authored", "game", "capture", "model", "said"]
"""Who vouches for a fact: a person who writes or plays, the game, a `remember:` rule, a model's
reading of folded turns; or nobody: the words of somebody, kept as they were said."""
Cardinality = Literal["one", "many"]
DraftKind = Literal["typed", "reply"]
MoveReason = Literal["undo", "branch", "swipe", "restore"]


class Leaf(Enum):
    """Stands for "wherever the chat's path ends now" in place of an entry id."""

    LEAF = "leaf"


LEAF: Final = Leaf.LEAF


def storable(text: str) -> str:
    """The same text with lone surrogates replaced, because no file can hold them.

    They reach a line from terminals that pass bytes which are not UTF-8.
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def _storable_if_text(value: object) -> object:
    return storable(value) if isinstance(value, str) else value


_STORABLE = BeforeValidator(_storable_if_text)
Text = Annotated[str, _STORABLE]


class _Payload(BaseModel):
    """Strict, frozen, and without numbers that JSON cannot hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class CalledFor(_Payload):
    """Why an authored line of a sheet was said."""

    say: Text
    """The line as the sheet had it then, before `{{ }}` was filled."""
    phrase: Text
    """Of the sheet; what the player's words were found to say."""
    score: float
    """How well it fitted, 0 to 1."""
    by: Literal["words", "stems"]
    """Word for word, or by what the words mean alone."""


class ConsideredText(_Payload):
    """A candidate for a reply."""

    text: Text
    """As far as it was written when the choice fell."""
    seed: int
    score: float
    why: Text
    """What the score is made of."""


class LineSaid(_Payload):
    """Words that were said, with everything needed to explain them later."""

    type: Literal["line"] = "line"
    role: SpokenBy
    speaker: Text
    """Id of the NPC, `player`, or a name for the narrator."""
    text: Text
    hearers: tuple[Text, ...] = ()
    """Ids of those who heard it; whoever spoke it need not be named."""
    to: Text = ""
    """Id of whom it was said to; empty where that is not known, as in older saves."""
    place: Text = ""
    """Where it was said; empty where places play no part."""
    whispered: bool = False
    """Meant for `to` alone, whoever else stood by."""
    remembered_by: Text = ""
    """If given, only this NPC remembers it, whoever else heard it: its memory was brought here from
    another save."""
    blocked: bool = False
    """The game's content policy kept it from whoever was there: it stands in the log, and in
    nobody's memory."""
    authored: bool = False
    """Written by an author (a greeting, a bark, an authored line), not by a model; never a source
    of facts."""
    called_for: CalledFor | None = None
    """Given for a line of the sheet's `lines:`."""
    reason: Reason = "done"
    rung: Rung = "full"
    token_ids: tuple[int, ...] | None = None
    """The ids the model produced for exactly this text."""
    tokenizer: str = ""
    """Fingerprint of the tokenizer that `token_ids` belong to."""
    plan_digest: str = ""
    seed: int | None = None
    model: str = ""
    usage: Usage | None = None
    detail: Text = ""
    """For people: why the reply was cut, retried or replaced."""
    cut: Text = ""
    """Text that the output guard took away."""
    considered: tuple[ConsideredText, ...] = ()
    """All candidates, where several were written at once; that of `seed` is the one heard."""


class LineEdited(_Payload):
    """A line reads differently from here on; the entry it was said in stays as it is."""

    type: Literal["edit"] = "edit"
    target: int
    """Entry of the line; an entry further up the same path."""
    text: Text
    """The whole new text; an empty one takes the line out of every view."""
    why: Literal["edited", "interrupted"] = "edited"
    """`interrupted`: only so much of it was heard when somebody broke in."""


class FactProposed(_Payload):
    """One thing that the folded turns hold."""

    text: Text
    evidence: tuple[int, ...]
    """Entries of the lines it was drawn from; the NPC heard all of them."""
    origin: Literal["model", "said"] = "model"
    """Whether a model read it out of them, or it is a sentence of them."""


class Folded(_Payload):
    """Old turns of one NPC are replaced by a text from here on, unless one of them is edited."""

    type: Literal["fold"] = "fold"
    npc: Text
    entry_ids: tuple[int, ...]
    """Entries of the lines it covers, oldest first; whole turns."""
    text: Text
    kind: FoldKind
    source_digest: str
    """`folding.source_digest` of the covered lines as they read when the text was made."""
    prompt_version: str = ""
    """Part of the digest: which instructions or rules made the text."""
    turns: int = 0
    tokens_before: int = 0
    tokens_after: int = 0
    facts: tuple[FactProposed, ...] = ()
    """What is remembered of the covered lines one by one."""
    pending: bool = False
    """A digest that stands in for a model's text which was not ready; it may still come."""


class FoldChanged(_Payload):
    """Somebody changed a fold; the fold's own entry stays as it is."""

    type: Literal["fold_change"] = "fold_change"
    target: int
    """Entry of the fold, further up the same path."""
    change: Literal["undo", "edit", "pin", "unpin"]
    """`undo`: its lines are turns again. `pin`: it stays whole in the summary."""
    text: Text = ""
    """The whole new text of an `edit`."""


class FactStated(_Payload):
    """The game or a person says what is so. Kept beside older values, never in place of them."""

    type: Literal["fact"] = "fact"
    subject: Text
    """Id of whom or what it is about; `player` for the player."""
    slot: Text
    """The property that is learnt; empty for a fact that nothing replaces."""
    value: Text
    text: Text
    """A sentence that is true on its own."""
    cardinality: Cardinality = "one"
    origin: FactOrigin = "game"
    known_by: tuple[Text, ...] | None = None
    """Ids of NPCs that know it; None means everybody."""
    keys: tuple[Text, ...] = ()
    """Words that call it up besides its own."""
    evidence: tuple[int, ...] = ()
    pinned: bool = False
    """Stays in the prompt whatever is spoken of."""


class FactChanged(_Payload):
    """Somebody changed what one NPC remembers; the fact's own source stays as it is."""

    type: Literal["fact_change"] = "fact_change"
    npc: Text
    fact: Text
    """`LearnedFact.id`."""
    change: Literal["forget", "edit", "pin", "unpin"]
    text: Text = ""
    """The whole new sentence of an `edit`."""


class PresenceChanged(_Payload):
    """An NPC came to a place or left it; who is at a place hears what is said aloud there."""

    type: Literal["presence"] = "presence"
    who: Text
    place: Text
    """Where it is from now on; empty: nowhere that matters."""


class WorldPatched(_Payload):
    """A named value of the world was set."""

    type: Literal["patch"] = "patch"
    name: Text
    value: Annotated[Value, _STORABLE]


class WorldEventSeen(_Payload):
    """Something happened, and these NPCs saw it."""

    type: Literal["event"] = "event"
    text: Text
    witnesses: tuple[Text, ...] | None = None
    """Ids; None means everybody who was present."""
    place: Text = ""


class ActionCalled(_Payload):
    """An NPC is about to do something; `ActionSettled` says what became of it."""

    type: Literal["call"] = "call"
    call_id: Text
    """Tells it from every other call of the playthrough."""
    npc: Text
    action: Text
    arguments: Text
    """A JSON object."""
    answers: int
    """Entry of the line that it answers."""
    said_in: int | None = None
    """Entry of the words that it was called with; None: it came before any words."""
    waits_for_yes: bool = False
    """Whether it is held until the player agrees with the next line."""
    held_as: Text = ""
    """The id under which it was held until the player agreed."""


class ActionSettled(_Payload):
    """What became of an action that an NPC called for."""

    type: Literal["call_end"] = "call_end"
    call_id: Text
    outcome: CallOutcome
    result: Text = ""
    """What the game gave back, as a JSON value; empty: nothing."""
    detail: Text = ""
    """For people: why it was not done."""


Payload = (
    LineSaid
    | LineEdited
    | Folded
    | FoldChanged
    | FactStated
    | FactChanged
    | PresenceChanged
    | WorldPatched
    | WorldEventSeen
    | ActionCalled
    | ActionSettled
)

_PAYLOAD: TypeAdapter[Payload] = TypeAdapter(Annotated[Payload, Field(discriminator="type")])


def payload_from_json(text: str) -> Payload:
    """The payload that `model_dump_json` wrote; raises pydantic's `ValidationError`."""
    return _PAYLOAD.validate_json(text)


@dataclass(frozen=True, slots=True)
class Entry:
    """One node of the tree. Its path to the root is what had happened when it was appended."""

    id: int
    """Rises with every entry of a save; a parent's id is always the smaller one."""
    chat_id: int
    parent_id: int | None
    """None for the first entry of a branch from nothing."""
    at: float
    """Unix seconds when it was stored."""
    day: int
    minute: int
    """Game time: day, and minute of that day."""
    payload: Payload


@dataclass(frozen=True, slots=True)
class Happening:
    """Something to be stored together with what happened before it."""

    day: int
    minute: int
    payload_after: Callable[[Sequence[int]], Payload]
    """Makes the payload, once the ids of the entries stored before it are known."""


@dataclass(frozen=True, slots=True)
class Chat:
    """One conversation, or the timeline of a game."""

    id: int
    title: str
    npc: str
    """The main NPC; empty for a game's timeline."""
    leaf_id: int | None
    """Where the current path ends; None while nothing is on it."""
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class LeafMoved:
    """A chat's current path was pointed elsewhere; logged beside the tree, never on a path."""

    chat_id: int
    came_from: int | None
    to: int | None
    why: MoveReason
    at: float
    epoch: int


@dataclass(frozen=True, slots=True)
class Draft:
    """Text that is not an entry yet: half typed, or half streamed."""

    chat_id: int
    kind: DraftKind
    text: str
    parent_id: int | None
    """The entry a reply will follow; None at the start of a chat."""
    speaker: str
    """Whose reply it is; empty for typed text."""
    hearers: tuple[str, ...]
    epoch: int
    at: float
