"""What was said and done, as messages of a chat: calls in the model's own form, results behind."""

import json
from collections.abc import Sequence
from dataclasses import replace

from npc_engine.actions.canonical import canonical_call
from npc_engine.messages import Message, ToolCall
from npc_engine.prompt.plan import Cut
from npc_engine.prompt.possible import call_style
from npc_engine.protocols import Tokenizer
from npc_engine.sentences import cut_to_tokens


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


def results_within(
    messages: Sequence[Message], cap_tokens: int, tokenizer: Tokenizer, cuts: list[Cut]
) -> tuple[Message, ...]:
    """The same messages with results that share a cap; the end of a longer one is cut.

    A result is one row of JSON; what stands below it is kept.
    """
    num_calls = sum(len(message.calls) for message in messages)
    if not num_calls:
        return tuple(messages)

    def cut(call: ToolCall) -> ToolCall:
        row, gap, below = call.result.partition("\n")
        shorter = cut_to_tokens(row, cap_tokens // num_calls, tokenizer.count)
        if shorter == row:
            return call
        tokens = tokenizer.count(row) - tokenizer.count(shorter)
        cuts.append(Cut("so_far", f"result of {call.name}", tokens, "cap of the results"))
        return replace(call, result=f"{shorter}{gap}{below}")

    return tuple(
        replace(message, calls=tuple(map(cut, message.calls))) if message.calls else message
        for message in messages
    )


def _with_results(words: str, calls: list[ToolCall], tokenizer: Tokenizer) -> list[Message]:
    style = call_style(tokenizer.family)
    written = [
        canonical_call(call.name, json.loads(tokenizer.neutralise(call.arguments)), style)
        for call in calls
    ]
    said = Message("assistant", "\n".join(filter(None, [words, *written])))
    results = [Message("tool", tokenizer.neutralise(call.result)) for call in calls if call.result]
    return [said, *results]
