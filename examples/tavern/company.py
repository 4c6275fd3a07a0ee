"""Every call to the engine stands here: the guests as the game speaks with them.

The rest of the game knows guests by their ids, and what they say as `Voice`s.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from examples.tavern.bubbles import BubbleKind
from examples.tavern.deeds import DEEDS_OF_LINES
from examples.tavern.small_talk import SmallTalk
from npc_engine import ActionCall, Engine, Line
from npc_engine.events import AuthoredLineFound, Event, LineEnded, Notice

TAPROOM = "taproom"
ACTIONS = ("open_door", "pour_drink", "give_item")
THINKS_AFTER_S = 1.0
"""An NPC that has no word yet says so after this long."""
DEADLINE_S = 15.0
PIXELS_A_METRE = 50
ROOM_M = 100.0
"""All can be heard, as it is one room."""
NEAR_M = 5.0
"""Who is as near as that reads ahead what to say."""

Do = Callable[[str, str, Mapping[str, str]], str]
"""Does an action of an NPC in the game; gives why it cannot be, or an empty text."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What one guest says now."""

    npc: str
    text: str
    kind: BubbleKind
    emotion: str
    is_whole: bool
    """Whether no more of it comes."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the overlay shows of the engine."""

    model: str
    num_open: int
    reasons: tuple[tuple[str, int], ...]
    tokens_per_s: float
    first_ms: float
    waiting_events: int
    overruns: int
    notice: str


@dataclass(slots=True)
class _Spoken:
    """A line to a guest and when it began, in game time."""

    line: Line
    since_s: float
    thought: Line | None = None
    """The bark that fills the time until its first word."""


