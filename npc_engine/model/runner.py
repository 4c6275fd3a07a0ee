"""One forward pass of a loaded model over new ids of several conversations.

Owns the model and the pool that keys and values lie in. Imports torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from npc_engine.model.decoder import Decoder, supports
from npc_engine.model.linear import Kernels
from npc_engine.model.slots import SlotPool
from npc_engine.model.step import Segment, Step
from npc_engine.model.transformers_body import TransformersBody


class Body(Protocol):
    """What computes scores for a step."""

    def scores(self, step: Step) -> Tensor:
        """Scores (scored, vocab) float32 after each segment that wants them."""
        ...


@dataclass(frozen=True, slots=True)
class Packing:
    """Which packed forms of the weights to keep, and a text to fit them to."""

    kernels: Kernels
    sample_ids: tuple[int, ...] = ()
    """Some ordinary text, shorter than the window; unused without packed forms."""


class Runner:
    """Feeds ids to a causal language model, and counts how often."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - any class of transformers
        *,
        num_slots: int,
        window_tokens: int,
        packing: Packing | None = None,
    ) -> None:
        """Take a model in eval mode.

        Args:
            model: Any causal language model of `transformers`.
            num_slots: Conversations that can be held at once.
            window_tokens: Most positions of one.
            packing: Packed forms of the weights; with them the decoder of this package runs in
                place of the model's own, where it has one. None runs the model as it is.
        """
        config = model.config.get_text_config()
        self.pool = SlotPool(int(config.num_hidden_layers), num_slots, window_tokens)
        self.device: torch.device = next(model.parameters()).device
        self.num_forwards = 0
        with torch.inference_mode():
            if packing is not None and supports(model):
                decoder = Decoder(model, self.pool)
                self.body: Body = decoder
                if packing.kernels != Kernels():
                    decoder.pack(packing.kernels, self._sample(packing.sample_ids))
            else:
                self.body = TransformersBody(model, self.pool)

    def _sample(self, ids: Sequence[int]) -> Step:
        """A pass over the beginning of a text, in a row that nobody uses yet."""
        return Step([Segment(self.pool.slots[0], tuple(ids), wants_scores=True)], self.device)

    def run(self, segments: Sequence[Segment]) -> list[tuple[Segment, Tensor]]:
        """Read the segments behind what their slots hold.

        Returns:
            The segments that want scores, each with its (vocab,) float32. When the model breaks,
            the slots hold what they held before, and the error passes on.
        """
        self.num_forwards += 1
        with torch.inference_mode():
            step = Step(segments, self.device)
            scores = self.body.scores(step)
        for segment in step.segments:
            segment.slot.fed(segment.ids)
        wanted = [segment for segment in step.segments if segment.wants_scores]
        return list(zip(wanted, scores, strict=True))
