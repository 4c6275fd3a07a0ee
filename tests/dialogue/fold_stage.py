"""A talk whose turns are written straight into the save, and a folder over it."""

from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.fold import Folder
from npc_engine.dialogue.handle import TurnHandle
from npc_engine.dialogue.talk import Talk
from npc_engine.memory.entries import Folded, LineEdited, LineSaid
from npc_engine.memory.store import SaveStore
from npc_engine.model.scripted import ScriptedSession
from tests.stage import FakeClock, sheet, small_budget, world

GOOD = (
    "The stranger paid Ann forty silver for nine sacks of flour at the mill of Harrow.",
    "The stranger is called Tolan and comes from the tower of Greyford.",
    "Ann told the stranger that Bo keeps the ferry near Harrow on Friday.",
    "none",
    "- Bo keeps the ferry near Harrow on Friday. [2]",
)
"""Answers that say what `FoldStage.turn` says."""

_ASKED = (
    "My name is Tolan, from the tower of Greyford, and I paid Ann forty silver for nine sacks of "
    "flour at the mill. "
)
_TOLD = "On Friday Bo keeps the ferry near Harrow. "


def well(request):
    """A script that gives the good answer to each question, in whatever order they come."""
    words = request.messages[-1].text
    marks = ("promise, give", "about themselves", "names, places", "still open", "five facts")
    return next(answer for mark, answer in zip(marks, GOOD, strict=True) if mark in words)


class FoldStage:
    def __init__(
        self, replies=well, *, manner="recorder", session=None, store=None, profile=None, **budget
    ):
        self.clock = FakeClock()
        self.store = store or SaveStore.open(None, self.clock)
        chats = self.store.chats()
        self.chat = chats[0].id if chats else self.store.create_chat("", "ann").id
        caps = {"high_water_tokens": 1000, "low_water_tokens": 500, **budget}
        self.cast = Cast(world(), {"ann": sheet()})
        self.talk = Talk(
            "ann",
            self.chat,
            self.cast,
            self.store,
            self.clock,
            budget=small_budget(**caps),
            profile=profile,
        )
        self.session = session or ScriptedSession(replies)
        self.folder = Folder(self.talk, self.store, manner)
        self.num_turns = 0

    def _append(self, payload):
        return self.store.append(self.chat, payload, day=41, minute=1110)

    def turn(self, asked="", told=""):
        """One turn of about 80 tokens; the entries of its two lines."""
        number, self.num_turns = self.num_turns, self.num_turns + 1
        line = LineSaid(
            role="player",
            speaker="player",
            text=asked or f"{_ASKED}Tale {number}.",
            hearers=("ann",),
            to="ann",
        )
        reply = LineSaid(
            role="npc", speaker="ann", text=told or _TOLD, hearers=("player",), to="player"
        )
        return self._append(line), self._append(reply)

    def job(self):
        return self.folder.job_if_due(self.session)

    def job_when_due(self):
        """Turns until there is something to prepare."""
        while (job := self.job()) is None:
            self.turn()
        return job

    def prepare(self, job, handle=None):
        return self.folder.prepare(job, self.session, handle or TurnHandle())

    def prepared(self):
        job = self.job_when_due()
        assert self.prepare(job).is_over
        return job

    def apply(self):
        return self.folder.apply_if_due(self.session)

    def fold(self):
        """Turns until there is a fold; what was told of it."""
        events = self.apply()
        while all(event.kind == "discarded" for event in events):
            self.turn()
            events = self.apply()
        return events

    def edit(self, entry, text):
        self._append(LineEdited(target=entry.id, text=text))

    def folds(self):
        return [each.fold for each in self.talk.view().folds]

    def fold_entries(self):
        path = self.store.path(self.chat)
        return [entry for entry in path if isinstance(entry.payload, Folded)]

    def restart(self, replies=well):
        """As after a crash: nothing is left but the save."""
        return FoldStage(replies, store=self.store)
