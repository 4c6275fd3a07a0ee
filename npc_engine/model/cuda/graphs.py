"""Recorded passes that write one id in each of 1 to 32 rows, replayed with one launch each.

A pass has the shape of the next recorded size; rows that are not there belong to slot -1. Lengths
are read from the device, so one recording serves all of them. Imports torch.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from npc_engine.model.cuda.decoder import CudaDecoder
from npc_engine.model.cuda.kernels import on
from npc_engine.model.cuda.tiles import Tiles
from npc_engine.model.step import Step

logger = logging.getLogger(__name__)

SIZES = (1, 2, 4, 8, 16, 32)


class DecodeInputs:
    """What one size of a pass reads: tensors that stay where they are."""

    def __init__(self, decoder: CudaDecoder, size: int) -> None:
        """Make the tensors, with nobody in any row."""
        device = decoder.device
        self.size = size
        self._decoder = decoder
        self._facts = torch.zeros((3, size), dtype=torch.int32, device=device)
        self._facts[0] = -1
        slots, self._positions, self._ids = self._facts
        self._slots = slots
        places = torch.arange(size, dtype=torch.int32, device=device)
        self._tiles = Tiles(slots, self._positions, places, torch.ones_like(places), 1)
        self._hidden = decoder.embed(torch.zeros(size, dtype=torch.long))

    def fill(self, step: Step) -> None:
        """Put in a step of single ids; the other rows belong to nobody."""
        absent = self.size - step.num_new
        slots = [reading.slot for reading in step.readings] + [-1] * absent
        positions = [reading.start for reading in step.readings] + [0] * absent
        ids = [segment.ids[0] for segment in step.segments] + [0] * absent
        facts = torch.tensor((slots, positions, ids), dtype=torch.int32)
        if self._facts.device.type == "cuda":
            facts = facts.pin_memory()  # kept by torch until the copy has run
        self._facts.copy_(facts, non_blocking=True)
        if not self._decoder.embeds_here:
            self._hidden[: step.num_new] = self._decoder.embed(step.ids)

    def run(self) -> Tensor:
        """Scores of all rows, those of nobody as well."""
        is_here = self._decoder.embeds_here
        hidden = self._decoder.embed(self._ids) if is_here else self._hidden.clone()
        return self._decoder.decode(hidden, self._slots, self._positions, self._tiles)


@dataclass(frozen=True, slots=True)
class _Recording:
    """A pass of one size."""

    inputs: DecodeInputs
    replay: Callable[[], None]
    scores: Tensor


class DecodeGraphs:
    """Runs passes of single ids by replaying, and everything else through the decoder."""

    def __init__(self, decoder: CudaDecoder, sizes: Sequence[int] = SIZES) -> None:
        """Record all sizes, the largest first, so that the others fit into its memory.

        Args:
            decoder: What is recorded; its kernels must be recordable.
            sizes: Numbers of rows.
        """
        self.decoder = decoder
        self._recordings: dict[int, _Recording] = {}
        memory = torch.cuda.graph_pool_handle()
        with torch.inference_mode(), on(decoder.device):
            for size in sorted(sizes, reverse=True):
                self._recordings[size] = _recorded(decoder, size, memory)
        logger.debug("recorded passes of %s rows", sorted(sizes))

    def scores(self, step: Step) -> Tensor:
        """Scores (scored, vocab) float32 after each segment that wants them."""
        recording = self._recording_for(step)
        if recording is None:
            return self.decoder.scores(step)
        with on(self.decoder.device):
            recording.inputs.fill(step)
            recording.replay()
            scored = step.scored
            found = recording.scores[: step.num_new]
            if len(scored) < step.num_new:
                found = found[scored]
            # The next replay overwrites what it gives.
            return found.to(torch.float32, copy=True)

    def _recording_for(self, step: Step) -> _Recording | None:
        if step.num_new != step.num_singles:
            return None
        size = next((size for size in sorted(self._recordings) if size >= step.num_new), None)
        return None if size is None else self._recordings[size]


def sizes_for(num_rows: int) -> tuple[int, ...]:
    """The sizes needed where at most so many rows write at once."""
    return tuple(size for size in SIZES if size < 2 * num_rows)


def _recorded(decoder: CudaDecoder, size: int, memory: Any) -> _Recording:  # noqa: ANN401
    inputs = DecodeInputs(decoder, size)
    side: torch.cuda.Stream = torch.cuda.Stream(decoder.device)  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream(decoder.device))
    with torch.cuda.stream(side):  # kernels are compiled and workspaces made outside the graph
        for _ in range(2):
            inputs.run()
    torch.cuda.current_stream(decoder.device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=memory, capture_error_mode="thread_local"):
        scores = inputs.run()
    return _Recording(inputs, graph.replay, scores)
