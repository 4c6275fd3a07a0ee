"""Who says a line, and who hears it: what the options of `say` come to."""

from npc_engine.content.character import PLAYER
from npc_engine.content.nearest import suggest
from npc_engine.content.state import WorldState
from npc_engine.dialogue.audience import Audience, audience_of
from npc_engine.dialogue.cast import Cast
from npc_engine.engine.say_options import SayOptions
from npc_engine.errors import CommandError


def speaker_of(options: SayOptions, npc: str, cast: Cast) -> str:
    """Who says a line to an NPC; raises `CommandError` for nobody who could."""
    speaker = options.get("speaker", PLAYER)
    if speaker not in cast.names or speaker == npc:
        others = ", ".join(who for who in cast.names if who != npc)
        raise CommandError(f'nobody called "{speaker}" can speak to {npc}; there are: {others}')
    return speaker


def hearers_of(options: SayOptions, npc: str, cast: Cast, state: WorldState) -> Audience:
    """Who hears a line that is said now; whoever comes while it waits does not.

    Raises:
        CommandError: One of them does not exist.
    """
    hearers = options.get("hearers")
    for who in hearers or ():
        if who not in cast.names:
            advice = suggest(who, cast.sheets, kind="there are")
            raise CommandError(f'no character "{who}" here; {advice}')
    whisper = options.get("whisper", False)
    speaker = speaker_of(options, npc, cast)
    return audience_of(npc, state, whisper=whisper, hearers=hearers, speaker=speaker)
