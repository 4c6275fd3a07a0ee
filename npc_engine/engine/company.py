"""Everybody who was spoken with: one `Npc` for each NPC and chat, and what a chat's NPCs share."""

from dataclasses import dataclass

from npc_engine.dialogue.action_rules import ActionRules, Settlement
from npc_engine.dialogue.candidates import CandidateSettings
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.content_policy import PolicyGate
from npc_engine.dialogue.talk import Talk
from npc_engine.engine.action_desk import LateCall
from npc_engine.engine.barking import Barker
from npc_engine.engine.bystanders import Bystanders
from npc_engine.engine.loop import Loop
from npc_engine.engine.npc import Npc
from npc_engine.engine.turn_gate import TurnGate
from npc_engine.engine.world import WorldHandle
from npc_engine.memory.store import SaveStore
from npc_engine.prompt.profile import PromptProfile


@dataclass(frozen=True, slots=True)
class _Chat:
    """What the NPCs of one chat share."""

    world: WorldHandle
    gate: TurnGate
    bystanders: Bystanders


class Company:
    """Makes each `Npc` once and keeps it. Safe from any thread."""

    def __init__(
        self,
        loop: Loop,
        store: SaveStore,
        *,
        seed: int,
        prewarm: bool,
        candidates: CandidateSettings,
        profile: PromptProfile | None = None,
        rules: ActionRules | None = None,
        policy: PolicyGate | None = None,
    ) -> None:
        """Nobody was spoken with yet."""
        self._rules = rules or ActionRules(loop.met_desk)
        loop.late_calls = self._store_late
        self._loop = loop
        self._store = store
        self._seed = seed
        self._prewarm = prewarm
        self._candidates = candidates
        self.profile = profile
        """How prompts are worded; None: as the model's family needs it."""
        self._policy = policy
        self._lock = loop.journal.lock()
        self._npcs: dict[tuple[str, int], Npc] = {}
        self._chats: dict[int, _Chat] = {}

    def npc(self, npc_id: str, chat_id: int, cast: Cast) -> Npc:
        """An NPC of the cast in a chat, always the same object."""
        with self._lock:
            found = self._npcs.get((npc_id, chat_id))
            if found is None:
                talk = Talk(
                    npc_id,
                    chat_id,
                    cast,
                    self._store,
                    self._loop.clock,
                    seed=self._seed,
                    candidates=self._candidates,
                    profile=self.profile,
                    rules=self._rules,
                    policy=self._policy,
                )
                talk.on_plan = self._loop.journal.note_plan
                chat = self._chat_of(talk)
                found = Npc(
                    self._loop,
                    self._store,
                    talk,
                    chat.world,
                    chat.gate,
                    chat.bystanders,
                    Barker(self._loop, talk, chat.world, self._seed),
                    prewarm=self._prewarm,
                )
                self._npcs[npc_id, chat_id] = found
                self._loop.journal.note_npc(npc_id, chat_id)
            return found

    def recast(self, cast: Cast) -> None:
        """Let everybody go on with another cast."""
        with self._lock:
            for npc in self._npcs.values():
                npc.talk.recast(cast)

    def settle_worlds(self) -> None:
        """Let in what waits to be changed in the worlds of all chats."""
        with self._lock:
            chats = tuple(self._chats.values())
        for chat in chats:
            chat.world.settle()

    def restored(self) -> None:
        """Let everybody go on from where a restore has put the chats."""
        with self._lock:
            npcs = tuple(self._npcs.values())
        for npc in npcs:
            npc.restored()

    def _store_late(self, call: LateCall, settlement: Settlement) -> None:
        """Store what became of an action whose turn is over, beside the turns of its chat."""
        proposed = call.proposed
        with self._lock:
            npc = self._npcs.get((proposed.npc, call.chat_id))
        if npc is not None:
            npc.settled_late(
                proposed.line_id,
                proposed.call_id,
                proposed.action,
                settlement.outcome,
                settlement.result,
                settlement.detail,
            )

    def _chat_of(self, talk: Talk) -> _Chat:
        chat = self._chats.get(talk.chat_id)
        if chat is None:
            world = WorldHandle(self._loop, self._store, talk)
            gate = TurnGate(lambda npc: talk.cast.names.get(npc, npc))
            chat = _Chat(world, gate, Bystanders(lambda npc: self._fold_for(npc, talk)))
            self._chats[talk.chat_id] = chat
        return chat

    def _fold_for(self, npc_id: str, talk: Talk) -> None:
        """Fold what an NPC has overheard in a chat, whether it was spoken with there or not."""
        if npc_id in talk.cast.sheets:
            self.npc(npc_id, talk.chat_id, talk.cast).fold_if_due()
