"""The output guard: what of a model's text may be heard, decided while it streams.

Cuts role tags, template markers, other people's lines and breaks of character; drops the speaker's
own label; ends the reply at the sheet's number of sentences. Holds back only what could still
become one of these.
"""

from collections.abc import Mapping

from npc_engine.dialogue.breaks import ENDINGS, Break, BreakKind
from npc_engine.dialogue.intake import Intake
from npc_engine.dialogue.limits import Limits
from npc_engine.dialogue.reading import Reading
from npc_engine.dialogue.screening import Screening
from npc_engine.sentences import finished_part

KINDS_IN_WORDS: Mapping[BreakKind, str] = {
    "marker": "a template marker",
    "role": "a role tag",
    "speaker": "another speaker",
    "enough": "enough sentences",
    "assistant": "assistant talk",
    "disclosure": "talk of being a program",
    "persona": "another persona",
    "rules": "words of the rules",
    "never_says": "words it never says",
    "invented": "a name or number nobody told it",
    "loop": "words said before",
    "catchphrase": "nothing but a catchphrase",
    "blocked": "what the content policy forbids",
}
"""For people: why a reply was cut."""


class OutputGuard:
    """Guards one reply. Feed it text as it comes; `ended_by` says when to stop the model."""

    def __init__(self, limits: Limits) -> None:
        """Begin a reply within its limits."""
        self.ended_by = ""
        """Why nothing more will be let through; empty while the reply may go on."""
        self.broken: Break | None = None
        """The break of character that ended it, if one did."""
        self.cut = ""
        """What was removed at the end, for the record of the turn."""
        self._intake = Intake(drops_directions=limits.drops_directions)
        self._limits = limits
        self._reading = Reading(limits)
        self._shown = ""
        self._screening = Screening(limits.screen) if limits.screen is not None else None

    def feed(self, text: str) -> str:
        """Add model text; returns what may be shown now in addition to what was shown."""
        if self.ended_by:
            return ""
        self._reading.add(self._intake.feed(text))
        return self._let_through()

    def close(self) -> str:
        """The model ended by itself; returns what was held for the content policy until now."""
        if self._screening is None or self.ended_by:
            return ""
        self._reading.add(self._intake.finish())
        self._reading.close()
        return self._let_through(final=True)

    def finish(self, *, unfinished: bool) -> str:
        """The whole reply, complete and trimmed; after a break, whole sentences before it.

        Args:
            unfinished: The model did not end by itself; a last sentence without an end is dropped
                unless it is all there is.
        """
        if not self.ended_by:
            self._reading.add(self._intake.finish())
            if unfinished:
                self._drop_unfinished()
            self._reading.close()
            self._let_through(final=True)
        reading = self._reading
        reply = self._shown
        if self.broken is not None:
            reply = reading.text[reading.begin : self.broken.start]
        elif unfinished and (whole := finished_part(reply)):
            reply = whole
        return balanced(reply.strip())

    def _drop_unfinished(self) -> None:
        """Go back to the end of the last whole sentence, if there is one."""
        reading = self._reading
        words = reading.text[reading.begin :]
        whole = finished_part(words)
        if whole and not reading.is_over:
            self.cut = words[len(whole) :].strip()
            self._shown = ""
            self._reading = Reading(self._limits)
            self._reading.add(reading.text[: reading.begin + len(whole)])

    def _let_through(self, *, final: bool = False) -> str:
        reading = self._reading
        if reading.is_over:
            self._end(reading.breaks[0])
        safe = reading.safe_end() if self.ended_by or not final else len(reading.text)
        words = reading.text[reading.begin : safe].rstrip()
        if self._screening is not None:
            words = self._screened(words, self._screening, final=final)
        if not words.startswith(self._shown):
            return ""
        added = words[len(self._shown) :]
        self._shown = words
        return added

    def _screened(self, words: str, screening: Screening, *, final: bool) -> str:
        """What of the words has passed the content policy; ends the reply at what has not."""
        end, blocked = screening.take(words, complete=final or bool(self.ended_by))
        if blocked is not None:
            begin = self._reading.begin
            self._end(Break("blocked", begin + blocked.start, begin + blocked.end, blocked.why))
        return words[:end].rstrip()

    def _end(self, found: Break) -> None:
        self.ended_by = KINDS_IN_WORDS[found.kind]
        self.cut = self._reading.text[found.start :].strip()
        if found.kind not in ENDINGS:
            self.broken = found


def balanced(reply: str) -> str:
    """The reply without a quotation mark that wraps or opens it alone.

    Models put spoken words in quotes and then stop before the closing one, or quote all of it.
    """
    for opening, closing in (('"', '"'), ("“", "”")):
        if reply.startswith(opening):
            inner = reply[1:]
            if closing not in inner and opening not in inner:
                return inner.strip()
            if inner.endswith(closing) and inner.count(closing) == 1 and opening not in inner[:-1]:
                return inner[:-1].strip()
    return reply
