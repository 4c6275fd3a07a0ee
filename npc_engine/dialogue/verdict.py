"""The verdict on a whole reply: where it breaks character.

The output guard reads the same way while a reply streams, and stops at the first break.
"""

from bisect import bisect_right
from dataclasses import replace

from npc_engine.dialogue.breaks import Break, BreakKind
from npc_engine.dialogue.limits import Limits
from npc_engine.dialogue.reading import Reading


def breaks_in(text: str, limits: Limits) -> tuple[Break, ...]:
    """Every break in a whole reply, in order; one for each kind and sentence."""
    reading = Reading(limits, goes_on=True)
    reading.add(text)
    reading.close()
    ends = [*reading.sentence_starts[1:], len(text)]
    found: dict[tuple[BreakKind, int], Break] = {}
    for one in reading.breaks:
        last = min(bisect_right(ends, one.start), len(ends) - 1)
        whole = replace(one, end=max(one.end, ends[last]))
        found.setdefault((one.kind, one.start), whole)
    return tuple(found.values())
