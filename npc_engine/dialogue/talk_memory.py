"""What one NPC remembers in one chat, as its talk and its folds need it."""

from collections.abc import Callable, Collection, Container
from contextlib import suppress
from typing import TypeVar

from npc_engine.content.state import WorldState
from npc_engine.dialogue.cast import Cast
from npc_engine.errors import CommandError
from npc_engine.memory.acts import ActBook
from npc_engine.memory.changes import Change
from npc_engine.memory.entries import Entry
from npc_engine.memory.fact_book import FactBook
from npc_engine.memory.facts import LearnedFact
from npc_engine.memory.following import Following
from npc_engine.memory.game_days import DayWords
from npc_engine.memory.lines import HeardLine
from npc_engine.memory.recall import Recall, RecallRequest, recall
from npc_engine.memory.store import SaveStore
from npc_engine.memory.unit_index import UnitIndex
from npc_engine.memory.view import Recollection, View
from npc_engine.memory.world_at import state_after
from npc_engine.prompt.budget import Budget
from npc_engine.protocols import Tokenizer

Path = tuple[Entry, ...]
R = TypeVar("R")


class TalkMemory:
    """Reads a chat of the save as one NPC knows it. Safe from any thread.

    Every question may be asked of an earlier point of the chat by giving its path; without one it
    is about the end of the current path.
    """

    def __init__(self, npc: str, chat_id: int, cast: Cast, store: SaveStore) -> None:
        """Bind to a chat of the store."""
        self._npc = npc
        self._chat_id = chat_id
        self._cast = cast
        self._store = store
        world = cast.world
        self._days = DayWords(world.calendar)
        rules = (*world.remember, *cast.sheets[npc].remember)
        self._facts = FactBook(npc, rules, cast.names, world.calendar)
        self._units = UnitIndex(npc, cast.names)
        self._recollection = Following(self._begin_anew, Recollection.note)
        self._acts = Following(lambda: ActBook(npc), ActBook.note)
        self._states = Following(lambda: [cast.start()], self._live_on, _live_back)

    def path(self) -> Path:
        """The entries of the chat from its first to its current one."""
        return self._store.path(self._chat_id)

    def view(
        self,
        path: Path | None = None,
        tokenizer: Tokenizer | None = None,
        budget: Budget | None = None,
    ) -> View:
        """What the NPC remembers word for word, and the folds before it.

        With a tokenizer, lines carry the ids the model made for them; with a budget as well, the
        summary is cut to its cap.
        """
        entries = self.path() if path is None else path
        names = self._cast.names
        if tokenizer is None or budget is None:
            return self._recollection.at(entries, lambda memory: memory.view(names=names))
        return self._recollection.at(
            entries,
            lambda memory: memory.view(
                tokenizer=tokenizer.fingerprint,
                names=names,
                count=tokenizer.count,
                summary_tokens=budget.summary_tokens,
            ),
        )

    def state(self, path: Path | None = None) -> WorldState:
        """The world as it is at that point."""
        entries = self.path() if path is None else path
        return self._states.at(entries, lambda states: states[-1])

    def acts(self, path: Path, read: Callable[[ActBook], R]) -> R:
        """What `read` makes of what the NPC has done up to that point; see `Following.at`."""
        return self._acts.at(path, read)

    def learned(self, path: Path | None = None) -> tuple[LearnedFact, ...]:
        """What the NPC has learned in play and holds for true, in the order it was learned."""
        entries = self.path() if path is None else path
        return self._recollection.at(entries, lambda memory: memory.facts.current())

    def pinned(self, path: Path, view: View) -> tuple[LearnedFact, ...]:
        """Facts that stand in the prompt whatever is spoken of, the most important first.

        What a person pinned stands there at once. The others are chosen at a fold and stay until
        the next, because they stand before the turns: another choice would make the model read all
        of those again. A value that is no longer current goes at once.

        Args:
            path: The point of the chat.
            view: The view of that point; what its turns say is not said twice.
        """
        last_fold = max((fold.entry_id for fold in view.folds), default=0)
        standing = view.standing

        def is_chosen(fact: LearnedFact) -> bool:
            if fact.pinned:
                return True
            is_said = bool(fact.evidence) and standing.issuperset(fact.evidence)
            return fact.entry_id <= last_fold and not is_said

        facts = self._recollection.at(path, lambda memory: memory.facts.pinned())
        return tuple(filter(is_chosen, facts))

    def recall(
        self,
        path: Path,
        line: str,
        view: View,
        pinned: Container[str],
        cap_tokens: int,
        tokenizer: Tokenizer,
    ) -> Recall:
        """What the NPC heard, saw or learned before that bears on a line.

        Args:
            path: The point of the chat.
            line: What the player says there.
            view: The view of that point.
            pinned: Ids of facts that stand in the prompt.
            cap_tokens: Room for all of it.
            tokenizer: Counts.
        """
        last = view.turns[-1].messages[-1] if view.turns else None

        def look(memory: Recollection) -> Recall:
            self._units.follow(path, memory.lines)
            request = RecallRequest(
                npc=self._npc,
                line=line,
                lines=memory.lines,
                cap_tokens=cap_tokens,
                previous=last.text if last is not None and last.role == "assistant" else "",
                names=self._cast.names,
                standing=view.standing | memory.recent_events,
                pinned=pinned,
                stale=memory.facts.stale_entries,
                facts=memory.facts,
                with_days=self._days.with_days,
            )
            return recall(self._units, request, tokenizer.count)

        return self._recollection.at(path, look)

    def still_counting(self, path: Path, entry_ids: Collection[int]) -> frozenset[int]:
        """Of these lines, those that do not only give values which are no longer current."""

        def look(memory: Recollection) -> frozenset[int]:
            stale = memory.facts.stale_entries
            return frozenset(each for each in entry_ids if each not in stale)

        return self._recollection.at(path, look)

    def changed_since(self, path: Path, line: HeardLine, said: str) -> Change | None:
        """The newest change that its speaker told of words of a line."""
        return self._recollection.at(
            path, lambda memory: memory.facts.changed_by(line.speaker, said, line.entry_id)
        )

    def with_days(self, text: str, day: int) -> str:
        """A text that was said on a day, with the days that its words name."""
        return self._days.with_days(text, day)

    def _begin_anew(self) -> Recollection:
        self._facts = self._facts.afresh()
        return Recollection(self._npc, self._facts)

    def _live_on(self, states: list[WorldState], entry: Entry) -> None:
        after = states[-1]
        # A patch that a changed world file no longer takes is left out.
        with suppress(CommandError):
            after = state_after(
                after, entry.payload, self._cast.world, day=entry.day, minute=entry.minute
            )
        states.append(after)


def _live_back(states: list[WorldState], num_entries: int) -> None:
    """Keep the state before the first entry and those after so many."""
    del states[num_entries + 1 :]
