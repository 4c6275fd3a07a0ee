"""To whom the questions about folded turns are put: a recorder of its own, or the talk itself.

The recorder reads the turns anew in a neutral prompt. The talk has read them already; it is copied
where the turns end, and asked there. Figures for both are in docs/adr/0010-folds-by-questions.md.
"""

from dataclasses import replace
from typing import Literal

from npc_engine.dialogue.fold_job import FoldJob
from npc_engine.dialogue.talk import Talk
from npc_engine.messages import Message
from npc_engine.prompt.compiler import compile_plan
from npc_engine.prompt.summary import Question, aside, numbered_rows, recorder_messages
from npc_engine.protocols import GenerationRequest, ModelSession

FoldManner = Literal["recorder", "talk"]


class FoldAsk:
    """Makes the requests for one job. What they share is read once, and kept while it lasts."""

    def __init__(self, talk: Talk, job: FoldJob, session: ModelSession, manner: FoldManner) -> None:
        """Bind to a job.

        Args:
            talk: Whose turns.
            job: The turns.
            session: Who is to answer.
            manner: To whom the questions are put.
        """
        self._talk = talk
        self._job = job
        self._session = session
        self._manner = manner
        self._conversation = f"{talk.conversation}:fold"
        self._rows: tuple[str, ...] = ()
        self._is_forked = False

    def __call__(self, question: Question) -> GenerationRequest:
        """The request for one question; id, seed and sampling are the caller's."""
        in_talk = self._to_talk(question) if self._manner == "talk" else None
        messages, prompt_ids = in_talk or self._to_recorder(question)
        return GenerationRequest(
            request_id="",
            prompt_ids=prompt_ids,
            conversation=self._conversation,
            messages=messages,
        )

    def finish(self) -> None:
        """Let the session forget what was read for it."""
        self._session.forget(self._conversation)

    def _to_recorder(self, question: Question) -> tuple[tuple[Message, ...], tuple[int, ...]]:
        tokenizer, talk = self._session.tokenizer, self._talk
        if not self._rows:
            self._rows = numbered_rows([line for _, line in self._job.shown], tokenizer)
        npc, player = talk.sheet.nickname, talk.cast.world.player.name
        known = self._job.known
        messages = recorder_messages(self._rows, question, npc, player, known, tokenizer)
        return messages, tokenizer.render(messages).token_ids

    def _to_talk(self, question: Question) -> tuple[tuple[Message, ...], tuple[int, ...]] | None:
        """The prompt of the talk up to the end of the chunk, and the question as its last turn.

        None where the turns do not stand in the talk's prompt any more, because a digest does.
        """
        tokenizer, talk = self._session.tokenizer, self._talk
        words = aside(question, talk.sheet.nickname, talk.cast.world.player.name)
        request = talk.request(words, tokenizer)
        end = self._job.chunk.entry_ids[-1]
        turns = tuple(turn for turn in request.turns if turn.entry_ids[-1] <= end)
        if not turns:
            return None
        if not self._is_forked:
            self._session.fork(talk.conversation, self._conversation)
            self._is_forked = True
        request = replace(
            request,
            turns=turns,
            passages=(),
            bearing=(),
            profile=request.profile.without_a_reply(),
        )
        plan = compile_plan(request, tokenizer)
        return plan.messages, plan.prompt_ids
