"""Changes of a world on their way into the save, and which of them a later one makes void."""

from collections import Counter

from npc_engine.engine.statements import About, about
from npc_engine.memory.entries import (
    FactStated,
    LineSaid,
    PresenceChanged,
    WorldEventSeen,
    WorldPatched,
)

Happened = WorldPatched | WorldEventSeen | PresenceChanged | FactStated | LineSaid


class WaitingChanges:
    """Changes in the order in which they came, each with the epoch in which it was made.

    Of several that are about the same only the last is kept. Guarded by its owner's lock; a change
    costs the same however many wait.
    """

    def __init__(self) -> None:
        """Nothing waits."""
        self._changes: dict[object, tuple[int, Happened]] = {}
        self._facts: Counter[About] = Counter()
        self._count = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._changes)

    def add(self, epoch: int, change: Happened) -> None:
        """Put a change behind the others, in place of those it makes void."""
        self._count += 1
        key = _replaced_by_later(change) or self._count
        self._take(key)
        self._changes[key] = (epoch, change)
        if isinstance(change, FactStated):
            self._facts[about(change)] += 1

    def first(self) -> tuple[int, Happened] | None:
        """The oldest change and its epoch; None where nothing waits."""
        return next(iter(self._changes.values()), None)

    def drop(self, change: Happened) -> None:
        """Let go of the oldest change, if it is this one and not one that came in its place."""
        key = next(iter(self._changes), None)
        if key is not None and self._changes[key][1] is change:
            self._take(key)

    def of(self, epoch: int) -> list[Happened]:
        """Those that were made in an epoch, the oldest first."""
        return [change for made_in, change in self._changes.values() if made_in == epoch]

    def speak_of(self, subject: About) -> bool:
        """Whether a statement about this waits."""
        return subject in self._facts

    def _take(self, key: object) -> None:
        _, change = self._changes.pop(key, (0, None))
        if isinstance(change, FactStated):
            self._facts[about(change)] -= 1
            if not self._facts[about(change)]:
                del self._facts[about(change)]


def _replaced_by_later(change: Happened) -> tuple[object, ...] | None:
    """What a change is about, where a later one about the same makes it void."""
    if isinstance(change, WorldPatched):
        return ("value", change.name)
    if isinstance(change, PresenceChanged):
        return ("place", change.who)
    if isinstance(change, FactStated):
        return ("fact", about(change), change.known_by)
    return None
