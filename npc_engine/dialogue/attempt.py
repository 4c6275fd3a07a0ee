"""One request for a reply: what came of it so far, and the reply it makes in the end."""

from collections.abc import Collection
from dataclasses import dataclass

from npc_engine.actions.reading import CallSplitter, WrittenCall
from npc_engine.dialogue.breaks import Break
from npc_engine.dialogue.guard import OutputGuard, balanced
from npc_engine.dialogue.limits import Limits
from npc_engine.dialogue.second_try import break_in_words, is_enough
from npc_engine.memory.entries import ConsideredText
from npc_engine.messages import Reason, Usage
from npc_engine.protocols import GenerationEnd, GenerationRequest, ModelEvent, TokenDelta


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model said in the end, and how it ended."""

    text: str
    reason: Reason
    token_ids: tuple[int, ...] | None
    """The ids that decode to exactly `text`; None when the guard changed it inside a token."""
    seed: int
    usage: Usage
    cut: str = ""
    detail: str = ""
    plan_digest: str = ""
    """Of the prompt it answers; a second try has one of its own."""
    broken: Break | None = None
    """Where it broke character; `text` then is what was said before."""
    considered: tuple[ConsideredText, ...] = ()
    """All candidates, in the order of their seeds; empty where there was but one."""
    calls: tuple[WrittenCall, ...] = ()
    """The actions it calls for, as they were written."""
    unreadable: tuple[str, ...] = ()
    """What looks like a call and cannot be read."""


class Attempt:
    """Reads what one request brings, through a guard of its own."""

    def __init__(
        self,
        generation: GenerationRequest,
        limits: Limits,
        actions: Collection[str] = (),
        max_calls: int = 1,
    ) -> None:
        """Nothing has come yet.

        Args:
            generation: What is asked for.
            limits: What it may hold.
            actions: Names of the actions it may call for; none: calls are no part of it.
            max_calls: So many calls end it; 0: they are cut out of it, and nothing is called for.
        """
        self.generation = generation
        self._splitter = CallSplitter(actions, max_calls=max(1, max_calls)) if actions else None
        self._may_call = max_calls > 0
        self._has_cut_call = False
        self._calls: tuple[WrittenCall, ...] = ()
        self._unreadable: tuple[str, ...] = ()
        self.shown = ""
        """What was let through so far; not yet taken back."""
        self.end: GenerationEnd | None = None
        self.is_closed = False
        """Whether nothing more will come; with `end` None where the session broke its promise."""
        self._is_broken_into = False
        self.guard = OutputGuard(limits)
        self._ids: list[int] = []
        self._pieces: list[str] = []

    @property
    def request_id(self) -> str:
        """Of its request."""
        return self.generation.request_id

    @property
    def has_words(self) -> bool:
        """Whether the model has written anything but space."""
        return any(piece.strip() for piece in self._pieces)

    def num_tokens_in(self, heard_chars: int | None) -> int | None:
        """How many tokens make the first characters that were heard; None where all were."""
        if heard_chars is None:
            return None
        raw = ""
        for index, piece in enumerate(tuple(self._pieces)):
            raw += piece
            if len(raw.lstrip()) > heard_chars:
                return index
        return None

    @property
    def is_over(self) -> bool:
        """Whether nothing more of it will be heard."""
        return self.is_closed or self.is_told_all

    @property
    def is_told_all(self) -> bool:
        """Whether the model may stop: the guard ended it, or its call is complete."""
        called = self._splitter is not None and self._splitter.is_complete
        return called or bool(self.guard.ended_by)

    @property
    def is_ready(self) -> bool:
        """Whether it can be judged: a whole sentence that says something, or all there is."""
        return self.is_over or is_enough(self.shown)

    def take(self, event: ModelEvent, *, is_heard: bool = True) -> str:
        """Add what the session says; returns what may be shown in addition.

        Args:
            event: What it says.
            is_heard: False once somebody has broken in: then nothing more is shown or kept.
        """
        if not is_heard:
            self._is_broken_into = True
            if isinstance(event, GenerationEnd):
                self.end, self.is_closed = event, True
            return ""
        if isinstance(event, TokenDelta):
            self._ids.append(event.token_id)
            self._pieces.append(event.text)
            shown = self.guard.feed(self._speech(event.text))
        else:
            self.end = event
            self.is_closed = True
            shown = self.guard.feed(self._speech(event.tail) + self._last_speech())
            shown += self.guard.close() if event.reason in ("done", "stopped") else ""
        self.shown += shown
        return shown

    def finish(self, ended_by: Reason | None) -> Reply:
        """The reply that it makes.

        Args:
            ended_by: Who ended it before the model did.
        """
        end, guard, seed = self.end, self.guard, self.generation.seed
        if end is None:
            detail = "the session ended without an end"
            return Reply("", "failed", None, seed, Usage(), detail=detail)
        is_stopped = self.is_told_all and end.reason == "cancelled"
        reason: Reason = "stopped" if is_stopped else end.reason
        if ended_by is not None and (end.reason == "cancelled" or self._is_broken_into):
            reason = ended_by
        text = guard.finish(unfinished=reason in ("length", "failed", "late_first", "late_total"))
        heard = self.shown.strip()
        if reason == "cancelled" and text.startswith(heard):
            text = balanced(heard)  # whoever broke in has heard no more
        is_said = any(character.isalnum() for character in text)
        if not is_said or (self._has_cut_call and not is_enough(text)):
            text = ""
        if guard.broken is not None and reason in ("done", "stopped", "length"):
            reason = "blocked" if guard.broken.kind == "blocked" else "bad_output"
        detail = ""
        if end.reason == "failed":
            detail = end.error or "the model failed"
        if text and guard.broken is not None:
            detail = f"ended at {break_in_words(guard.broken)}"
        elif text and guard.ended_by:
            detail = f"ended at {guard.ended_by}"
        ids = self._ids_of(text)
        broken = guard.broken
        # A call that was cut off may have lost half of an argument.
        is_whole = self.is_told_all or end.reason in ("done", "stopped")
        return Reply(
            text,
            reason,
            ids,
            seed,
            end.usage,
            guard.cut,
            detail,
            broken=broken,
            calls=self._calls if is_whole and broken is None and ended_by is None else (),
            unreadable=self._unreadable,
        )

    def _speech(self, text: str) -> str:
        """What of the model's text is no call."""
        return text if self._splitter is None else self._splitter.feed(text)

    def _last_speech(self) -> str:
        if self._splitter is None:
            return ""
        read = self._splitter.finish()
        if self._may_call:
            self._calls, self._unreadable = read.calls, read.unreadable
        else:
            self._has_cut_call = bool(read.calls or read.unreadable)
        return read.rest

    def _ids_of(self, text: str) -> tuple[int, ...] | None:
        """The leading ids whose text is exactly the reply's; trailing space is not kept."""
        raw = ""
        for index, piece in enumerate(self._pieces):
            raw += piece
            if raw.strip() == text:
                return tuple(self._ids[: index + 1])
        return None
