"""What the save tells of a scene: how many lines it holds, and who spoke with whom last."""

from npc_engine.content.character import PLAYER
from npc_engine.memory.entries import Entry, LineSaid
from npc_engine.memory.following import Following


class _Told:
    def __init__(self) -> None:
        self.count: dict[str, int] = {}
        self.last: dict[tuple[str, str], str] = {}

    def note(self, entry: Entry) -> None:
        said = entry.payload
        if not isinstance(said, LineSaid) or said.role == "narrator":
            return
        self.count[said.place] = self.count.get(said.place, 0) + 1
        if said.to:
            self.last[said.place, said.speaker] = said.to


class SceneLog:
    """Kept in step with a growing path, so that equal paths give equal rolls."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._told = Following(_Told, _Told.note)

    def num_lines(self, path: tuple[Entry, ...], place: str) -> int:
        """How many lines were said at a place."""
        return self._told.at(path, lambda told: told.count.get(place, 0))

    def last_with(self, path: tuple[Entry, ...], place: str, speaker: str = PLAYER) -> str:
        """Id of whom somebody spoke to last at a place; empty for nobody."""
        return self._told.at(path, lambda told: told.last.get((place, speaker), ""))
