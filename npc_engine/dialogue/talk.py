"""A talk: one NPC in one chat. Takes turns, and changes what was said.

Every operation works on the chat's current path; nothing is ever overwritten. Operations that make
the NPC speak are iterators of events; the reply is in the save before its `LineEnded` comes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from npc_engine.content.character import CharacterSheet
from npc_engine.content.facts import Fact
from npc_engine.content.state import WorldState, initial_state
from npc_engine.content.world import World
from npc_engine.dialogue.barks import bark_for
from npc_engine.dialogue.handle import TurnHandle
from npc_engine.dialogue.plain_text import plain, player_words
from npc_engine.dialogue.reply import Reply, ReplyRequest, write_reply
from npc_engine.errors import CommandError, LateWriteError
from npc_engine.events import (
    LineEnded,
    LineEvent,
    ReplyStarted,
    TextDelta,
    TextReset,
)
from npc_engine.memory.entries import Entry, LineEdited, LineSaid
from npc_engine.memory.facts import LearnedFact, captured_facts
from npc_engine.memory.store import SaveStore
from npc_engine.memory.view import View, state_at, view_of
from npc_engine.messages import Reason, Rung, Sampling, Usage
from npc_engine.prompt.budget import Budget
from npc_engine.prompt.compiler import PromptRequest, compile_plan
from npc_engine.prompt.plan import Plan
from npc_engine.protocols import Clock, ModelSession, Tokenizer

_DRAFT_EVERY_S = 0.5
"""How often the reply in flight is written down, so that a kill loses at most this much."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The world and everybody in it, as content gives them."""

    world: World
    sheets: Mapping[str, CharacterSheet]

    @property
    def names(self) -> dict[str, str]:
        """What to call each member, by id, and the player."""
        names = {id: sheet.nickname for id, sheet in self.sheets.items()}
        return {**names, "player": self.world.player.name}

    def shared_facts(self, npc: str) -> tuple[Fact, ...]:
        """Facts that the sheets of others hold and name somebody for."""
        return tuple(
            fact
            for id, sheet in self.sheets.items()
            if id != npc
            for fact in sheet.facts
            if fact.known_by
        )

    def start(self) -> WorldState:
        """The state of the world before anything happened."""
        return initial_state(self.world, self.sheets.values())


@dataclass(frozen=True, slots=True)
class _Origin:
    """What a reply follows, and what it was made from."""

    parent_id: int | None
    epoch: int
    plan_digest: str = ""
    session: ModelSession | None = None


