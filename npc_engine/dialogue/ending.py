"""What a reply leaves behind: the line in the save, and the event that ends it."""

from contextlib import suppress
from dataclasses import dataclass, replace

from npc_engine.content.character import PLAYER
from npc_engine.content.state import WorldState
from npc_engine.dialogue.attempt import Reply
from npc_engine.errors import LateWriteError
from npc_engine.events import LineEnded
from npc_engine.memory.entries import CalledFor, Entry, LineSaid
from npc_engine.memory.store import SaveStore
from npc_engine.messages import Rung
from npc_engine.protocols import ModelSession


@dataclass(frozen=True, slots=True)
class Origin:
    """What a reply answers, and what it was made from."""

    answers: int | None
    """The entry of the player's line; None when nobody had spoken to the NPC."""
    epoch: int
    plan_digest: str = ""
    session: ModelSession | None = None
    bystanders: tuple[str, ...] = ()
    """Who hears the reply besides the one it is said to."""
    whispered: bool = False
    place: str = ""
    to: str = PLAYER
    """Id of whom the reply is said to."""
    stands_in: bool = True
    """Whether authored words may be said where the model gave nothing."""
    said_before: str = ""
    """Words of the same turn that are stored already; the line ends with both."""

    def written_by(self, digest: str, session: ModelSession) -> "Origin":
        """The same with the prompt and the model that the words come from."""
        return replace(self, plan_digest=digest, session=session)


def answering(
    asked: Entry, npc: str, epoch: int, digest: str = "", session: ModelSession | None = None
) -> Origin:
    """Where the reply of `npc` to a line comes from: whoever heard the line hears the reply."""
    said = asked.payload
    if not isinstance(said, LineSaid):
        return Origin(asked.id, epoch, digest, session)
    bystanders = tuple(who for who in said.hearers if who not in (npc, said.speaker))
    return Origin(
        asked.id, epoch, digest, session, bystanders, said.whispered, said.place, said.speaker
    )


def line_ended(line_id: int, npc: str, reply: Reply, rung: Rung, entry_id: int | None) -> LineEnded:
    """The event that ends a line."""
    return LineEnded(
        line_id, npc, reply.text, reply.reason, rung, entry_id, reply.usage, reply.detail
    )


def rung_of(reply: Reply) -> Rung:
    """Whether a reply was said to its end."""
    cut_short = reply.reason in (
        "length",
        "cancelled",
        "late_total",
        "failed",
        "bad_output",
        "blocked",
    )
    return "short" if cut_short else "full"


class ReplyRecorder:
    """Keeps the replies of one NPC in one chat, while they are spoken and when they are over."""

    def __init__(self, npc: str, chat_id: int, store: SaveStore) -> None:
        """Bind to a chat of the store."""
        self._npc = npc
        self._chat_id = chat_id
        self._store = store

    def draft(self, shown: str, parent_id: int | None, epoch: int) -> None:
        """Write down what was said so far, unless a restore has ended the time it belongs to."""
        with suppress(LateWriteError):
            self._store.save_draft(
                self._chat_id, "reply", shown, parent_id, speaker=self._npc, epoch=epoch
            )

    def clear_draft(self) -> None:
        """Forget a reply of which nothing is to be kept."""
        self._store.clear_draft(self._chat_id, "reply", speaker=self._npc)

    def append(
        self,
        reply: Reply,
        rung: Rung,
        origin: Origin,
        state: WorldState,
        *,
        authored: bool,
        called_for: CalledFor | None = None,
    ) -> Entry:
        """Store a reply in place of its draft.

        Raises:
            LateWriteError: The save was restored since the line was handed in.
        """
        said = _line_said(self._npc, reply, rung, origin, authored=authored)
        return self._store.append(
            self._chat_id,
            said.model_copy(update={"called_for": called_for}) if called_for else said,
            answers=origin.answers,
            day=state.day,
            minute=state.minute,
            epoch=origin.epoch,
            clear_draft=True,
        )


def _line_said(npc: str, reply: Reply, rung: Rung, origin: Origin, *, authored: bool) -> LineSaid:
    """The line as it is stored, with everything needed to explain it later."""
    session = origin.session
    return LineSaid(
        role="npc",
        speaker=npc,
        text=reply.text,
        hearers=(origin.to, *origin.bystanders),
        to=origin.to,
        place=origin.place,
        whispered=origin.whispered,
        authored=authored,
        reason=reply.reason,
        rung=rung,
        token_ids=reply.token_ids,
        tokenizer=session.tokenizer.fingerprint if session else "",
        plan_digest=origin.plan_digest,
        seed=None if authored else reply.seed,
        model="" if authored or session is None else session.info.name,
        usage=reply.usage,
        detail=reply.detail,
        cut=reply.cut,
        considered=reply.considered,
    )
