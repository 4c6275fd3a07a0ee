"""Who is at the place of a scene, and who of them may speak and hears."""

from collections.abc import Callable, Sequence

from npc_engine.dialogue.audience import Audience
from npc_engine.dialogue.cast import Cast
from npc_engine.dialogue.next_speaker import Member
from npc_engine.engine.world import WorldHandle
from npc_engine.errors import CommandError


class Presence:
    """The NPCs and players at one place. The world keeps where they are, this who is mute."""

    def __init__(self, place: str, world: WorldHandle, cast: Callable[[], Cast]) -> None:
        """Everybody there may speak; `cast` gives the one in force."""
        self.place = place
        self._world = world
        self._cast = cast
        self._muted: set[str] = set()
        self._asleep: set[str] = set()

    @property
    def present(self) -> tuple[str, ...]:
        """Ids of NPCs and players who are there now, in the order of the cast, players last."""
        places = self._world.state.places
        return tuple(who for who in self._cast().names if places.get(who) == self.place)

    @property
    def npcs(self) -> tuple[str, ...]:
        """Ids of the NPCs who are there now."""
        return tuple(who for who in self.present if who in self._cast().sheets)

    def mute(self, who: str, *, asleep: bool = False) -> None:
        """An NPC does not speak in this scene until `unmute`.

        Not kept in the save: a game says it again after a load.

        Args:
            who: Id.
            asleep: It does not hear either what is said through the scene.
        """
        self._muted.add(who)
        if asleep:
            self._asleep.add(who)

    def unmute(self, who: str) -> None:
        """An NPC may speak and hears again."""
        self._muted.discard(who)
        self._asleep.discard(who)

    def may_speak(self, who: str) -> bool:
        """Whether somebody is there and not mute."""
        return who in self.npcs and who not in self._muted

    def hearers(self, *but: str) -> tuple[str, ...]:
        """Ids of those who are there and awake."""
        return tuple(who for who in self.present if who not in (*but, *self._asleep))

    def members(self, ids: Sequence[str]) -> list[Member]:
        """The NPCs among these, as far as it matters for who speaks."""
        sheets = self._cast().sheets
        return [
            Member.of(
                who,
                (sheets[who].nickname, sheets[who].name),
                sheets[who].summary,
                sheets[who].talkativeness,
                may_speak=self.may_speak(who),
            )
            for who in ids
            if who in sheets
        ]

    def enter(self, speaker: str) -> None:
        """Let a player be there who was nowhere; raises `CommandError` for whoever is elsewhere."""
        names = self._cast().names
        if speaker not in names:
            raise CommandError(f'nobody is called "{speaker}"; there are: {", ".join(names)}')
        where = self._world.state.places.get(speaker, "")
        if not where and speaker not in self._cast().sheets:
            self._world.arrive(speaker, self.place)
        elif where != self.place:
            raise CommandError(self.not_there(speaker))

    def not_there(self, who: str) -> str:
        """What to tell a caller who takes somebody to be there."""
        where = self._world.state.places.get(who)
        at = f"at {where}" if where else "nowhere"
        return f'found "{who}" {at}; expected somebody at {self.place}: {", ".join(self.present)}'

    def audience(self, who: str, to: str) -> Audience:
        """Who hears what one says to another there."""
        return Audience(self.hearers(who, to), self.place)
