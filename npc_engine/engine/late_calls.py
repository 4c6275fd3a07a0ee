"""What became of an action after its turn: stored when the game says it."""

from npc_engine.dialogue.action_rules import Settlement
from npc_engine.dialogue.outcome import called_on, payloads_of
from npc_engine.dialogue.talk import Talk
from npc_engine.events import ActionEnded
from npc_engine.memory.store import SaveStore


def store_settled(ended: ActionEnded, talk: Talk, store: SaveStore, epoch: int) -> None:
    """Store how an action ended, and what was seen of it; nothing where its call left the path.

    Args:
        ended: How.
        talk: Of the NPC whose action it is.
        store: The save.
        epoch: When the game said so.

    Raises:
        LateWriteError: The save was restored since.
    """
    called, state = called_on(talk.path(), ended.call_id), talk.state()
    if called is None:
        return
    settlement = Settlement(ended.outcome, ended.result, ended.detail)
    for payload in payloads_of(called, settlement, talk.cast, state):
        store.append(talk.chat_id, payload, day=state.day, minute=state.minute, epoch=epoch)