class Talk:
    """One NPC in one chat of a save.

    Not thread-safe: one thread at a time may use a talk; `TurnHandle` is the exception.
    """

    def __init__(
        self,
        npc: str,
        chat_id: int,
        cast: Cast,
        store: SaveStore,
        clock: Clock,
        *,
        seed: int = 0,
        budget: Budget | None = None,
    ) -> None:
        """Bind an NPC of the cast to a chat of the store.

        Args:
            npc: Id of the sheet.
            chat_id: A chat of `store`.
            cast: World and sheets.
            store: The save.
            clock: Wall time for drafts.
            seed: The playthrough's seed; replies to equal prompts differ only by it and by swipe.
            budget: Caps; by default those of the model's window, at most 4,096.
        """
        self.npc = npc
        self.chat_id = chat_id
        self.cast = cast
        self._store = store
        self._clock = clock
        self._seed = seed
        self._budget = budget
        self._previous_ids: tuple[int, ...] = ()
        self.last_plan: Plan | None = None
        """The plan of the last reply that was asked for; None before the first."""

    @property
    def sheet(self) -> CharacterSheet:
        """The sheet that is in force now."""
        return self.cast.sheets[self.npc]

    @property
    def conversation(self) -> str:
        """The key under which the session keeps this talk's cache."""
        return f"{self.chat_id}:{self.npc}"

    # -- looking ------------------------------------------------------------------------------

    def path(self) -> tuple[Entry, ...]:
        """The entries of the chat from its first to its current one."""
        return self._store.path(self.chat_id)

    def view(
        self, path: tuple[Entry, ...] | None = None, tokenizer: Tokenizer | None = None
    ) -> View:
        """What this NPC remembers word for word, and the folds before it.

        With a tokenizer, lines carry the ids the model made for them, and the summary is cut to
        its cap.
        """
        entries = self.path() if path is None else path
        if tokenizer is None:
            return view_of(entries, self.npc, names=self.cast.names)
        return view_of(
            entries,
            self.npc,
            tokenizer=tokenizer.fingerprint,
            names=self.cast.names,
            count=tokenizer.count,
            summary_tokens=self.budget(tokenizer).summary_tokens,
        )

    def state(self, path: tuple[Entry, ...] | None = None) -> WorldState:
        """The world as it is at the current point of the chat."""
        entries = self.path() if path is None else path
        return state_at(entries, self.cast.start(), self.cast.world)

    def budget(self, tokenizer: Tokenizer) -> Budget:
        """The caps in force for a model."""
        budget = self._budget or Budget.for_window(tokenizer.window_tokens)
        return budget.with_caps(self.sheet.memory)

    def plan(self, text: str, tokenizer: Tokenizer) -> Plan:
        """The plan of a line, exactly as it would be sent; stores and changes nothing."""
        return self._compile(self.path(), plain(text).strip(), tokenizer)

    def learned(self, path: tuple[Entry, ...] | None = None) -> tuple[LearnedFact, ...]:
        """What the player's words taught this NPC by the `remember:` rules."""
        world = self.cast.world
        rules = (*world.remember, *self.sheet.remember)
        entries = self.path() if path is None else path
        return captured_facts(entries, self.npc, rules, world.player.name, names=self.cast.names)

    # -- speaking -----------------------------------------------------------------------------

    def greet(self, line_id: int) -> Iterator[LineEvent]:
        """The NPC opens the talk with its authored greeting; silent if it has none.

        The first greeting is for a first meeting; later chats of the save take the others in turn.
        """
        greetings = self.sheet.greetings
        if not greetings:
            yield self._ended(line_id, Reply("", "done", None, 0, Usage()), "silence", None)
            return
        met = sum(1 for chat in self._store.chats() if chat.npc == self.npc) - 1
        index = 0 if met <= 0 or len(greetings) == 1 else 1 + (met - 1) % (len(greetings) - 1)
        greeting = Reply(plain(greetings[index]).strip(), "done", None, 0, Usage())
        origin = _Origin(self._store.chat(self.chat_id).leaf_id, self._store.epoch)
        entry = self._append_reply(greeting, "full", origin, authored=True)
        yield TextDelta(line_id, greeting.text)
        yield self._ended(line_id, greeting, "full", entry.id)

    def record(self, text: str) -> Entry:
        """Store what the player says; from here on a crash loses nothing."""
        words = player_words(text)
        state = self.state()
        said = LineSaid(role="player", speaker="player", text=words, hearers=(self.npc,))
        return self._store.append(
            self.chat_id, said, day=state.day, minute=state.minute, clear_draft=True
        )

    def answer(
        self, line_id: int, parent_id: int, session: ModelSession, handle: TurnHandle
    ) -> Iterator[LineEvent]:
        """The NPC answers the entry `parent_id`, which becomes the end of the path."""
        epoch = self._store.epoch
        path = self._store.path(self.chat_id, parent_id)
        asked = path[-1].payload
        text = asked.text if isinstance(asked, LineSaid) else ""
        swipe = len(self._replies_to(parent_id))
        plan = self._compile(path[:-1], text, session.tokenizer)
        self._previous_ids = plan.prompt_ids
        self.last_plan = plan
        yield ReplyStarted(line_id, plan.total_tokens, plan.shared_prefix_tokens)
        reply = Reply("", "failed", None, 0, Usage())
        shown = ""
        drafted_at = self._clock.monotonic()
        for piece in write_reply(
            self._reply_request(line_id, plan, swipe, session.info.sampling), session, handle
        ):
            if isinstance(piece, Reply):
                reply = piece
            elif piece is None:
                shown = ""
                yield TextReset(line_id)
            else:
                shown += piece
                yield TextDelta(line_id, piece)
                now = self._clock.monotonic()
                if now - drafted_at >= _DRAFT_EVERY_S and self._store.epoch == epoch:
                    self._store.save_draft(
                        self.chat_id, "reply", shown, parent_id, speaker=self.npc
                    )
                    drafted_at = now
        origin = _Origin(parent_id, epoch, plan.digest, session)
        yield from self._close(line_id, origin, reply, shown)

    def stand_in(
        self, line_id: int, parent_id: int, reason: Reason, detail: str
    ) -> Iterator[LineEvent]:
        """Authored words in place of a reply that no model could write."""
        reply = Reply("", reason, None, 0, Usage(), detail=detail)
        yield from self._close(line_id, _Origin(parent_id, self._store.epoch), reply, "")

    # -- changing what was said ---------------------------------------------------------------

    def swipes(self) -> tuple[tuple[Entry, ...], int]:
        """All replies to the player's last line, oldest first, and the index of the current one.

        No replies: `((), -1)`.
        """
        try:
            asked = self.last_player_entry()
        except CommandError:
            return (), -1
        replies = self._replies_to(asked.id)
        on_path = {entry.id for entry in self.path()}
        current = [i for i, entry in enumerate(replies) if entry.id in on_path]
        return replies, current[-1] if current else -1

    def swipe_to(self, index: int) -> Entry:
        """Make another reply to the player's last line the current one.

        Raises:
            CommandError: There is no such reply.
        """
        replies, _ = self.swipes()
        if not 0 <= index < len(replies):
            have = f"1 to {len(replies)}" if replies else "none"
            raise CommandError(f"there is no reply {index + 1}; there are {have}")
        self._store.move_leaf(self.chat_id, replies[index].id, "swipe")
        return replies[index]

    def undo(self) -> str:
        """Take back the player's last line and all that came after it; returns that line.

        Raises:
            CommandError: There is nothing to take back.
        """
        asked = self.last_player_entry()
        self._store.move_leaf(self.chat_id, asked.parent_id, "undo")
        return asked.payload.text if isinstance(asked.payload, LineSaid) else ""

    def edit(self, entry_id: int, text: str) -> None:
        """Replace the words of a line on the path; the old words stay in the save.

        Raises:
            CommandError: The entry is not a line of this path, or the text is empty.
        """
        path = self.path()
        target = next((entry for entry in path if entry.id == entry_id), None)
        if target is None or not isinstance(target.payload, LineSaid):
            raise CommandError(f"there is no line {entry_id} in this chat; /memory lists them")
        edit = LineEdited(target=entry_id, text=player_words(text))
        state = self.state(path)
        self._store.append(self.chat_id, edit, day=state.day, minute=state.minute)

    def branch(self, entry_id: int) -> None:
        """Go back to an entry of this chat; what came after it stays on its own branch.

        Raises:
            CommandError: The entry is not on the current path.
        """
        if all(entry.id != entry_id for entry in self.path()):
            raise CommandError(f"there is no line {entry_id} in this chat; /memory lists them")
        self._store.move_leaf(self.chat_id, entry_id, "branch")

    # -- inside -------------------------------------------------------------------------------

    def _compile(self, path: tuple[Entry, ...], line: str, tokenizer: Tokenizer) -> Plan:
        view = self.view(path, tokenizer)
        world = self.cast.world
        budget = self.budget(tokenizer)
        request = PromptRequest(
            sheet=self.sheet,
            world=world,
            state=self.state(path),
            line=line,
            names=self.cast.names,
            shared_facts=self.cast.shared_facts(self.npc),
            summary=view.summary,
            learned=self._pinned(path, view),
            turns=view.turns,
            previous_ids=self._previous_ids,
            budget=budget,
        )
        return compile_plan(request, tokenizer)

    def _pinned(self, path: tuple[Entry, ...], view: View) -> tuple[str, ...]:
        """Facts whose lines are folded away, newest first.

        The others still stand word for word among the turns; pinning them at once would change the
        prompt's beginning, and the model would have to read all of it again.
        """
        standing = {entry_id for turn in view.turns for entry_id in turn.entry_ids}
        facts = [fact.text for fact in self.learned(path) if fact.entry_id not in standing]
        return tuple(reversed(facts))

    def _reply_request(
        self, line_id: int, plan: Plan, swipe: int, sampling: Sampling
    ) -> ReplyRequest:
        sheet = self.sheet
        names = self.cast.names
        others = {name for id, name in names.items() if id != self.npc}
        others |= {s.name for id, s in self.cast.sheets.items() if id != self.npc}
        return ReplyRequest(
            request_id=f"line-{line_id}",
            plan=plan,
            sampling=sheet.sampling.applied_to(sampling),
            base_seed=self._seed,
            swipe=swipe,
            conversation=self.conversation,
            own_names=(sheet.name, sheet.nickname),
            other_names=tuple(sorted(others)),
            max_sentences=sheet.speech.max_sentences,
        )

    def _close(
        self, line_id: int, origin: _Origin, reply: Reply, shown: str
    ) -> Iterator[LineEvent]:
        """Store the reply or what stands in for it, and end the line."""
        text, rung, authored = reply.text, _rung(reply), False
        if not text and reply.reason != "cancelled":
            said = [line.text for line in self.view().lines if line.is_own]
            text, rung, authored = bark_for(self.sheet, reply.reason, said), "bark", True
            if shown:
                yield TextReset(line_id)
            if text:
                yield TextDelta(line_id, text)
        if not text:
            self._store.clear_draft(self.chat_id, "reply")
            yield self._ended(line_id, reply, "silence", None)
            return
        said_reply = replace(reply, text=text, token_ids=None if authored else reply.token_ids)
        try:
            entry = self._append_reply(said_reply, rung, origin, authored=authored)
        except LateWriteError as error:
            late = replace(reply, text="", reason="cancelled", detail=str(error))
            yield self._ended(line_id, late, "silence", None)
            return
        yield self._ended(line_id, said_reply, rung, entry.id)

    def _append_reply(self, reply: Reply, rung: Rung, origin: _Origin, *, authored: bool) -> Entry:
        state = self.state()
        session = origin.session
        said = LineSaid(
            role="npc",
            speaker=self.npc,
            text=reply.text,
            hearers=("player",),
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
        )
        return self._store.append(
            self.chat_id,
            said,
            parent_id=origin.parent_id,
            day=state.day,
            minute=state.minute,
            epoch=origin.epoch,
            clear_draft=True,
        )

    def _ended(self, line_id: int, reply: Reply, rung: Rung, entry_id: int | None) -> LineEnded:
        return LineEnded(
            line_id,
            self.npc,
            reply.text,
            reply.reason,
            rung,
            entry_id,
            reply.usage,
            reply.detail,
        )

    def last_player_entry(self) -> Entry:
        """The player's last line to this NPC; raises `CommandError` if there is none."""
        for entry in reversed(self.path()):
            payload = entry.payload
            if isinstance(payload, LineSaid) and payload.role == "player":
                return entry
        raise CommandError("nothing was said to this character yet; say something first")

    def _replies_to(self, entry_id: int) -> tuple[Entry, ...]:
        children = self._store.children(self.chat_id, entry_id)
        return tuple(entry for entry in children if _said_by(entry, self.npc))


def _said_by(entry: Entry, npc: str) -> bool:
    return isinstance(entry.payload, LineSaid) and entry.payload.speaker == npc


def _rung(reply: Reply) -> Rung:
    cut_short = reply.reason in ("length", "cancelled", "late_total", "failed")
    return "short" if cut_short else "full"
