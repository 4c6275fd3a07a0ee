"""How what somebody says changes what its hearers think of them, by `remember:` rules."""

from collections.abc import Iterator

from npc_engine.content.character import MAX_TRUST, PLAYER
from npc_engine.content.facts import RememberRule
from npc_engine.content.state import WorldState
from npc_engine.dialogue.cast import Cast
from npc_engine.memory.capture import SplitLine, values_in
from npc_engine.memory.entries import LineSaid, WorldPatched


def changed_by(said: LineSaid, cast: Cast, state: WorldState) -> tuple[WorldPatched, ...]:
    """What a line that was just recorded changes between its hearers and its speaker.

    Each rule counts once a line, however often it matches. A later edit of the line changes
    nothing more; what is undone takes these changes along, as they follow it on the path.

    Args:
        said: The line. One that an author wrote changes nothing.
        cast: World and sheets: each hearer listens by the world's rules and its own.
        state: The world as it was when the line was said.
    """
    if said.authored or said.speaker not in (PLAYER, *cast.sheets):
        return ()
    line = SplitLine.of(said.role, said.text)
    hearers = [npc for npc in cast.sheets if npc in said.hearers and npc != said.speaker]
    return tuple(
        change for npc in hearers for change in _changes(line, said.speaker, npc, cast, state)
    )


def _changes(
    line: SplitLine, speaker: str, npc: str, cast: Cast, state: WorldState
) -> Iterator[WorldPatched]:
    rules = [*cast.world.remember, *cast.sheets[npc].remember]
    stirring = [rule for rule in rules if (rule.trust or rule.feels) and _matches(rule, line)]
    if not stirring:
        return
    now = state.relationships.get(npc, {}).get(speaker, {})
    before = int(now.get("trust", 0))
    trust = max(-MAX_TRUST, min(MAX_TRUST, before + sum(rule.trust for rule in stirring)))
    feelings = [rule.feels for rule in stirring if rule.feels]
    name = f"relationships.{npc}.{speaker}"
    if trust != before:
        yield WorldPatched(name=f"{name}.trust", value=trust)
    if feelings and feelings[-1] != now.get("feels", ""):
        yield WorldPatched(name=f"{name}.feels", value=feelings[-1])


def _matches(rule: RememberRule, line: SplitLine) -> bool:
    return next(values_in(rule, line), None) is not None
