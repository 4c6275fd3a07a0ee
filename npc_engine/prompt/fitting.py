"""Making a prompt that is too long fit: what goes first, and the record of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from npc_engine.errors import BudgetError
from npc_engine.messages import Message, Turn
from npc_engine.prompt.head import TAG_TOKENS, Head
from npc_engine.prompt.offers import WINDOW_RULE
from npc_engine.prompt.pieces import Piece, piece_cut
from npc_engine.prompt.plan import Cut
from npc_engine.protocols import Tokenizer
from npc_engine.sentences import cut_to_tokens


@dataclass(slots=True)
class Fitting:
    """What is still in the prompt while it is being made to fit."""

    head: Head
    memory: list[Piece]
    turns: list[Turn]
    given: list[Piece]
    """What the line calls up, as far as it stands in the system block."""
    tail: list[Piece]
    """What stands in the last user turn; the player's line comes last."""
    cuts: list[Cut]

    def shorten(self, over_tokens: int, tokenizer: Tokenizer) -> None:
        """Take out the next thing by rule; always makes the prompt shorter.

        Raises:
            BudgetError: Nothing is left that may go.
        """
        if self.turns:
            self._drop_turns(over_tokens, tokenizer)
            return
        if self.head.examples:
            player, reply = self.head.examples.pop()
            tokens = tokenizer.count(player.text) + tokenizer.count(reply.text)
            self.cuts.append(Cut("sheet", player.why, tokens, WINDOW_RULE))
            return
        for pieces, section in (
            (self.tail, "passages"),
            (self.given, "passages"),
            (self.tail, "bearing"),
            (self.given, "bearing"),
            (self.tail, "lore"),
            (self.given, "lore"),
            (self.tail, "recall"),
            (self.head.canon, "canon"),
            (self.memory, "learned"),
            (self.memory, "summary"),
            (self.tail, "contexts"),
            (self.given, "contexts"),
            (self.tail, "possible"),
            (self.tail, "note"),
            (self.tail, "reminder"),
            (self.tail, "state"),
            (self.head.sheet, "sheet"),
        ):
            index = _last_index(pieces, section)
            if index is not None:
                self.cuts.append(piece_cut(pieces.pop(index), tokenizer, WINDOW_RULE))
                return
        self._shorten_line(over_tokens, tokenizer)

    def _drop_turns(self, over_tokens: int, tokenizer: Tokenizer) -> None:
        """The oldest turns, so many that it should be enough: rendering anew takes its time."""
        while self.turns and over_tokens > 0:
            turn = self.turns.pop(0)
            over_tokens -= turn_tokens(turn, tokenizer)
            self.cuts.append(turn_cut(turn, tokenizer, "window: oldest turns first"))

    def _shorten_line(self, over_tokens: int, tokenizer: Tokenizer) -> None:
        line = self.tail[-1]
        if not line.text:
            raise BudgetError(
                "the prompt", "so_far", over_tokens, 0, advice="give shorter results of actions"
            )
        tokens = max(1, tokenizer.count(line.text) - over_tokens)
        shorter = cut_to_tokens(line.text, tokens, tokenizer.count)
        if shorter == line.text:
            shorter = line.text[: len(line.text) // 2]
        self.tail[-1] = Piece("line", shorter, line.why)


def turn_tokens(turn: Turn, tokenizer: Tokenizer) -> int:
    """Tokens of a turn's texts, with an allowance for the tags around each message."""
    return sum(_message_tokens(message, tokenizer) for message in turn.messages)


def _message_tokens(message: Message, tokenizer: Tokenizer) -> int:
    ids = message.token_ids
    words = TAG_TOKENS + (len(ids) if ids is not None else tokenizer.count(message.text))
    return words + sum(
        2 * TAG_TOKENS + sum(map(tokenizer.count, (call.name, call.arguments, call.result)))
        for call in message.calls
    )


def turn_cut(turn: Turn, tokenizer: Tokenizer, rule: str) -> Cut:
    """The record of a turn that was left out."""
    first = turn.messages[0].text
    what = first if len(first) <= 40 else f"{first[:39]}…"
    return Cut("turns", what, turn_tokens(turn, tokenizer), rule)


def _last_index(pieces: Sequence[Piece], section: str) -> int | None:
    """The last droppable piece of a section; the identity line of a sheet is never dropped."""
    for index in range(len(pieces) - 1, -1, -1):
        if pieces[index].section == section and not (section == "sheet" and index == 0):
            return index
    return None
