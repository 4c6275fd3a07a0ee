"""What was read of a reply so far: speech, calls, and how far."""

from collections.abc import Collection
from dataclasses import dataclass, field

from npc_engine.actions.held_text import HeldText, Waiting
from npc_engine.actions.openings import read_tag
from npc_engine.actions.written import WrittenCall


@dataclass(slots=True)
class ReplyState:
    """One reply while it is read."""

    names: Collection[str]
    """Known actions, as `normal_name` gives them."""
    held: HeldText = field(default_factory=HeldText)
    speech: list[str] = field(default_factory=list)
    calls: list[WrittenCall] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    is_complete: bool = False
    """Whether a call was read to its end."""
    is_line_start: bool = True
    """Whether only spaces stand before in this line."""
    num_stars: int = 0
    """Stars of emphasis around the call that is read."""
    num_open: dict[str, int] = field(default_factory=dict)
    """Brackets that were spoken and not closed yet."""
    is_in_tag: bool = False
    """Whether a closing tag is still expected."""

    def say_to(self, end: int) -> None:
        """What stands before an offset is speech."""
        said = self.held.text[self.held.at : end]
        if said:
            self.speech.append(said)
            if said in ("{", "["):
                self.num_open[said] = self.num_open.get(said, 0) + 1
            elif said in ("}", "]"):
                opener = "[" if said == "]" else "{"
                self.num_open[opener] -= 1
            self.is_line_start = said.endswith("\n") or (self.is_line_start and said.isspace())
        self.held.at = end

    def closes_spoken(self, closer: str) -> bool:
        """Whether a bracket closes one that was spoken, as in `[sighs]`; others are left-overs."""
        opener = "[" if closer == "]" else "{"
        return self.num_open.get(opener, 0) > 0

    def found(self, call: WrittenCall | None, start: int, end: int) -> None:
        """Keep a call, or the words at its place where they were none."""
        if call is None:
            self.unreadable.append(self.held.text[start:end])
        else:
            self.calls.append(call)

    def closed(self) -> None:
        """The brackets of a call are closed; that completes it where no tag must close too."""
        self.is_complete = self.is_complete or not self.is_in_tag

    def drop_to(self, end: int) -> Waiting[None]:
        """Go on behind a call; brackets, commas and tags that are left over go with it."""
        held = self.held
        held.at = end
        while True:
            char = yield from held.char(held.at)
            if char == "<":
                tag = yield from read_tag(held, held.at)
                if tag is None or not tag.is_closer:
                    break
                held.at = tag.end
                self.is_in_tag = False
                self.is_complete = self.is_complete or bool(self.calls)
            elif char and (char.isspace() or char in ",;]})`"):
                self.is_line_start = self.is_line_start or char == "\n"
                held.at += 1
            elif char == "*" and self.num_stars:
                self.num_stars -= 1
                held.at += 1
            else:
                break
        self.num_stars = 0
