"""A talk: one NPC in one chat, taking turns.

Operations that make the NPC speak are iterators of events; the reply is in the save before its
`LineEnded` comes.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from npc_engine.actions.offered import OfferedAction
from npc_engine.content.character import PLAYER, CharacterSheet
from npc_engine.content.emotions import without_tag
from npc_engine.content.state import WorldState
from npc_engine.dialogue.acting import Acting, Occasion
from npc_engine.dialogue.action_rules import ActionRules
from npc_engine.dialogue.answering import Answering, Wanted
from npc_engine.dialogue.attempt import Reply
from npc_engine.dialogue.audience import Audience, audience_of
from npc_engine.dialogue.authored_lines import FoundLine, find_line
from npc_engine.dialogue.breaks import Break
from npc_engine.dialogue.candidates import CandidateSettings
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.closing import Closing
from npc_engine.dialogue.content_policy import PolicyGate, Stage, policy_in_force
from npc_engine.dialogue.cue import Cue, SpokenOn, spoken_of_its_own, spoken_to
from npc_engine.dialogue.ending import Origin, ReplyRecorder, answering, line_ended
from npc_engine.dialogue.handle import TurnOrder
from npc_engine.dialogue.judging_replies import appraiser_for, reply_limits
from npc_engine.dialogue.limits import Limits
from npc_engine.dialogue.past import Past
from npc_engine.dialogue.plain_text import plain, player_words
from npc_engine.dialogue.reply import ReplyRequest
from npc_engine.dialogue.second_try import reminder_for
from npc_engine.dialogue.talk_memory import TalkMemory
from npc_engine.dialogue.turn_plan import Point, plan_turn, request_before_recall
from npc_engine.events import EmotionShown, LineEvent, ReplyStarted, TextDelta
from npc_engine.memory.entries import Entry, LineSaid
from npc_engine.memory.facts import LearnedFact
from npc_engine.memory.store import SaveStore
from npc_engine.memory.view import View
from npc_engine.messages import Message, Reason, Usage
from npc_engine.prompt.budget import Budget
from npc_engine.prompt.plan import Plan
from npc_engine.prompt.possible import schema_tokens
from npc_engine.prompt.profile import PromptProfile, profile_of
from npc_engine.prompt.request import PromptRequest
from npc_engine.protocols import Clock, ModelSession, Tokenizer


class Talk:
    """One NPC in one chat of a save.

    It may be looked at from any thread, but only one at a time may let it speak. Turns of other
    NPCs in the same chat may run meanwhile: they only add to the path.
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
        candidates: CandidateSettings | None = None,
        profile: PromptProfile | None = None,
        rules: ActionRules | None = None,
        policy: PolicyGate | None = None,
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
            candidates: How many replies are written at once; by default one.
            profile: How prompts are worded; None: as the model's family needs it.
            rules: How actions are handled; None: it only speaks.
            policy: Asked what may be said; None lets everything pass.
        """
        self.npc = npc
        self.chat_id = chat_id
        self.cast = cast
        self._store = store
        self._clock = clock
        self._seed = seed
        self._budget = budget
        self._candidates = candidates or CandidateSettings()
        self._profile = profile
        self._policy = policy or PolicyGate()
        self._previous_ids: tuple[int, ...] = ()
        self._memory = TalkMemory(npc, chat_id, cast, store)
        self._recorder = ReplyRecorder(npc, chat_id, store)
        self._acting = Acting(
            npc,
            chat_id,
            store,
            clock,
            rules or ActionRules(),
            why_blocked=lambda words: self.why_blocked(words, "reply") if words else "",
        )
        self._closing, self._answering = self._closing_now()
        self.past = Past(npc, chat_id, store)
        """What was said, and how to change it."""
        self.on_plan: Callable[[Plan], None] | None = None
        """Called with every plan that a reply is asked for with."""
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

    def recast(self, cast: Cast) -> None:
        """Go on with another cast; what was said stays."""
        self.cast = cast
        self._memory = TalkMemory(self.npc, self.chat_id, cast, self._store)
        self._closing, self._answering = self._closing_now()

    def path(self) -> tuple[Entry, ...]:
        """The entries of the chat from its first to its current one."""
        return self._memory.path()

    def view(
        self, path: tuple[Entry, ...] | None = None, tokenizer: Tokenizer | None = None
    ) -> View:
        """What this NPC remembers word for word, and the folds before it.

        With a tokenizer, lines carry the ids the model made for them, and the summary is cut to
        its cap.
        """
        budget = None if tokenizer is None else self.budget(tokenizer)
        return self._memory.view(path, tokenizer, budget)

    def state(self, path: tuple[Entry, ...] | None = None) -> WorldState:
        """The world as it is at the current point of the chat."""
        return self._memory.state(path)

    def budget(self, tokenizer: Tokenizer) -> Budget:
        """The caps in force for a model."""
        budget = self._budget or Budget.for_window(tokenizer.window_tokens)
        known = self._acting.known(self.cast)
        taken = min(schema_tokens(known, tokenizer), budget.actions_tokens)
        return budget.with_caps(self.sheet.memory).leaving(taken)

    def plan(self, text: str, tokenizer: Tokenizer, contexts: tuple[str, ...] = ()) -> Plan:
        """The plan of a line, exactly as it would be sent; stores and changes nothing."""
        return self._compile(self.path(), plain(text).strip(), tokenizer, contexts)

    def request(self, line: str, tokenizer: Tokenizer) -> PromptRequest:
        """What the prompt of a line is made of, but for what the line brings back to mind."""
        path = self.path()
        return request_before_recall(
            self._point(path),
            line,
            self.view(path, tokenizer),
            self.budget(tokenizer),
            self._profile or profile_of(tokenizer.family),
        )

    def stable_ids(self, tokenizer: Tokenizer) -> tuple[int, ...]:
        """What the next prompt begins with, whatever the player will say."""
        plan = self.plan("", tokenizer)
        return plan.prompt_ids[: plan.stable_tokens]

    def learned(self, path: tuple[Entry, ...] | None = None) -> tuple[LearnedFact, ...]:
        """What the player's words taught this NPC by the `remember:` rules."""
        return self._memory.learned(path)

    # -- speaking -----------------------------------------------------------------------------

    def greet(self, order: TurnOrder) -> Iterator[LineEvent]:
        """The NPC opens the talk with its authored greeting; silent if it has none.

        The first greeting is for a first meeting; later chats of the save take the others in turn.
        """
        greetings = self.sheet.greetings
        if not greetings:
            silent = Reply("", "done", None, 0, Usage())
            yield line_ended(order.line_id, self.npc, silent, "silence", None)
            return
        met = sum(1 for chat in self._store.chats() if chat.npc == self.npc) - 1
        index = 0 if met <= 0 or len(greetings) == 1 else 1 + (met - 1) % (len(greetings) - 1)
        emotion, words = without_tag(plain(greetings[index]).strip())
        greeting = Reply(words, "done", None, 0, Usage())
        state = self.state()
        heard = audience_of(self.npc, state)
        origin = Origin(None, order.epoch, bystanders=heard.bystanders, place=heard.place)
        entry = self._recorder.append(greeting, "full", origin, state, authored=True)
        if emotion is not None:
            yield EmotionShown(order.line_id, emotion)
        yield TextDelta(order.line_id, greeting.text)
        yield line_ended(order.line_id, self.npc, greeting, "full", entry.id)

    def why_blocked(self, text: str, stage: Stage = "line") -> str:
        """Why the game's content policy forbids words to or of this NPC; empty if it does not."""
        if self._policy.is_open:
            return ""
        handling = policy_in_force(self.sheet, self.cast.world)
        return self._policy.why_blocked(text, stage, self.npc, handling)

    def why_line_blocked(self, entry_id: int) -> str:
        """The same for the player's line that an entry holds."""
        said = self._store.entry(entry_id).payload
        return self.why_blocked(said.text) if isinstance(said, LineSaid) else ""

    def record(
        self,
        text: str,
        epoch: int,
        audience: Audience | None = None,
        speaker: str = PLAYER,
        *,
        blocked: bool = False,
    ) -> Entry:
        """Store what is said to this NPC; from here on a crash loses nothing.

        Args:
            text: The words.
            epoch: When the line was handed in.
            audience: Who heard it besides this NPC; by default whoever is with it now.
            speaker: Id of a player, or of another NPC.
            blocked: The content policy forbids it, so nobody will remember it.

        Raises:
            LateWriteError: The save was restored since `epoch`.
        """
        words = player_words(text)
        state = self.state()
        heard = audience or audience_of(self.npc, state, speaker=speaker)
        said = LineSaid(
            role="npc" if speaker in self.cast.sheets else "player",
            speaker=speaker,
            text=words,
            hearers=(self.npc, *heard.bystanders),
            to=self.npc,
            place=heard.place,
            whispered=heard.whispered,
            blocked=blocked,
        )
        entry = self._store.append(
            self.chat_id, said, day=state.day, minute=state.minute, epoch=epoch, clear_draft=True
        )
        if not blocked:
            self._closing.stir(entry, epoch)
        return entry

    def stir(self, entry: Entry, epoch: int) -> None:
        """Let a line that is in the save change what its hearers think of its speaker."""
        self._closing.stir(entry, epoch)

    def answer(
        self, order: TurnOrder, parent_id: int, session: ModelSession
    ) -> Iterator[LineEvent]:
        """The NPC answers the line `parent_id`."""
        path = self._store.path(self.chat_id, parent_id)
        on = spoken_to(path, self.npc, self.cast.names)
        yield from self._respond(order, on, answering(path[-1], self.npc, order.epoch), session)

    def speak(self, order: TurnOrder, cue: Cue, session: ModelSession) -> Iterator[LineEvent]:
        """The NPC speaks on a cue; it stays silent where the model gives nothing."""
        on = spoken_of_its_own(self.path(), self.npc, self.cast.names, cue)
        yield from self._respond(order, on, cue.origin(on, order.epoch), session)

    def _respond(
        self, order: TurnOrder, on: SpokenOn, origin: Origin, session: ModelSession
    ) -> Iterator[LineEvent]:
        point = self._point(on.before)
        occasion = Occasion(order, point, on, origin, self._acting.offered(point))

        def plan(so_far: tuple[Message, ...], reminder: str) -> Plan:
            plan = self._compile(
                on.before,
                on.words,
                session.tokenizer,
                order.contexts,
                reminder,
                occasion.offered,
                so_far,
                on.shown,
            )
            self._note_plan(plan)
            return plan

        def request(
            planned: Plan, so_far: tuple[Message, ...], *, again: bool = False
        ) -> ReplyRequest:
            def plan_again(found: Break) -> Plan:
                return plan(so_far, reminder_for(found, self.sheet.nickname))

            return self._reply_request(occasion, planned, plan_again, session, again=again)

        wanted = Wanted(plan, request, partial(request, again=True))
        yield from self._answering.answer(occasion, wanted, session)

    def line_for(self, parent_id: int) -> FoundLine | None:
        """The authored line that answers the player's line `parent_id`; None: the model does.

        Another try at a line that was answered already is the model's own.
        """
        if not self.sheet.lines or self.past.replies_to(parent_id)[0]:
            return None
        return self._closing.line_at(parent_id, "always")

    def line_called_for(self, text: str) -> FoundLine | None:
        """The authored line that words would be answered with now; stores and changes nothing."""
        return find_line(self._point(self.path()), plain(text).strip(), "always", self._store)

    def say_line(self, order: TurnOrder, parent_id: int, found: FoundLine) -> Iterator[LineEvent]:
        """The NPC says an authored line; no model is asked."""
        yield ReplyStarted(order.line_id, 0, 0)
        origin = answering(self._store.entry(parent_id), self.npc, order.epoch)
        reply = Reply("", "done", None, 0, Usage())
        yield from self._closing.say(order.line_id, origin, reply, found)

    def stand_in(
        self, order: TurnOrder, parent_id: int, reason: Reason, detail: str
    ) -> Iterator[LineEvent]:
        """Authored words in place of a reply that no model could write."""
        reply = Reply("", reason, None, 0, Usage(), detail=detail)
        asked = self._store.entry(parent_id)
        yield from self._closing.close(
            order.line_id, answering(asked, self.npc, order.epoch), reply, ""
        )

    def refuse(self, order: TurnOrder, parent_id: int, why: str) -> Iterator[LineEvent]:
        """A `refuse` bark to a line that the content policy forbids; no model reads the line."""
        if order.handle.ended_by == "cancelled":
            yield from self.stay_silent(order, "cancelled", "")
            return
        reply = Reply("", "blocked", None, 0, Usage(), detail=f"the player's words: {why}")
        origin = answering(self._store.entry(parent_id), self.npc, order.epoch)
        yield from self._closing.bark(order.line_id, origin, reply)

    def stay_silent(self, order: TurnOrder, reason: Reason, detail: str) -> Iterator[LineEvent]:
        """Nothing is said, and nothing stored."""
        reply = Reply("", reason, None, 0, Usage(), detail=detail)
        yield line_ended(order.line_id, self.npc, reply, "silence", None)

    # -- inside -------------------------------------------------------------------------------

    def _closing_now(self) -> tuple[Closing, Answering]:
        closing = Closing(
            self.npc, self.chat_id, self.cast, self._memory, self._store, self._recorder
        )
        return closing, Answering(self.npc, self._acting, closing, self._recorder, self._clock)

    def _compile(
        self,
        path: tuple[Entry, ...],
        line: str,
        tokenizer: Tokenizer,
        contexts: tuple[str, ...] = (),
        reminder: str = "",
        actions: tuple[OfferedAction, ...] | None = None,
        so_far: tuple[Message, ...] = (),
        shown: str = "",
    ) -> Plan:
        point = self._point(path)
        return plan_turn(
            point,
            line,
            tokenizer,
            self.budget(tokenizer),
            contexts=contexts,
            previous_ids=self._previous_ids,
            reminder=reminder,
            profile=self._profile,
            actions=self._acting.offered(point) if actions is None else actions,
            so_far=so_far,
            shown=shown,
        )

    def _note_plan(self, plan: Plan) -> None:
        self._previous_ids = plan.prompt_ids
        self.last_plan = plan
        if self.on_plan is not None:
            self.on_plan(plan)

    def _reply_request(
        self,
        occasion: Occasion,
        plan: Plan,
        plan_again: Callable[[Break], Plan],
        session: ModelSession,
        *,
        again: bool,
    ) -> ReplyRequest:
        """What to ask for a line; `again`: for what follows an action of the same turn."""
        order, point, on, text = occasion.order, occasion.point, occasion.on, occasion.line
        return ReplyRequest(
            request_id=f"line-{order.line_id}{'.then' if again else ''}",
            plan=plan,
            sampling=self.sheet.sampling.applied_to(session.info.sampling),
            base_seed=self._seed,
            swipe=self.past.num_tries_at(on.swipes_of) if on.swipes_of else 0,
            conversation=self.conversation,
            limits=self._screened(reply_limits(point, plan, text)),
            priority=order.priority,
            deadline=order.deadline,
            most_tokens=order.most_tokens(plan.reply_tokens, self._clock.monotonic()),
            plan_again=plan_again,
            candidates=order.candidates
            or self.sheet.candidates
            or self._candidates.number_for(order.priority),
            within_s=self._candidates.within_s,
            appraiser=lambda plan: appraiser_for(point, plan, text),
        )

    def _screened(self, limits: Limits) -> Limits:
        if self._policy.is_open:
            return limits
        return replace(limits, screen=lambda sentence: self.why_blocked(sentence, "reply"))

    def _point(self, path: tuple[Entry, ...]) -> Point:
        return Point(self.npc, self.cast, self._memory, path)
