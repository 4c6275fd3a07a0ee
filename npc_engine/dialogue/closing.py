"""The end of a turn: what was said is stored, or what stands in for it is said and stored."""

from collections.abc import Iterator
from dataclasses import replace

from npc_engine.content.character import LineUse
from npc_engine.content.emotions import Emotion, without_tag
from npc_engine.dialogue.attempt import Reply
from npc_engine.dialogue.authored_lines import FoundLine, find_line
from npc_engine.dialogue.barks import bark_for
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.ending import Origin, ReplyRecorder, line_ended, rung_of
from npc_engine.dialogue.talk_memory import TalkMemory
from npc_engine.dialogue.trust import changed_by
from npc_engine.dialogue.turn_plan import Point
from npc_engine.errors import LateWriteError
from npc_engine.events import AuthoredLineFound, EmotionShown, LineEvent, TextDelta, TextReset
from npc_engine.memory.entries import CalledFor, Entry, LineSaid
from npc_engine.memory.store import SaveStore
from npc_engine.messages import Rung


class Closing:
    """Ends the turns of one NPC in one chat."""

    def __init__(
        self,
        npc: str,
        chat_id: int,
        cast: Cast,
        memory: TalkMemory,
        store: SaveStore,
        recorder: ReplyRecorder,
    ) -> None:
        """Bind to a chat of the store.

        Args:
            npc: Id of the sheet.
            chat_id: A chat of `store`.
            cast: World and sheets.
            memory: What the NPC remembers of the chat.
            store: The save.
            recorder: Of the same NPC and chat.
        """
        self._npc = npc
        self._chat_id = chat_id
        self._cast = cast
        self._memory = memory
        self._store = store
        self._recorder = recorder

    def line_at(self, parent_id: int, use: LineUse) -> FoundLine | None:
        """The authored line that the player's line `parent_id` calls for; None if none does."""
        path = self._store.path(self._chat_id, parent_id)
        asked = path[-1].payload
        if not isinstance(asked, LineSaid):
            return None
        point = Point(self._npc, self._cast, self._memory, path[:-1])
        return find_line(point, asked.text, use, self._store)

    def close(self, line_id: int, origin: Origin, reply: Reply, shown: str) -> Iterator[LineEvent]:
        """Store the reply or what stands in for it, and end the line.

        Args:
            line_id: Of the line.
            origin: What is answered.
            reply: What the model said; without text, an authored line or a bark is said.
            shown: What was heard of it so far.
        """
        if reply.text:
            yield from self._keep(line_id, origin, reply, rung_of(reply))
            return
        if reply.reason == "cancelled" or not origin.stands_in:
            yield from self._stay_silent(line_id, reply)
            return
        if shown:
            yield TextReset(line_id)
        found = self.line_at(origin.answers, "stand_in") if origin.answers is not None else None
        if found is not None:
            yield from self.say(line_id, origin, reply, found)
            return
        yield from self.bark(line_id, origin, reply)

    def bark(self, line_id: int, origin: Origin, reply: Reply) -> Iterator[LineEvent]:
        """Say a bark for the reason of a reply without text, or nothing; end the line."""
        said = [line.text for line in self._memory.view().lines if line.is_own]
        broken = reply.broken.kind if reply.broken is not None else None
        bark = bark_for(self._cast.sheets[self._npc], reply.reason, said, broken)
        if not bark:
            yield from self._stay_silent(line_id, reply)
            return
        emotion, bark = without_tag(bark)
        yield from _spoken(line_id, bark, emotion)
        yield from self._keep(line_id, origin, replace(reply, text=bark, token_ids=None), "bark")

    def keep_words(self, origin: Origin, reply: Reply) -> Entry:
        """Store the words of a turn that goes on with an action; the line does not end yet.

        Raises:
            LateWriteError: The save was restored since the line was handed in.
        """
        entry = self._recorder.append(
            reply, rung_of(reply), origin, self._memory.state(), authored=False
        )
        self.stir(entry, origin.epoch)
        return entry

    def end_at(self, line_id: int, reply: Reply, entry: Entry) -> Iterator[LineEvent]:
        """End a line whose words are stored already."""
        yield line_ended(line_id, self._npc, reply, rung_of(reply), entry.id)

    def say(
        self, line_id: int, origin: Origin, reply: Reply, found: FoundLine
    ) -> Iterator[LineEvent]:
        """Say an authored line, store it and end the line.

        Args:
            line_id: Of the line.
            origin: What is answered.
            reply: Why it is said, and what the model made before; its text is not used.
            found: What is said.
        """
        by = found.called_for
        detail = "; ".join(filter(None, [reply.detail, found.detail]))
        yield AuthoredLineFound(line_id, by.phrase, by.by, by.score)
        yield from _spoken(line_id, found.text, found.emotion)
        said = replace(reply, text=found.text, token_ids=None, detail=detail)
        yield from self._keep(line_id, origin, said, "authored", by)

    def stir(self, entry: Entry, epoch: int) -> None:
        """Let a line change what its hearers think of its speaker; they show it from then on."""
        if not isinstance(entry.payload, LineSaid):
            return
        state = self._memory.state()
        for change in changed_by(entry.payload, self._cast, state):
            self._store.append(
                self._chat_id, change, day=state.day, minute=state.minute, epoch=epoch
            )

    def _stay_silent(self, line_id: int, reply: Reply) -> Iterator[LineEvent]:
        self._recorder.clear_draft()
        yield line_ended(line_id, self._npc, reply, "silence", None)

    def _keep(
        self,
        line_id: int,
        origin: Origin,
        said: Reply,
        rung: Rung,
        called_for: CalledFor | None = None,
    ) -> Iterator[LineEvent]:
        """Store what was said, and end the line."""
        state, authored = self._memory.state(), rung in ("authored", "bark")
        try:
            entry = self._recorder.append(
                said, rung, origin, state, authored=authored, called_for=called_for
            )
            self.stir(entry, origin.epoch)
        except LateWriteError as error:
            late = replace(said, text="", reason="cancelled", detail=str(error))
            yield line_ended(line_id, self._npc, late, "silence", None)
            return
        heard = replace(said, text=origin.said_before + said.text)
        yield line_ended(line_id, self._npc, heard, rung, entry.id)


def _spoken(line_id: int, text: str, emotion: Emotion | None) -> Iterator[LineEvent]:
    """Authored words, in the emotion of their tag."""
    if emotion is not None:
        yield EmotionShown(line_id, emotion)
    yield TextDelta(line_id, text)
