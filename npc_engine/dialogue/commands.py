"""Slash commands: one table for line mode, terminal UI, help and tests.

A command either answers with a text, or asks its caller for what only the caller can do: let the
NPC speak again, open another chat, leave.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from npc_engine.content.state import set_value
from npc_engine.dialogue import remembering
from npc_engine.dialogue.authored_lines import note_below_plan
from npc_engine.dialogue.folded import answer_fold_command
from npc_engine.dialogue.history import history
from npc_engine.dialogue.talk import Talk
from npc_engine.errors import CommandError
from npc_engine.memory.entries import WorldPatched
from npc_engine.memory.store import SaveStore
from npc_engine.prompt.offers import OfferShown
from npc_engine.prompt.plan import Plan
from npc_engine.protocols import Tokenizer

Effect = Literal["none", "changed", "regenerate", "new_chat", "quit"]


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command answers, and what its caller still has to do."""

    text: str = ""
    effect: Effect = "none"
    """`changed`: lines on the path changed, show the chat anew."""


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What commands work on."""

    talk: Talk
    store: SaveStore
    tokenizer: Tokenizer


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table."""

    name: str
    hint: str
    """Arguments as help shows them; empty if there are none."""
    help: str
    run: Callable[[CommandContext, str], CommandResult]
    aliases: tuple[str, ...] = ()


def is_command(line: str) -> bool:
    """Whether a line is meant as a command; a line that begins with `//` is not."""
    return line.startswith("/") and not line.startswith("//")


def run_command(line: str, context: CommandContext) -> CommandResult:
    """Run a line such as `/swipe 2`.

    Raises:
        CommandError: No such command, or an argument makes no sense; the text says what would.
    """
    name, _, argument = line[1:].strip().partition(" ")
    command = next((c for c in COMMANDS if name.casefold() in (c.name, *c.aliases)), None)
    if command is None:
        known = [word for c in COMMANDS for word in (c.name, *c.aliases)]
        near = difflib.get_close_matches(name.casefold(), known, n=1)
        mend = f"did you mean /{near[0]}?" if near else "/help lists the commands"
        raise CommandError(f"there is no command /{name}; {mend}")
    return command.run(context, argument.strip())


def _help(context: CommandContext, argument: str) -> CommandResult:
    rows = [(f"/{c.name} {c.hint}".strip(), c.help) for c in COMMANDS]
    width = max(len(left) for left, _ in rows)
    return CommandResult("\n".join(f"{left:<{width}}  {right}" for left, right in rows))


def _regen(context: CommandContext, argument: str) -> CommandResult:
    context.talk.past.last_player_entry()
    return CommandResult(effect="regenerate")


def _swipe(context: CommandContext, argument: str) -> CommandResult:
    replies, current = context.talk.past.swipes()
    if not argument:
        if not replies:
            raise CommandError("there is no reply to swipe yet; say something first")
        index = (current + 1) % len(replies)
    else:
        index = _number(argument, "/swipe") - 1
    context.talk.past.swipe_to(index)
    return CommandResult(f"reply {index + 1} of {len(replies)}", "changed")


def _undo(context: CommandContext, argument: str) -> CommandResult:
    line = context.talk.past.undo()
    return CommandResult(f"taken back: {line}", "changed")


def _edit(context: CommandContext, argument: str) -> CommandResult:
    number, _, text = argument.partition(" ")
    talk = context.talk
    talk.past.edit(_number(number, "/edit"), text, talk.state())
    return CommandResult(f"line {number} now reads: {text.strip()}", "changed")


def _branch(context: CommandContext, argument: str) -> CommandResult:
    context.talk.past.branch(_number(argument, "/branch"))
    return CommandResult(
        f"back at line {argument}; what came after stays on its own branch", "changed"
    )


def _lines(context: CommandContext, argument: str) -> CommandResult:
    talk = context.talk
    rows = []
    for line in history(context.store, talk.path()):
        who = talk.cast.names.get(line.speaker, line.speaker)
        versions = f" ({line.version}/{line.versions})" if line.versions > 1 else ""
        rows.append(f"{line.entry_id:>5}  {who}{versions}: {line.text}")
    return CommandResult("\n".join(rows) or "nothing was said yet")


def _memory(context: CommandContext, argument: str) -> CommandResult:
    talk = context.talk
    view = talk.view()
    parts = [f"{len(view.turns)} turns word for word, {len(view.episodes)} folds"]
    for fold in view.episodes:
        size = f"{fold.turns} turns, {fold.tokens_before} to {fold.tokens_after} tokens"
        parts.append(f"fold ({fold.kind}, {size}): {fold.text}")
    parts += [f"remembers: {fact.text}" for fact in remembering.list_facts(talk).facts]
    return CommandResult("\n".join(parts))


def _fold(context: CommandContext, argument: str) -> CommandResult:
    answer = answer_fold_command(context.talk, context.store, argument)
    return CommandResult(answer.text, "changed" if answer.has_changed else "none")


def _remember(context: CommandContext, argument: str) -> CommandResult:
    remembering.remember(context.talk, context.store, argument)
    return CommandResult(f"will remember: {argument}", "changed")


def _facts(context: CommandContext, argument: str) -> CommandResult:
    number, _, text = argument.partition(" ")
    if text and remembering.is_number(number):
        fact = remembering.fact_numbered(context.talk, number)
        remembering.change(context.talk, context.store, fact, "edit", text)
        return CommandResult(f"fact {number} now reads: {text.strip()}", "changed")
    listed = remembering.list_facts(context.talk, argument)
    rows = []
    for fact in listed.facts:
        pinned = ", pinned" if fact.pinned else ""
        rows.append(f"{remembering.number_of(fact):>7}  {fact.text} (day {fact.day}{pinned})")
    if listed.num_older:
        rows.append(f"{listed.num_older:,} older ones; /facts WORD shows those with a word")
    return CommandResult("\n".join(rows) or "nothing was learned yet")


