"""Reads one reply as it grows, word by word, and finds where it breaks character."""

from bisect import bisect_right
from collections.abc import Callable
from typing import cast

from npc_engine.dialogue.breaks import ENDINGS, Break, BreakKind
from npc_engine.dialogue.catchphrases import CatchphraseWatch
from npc_engine.dialogue.help_desk import HelpDeskWatch
from npc_engine.dialogue.invented import OPENERS, TITLES
from npc_engine.dialogue.limits import Limits
from npc_engine.dialogue.marks import (
    MARKER_SIGNS,
    is_bare_marker,
    labels_for,
    marker_at,
    may_become_bare_marker,
)
from npc_engine.dialogue.phrases import SOFT_MARKS, Found, PhraseWatch
from npc_engine.dialogue.provoked import ProvokedWatch, Sign
from npc_engine.dialogue.quoted_rules import ASIDE_WORDS, RuleWatch
from npc_engine.dialogue.repeats import RepeatWatch
from npc_engine.dialogue.spoken import normal, word_end, words_of
from npc_engine.sentences import sentence_ends

_END_SIGNS = frozenset(".!?…。！？)]\"'’”*»")


class Reading:
    """Reads one reply as it grows; what it finds depends on the text alone, not on its pieces."""

    def __init__(self, limits: Limits, *, goes_on: bool = False) -> None:
        """Begin a reply.

        Args:
            limits: What it may hold.
            goes_on: Whether to read on behind a break.
        """
        self.text = ""
        self.begin = 0
        """Where the speaker's words begin, behind its own label."""
        self.breaks: list[Break] = []
        self.sentence_starts = [0]
        self._limits = limits
        self._goes_on = goes_on
        self._labels = labels_for(limits.own_names, limits.other_names)
        self._phrases = PhraseWatch(limits.phrases())
        self._help_desk = HelpDeskWatch(limits.is_own_word)
        self._rules = RuleWatch()
        self._asides = RuleWatch(limits.asides, ASIDE_WORDS)
        self._provoked = ProvokedWatch(limits.provoked, limits.is_own_word)
        self._repeats = RepeatWatch(
            tuple(map(words_of, limits.earlier)), tuple(map(words_of, limits.not_echoed))
        )
        self._catchphrases = CatchphraseWatch(limits.catchphrases)
        self._at = 0
        self._line_start = 0
        self._is_line_open = True
        self._counted_to = 0
        self._num_sentences = 0
        self._num_words = 0
        self._words = 0
        self._words_at: int | None = None
        self._sentence_words_at = 0
        self._last_word = ""
        self._last_sign = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be read."""
        return bool(self.breaks) and not self._goes_on

    def add(self, text: str) -> None:
        """More of the reply, without control codes."""
        self.text += text
        self._read(final=False)

    def close(self) -> None:
        """The reply is complete."""
        self._read(final=True)
        if not self.is_over:
            self._end_sentence(len(self.text), len(self.text))
        if not self.breaks and self._catchphrases.is_only:
            self._found("catchphrase", self.begin, len(self.text), self.text[self.begin :].strip())
        if not self.breaks and self._words_at is not None:
            reply = self.text[self.begin :]
            if words_of(reply) in self._limits.no_replies:
                self._found("loop", self.begin, len(self.text), reply.strip())

    def safe_end(self) -> int:
        """Up to where no break can begin any more, whatever comes."""
        text, at = self.text, self._at
        if self.is_over:
            return self.breaks[0].start
        partial = ""
        if self._is_line_open:
            safe = self._line_start if at < len(text) else at
        elif at < len(text) and not _is_letter(text[at]):
            safe = at
        else:
            partial = text[at:]
            safe = at if partial and self._may_break(partial) else len(text)
        folded = normal(partial)
        begun = self._phrases.begun_at(folded, at, is_first=not self._words)
        if begun is not None:
            safe = min(safe, begun)
        safe = min(safe, self._provoked.begun_at(folded, at, text, self._line_start))
        if self._repeats.may_repeat_sentence(folded):
            safe = min(safe, self._sentence_words_at if self._words else at)
        if self._repeats.may_repeat_reply(folded) or self._catchphrases.may_be_only(folded):
            safe = min(safe, at if self._words_at is None else self._words_at)
        return min(safe, self._with_room())

    # -- reading ------------------------------------------------------------------------------

    def _read(self, *, final: bool) -> None:
        while self._at < len(self.text) and not self.is_over:
            if not self._step(self._at, final=final):
                break

    def _step(self, at: int, *, final: bool) -> bool:
        """Read what stands at a place; False if more text is needed for that."""
        text = self.text
        sign = text[at]
        if sign.isspace():
            self._space(at)
            return True
        if self._is_line_open and not self._line(final=final):
            return False
        if self.is_over or self._at != at:
            return True
        if at and text[at - 1] in _END_SIGNS:
            self._sentences_before(at)
        limit = self._limits.max_sentences
        if limit and self._num_sentences >= limit:
            self._found("enough", self._counted_to, at, "")
            return True
        if _is_letter(sign):
            end = word_end(text, at, final=final)
            if end is None:
                return False
            self._at = end
            self._word(at, end)
            return True
        return self._sign(sign, at, final=final)

    def _space(self, at: int) -> None:
        if self._at == self.begin == at and not self._words:
            self.begin = at + 1
            self._line_start = at + 1
        elif self.text[at] == "\n":
            if self.text[at - 1] in _END_SIGNS:
                self._sentences_before(at)
            self._end_sentence(at, at + 1)
            self._line_start = at + 1
            self._is_line_open = True
        elif self.text[at - 1] in _END_SIGNS:
            self._sentences_before(at)
        self._at = at + 1

    def _line(self, *, final: bool) -> bool:
        """See who speaks in the line that begins here; False if that cannot be told yet."""
        start = self._line_start
        is_begin = start == self.begin
        speaker = self._labels.speaker_at(self.text, start, is_begin=is_begin, final=final)
        if speaker == "open":
            return False
        if speaker == "own":
            self.begin = self._line_start = self._at = self._labels.own_end(self.text, start)
            self.sentence_starts[-1] = self.begin
            return True
        self._is_line_open = False
        if speaker != "none":
            kind: BreakKind = "role" if speaker == "role" else "speaker"
            end = self.text.find("\n", start)
            row = self.text[start:end] if end >= 0 else self.text[start:]
            self._found(kind, start, len(self.text), row.partition(":")[0].strip())
        return True

    def _sentences_before(self, at: int) -> None:
        """Count the sentences that the sign at a place shows to be over."""
        start = self._counted_to
        ends = [end for end in sentence_ends(self.text[start : at + 1]) if end <= at - start]
        if not ends:
            return
        self._num_sentences += len(ends)
        self._counted_to = start + ends[-1]
        self._end_sentence(self._counted_to, at)

    def _end_sentence(self, end: int, next_start: int) -> None:
        if not self._words:
            return
        start = self.sentence_starts[-1]
        again = self._repeats.end()
        if again:
            start = self.begin if again == "reply" else start
            self._found("loop", start, end, self.text[start:end].strip())
        self._phrase(self._phrases.end(), end)
        self._provocation(self._provoked.end(), end)
        self._help_desk.end()
        self.sentence_starts.append(next_start)
        self._words = 0
        self._last_word = self._last_sign = ""

    def _word(self, start: int, end: int) -> None:
        written = self.text[start:end]
        word = normal(written)
        if self._has_no_room():
            is_first = self.sentence_starts[-1] <= self.begin
            self._found("enough", start if is_first else self.sentence_starts[-1], end, written)
        if is_bare_marker(word):
            self._found("marker", start, end, written)
        self._phrase(self._phrases.word(word, start, is_first=not self._words), end)
        if self._help_desk.word(word):
            self._found("assistant", start, end, self.text[self.sentence_starts[-1] : end].strip())
        self._catchphrases.word(word)
        if self._repeats.word(word):
            self._found("loop", start, end, self._around(start, end))
        aside = self._asides.word(word, start)
        quoted = self._rules.word(word, start)
        quoted = aside if quoted is None else quoted
        if quoted is not None:
            self._found("rules", quoted, end, self.text[quoted:end])
        followed = self._provoked.word(word, start, self.text, self._line_start)
        self._provocation(followed, end)
        known = self._limits.known
        if known is not None and known.is_invented(
            written, opens=self._opens(), before=self._last_word
        ):
            self._found("invented", start, end, written)
        if not self._words:
            self._sentence_words_at = start
        if self._words_at is None:
            self._words_at = start
        self._words += 1
        self._last_word, self._last_sign = word, ""

    def _sign(self, sign: str, at: int, *, final: bool) -> bool:
        if sign in MARKER_SIGNS:
            answer = marker_at(self.text, at, final=final)
            if answer == "open":
                return False
            if answer == "yes":
                self._found("marker", at, len(self.text), self.text[at : at + 16])
        self._provocation(self._provoked.sign(sign, at, self.text), at + 1)
        soft = '"' if sign in "“”" else sign
        if soft in SOFT_MARKS:
            self._phrase(self._phrases.mark(soft, at), at + 1)
        self._last_sign = sign
        self._at = at + 1
        return True

    # -- finding ------------------------------------------------------------------------------

    def _phrase(self, found: Found | None, end: int) -> None:
        if found is not None:
            words = self.text[found.start : end]
            if self._is_only_a_word(words):
                return
            self._found(cast(BreakKind, found.kind), found.start, end, words)

    def _provocation(self, found: Sign | None, end: int) -> None:
        if found is not None:
            self._found(found.kind, found.start, end, self.text[found.start : end])

    def _found(self, kind: BreakKind, start: int, end: int, words: str) -> None:
        if self.is_over:
            return
        if kind not in ENDINGS:
            starts = self.sentence_starts
            start = starts[max(0, bisect_right(starts, start) - 1)]
        self.breaks.append(Break(kind, start, end, words))

    def _is_only_a_word(self, words: str) -> bool:
        """Whether what was found means something else: `Dan:`, or an AI the prompt told of."""
        if "dan" in words.casefold().replace(":", " ").split():
            return "DAN" not in words
        if words.casefold() not in ("ai", "ais"):
            return False
        known = self._limits.known
        return not words.startswith("AI") or (known is not None and known.is_told("ai"))

    def _with_room(self) -> int:
        """Up to where the words fit: later sentences are held until they are whole."""
        most = self._limits.max_words
        if most is None or self._goes_on:
            return len(self.text)
        if len(self.sentence_starts) > 1:
            return self.sentence_starts[-1]
        return self._at if self._num_words >= most else len(self.text)

    def _has_no_room(self) -> bool:
        """Count a word; whether it is one too many."""
        self._num_words += 1
        most = self._limits.max_words
        return most is not None and not self._goes_on and self._num_words > most

    def _opens(self) -> bool:
        """Whether a capital letter means nothing at the word that comes."""
        if self._last_sign == "." and self._last_word in TITLES:
            return False
        return not self._words or self._last_sign in OPENERS

    def _around(self, start: int, end: int) -> str:
        """Some words up to a place."""
        return " ".join(self.text[max(0, start - 60) : end].split()[-4:])

    def _may_break(self, partial: str) -> bool:
        """Whether the word that is being written may make a break by itself."""
        known = self._limits.known
        tests: tuple[Callable[[str], bool], ...] = (
            may_become_bare_marker,
            self._rules.may_quote,
            self._asides.may_quote,
            self._repeats.may_become_loop,
            self._help_desk.may_become_one,
        )
        if known is not None and known.may_become_one(partial, opens=self._opens()):
            return True
        folded = normal(partial)
        return any(test(folded) for test in tests)


def _is_letter(sign: str) -> bool:
    return sign.isalnum() or sign == "_"
