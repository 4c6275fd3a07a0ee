"""How fast the model reads and writes here, and how many tokens of a reply come in time."""

import threading

from npc_engine.messages import Usage

SHORT_TOKENS = 48
"""A reply that would be late in full has at most so many tokens: two or three sentences."""
_SHARE = 0.25
"""Weight of the newest reply in a running average: the last ten replies count for 94 %."""


class Running:
    """An average in which older values count ever less; 0 before the first."""

    def __init__(self) -> None:
        """Nothing was measured."""
        self.value = 0.0
        self.is_known = False

    def add(self, value: float) -> None:
        """Take in another value."""
        self.value += (value - self.value) * (_SHARE if self.is_known else 1.0)
        self.is_known = True


class Pace:
    """Running averages over the replies of one engine. Safe from any thread."""

    def __init__(self) -> None:
        """Nothing was measured: every reply is believed to come in time."""
        self._lock = threading.Lock()
        self._reading_s = Running()
        self._token_s = Running()
        self._reply_tokens = Running()
        self._first_text_s = Running()
        self._num_reading = 0

    @property
    def tokens_per_s(self) -> float:
        """Speed of writing, of one reply; 0 before the first."""
        return 1 / self._token_s.value if self._token_s.value > 0 else 0.0

    @property
    def first_text_ms(self) -> float:
        """From `say` to the first text; 0 before the first."""
        return self._first_text_s.value * 1000

    def begin(self) -> None:
        """A reply was asked for; every call is followed by `first_text_or_end`."""
        with self._lock:
            self._num_reading += 1

    def first_text_or_end(self) -> None:
        """A reply has its first text, or ended without one."""
        with self._lock:
            self._num_reading -= 1

    def note_first_text(self, seconds: float) -> None:
        """Some line had its first text so long after it was handed in."""
        with self._lock:
            self._first_text_s.add(seconds)

    def note(self, usage: Usage) -> None:
        """Take in what a reply of the model has cost; one without tokens says nothing."""
        if usage.reply_tokens < 1:
            return
        with self._lock:
            self._reading_s.add(max(0.0, usage.first_token_ms - usage.queue_ms) / 1000)
            if usage.tokens_per_s > 0:
                self._token_s.add(1 / usage.tokens_per_s)
            self._reply_tokens.add(usage.reply_tokens)

    def seconds_for_usual_reply(self) -> float:
        """Until a reply that was begun would be over at the usual length, behind those still read.

        Prompts are counted as read one after the other, which is what a model without room for
        several does. 0 before the first reply.
        """
        with self._lock:
            reading_s = self._reading_s.value * max(1, self._num_reading)
            return reading_s + self._reply_tokens.value * self._token_s.value

    def most_tokens(self, reply_tokens: int, left_s: float | None) -> int:
        """How many tokens a reply may have.

        Args:
            reply_tokens: What the plan has kept for it.
            left_s: Until it must be over; None is no limit.
        """
        if left_s is None or self.seconds_for_usual_reply() <= left_s:
            return reply_tokens
        return min(reply_tokens, SHORT_TOKENS)
