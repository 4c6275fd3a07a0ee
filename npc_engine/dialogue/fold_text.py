"""The model's text for turns that are to be folded, asked for question by question.

What was answered is kept when the asking is broken off, so it can go on later where it stopped.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from npc_engine.dialogue.fold_job import FoldJob
from npc_engine.dialogue.handle import TurnHandle
from npc_engine.dialogue.plain_text import plain
from npc_engine.memory.digest import DIGEST_TOKENS, dated
from npc_engine.memory.entries import FactProposed
from npc_engine.memory.fact_lines import proposed_facts
from npc_engine.memory.summary import earns_its_place, sift_summary
from npc_engine.messages import Sampling
from npc_engine.prompt.summary import Question
from npc_engine.protocols import GenerationRequest, ModelSession, TokenDelta, Tokenizer
from npc_engine.sentences import finished_part

ATTEMPTS = 2
"""One try, and one more with another seed; then the digest is final."""
_RETRY_TEMPERATURE = 0.7

KEEPS_TOO_LITTLE = "keeps too little of the names and numbers"
FAILED = "the model failed"

Ask = Callable[[Question], GenerationRequest]
"""Makes the request for a question; its id, seed and sampling are filled in here."""


@dataclass(frozen=True, slots=True)
class FoldResult:
    """What the model brought."""

    text: str
    """The episode, its date included; empty: use the digest."""
    facts: tuple[FactProposed, ...]
    faults: tuple[str, ...]
    """Why there is no text."""
    num_answers: int = 0
    """Lines that were written, over all attempts, `none` left out."""
    num_accepted: int = 0
    """Of these, lines that passed their checks."""


class FoldText:
    """The asking for one job. One thread at a time."""

    def __init__(self, job: FoldJob, asked: tuple[Question, ...]) -> None:
        """Nothing was asked yet."""
        self.job = job
        self._asked = asked
        self._attempt = 0
        self._answers: list[str] = []
        self._facts: tuple[FactProposed, ...] = ()
        self._faults: list[str] = []
        self._num_answers = 0
        self._num_accepted = 0

    def go_on(
        self, session: ModelSession, handle: TurnHandle, ask: Ask, is_wanted: Callable[[], bool]
    ) -> FoldResult | None:
        """Ask what was not answered yet; blocks.

        Args:
            session: Who answers.
            handle: Ends the asking; what was answered by then is kept.
            ask: Makes requests.
            is_wanted: Looked at before every question; False ends the asking too.

        Returns:
            None when the asking was broken off.
        """
        while self._attempt < ATTEMPTS:
            for question in self._open_questions():
                if handle.ended_by is not None or not is_wanted():
                    return None
                answer = self._answer(session, handle, ask(question), question)
                if answer is None:
                    return None
                self._answers.append(answer)
            result = self._judged(session.tokenizer)
            self._attempt += 1
            self._answers = []
            if result.text:
                return result
        return self._result("")

    def _open_questions(self) -> tuple[Question, ...]:
        """Facts are asked for once; a second try is for the summary alone."""
        wanted = [each for each in self._asked if not (each.wants_facts and self._attempt)]
        return tuple(wanted[len(self._answers) :])

    def _answer(
        self,
        session: ModelSession,
        handle: TurnHandle,
        request: GenerationRequest,
        question: Question,
    ) -> str | None:
        """The answer, empty where the model failed; None if the asking was broken off."""
        place = len(self._answers)
        request = replace(
            request,
            request_id=f"fold-{self.job.key[:16]}.{self._attempt}.{place}",
            sampling=Sampling(
                temperature=_RETRY_TEMPERATURE if self._attempt else 0.0, repetition_penalty=1.0
            ),
            seed=self._attempt,
            max_tokens=question.max_tokens,
            stop=question.stop,
            priority="background",
        )
        text, reason = _written(session, request, handle)
        if reason == "cancelled" and handle.ended_by is not None:
            return None
        if reason in ("cancelled", "failed"):
            self._faults.append(FAILED)
            return ""
        text = plain(text).strip()
        return finished_part(text) if reason == "length" and not question.wants_facts else text

    def _judged(self, tokenizer: Tokenizer) -> FoldResult:
        """What is left of the answers of this attempt."""
        job = self.job
        rows = []
        for question, answer in zip(self._asked, self._answers, strict=False):
            if question.wants_facts:
                found = proposed_facts(answer, job.shown, job.source)
                self._facts = found.facts
                self._faults += [fault for _, faults in found.dropped for fault in faults]
                self._num_answers += len(found.facts) + len(found.dropped)
                self._num_accepted += len(found.facts)
            elif answer:
                rows.append(answer.splitlines()[0])
        cap = DIGEST_TOKENS - tokenizer.count(dated("", job.date)) - 1
        sifted = sift_summary("\n".join(rows), job.source, cap_tokens=cap, count=tokenizer.count)
        self._num_answers += sifted.num_kept + len(sifted.dropped)
        self._num_accepted += sifted.num_kept
        self._faults += [fault for _, faults in sifted.dropped for fault in faults]
        self._faults += sifted.faults
        text = dated(sifted.text, job.date) if sifted.text else ""
        if text and tokenizer.count(text) > DIGEST_TOKENS:
            text = ""
        if text and not earns_its_place(text, job.digest, job.source):
            self._faults.append(KEEPS_TOO_LITTLE)
            text = ""
        return self._result(text)

    def _result(self, text: str) -> FoldResult:
        faults = () if text else tuple(dict.fromkeys(self._faults))
        return FoldResult(text, self._facts, faults, self._num_answers, self._num_accepted)


def _written(
    session: ModelSession, request: GenerationRequest, handle: TurnHandle
) -> tuple[str, str]:
    """The whole text of a request, and how it ended."""
    if handle.ended_by is not None:  # somebody has spoken while the question was worked out
        return "", "cancelled"
    text, reason = "", "failed"
    events = session.stream(request)
    handle.attach(lambda: session.cancel(request.request_id))
    try:
        for event in events:
            if isinstance(event, TokenDelta):
                text += event.text
            else:
                text += event.tail
                reason = event.reason
    finally:
        handle.attach(None)
    return text, reason
