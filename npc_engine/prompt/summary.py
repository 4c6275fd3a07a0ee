"""The request for a summary: a prompt of its own, never a turn inside the chat.

Inside the chat a model answers in character. The recorder is neutral, names people instead of using
pronouns, and gets no example with facts in it, because small models copy those.
"""

from collections.abc import Sequence
from typing import Protocol

from npc_engine.messages import Message
from npc_engine.protocols import Tokenizer

PROMPT_VERSION = "1"
"""Part of a fold's source digest: texts made by another prompt are not reused."""

SUMMARY_TOKENS = 110

_INSTRUCTION = (
    "You keep a record. Write down in two or three short sentences what happened in the talk "
    "below. Third person, past tense. Use the names {names}. Write only what the lines say: "
    "what was promised, given, asked for or told, and what is still open. No quotations, no advice."
)


class Spoken(Protocol):
    """A line with its speaker's name."""

    @property
    def name(self) -> str:
        """Who spoke."""
        ...

    @property
    def text(self) -> str:
        """What was said."""
        ...


def summary_messages(
    lines: Sequence[Spoken], names: Sequence[str], tokenizer: Tokenizer
) -> tuple[Message, ...]:
    """The messages to render for a summary of these lines.

    Args:
        lines: The turns to be folded, oldest first; the caller bounds their length.
        names: How to call the people.
        tokenizer: Whose markers must not come alive in what was said.
    """
    talk = tokenizer.neutralise(
        "\n".join(f"[{number}] {line.name}: {line.text}" for number, line in enumerate(lines, 1))
    )
    instruction = _INSTRUCTION.format(names=" and ".join(names))
    return (Message("system", instruction), Message("user", f"{talk}\n\nWrite the record."))
