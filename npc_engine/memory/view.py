"""What one NPC remembers at the end of a path, and the state of the world there.

Worked out anew from the entries each time: whatever left the path is forgotten, whatever was
edited reads differently, and nothing has to be kept in step.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from npc_engine.content.state import WorldEvent, WorldState, add_event, set_value
from npc_engine.content.world import World
from npc_engine.errors import CommandError
from npc_engine.memory.entries import Entry, Folded, LineSaid, WorldEventSeen, WorldPatched
from npc_engine.memory.folding import source_digest
from npc_engine.memory.lines import HeardLine, heard_lines
from npc_engine.memory.store import SaveStore
from npc_engine.memory.summary import rolling_summary
from npc_engine.messages import Message, Turn

SUMMARY_TOKENS = 220


@dataclass(frozen=True, slots=True)
class View:
    """The memory of one NPC on one path."""

    npc: str
    summary: str
    """Put together from `episodes`; empty before the first fold. Changes at folds only."""
    turns: tuple[Turn, ...]
    """What no fold covers, oldest first; entry_ids and messages of a turn go in pairs.

    A turn without an own line at its end is still waiting for its reply.
    """
    episodes: tuple[Folded, ...]
    """The folds in effect, ordered by what they cover, oldest first."""
    last_fold: Folded | None
    """The fold in effect that was made last."""
    lines: tuple[HeardLine, ...]
    """Everything this NPC said or heard on the path, folded or not."""

    @property
    def lines_heard(self) -> int:
        """How many lines this NPC said or heard on the path."""
        return len(self.lines)

    @property
    def starts_with_greeting(self) -> bool:
        """Whether the oldest turn left is the NPC speaking first."""
        return bool(self.turns) and self.turns[0].messages[0].role == "assistant"


def view_of(
    path: Sequence[Entry],
    npc: str,
    *,
    tokenizer: str = "",
    names: Mapping[str, str] | None = None,
    count: Callable[[str], int] | None = None,
    summary_tokens: int = SUMMARY_TOKENS,
) -> View:
    """What `npc` remembers at the end of `path`.

    A fold counts only if its entry is on the path, every line it covers is too, and all of them
    read as they did when it was made. Of folds that overlap the newest counts; lines of the older
    one that the newest does not cover are turns again.

    Args:
        path: Entries from the root to a leaf.
        npc: Id of the NPC.
        tokenizer: Fingerprint of the tokenizer in use; ids made by another are left out.
        names: What to call other NPCs whose lines were heard, by id; their id is the default.
        count: Tokens of a text, for the cap of the summary; without it the summary is whole.
        summary_tokens: Cap of the summary.
    """
    lines = heard_lines(path, npc)
    folds = _folds_in_effect(path, npc, lines)
    episodes = tuple(sorted(folds, key=lambda fold: fold.entry_ids[0]))
    texts = [fold.text for fold in episodes]
    covered = {entry_id for fold in folds for entry_id in fold.entry_ids}
    return View(
        npc=npc,
        summary="\n".join(texts)
        if count is None
        else rolling_summary(texts, summary_tokens, count),
        turns=_turns(lines, covered, tokenizer, names or {}),
        episodes=episodes,
        last_fold=folds[0] if folds else None,
        lines=lines,
    )


def _folds_in_effect(path: Sequence[Entry], npc: str, lines: Sequence[HeardLine]) -> list[Folded]:
    """Newest first."""
    texts = {line.entry_id: line.text for line in lines}
    taken: set[int] = set()
    folds = []
    for entry in reversed(path):
        fold = entry.payload
        if not isinstance(fold, Folded) or fold.npc != npc:
            continue
        if taken.isdisjoint(fold.entry_ids) and _still_stands(fold, texts):
            folds.append(fold)
            taken.update(fold.entry_ids)
    return folds


def _still_stands(fold: Folded, texts: Mapping[int, str]) -> bool:
    if not fold.entry_ids or any(entry_id not in texts for entry_id in fold.entry_ids):
        return False
    now = [texts[entry_id] for entry_id in fold.entry_ids]
    return source_digest(fold.entry_ids, now, fold.prompt_version) == fold.source_digest


def _turns(
    lines: Iterable[HeardLine], covered: set[int], tokenizer: str, names: Mapping[str, str]
) -> tuple[Turn, ...]:
    """Group lines into turns, then leave out what folds cover.

    A line of somebody else opens a new turn once the NPC has answered in the current one; so a
    greeting is a turn of its own, and several lines before one reply are one turn.
    """
    groups: list[list[HeardLine]] = []
    answered = True
    for line in lines:
        if not groups or (answered and not line.is_own):
            groups.append([])
        groups[-1].append(line)
        answered = line.is_own
    open_groups = ([line for line in group if line.entry_id not in covered] for group in groups)
    return tuple(
        Turn(
            tuple(_message(line, tokenizer, names) for line in group),
            tuple(line.entry_id for line in group),
        )
        for group in open_groups
        if group
    )


def _message(line: HeardLine, tokenizer: str, names: Mapping[str, str]) -> Message:
    if line.is_own:
        ids = line.token_ids if line.tokenizer == tokenizer else None
        return Message("assistant", line.text, ids)
    if line.role == "npc":
        # Without a name the words would be taken for the player's.
        return Message("user", f"{names.get(line.speaker, line.speaker)}: {line.text}")
    return Message("user", line.text)


def state_at(
    path: Iterable[Entry],
    initial: WorldState,
    world: World,
    *,
    on_misfit: Callable[[Entry, str], None] | None = None,
) -> WorldState:
    """The world after everything on the path.

    A patch that the world no longer takes, because the world file was changed since, is left out.

    Args:
        path: Entries from the root to a leaf.
        initial: The state before the first entry.
        world: Declares names and their values.
        on_misfit: Told about every patch left out, and why.
    """
    state = initial
    for entry in path:
        happened = entry.payload
        if isinstance(happened, WorldPatched):
            try:
                state = set_value(state, world, happened.name, happened.value)
            except CommandError as error:
                if on_misfit is not None:
                    on_misfit(entry, str(error))
        elif isinstance(happened, WorldEventSeen):
            event = WorldEvent(
                happened.text, happened.witnesses, entry.day, entry.minute, happened.place
            )
            state = add_event(state, event)
    return state


@dataclass(frozen=True, slots=True)
class Swipes:
    """The replies that stand side by side at one place."""

    entries: tuple[Entry, ...]
    """Oldest first."""
    index: int
    """Which of them was asked about."""


def swipes(store: SaveStore, entry: Entry) -> Swipes:
    """All replies of the same NPC to what this reply answers.

    Raises:
        CommandError: The entry is not a reply.
    """
    if not _is_reply_of(entry, None):
        raise CommandError(f"entry {entry.id} is not a reply; only replies have swipes")
    speaker = entry.payload.speaker if isinstance(entry.payload, LineSaid) else ""
    beside = tuple(
        sibling
        for sibling in store.children(entry.chat_id, entry.parent_id)
        if _is_reply_of(sibling, speaker)
    )
    return Swipes(beside, [sibling.id for sibling in beside].index(entry.id))


def _is_reply_of(entry: Entry, speaker: str | None) -> bool:
    said = entry.payload
    return isinstance(said, LineSaid) and said.role == "npc" and speaker in (None, said.speaker)
