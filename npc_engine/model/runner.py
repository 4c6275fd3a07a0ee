"""One forward pass of a loaded model over new ids of several conversations.

Owns the model and the pool that keys and values lie in. Imports torch.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol

import torch
from torch import Tensor

from npc_engine.model.decoder import Decoder
from npc_engine.model.decoder_weights import DecoderWeights, model_shape, sizes_of, weights_of
from npc_engine.model.linear import Kernels
from npc_engine.model.slots import SlotPool
from npc_engine.model.step import Segment, Step
from npc_engine.model.weight_forms import Form


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
    gpu_form: Form = "plain"
    """Of the weights on a GPU, in place of the plain ones."""
    device: str = ""
    """The GPU to compute on, where the model is still on the CPU: it is packed on the way."""


class Runner:
    """Feeds ids to a causal language model, and counts how often."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - any class of transformers, or `DecoderWeights`
        *,
        num_slots: int,
        window_tokens: int,
        packing: Packing | None = None,
    ) -> None:
        """Take a model in eval mode.

        Args:
            model: Any causal language model of `transformers`, or the weights of a decoder of this
                package, which then runs in any case.
            num_slots: Conversations that can be held at once.
            window_tokens: Most positions of one.
            packing: Packed forms of the weights; with them the decoder of this package runs in
                place of the model's own, where it has one. None runs the model as it is, but for an
                NVIDIA GPU, where the decoder for it runs if it knows the model.
        """
        num_layers = int(sizes_of(model).num_hidden_layers)
        self.pool = SlotPool(num_layers, num_slots, window_tokens)
        here = packing.device if packing is not None else ""
        self.device: torch.device = torch.device(here or model.device)
        self.num_forwards = 0
        with torch.inference_mode():
            self.body: Body = self._body(model, packing)
        if self.device.type == "cuda" and model_shape(model) is not None:
            self.device = torch.device("cpu")  # that body sends what it needs in one piece

    def _body(self, model: Any, packing: Packing | None) -> Body:  # noqa: ANN401 - any class
        is_asked_for = packing is not None or isinstance(model, DecoderWeights)
        if model_shape(model) is not None and self.device.type == "cuda":
            form = packing.gpu_form if packing is not None else "plain"
            return _gpu_body(weights_of(model), self.pool, self.device, form)
        if model_shape(model) is not None and is_asked_for:
            return self._cpu_body(weights_of(model), packing or Packing(Kernels()))
        from npc_engine.model.transformers_body import TransformersBody

        return TransformersBody(model, self.pool)

    def _cpu_body(self, weights: DecoderWeights, packing: Packing) -> Body:
        """The decoder of this package, its single tokens compiled if that is asked for."""
        kernels = packing.kernels
        decoder = Decoder(weights, self.pool)
        sample = self._sample(packing.sample_ids)
        if not kernels.compiled:
            decoder.pack(kernels, sample)
            return decoder
        decoder.prepare_pool()
        from npc_engine.model.cpu.body import CompiledBody, bytes_of

        threads = torch.get_num_threads()
        with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(threads,)) as pool:
            rounded = pool.submit(bytes_of, weights)
            decoder.pack(kernels, sample)
            return CompiledBody(weights, self.pool, decoder, rounded.result())

    def _sample(self, ids: Sequence[int]) -> Step:
        """A pass over the beginning of a text, in a row that nobody uses yet."""
        return Step([Segment(self.pool.slots[0], tuple(ids), wants_scores=True)], self.device)

    def run(self, segments: Sequence[Segment]) -> list[tuple[Segment, Tensor]]:
        """Read the segments behind what their slots hold.

        Returns:
            The segments that want scores, each with its (vocab,) float32; (ids, vocab) where they
            are wanted after each id. When the model breaks, the slots hold what they held before,
            and the error passes on.
        """
        self.num_forwards += 1
        with torch.inference_mode():
            step = Step(segments, self.device)
            scores = self.body.scores(step)
        for segment in step.segments:
            segment.slot.fed(segment.ids)
        wanted = [segment for segment in step.segments if segment.wants_scores]
        ends = list(accumulate(segment.num_scores for segment in wanted))
        return [
            (segment, scores[end - segment.num_scores : end] if segment.each else scores[end - 1])
            for segment, end in zip(wanted, ends, strict=True)
        ]


def _gpu_body(
    weights: DecoderWeights,
    pool: SlotPool,
    device: torch.device,
    form: Form,
) -> Body:
    """The decoder for an NVIDIA GPU; passes of single ids are recorded where that is possible."""
    from npc_engine.model.cuda.decoder import CudaDecoder
    from npc_engine.model.cuda.graphs import DecodeGraphs, sizes_for

    decoder = CudaDecoder(weights, pool, device, form=form)
    if not decoder.kernels.recordable:
        return decoder
    return DecodeGraphs(decoder, sizes_for(len(pool.slots)))
