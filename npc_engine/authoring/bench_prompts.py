"""Prompts to measure speed with: shipped characters in a long scripted talk, as token ids.

Compiled as in play, so that they look like the real thing. A prompt of an exact length is cut in
its middle: its beginning is what NPCs of one world share, its end is what the player just said.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from npc_engine.content.character import CharacterSheet
from npc_engine.content.library import Library
from npc_engine.content.project import shipped_project
from npc_engine.content.state import initial_state
from npc_engine.content.world import World
from npc_engine.errors import BudgetError, CommandError
from npc_engine.messages import Message, Turn
from npc_engine.prompt.budget import Budget
from npc_engine.prompt.compiler import PromptRequest, compile_plan
from npc_engine.prompt.plan import Plan
from npc_engine.protocols import Tokenizer

WORLD = "oakhollow"
_TURN_TOKENS = 30
"""Fewer than any turn of the scripted talk has, whatever the tokenizer."""

_PLACES = (
    "the ferry",
    "the north bridge",
    "the forge",
    "the mill race",
    "the wool loft",
    "the hill",
)
_ASKS = (
    "Any work for a sword arm around {place}?",
    "I walked past {place} this morning and saw the carts waiting. What happened there?",
    "Who in Oakhollow knows most about {place}, and why would they talk to me?",
    "My brother was paid nineteen silver for a week at {place} last autumn. Is that fair?",
    "I am called Tolan. I lost a grey horse near {place} on the third day of the rains.",
    "If I brought you iron from Greyford, would you mend what is broken at {place}?",
)


def player_lines() -> Iterator[str]:
    """The player's lines, without end: the same every time, never the same twice in a row."""
    for number in itertools.count():
        yield _ASKS[number % len(_ASKS)].format(place=_PLACES[(number // 2) % len(_PLACES)])


@dataclass(frozen=True, slots=True)
class BenchStage:
    """A world, who speaks in it, and the tokenizer of the model that is measured."""

    world: World
    cast: tuple[CharacterSheet, ...]
    tokenizer: Tokenizer

    @classmethod
    def shipped(cls, tokenizer: Tokenizer) -> "BenchStage":
        """The shipped world and its NPCs, whatever project is open."""
        library = shipped_project().library()
        world = library.world(WORLD)
        return cls(world, _speakers(library, world), tokenizer)

    def first_prompt(self, number: int) -> tuple[int, ...]:
        """The prompt of the first line to an NPC; the cast begins again at its end."""
        return self._plan(number, (), next(player_lines())).prompt_ids

    def talk_prompt(self, number: int, tokens: int) -> tuple[int, ...]:
        """A prompt of exactly so many tokens, in the middle of a long talk.

        Talks of different numbers differ, also where they are talks with the same NPC.

        Raises:
            CommandError: The window does not hold that many.
        """
        return self._cut(self._plan(number, self._talk(number, tokens), _last_line(number)), tokens)

    def warm_turns(
        self, number: int, tokens: int, new_tokens: int, count: int
    ) -> list[tuple[int, ...]]:
        """Prompts that share all but their last `new_tokens` ids, as turns of one talk do.

        Neighbours differ in the first of these, so that exactly `new_tokens` are to be read.

        Raises:
            CommandError: The window does not hold that many.
        """
        talk = self._talk(number, tokens)
        shared: tuple[int, ...] = ()
        prompts: list[tuple[int, ...]] = []
        for line in itertools.count():
            if len(prompts) == count:
                break
            if line > 20 * (count + 1):
                raise CommandError(f"found no {count} different ends of {new_tokens} tokens")
            whole = self._cut(self._plan(number, talk, _last_line(line)), tokens)
            shared = shared or whole[: tokens - new_tokens]
            end = whole[tokens - new_tokens :]
            if not prompts or prompts[-1][len(shared)] != end[0]:
                prompts.append(shared + end)
        return prompts

    def _cut(self, plan: Plan, tokens: int) -> tuple[int, ...]:
        ids = plan.prompt_ids
        if len(ids) < tokens:
            raise CommandError(
                f"a prompt of {tokens:,} tokens: the window leaves room for {len(ids):,}; "
                "measure a shorter talk"
            )
        begin = tokens // 2
        return ids[:begin] + ids[len(ids) - (tokens - begin) :]

    def _talk(self, number: int, tokens: int) -> tuple[Turn, ...]:
        """Turns of at least so many tokens: scripted lines, and replies from the NPC's sheet."""
        sheet = self.cast[number % len(self.cast)]
        said = [*(example.reply for example in sheet.examples), *sheet.greetings]
        said += [line.say for line in sheet.lines]
        replies = itertools.cycle(said or [sheet.summary])
        asked = itertools.islice(player_lines(), number, number + tokens // _TURN_TOKENS)
        return tuple(
            Turn((Message("user", line), Message("assistant", f"{next(replies)} {next(replies)}")))
            for line in asked
        )

    def _plan(self, number: int, turns: tuple[Turn, ...], line: str) -> Plan:
        sheet = self.cast[number % len(self.cast)]
        request = PromptRequest(
            sheet=sheet,
            world=self.world,
            state=initial_state(self.world, self.cast),
            line=line,
            names={other.id: other.nickname for other in self.cast},
            turns=turns,
            budget=self._budget(),
        )
        return compile_plan(request, self.tokenizer)

    def _budget(self) -> Budget:
        """The caps of play, but turns may take what the head leaves: talks up to the window."""
        budget = Budget()
        try:
            budget = Budget.for_window(self.tokenizer.window_tokens)
        except BudgetError:
            budget = replace(budget, window_tokens=self.tokenizer.window_tokens)
        room = budget.window_tokens - budget.reply_tokens - budget.margin_tokens
        return replace(budget, high_water_tokens=max(0, room - budget.head_tokens))


def _last_line(number: int) -> str:
    """A long line, made of two, so that the end of a prompt is all new."""
    first, second = itertools.islice(player_lines(), number * 2, number * 2 + 2)
    return f"{first} {second}"


def _speakers(library: Library, world: World) -> tuple[CharacterSheet, ...]:
    cast = library.cast(world)
    if not cast:
        raise CommandError(f"world {world.id}: found no character; reinstall the package")
    return cast
