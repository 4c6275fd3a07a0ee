"""What one forward pass reads: pieces of several conversations side by side, without padding.

Imports torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from npc_engine.model.slots import Slot

if TYPE_CHECKING:
    from npc_engine.model.cuda.step_attention import StepTiles

_MAX_WASTE = 1.3
"""Rows of different lengths are attended together up to this share of padded over real positions.

Measured on a CPU in bfloat16: eight rows of 700 together take 0.6 of the time of eight alone.
"""


@dataclass(frozen=True, slots=True)
class Segment:
    """New ids of one conversation, read behind what its slot holds."""

    slot: Slot
    ids: tuple[int, ...]
    wants_scores: bool
    """Whether the scores after the last id are asked for."""
    each: bool = False
    """Whether those after every other id are asked for as well."""

    @property
    def num_scores(self) -> int:
        """After how many ids scores are asked for."""
        if not self.wants_scores:
            return 0
        return len(self.ids) if self.each else 1


@dataclass(frozen=True, slots=True)
class Reading:
    """Where one segment stands in a step."""

    slot: int
    offset: int
    """Place of its first id among all new ids."""
    start: int
    """Position of its first id in the slot."""
    end: int
    """Positions the slot holds afterwards."""

    @property
    def size(self) -> int:
        """Number of new ids."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Single tokens of slots that lie side by side, attended in one operation."""

    offset: int
    """Place of the first one among all new ids."""
    first_slot: int
    count: int
    length: int
    """Positions attended to: of the longest row."""
    mask: Tensor | None
    """(count, 1, 1, length), minus infinity behind the end of shorter rows; None if all agree."""


class Step:
    """Segments laid out for one pass: single tokens first, by slot, then longer pieces.

    Nothing may touch their slots until the pass has run. Scores come in the order of `segments`.
    """

    def __init__(self, segments: Sequence[Segment], device: torch.device) -> None:
        """Lay out the pass."""
        singles = sorted((s for s in segments if len(s.ids) == 1), key=lambda s: s.slot.index)
        self.segments = (*singles, *(s for s in segments if len(s.ids) > 1))
        self.num_singles = len(singles)
        self.device = device
        readings: list[Reading] = []
        offset = 0
        for segment in self.segments:
            start = len(segment.slot.ids)
            readings.append(Reading(segment.slot.index, offset, start, start + len(segment.ids)))
            offset += len(segment.ids)
        self.readings = tuple(readings)
        self.num_new = offset
        ids = [token_id for segment in self.segments for token_id in segment.ids]
        self.ids = torch.tensor(ids, device=device)
        """(new,)"""
        positions = [at for reading in readings for at in range(reading.start, reading.end)]
        self.positions = torch.tensor(positions, device=device)
        """(new,): of each new id in its slot."""
        self.gpu_tiles: StepTiles | None = None
        """The same for kernels of a GPU, once one has asked."""

    @property
    def singles(self) -> tuple[Reading, ...]:
        """The segments of one id."""
        return self.readings[: self.num_singles]

    @property
    def chunks(self) -> tuple[Reading, ...]:
        """The segments of several ids."""
        return self.readings[self.num_singles :]

    @property
    def scored(self) -> list[int]:
        """Places, among the new ids, after which scores are wanted."""
        return [
            place
            for reading, segment in zip(self.readings, self.segments, strict=True)
            for place in range(
                reading.offset + reading.size - segment.num_scores, reading.offset + reading.size
            )
        ]

    @cached_property
    def single_slots(self) -> Tensor:
        """(singles,): slots of the single tokens."""
        return torch.tensor([reading.slot for reading in self.singles], device=self.device)

    @cached_property
    def groups(self) -> tuple[RowGroup, ...]:
        """The single tokens, in as few operations as pay."""
        found: list[list[Reading]] = []
        for reading in self.singles:
            if found and _fits(found[-1], reading):
                found[-1].append(reading)
            else:
                found.append([reading])
        return tuple(self._group(members) for members in found)

    def _group(self, members: Sequence[Reading]) -> RowGroup:
        lengths = [member.end for member in members]
        longest, mask = max(lengths), None
        if min(lengths) < longest:
            ends = torch.tensor(lengths, device=self.device)[:, None]
            behind = torch.arange(longest, device=self.device)[None] >= ends
            mask = torch.zeros(len(members), longest, device=self.device)
            mask = mask.masked_fill_(behind, float("-inf"))[:, None, None]
        first = members[0]
        return RowGroup(first.offset, first.slot, len(members), longest, mask)


def _fits(members: Sequence[Reading], reading: Reading) -> bool:
    """Whether a row lies right behind a group and is of about its length."""
    if reading.slot != members[-1].slot + 1:
        return False
    lengths = [*(member.end for member in members), reading.end]
    return max(lengths) * len(lengths) <= _MAX_WASTE * sum(lengths)
