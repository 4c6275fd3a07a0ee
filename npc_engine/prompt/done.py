"""What was said and done, as messages of a chat: calls in the model's own form, results behind."""

import json

from npc_engine.actions.canonical import canonical_call
from npc_engine.messages import Message, ToolCall
from npc_engine.prompt.possible import call_style
from npc_engine.protocols import Tokenizer


def spoken_and_done(message: Message, tokenizer: Tokenizer) -> tuple[Message, ...]:
    """One message as it stands in a chat: its words, its calls, and what came back.

    Words and arguments are neutralised. The ids of words hold as long as nothing is added to them.
    """
    words = tokenizer.neutralise(message.text)
    if not message.calls:
        ids = message.token_ids if words == message.text else None
        return (Message(message.role, words, ids),)
    before = [call for call in message.calls if call.is_before]
    behind = [call for call in message.calls if not call.is_before]
    shown: list[Message] = []
    if before:
        shown += _with_results("", before, tokenizer)
    if words or behind:
        shown += _with_results(words, behind, tokenizer)
    return tuple(shown)


def _with_results(words: str, calls: list[ToolCall], tokenizer: Tokenizer) -> list[Message]:
    style = call_style(tokenizer.family)
    written = [
        canonical_call(call.name, json.loads(tokenizer.neutralise(call.arguments)), style)
        for call in calls
    ]
    said = Message("assistant", "\n".join(filter(None, [words, *written])))
    results = [Message("tool", tokenizer.neutralise(call.result)) for call in calls if call.result]
    return [said, *results]