class Company:
    """The guests of one engine."""

    def __init__(self, engine: Engine, do: Do) -> None:
        """Seat everybody in the taproom.

        Args:
            engine: Just opened; stays the caller's to close.
            do: See `Do`; called in `tick`.
        """
        self.ended: Counter[int] = Counter()
        """How often each line has ended; once, if all is well."""
        self._engine = engine
        self._do = do
        self._now_s = 0.0
        self._scene = engine.scene(TAPROOM, members=(*engine.npc_ids, "player"))
        self._small_talk = SmallTalk(self._scene)
        self._spoken: dict[str, _Spoken] = {}
        self._met: set[str] = set()
        self._reasons: Counter[str] = Counter()
        self._notice = ""
        engine.subscribe(self._heard)
        for name in ACTIONS:
            engine.on_action(name, self._act)

    # -- talk ---------------------------------------------------------------------------------

    @property
    def speaking(self) -> frozenset[str]:
        """Guests whose reply is not over."""
        aside = {line.npc for line in self._small_talk.lines if not line.done}
        return frozenset(npc for npc, said in self._spoken.items() if not said.line.done) | aside

    @property
    def aside(self) -> tuple[str, ...]:
        """What the guests say among themselves now, as far as it was heard."""
        return tuple(line.speech for line in self._small_talk.heard)

    def meet(self, npc: str) -> None:
        """The player turns to a guest, who greets the first time."""
        self._small_talk.stop()
        guest = self._engine.npc(npc)
        if npc in self._met or guest.is_speaking:
            guest.approach()
            return
        self._met.add(npc)
        self._follow(guest.greet())

    def say(self, npc: str, text: str, near: Iterable[str], shown_chars: int | None = None) -> None:
        """The player speaks to a guest; those who are near hear it too.

        Args:
            npc: Spoken to; what it was saying breaks off.
            text: The words.
            near: Guests who hear them.
            shown_chars: How much of its last words could be seen; None is all.
        """
        self._small_talk.stop()
        self.hush(npc, shown_chars)
        hearers = tuple(who for who in near if who != npc)
        line = self._engine.npc(npc).say(text, deadline_s=DEADLINE_S, hearers=hearers)
        self._follow(line)

    def hush(self, npc: str, shown_chars: int | None = None) -> None:
        """A guest breaks off; it remembers having said what could be seen."""
        said = self._spoken.get(npc)
        if said is None:
            return
        line = said.line
        is_plain = len(line.speech) == len(line.text)  # no stage directions: the same characters
        if is_plain and shown_chars is not None and shown_chars < len(line.text):
            line.cancel(heard=shown_chars)
        elif not line.done:
            line.cancel()

    def part(self, npc: str, shown_chars: int | None = None) -> None:
        """The player leaves: a guest breaks off, or says good-bye if it had finished."""
        said = self._spoken.get(npc)
        has_finished = said is None or said.line.done
        self.hush(npc, shown_chars)
        if has_finished:
            self._follow(self._engine.npc(npc).bark("goodbye"))

    def stand_at(self, pixels: Mapping[str, float]) -> None:
        """Where the player stands: who is near is served first, and reads ahead."""
        metres = {npc: far / PIXELS_A_METRE for npc, far in pixels.items()}
        self._engine.set_focus(metres, hearing_m=ROOM_M, warm_m=NEAR_M)

    def dismiss(self, npc: str) -> None:
        """What a guest said to the player has been read."""
        said = self._spoken.get(npc)
        if said is not None and said.line.done:
            del self._spoken[npc]

    def voices(self) -> tuple[Voice, ...]:
        """What is being said now, by whom."""
        talk = tuple(self._voice(said) for said in self._spoken.values())
        return talk + tuple(_said(line) for line in self._small_talk.audible)

    # -- the loop -----------------------------------------------------------------------------

    def tick(self, now_s: float, *, budget_ms: float) -> None:
        """Deliver what happened; `now_s` is the game's own time."""
        self._now_s = now_s
        self._engine.tick(budget_ms)

    def pass_time(self, *, is_player_talking: bool, is_read: bool) -> None:
        """Let the guests talk among themselves where nobody else speaks.

        Args:
            is_player_talking: Then they do not begin.
            is_read: Whether the bubbles have hung there long enough for the next line.
        """
        if is_player_talking or any(not said.line.done for said in self._spoken.values()):
            self._small_talk.stop()
        self._small_talk.pass_time(self._now_s, is_read=is_read)

    def tell(self, world: Iterable[tuple[str, str | int]]) -> None:
        """Let the engine's world know what the game has changed."""
        for name, value in world:
            self._engine.world.set(name, value)

    def trust(self, npc: str) -> int:
        """How far a guest trusts the player."""
        return int(self._engine.world.state.relationships[npc]["player"]["trust"])

    # -- saves --------------------------------------------------------------------------------

    def snapshot(self, name: str) -> None:
        """Note where everybody stands."""
        self._engine.snapshot(name)

    def restore(self, name: str) -> None:
        """Go back there; nobody speaks any more."""
        self._small_talk.stop()
        self._engine.restore(name)
        self._spoken.clear()
        self._small_talk.forget()

    # -- looking ------------------------------------------------------------------------------

    def name(self, npc: str) -> str:
        """What a guest is called."""
        return self._engine.npc(npc).sheet.nickname

    def memories(self, npc: str) -> tuple[str, ...]:
        """What a guest remembers, in a few lines: the summary, and what was heard last."""
        view = self._engine.npc(npc).memory()
        names = {"player": "You", **{who: self.name(who) for who in self._engine.npc_ids}}
        heard = [f"{names.get(line.speaker, line.speaker)}: {line.text}" for line in view.lines]
        return (*((view.summary,) if view.summary else ()), *heard[-6:])

    def figures(self) -> Figures:
        """For the overlay."""
        session = self._engine.session
        if session is not None:
            model = f"{session.info.name}, {session.info.device} {session.info.dtype}"
        else:
            model = "loading" if self._engine.load_error is None else "no model"
        stats = self._engine.stats()
        return Figures(
            model=model,
            num_open=stats.open_lines,
            reasons=tuple(self._reasons.most_common()),
            tokens_per_s=stats.tokens_per_s,
            first_ms=stats.first_text_ms,
            waiting_events=stats.waiting_events,
            overruns=stats.overruns,
            notice=self._notice,
        )

    # -- inside -------------------------------------------------------------------------------

    def _follow(self, line: Line) -> None:
        self._spoken[line.npc] = _Spoken(line, self._now_s)

    def _voice(self, said: _Spoken) -> Voice:
        line = said.line
        if line.text or line.done or self._now_s - said.since_s < THINKS_AFTER_S:
            return _said(line)
        if said.thought is None:
            said.thought = self._engine.npc(line.npc).bark("thinking")
        return Voice(line.npc, said.thought.speech, "thought", "neutral", is_whole=False)

    def _act(self, call: ActionCall) -> None:
        refused = self._do(call.npc, call.name, call.arguments)
        if refused:
            call.refused(refused)

    def _act_with(self, found: AuthoredLineFound) -> None:
        """An authored line was chosen: what it says is done too."""
        npc = next((n for n, said in self._spoken.items() if said.line.id == found.line_id), "")
        for word in found.phrase.lower().split():
            if (npc, word) in DEEDS_OF_LINES:
                action, arguments = DEEDS_OF_LINES[npc, word]
                self._do(npc, action, arguments)

    def _heard(self, event: Event) -> None:
        if isinstance(event, LineEnded):
            self.ended[event.line_id] += 1
            self._reasons[f"{event.rung}, {event.reason}"] += 1
        elif isinstance(event, AuthoredLineFound):
            self._act_with(event)
        elif isinstance(event, Notice):
            self._notice = event.text


def _said(line: Line) -> Voice:
    return Voice(line.npc, line.speech, "speech", line.emotion, line.done)
