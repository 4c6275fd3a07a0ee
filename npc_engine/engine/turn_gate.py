"""Who speaks in one chat, and when the path of that chat may be changed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from npc_engine.engine.line import Line
from npc_engine.errors import CommandError

_FOLD_S = 5.0
"""How long a change waits for the fold that follows a reply; it takes milliseconds."""
_LOOK_S = 0.05
"""How often a waiting turn looks whether its line was ended meanwhile."""


class TurnGate:
    """The turns of one chat. Turns only add to the path, so those of several NPCs may overlap.

    What moves the path comes between them: a change is refused while somebody speaks, and another
    try at a reply waits until nobody else does. Safe from any thread.
    """

    def __init__(self, name_of: Callable[[str], str]) -> None:
        """A chat in which nobody speaks; `name_of` says what to call an NPC in errors."""
        self._name_of = name_of
        self._condition = threading.Condition(threading.RLock())
        self._lines: dict[str, Line] = {}
        self._turns: set[str] = set()
        self._is_alone = False

    def hand_in(self, line: Line) -> None:
        """Note a line that was said; the line that this NPC still answers is cancelled."""
        with self._condition:
            earlier = self._lines.get(line.npc)
            self._lines[line.npc] = line
        if earlier is not None:
            earlier.cancel()

    def is_speaking(self, npc: str) -> bool:
        """Whether a line to this NPC is not answered yet."""
        return npc in self._lines

    def begin(self, line: Line, *, alone: bool) -> bool:
        """Wait until the turn of a line may begin; every True must be followed by `end`.

        Args:
            line: Whose turn.
            alone: It will move the path: no other turn runs at the same time.

        Returns:
            False when the line was ended before its turn could begin.
        """
        with self._condition:
            while self._is_alone or (alone and self._turns):
                if line.handle.has_ended:
                    return False
                self._condition.wait(_LOOK_S)
            self._turns.add(line.npc)
            self._is_alone = alone
            return True

    def reply_is_over(self, line: Line) -> None:
        """The NPC has answered; what follows in the turn does not count as speaking."""
        with self._condition:
            if self._lines.get(line.npc) is line:
                del self._lines[line.npc]
            self._condition.notify_all()

    def end(self, line: Line) -> None:
        """A turn is over, with everything that follows its reply."""
        with self._condition:
            self._turns.discard(line.npc)
            self._is_alone = False
            self._condition.notify_all()

    @contextmanager
    def still(self) -> Iterator[None]:
        """Hold the path still while it is changed; folds that follow a reply are waited for.

        Raises:
            CommandError: Somebody in this chat is speaking.
        """
        with self._condition:
            self._refuse_while_speaking()
            self._condition.wait_for(
                lambda: not self._turns or self._speaker() is not None, _FOLD_S
            )
            self._refuse_while_speaking()
            yield

    def wait_for_folds(self) -> None:
        """Wait for what follows replies that were delivered, not for lines still to be answered."""

        def are_over() -> bool:
            answering = {npc for npc, line in self._lines.items() if not line.done}
            return self._turns <= answering

        with self._condition:
            self._condition.wait_for(are_over, _FOLD_S)

    def _speaker(self) -> str | None:
        """Somebody whose line has not ended for its listeners."""
        return next((npc for npc, line in self._lines.items() if not line.done), None)

    def _refuse_while_speaking(self) -> None:
        speaker = self._speaker()
        if speaker is not None:
            name = self._name_of(speaker)
            raise CommandError(f"{name} is speaking; stop the reply first")