def _forget(context: CommandContext, argument: str) -> CommandResult:
    fact = remembering.fact_numbered(context.talk, argument)
    remembering.change(context.talk, context.store, fact, "forget")
    return CommandResult(f"forgotten: {fact.text}", "changed")


def _pin(context: CommandContext, argument: str) -> CommandResult:
    fact = remembering.fact_numbered(context.talk, argument)
    remembering.change(context.talk, context.store, fact, "pin")
    return CommandResult(f"stays in the prompt: {fact.text}", "changed")


def _unpin(context: CommandContext, argument: str) -> CommandResult:
    fact = remembering.fact_numbered(context.talk, argument)
    remembering.change(context.talk, context.store, fact, "unpin")
    return CommandResult(f"comes up when it is spoken of: {fact.text}", "changed")


def _prompt(context: CommandContext, argument: str) -> CommandResult:
    plan = context.talk.plan(argument, context.tokenizer)
    instead = note_below_plan(context.talk.line_called_for(argument))
    return CommandResult(f"{plan_table(plan)}{instead}")


def _world(context: CommandContext, argument: str) -> CommandResult:
    talk = context.talk
    state = talk.state()
    if not argument:
        rows = [f"{name} = {value}" for name, value in state.values.items()]
        trust = state.relationships.get(talk.npc, {}).get("player", {}).get("trust", 0)
        rows += [state.clock_text, f"relationships.{talk.npc}.player.trust = {trust}"]
        return CommandResult("\n".join(rows))
    name, equals, value = argument.partition("=")
    if not equals:
        raise CommandError("write /world name=value, for example /world clock.time=20:00")
    changed = set_value(state, talk.cast.world, name.strip(), value.strip())
    patch = WorldPatched(name=name.strip(), value=value.strip())
    context.store.append(talk.chat_id, patch, day=changed.day, minute=changed.minute)
    return CommandResult(f"{name.strip()} is now {value.strip()}", "changed")


def _new(context: CommandContext, argument: str) -> CommandResult:
    return CommandResult(effect="new_chat")


def _quit(context: CommandContext, argument: str) -> CommandResult:
    return CommandResult(effect="quit")


def _number(text: str, command: str) -> int:
    if not text.isdecimal():
        raise CommandError(f'{command} wants a number; found "{text}"; /lines shows the numbers')
    return int(text)


def plan_table(plan: Plan) -> str:
    """A plan for people: sections with tokens and reasons, cuts, and the sum."""
    rows = [f"{s.name:<9}{s.tokens:>6}  {s.why}" for s in plan.sections]
    rows.append(f"{'total':<9}{plan.total_tokens:>6}  of {plan.window_tokens:,}")
    rows.append(
        f"{'reserve':<9}{plan.reply_tokens:>6}  for the reply, and {plan.margin_tokens} margin"
    )
    rows.append(
        f"{'shared':<9}{plan.shared_prefix_tokens:>6}  leading tokens equal to the last plan"
    )
    rows += [f"cut: {c.section}, {c.what} ({c.tokens} tokens): {c.rule}" for c in plan.cut]
    rows += map(_memory_row, plan.memories)
    return "\n".join(rows)


def _memory_row(shown: OfferShown) -> str:
    """One thing that memory or lore offered: whether it is used, its score, source and words."""
    offer = shown.offer
    day = f", day {offer.day}" if offer.day is not None else ""
    entries = f", from {', '.join(map(str, offer.evidence))}" if offer.evidence else ""
    score = f" {offer.score:.2f}" if offer.score else ""
    mark = "used" if shown.used else f"left out ({shown.rule})"
    text = offer.text if len(offer.text) <= 60 else f"{offer.text[:59]}…"
    return f"{offer.kind}{score}: {mark}: {offer.id}{day}{entries}: {text}"


COMMANDS: tuple[Command, ...] = (
    Command("help", "", "list the commands", _help, ("?",)),
    Command("regen", "", "another reply to your last line", _regen, ("again", "retry")),
    Command("swipe", "[n]", "the next reply that was written, or number n", _swipe),
    Command("undo", "", "take back your last line and the reply", _undo),
    Command("lines", "", "the talk so far, with numbers", _lines, ("log",)),
    Command("edit", "n text", "change the words of line n", _edit),
    Command("branch", "n", "go back to line n and talk on from there", _branch),
    Command("memory", "", "what this character remembers, and how", _memory),
    Command("fold", "[edit n text]", "what old talk was folded into; also undo n, pin n", _fold),
    Command("facts", "[word | n text]", "what it has learned; or reword fact n", _facts),
    Command("remember", "text", "let the character know something", _remember),
    Command("forget", "n", "let it forget fact n", _forget),
    Command("pin", "n", "keep fact n in the prompt, whatever is spoken of", _pin),
    Command("unpin", "n", "let fact n come up only when it is spoken of", _unpin),
    Command("prompt", "[line]", "what the model would be sent, by section", _prompt, ("plan",)),
    Command("world", "[name=value]", "show the state of the world, or change it", _world),
    Command("new", "", "begin a new chat with this character", _new),
    Command("quit", "", "leave; everything is saved", _quit, ("exit", "q")),
)
