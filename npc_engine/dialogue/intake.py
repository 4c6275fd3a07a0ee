"""Model text on its way to the guard: without control codes and, if so wanted, stage directions."""

from npc_engine.dialogue.plain_text import is_plain, plain, without_open_escape

_MAX_DIRECTION_CHARS = 200
"""A longer text between asterisks is no stage direction."""


class Intake:
    """Takes a reply in pieces; what it gives does not depend on where the pieces were cut."""

    def __init__(self, *, drops_directions: bool = False) -> None:
        """Begin a reply.

        Args:
            drops_directions: Whether `*sets the hammer down*` is left out.
        """
        self._open = ""
        self._directions = _Directions() if drops_directions else None

    def feed(self, piece: str) -> str:
        """Add model text; returns what is ready."""
        if self._open or not is_plain(piece):
            raw = self._open + piece
            ready = without_open_escape(raw)
            ready = ready.removesuffix("\r")
            self._open = raw[len(ready) :]
            piece = plain(ready)
        return self._directions.feed(piece) if self._directions is not None else piece

    def finish(self) -> str:
        """What was still held back."""
        rest = plain(self._open)
        self._open = ""
        if self._directions is None:
            return rest
        return self._directions.feed(rest) + self._directions.finish()


class _Directions:
    """Leaves out what stands between single asterisks."""

    def __init__(self) -> None:
        self._held = ""
        self._ends_in_space = True
        self._follows_direction = False

    def feed(self, text: str) -> str:
        self._held += text
        given = ""
        while self._held:
            star = self._held.find("*")
            if star != 0:
                given += self._give(self._held if star < 0 else self._held[:star])
                self._held = "" if star < 0 else self._held[star:]
                continue
            size = self._size()
            if size is None:
                break
            if size < 0:
                self._held = self._held[-size:]
                self._follows_direction = self._ends_in_space
            else:
                given += self._give(self._held[:size])
                self._held = self._held[size:]
        return given

    def finish(self) -> str:
        rest, self._held = self._held, ""
        return self._give(rest)

    def _size(self) -> int | None:
        """How much to give of a text that begins with an asterisk; below 0: to leave out."""
        text = self._held
        if len(text) == 1:
            return None
        if text[1] in "* \n":
            return 2 if text[1] == "*" else 1
        end = text.find("*", 1)
        row = text if end < 0 else text[:end]
        if "\n" in row or len(row) > _MAX_DIRECTION_CHARS:
            return 1
        return None if end < 0 else -(end + 1)

    def _give(self, text: str) -> str:
        if self._follows_direction:
            text = text.lstrip(" ")
        if text:
            self._follows_direction = False
            self._ends_in_space = text[-1].isspace()
        return text
