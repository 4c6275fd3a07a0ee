"""A local model's tokenizer, for counting what a server is asked to read."""

from collections.abc import Mapping, Sequence
from typing import Any

from npc_engine.messages import Message
from npc_engine.model.tokenizer import ChatTokenizer
from npc_engine.protocols import Rendering


class RemoteTokenizer:
    """A `ChatTokenizer` without a place for contexts and tools: servers are sent messages alone."""

    takes_contexts = False
    takes_tools = False
    takes_opening = False

    def __init__(self, tokenizer: ChatTokenizer) -> None:
        """Count with `tokenizer`."""
        self._tokenizer = tokenizer
        self.family = tokenizer.family
        self.fingerprint = tokenizer.fingerprint
        self.window_tokens = tokenizer.window_tokens

    def encode(self, text: str) -> tuple[int, ...]:
        """The ids of a text on its own."""
        return self._tokenizer.encode(text)

    def count(self, text: str) -> int:
        """Tokens of a text on its own."""
        return self._tokenizer.count(text)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of ids, special tokens left out."""
        return self._tokenizer.decode(token_ids)

    def neutralise(self, text: str) -> str:
        """Break every marker of this tokenizer and of known templates."""
        return self._tokenizer.neutralise(text)

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        contexts: Sequence[str] = (),
        open_reply: bool = True,
        opening: str = "",
    ) -> Rendering:
        """See `protocols.Tokenizer.render`."""
        if contexts:
            raise ValueError("chat servers have no place for contexts")
        if tools:
            raise ValueError("servers are sent messages alone; put tools into the system text")
        if opening:
            raise ValueError("chat servers write the whole reply; its first words cannot be given")
        return self._tokenizer.render(messages, open_reply=open_reply)
