"""A model that is none: fixed replies by what the player said, for `--model scripted` and tests."""

import json
from itertools import count

from npc_engine import ScriptedSession
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.model.scripted import Reply
from npc_engine.protocols import GenerationRequest

_ANSWERS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("cellar", "Since you ask so straight. Mind your head, and touch no barrel.", "open_door", {}),
    ("ale", "One ale, and a dry corner to drink it in.", "pour_drink", {"drink": "ale"}),
    ("whistle", "Take it, then. Blow low; a beast knows.", "give_item", {"item": "whistle"}),
    ("ledger", "Keep it dry. Every page of it is true.", "give_item", {"item": "ledger"}),
)
_TALK = (
    "That wind will have the shutters off before dawn.",
    "Did you hear it? Under the floor, slow as a bell.",
    "Somebody ought to count those heifers again.",
    "I have heard worse, and slept through it.",
    "Leave it be till the tide turns.",
)


def scripted_model(delay_s: float = 0.02) -> ScriptedSession:
    """A session that answers every guest.

    Args:
        delay_s: Waited before every token.
    """
    tokenizer = PlainTokenizer()
    turn = count()

    def reply(request: GenerationRequest) -> Reply:
        prompt = tokenizer.decode(request.prompt_ids)
        asked = prompt.rsplit("assistant", 1)[0].strip().rpartition("\n")[2].lower()
        for word, words, action, arguments in _ANSWERS:
            if word in asked and action in prompt:
                call = json.dumps({"name": action, "arguments": arguments})
                return Reply(f"{words} <toolcall> {call} </toolcall>", delay_s)
        return Reply(_TALK[next(turn) % len(_TALK)], delay_s)

    return ScriptedSession(reply, tokenizer=tokenizer)
