"""What became of an action after its turn: stored when the game says it."""

from npc_engine.dialogue.acting import settled_entry
from npc_engine.dialogue.action_rules import Settlement
from npc_engine.dialogue.talk import Talk
from npc_engine.events import ActionEnded
from npc_engine.memory.store import SaveStore


def store_settled(ended: ActionEnded, talk: Talk, store: SaveStore, epoch: int) -> None:
    """Store how an action ended.

    Args:
        ended: How.
        talk: Of the NPC whose action it is.
        store: The save.
        epoch: When the game said so.

    Raises:
        LateWriteError: The save was restored since.
    """
    state = talk.state()
    settlement = Settlement(ended.outcome, ended.result, ended.detail)
    entry = settled_entry(ended.call_id, settlement)
    store.append(talk.chat_id, entry, day=state.day, minute=state.minute, epoch=epoch)
