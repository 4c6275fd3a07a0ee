"""The knowledge rule: what an NPC may hold in its prompt at this moment.

A fact is known if it is for everyone, for this NPC, for one of its tags, or named (itself or by a
tag) under the sheet's `knows`; and only while its `when:` holds. A sheet's own facts are its
owner's. A secret is sayable only while its `reveal_when` holds. Nothing else decides what reaches a
prompt.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from npc_engine.content.character import CharacterSheet
from npc_engine.content.facts import EVERYONE, Fact
from npc_engine.content.state import WorldEvent, WorldState


def is_for_everyone(fact: Fact) -> bool:
    """Whether the whole world knows this fact, by authorship."""
    return EVERYONE in fact.known_by


def may_see(sheet: CharacterSheet, known_by: Iterable[str]) -> bool:
    """Whether a list of ids and tags, or `everyone`, takes in this NPC."""
    return not {EVERYONE, sheet.id, *sheet.tags}.isdisjoint(known_by)


def is_entitled(sheet: CharacterSheet, fact: Fact) -> bool:
    """Whether this NPC knows the fact whenever the fact holds."""
    wanted = set(sheet.knows)
    return (
        may_see(sheet, fact.known_by) or fact.id in wanted or bool(wanted.intersection(fact.tags))
    )


def known_facts(
    sheet: CharacterSheet, facts: Iterable[Fact], scope: Mapping[str, Any]
) -> tuple[Fact, ...]:
    """What this NPC knows now: of the facts given those it is entitled to, then its own.

    Args:
        sheet: The NPC.
        facts: Of the world, and of other sheets that share theirs.
        scope: Values for the conditions.
    """
    entitled = [fact for fact in facts if is_entitled(sheet, fact)]
    return tuple(fact for fact in (*entitled, *sheet.facts) if fact.holds(scope))


def revealed_secrets(sheet: CharacterSheet, scope: Mapping[str, Any]) -> tuple[Fact, ...]:
    """The secrets this NPC may speak of now, as facts like any other."""
    return tuple(
        Fact(id=secret.id, text=secret.text, keys=secret.keys)
        for secret in sheet.secrets
        if secret.is_revealed(scope)
    )


def witnessed_events(sheet: CharacterSheet, state: WorldState) -> tuple[WorldEvent, ...]:
    """What happened in front of this NPC, oldest first."""
    return tuple(
        event for event in state.events if event.witnesses is None or sheet.id in event.witnesses
    )
