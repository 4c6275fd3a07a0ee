"""A score request on its way through the engine thread: prompt first, then each continuation.

They follow each other in one row, each cropped off before the next is read, so a score needs one
row and as many passes as it has continuations; each pass is as small as others need it. Imports
torch.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from npc_engine.model.generation import Deliver, Job
from npc_engine.model.step import Segment
from npc_engine.protocols import FinalReason, GenerationEnd, GenerationRequest


class ScoreJob(Job):
    """Reads in place of writing. What `Job` says of threads holds here too."""

    def __init__(
        self,
        request: GenerationRequest,
        order: int,
        deliver: Deliver,
        continuations: Sequence[Sequence[int]],
    ) -> None:
        """Wrap a request.

        Args:
            request: Its prompt, and whose turn it is.
            order: Of arrival.
            deliver: Where its one event goes.
            continuations: What is scored; none is empty.
        """
        super().__init__(request, order, deliver)
        self._continuations = [tuple(ids) for ids in continuations]
        self._log_probs = [0.0] * len(continuations)
        self._at = -1
        """Which continuation is being read; -1 for the prompt."""
        self._wanted: Sequence[int] = ()
        """The ids whose scores the pass under way brings."""

    def segment(self, count: int) -> Segment:
        """What a pass reads: of a continuation, with scores after each id."""
        assert self.slot is not None
        start = len(self.slot.ids)
        ids = tuple(self._ids[start : start + count])
        if self._at < 0:
            return Segment(self.slot, ids, wants_scores=count == self.unread)
        done = start - len(self.request.prompt_ids)
        self._wanted = self._continuations[self._at][done + 1 : done + 1 + count]
        return Segment(self.slot, ids, wants_scores=True, each=True)

    def has_read(self, count: int) -> None:
        """Note a pass; only ids of the prompt count as read."""
        super().has_read(count if self._at < 0 else 0)

    def take_scores(self, scores: Tensor) -> FinalReason | None:
        """Add what a pass brought; how the request ends, if it ends with it.

        Args:
            scores: (vocab,) after the prompt, (ids, vocab) within a continuation.

        Returns:
            `failed` where the scores are not numbers.
        """
        found = torch.log_softmax(scores.float(), dim=-1)
        if self._at < 0:
            firsts = torch.tensor([ids[0] for ids in self._continuations], device=found.device)
            self._log_probs = found[firsts].tolist()
        else:
            wanted = torch.tensor(self._wanted, device=found.device)
            self._log_probs[self._at] += float(found.gather(1, wanted[:, None]).double().sum())
        if any(map(math.isnan, self._log_probs)):
            return "failed"
        return None if self.unread or self._goes_on() else "done"

    def end(self, reason: FinalReason, error: str = "") -> None:
        """Send the final event."""
        log_probs = tuple(self._log_probs) if reason == "done" else ()
        name = self.request.request_id
        self._deliver(GenerationEnd(name, reason, self.usage(), error=error, log_probs=log_probs))

    def _goes_on(self) -> bool:
        """Turn to the next continuation of which anything must be read; false if there is none.

        The last id of each is never read, and the first was scored after the prompt.
        """
        assert self.slot is not None
        prompt = self.request.prompt_ids
        self.slot.crop(len(prompt))
        rest = range(self._at + 1, len(self._continuations))
        self._at = next((at for at in rest if len(self._continuations[at]) > 1), rest.stop)
        if self._at == rest.stop:
            return False
        self._ids = [*prompt, *self._continuations[self._at][:-1]]
        return True
