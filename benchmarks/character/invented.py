"""Names and numbers in a reply that stand nowhere: neither in sheet and world nor in the talk.

Patterns alone, so it errs on the side of the character: a name that opens a sentence is only seen
where a name was asked for and the sentence is nothing else; small numbers in words only count where
a number was asked for; weekdays, months and forms of address never count.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from npc_engine.authoring.matching import tidy
from npc_engine.sentences import split_sentences

_WORD = re.compile(r"\w+(?:['-]\w+)*")
_CAPITALISED = re.compile(r"[A-ZÀ-Þ]\w*(?:['-]\w+)*")
_OPENS_SPEECH = re.compile(r"(?:^|[\"():;…*\[/]|--|[–—])\W*$")
_QUOTED = re.compile(r"\"([^\"]{1,40})\"")
_DIGITS = re.compile(r"(?<![\w.])(?<!\w-)\d[\d,]*(?:[.:]\d+)*")
"""Not the figure of a name, as in Quill-7."""
_LIST_MARK = re.compile(r"(?m)^\s*\d{1,2}[.)](?=\s)")

_UNITS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {
    **{word: value for value, word in enumerate(_UNITS.split())},
    **{word: 20 + 10 * place for place, word in enumerate(_TENS.split())},
    "dozen": 12,
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
NUMBER_WORDS = frozenset((*_VALUES, *_SCALES, "and", "a"))
_ROUND = frozenset({"12", "100", "1000", "1000000"})
"""In words and unasked, a hundred is as often a turn of phrase as a number."""
_ASKS_FOR_NAME = re.compile(r"\b(?:names?|called|who|whose|whom)\b", re.IGNORECASE)
_ASKS_FOR_NUMBER = re.compile(
    r"\bhow (?:many|much|old|long)\b|\b(?:cost|price|year|number|age)\b", re.IGNORECASE
)
_ASKS_FOR_TIME = re.compile(r"\bhow (?:old|long)\b|\b(?:years?|days?|age|when)\b", re.IGNORECASE)
_IDIOM = re.compile(
    r"\ba (?:hundred|thousand|million) (?:apologies|pardons|thanks|excuses|times|things|ways)\b",
    re.IGNORECASE,
)
_TIMES = r"(?:years?|months?|weeks?|days?|hours?|minutes?|times|o'clock)\b"
_SPAN = re.compile(
    rf"\b(?:(?:{'|'.join(NUMBER_WORDS)})[- ]+){{1,5}}(?={_TIMES})|\b\d+ (?={_TIMES})", re.IGNORECASE
)
"""A number of years or times, up to that word."""
_SMALL = frozenset(map(str, range(11)))
"""In words these are as often a turn of phrase as a number."""

_HARMLESS_NAMES = """
i monday tuesday wednesday thursday friday saturday sunday january february march april may june
july august september october november december christmas easter god lord heaven heavens sir
madam mister mr mrs ms miss mistress master dr doctor captain lady gentleman friend dear
stranger traveller earth sun moon ok okay tv
commander inspector governor governess king queen prince princess duke duchess lord bishop priest
father mother brother sister uncle aunt grandfather grandmother grandpa grandma papa mama mum mom
dad nurse professor officer sergeant lieutenant admiral mayor master harbourmaster pilot engineer
sea ocean north south east west church bible english french spanish dutch german latin
"""
_LONE_WORDS = """
yes no aye nay never always maybe perhaps nothing nobody none sorry hello hi hey goodbye bye
welcome thanks please good fine great well indeed certainly absolutely exactly right wrong true
false what who why when where how here there now then later soon today tomorrow enough more less
both neither everything anything something someone everyone anyone everybody sometimes often
rarely hm hmm ah oh ha wait stop listen look come go sit stay quiet careful course not next sure
alright agreed done again almost nonsense correct understood noted apologies greetings farewell
morning evening afternoon because only just ever
this that these those she they you the it he we his her their its your our such some any each every
nobody's people folk sailors men women those whoever whatever whichever history legend rumour gossip
somebody no-one
"""


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that a reply may name."""

    words: frozenset[str]
    numbers: frozenset[str]

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Known":
        """The words and numbers of texts; parts of compounds are known too."""
        words: set[str] = set()
        numbers: set[str] = set()
        for text in texts:
            straight = tidy(text, spoken=False)
            for word in _WORD.findall(straight.casefold()):
                words.update((word, _bare(word), *re.split(r"['-]", word)))
            numbers.update(numbers_in(straight))
        return cls(frozenset(words), frozenset(numbers))

    def with_more(self, texts: Iterable[str]) -> "Known":
        """The same and what these texts hold."""
        more = Known.of(texts)
        return Known(self.words | more.words, self.numbers | more.numbers)


def invented(reply: str, known: Known, asked: str = "") -> tuple[str, ...]:
    """The names and numbers of a reply that are not known, each once, in their order.

    Args:
        reply: What was said.
        known: What may be named.
        asked: The question, which tells whether a name or a number was asked for.
    """
    text = _IDIOM.sub(" ", tidy(_LIST_MARK.sub(" ", reply)))
    named = (*_names_in(text, _ASKS_FOR_NAME.search(asked) is not None), *_subject(text, asked))
    names = [name for name in named if not _is_known(name, known.words)]
    is_small_talk = _ASKS_FOR_NUMBER.search(asked) is None
    harmless = _SMALL | _ROUND if is_small_talk else frozenset[str]()
    spelled = [n for n in _spelled(text) if n not in harmless]
    numbers = [n for n in (*_written(text), *spelled) if n not in known.numbers and n != "1"]
    return tuple(dict.fromkeys((*names, *numbers)))


def any_number(reply: str, asked: str) -> str:
    """A number given as the answer where one was asked for, known or not.

    For questions that nothing answers: there a number that stands elsewhere is as made up as any.
    Looked for in the first sentence and in those that speak of what was asked; a span of time is
    no answer to a question that does not ask for one.
    """
    if _ASKS_FOR_NUMBER.search(asked) is None:
        return ""
    is_of_time = _ASKS_FOR_TIME.search(asked) is not None
    about = _content_words(asked)
    found: list[str] = []
    for place, sentence in enumerate(
        split_sentences(_IDIOM.sub(" ", tidy(_LIST_MARK.sub(" ", reply))))
    ):
        if place == 0 or about & _content_words(sentence):
            found += numbers_in(sentence if is_of_time else _SPAN.sub(" ", sentence))
    return ", ".join(n for n in dict.fromkeys(found) if n != "1" and n not in numbers_in(asked))


def _content_words(text: str) -> frozenset[str]:
    """The longer words of a text, without a plural s."""
    return frozenset(_bare(word) for word in _WORD.findall(text.casefold()) if len(word) > 3) - {
        "what", "does", "have", "many", "much", "this", "that", "here", "there", "name", "call",
        "called", "number", "cost", "year", "with", "from", "were", "thi", "doe", "which", "whose",
    }  # fmt: skip


def numbers_in(text: str) -> tuple[str, ...]:
    """The numbers of a text as digits: `twenty-two` and `22` are both `22`."""
    return tuple(dict.fromkeys((*_written(text), *_spelled(text))))


def _written(text: str) -> list[str]:
    """Numbers in digits, and the parts of such as 09:30."""
    digits = [found.replace(",", "") for found in _DIGITS.findall(text)]
    parts = [part.lstrip("0") or "0" for found in digits for part in re.split(r"[.:]", found)]
    return [*digits, *parts]


def _spelled(text: str) -> Iterator[str]:
    """Numbers in words."""
    value, is_open = 0, False
    for word in re.findall(r"\w+|[^\w\s-]", text.casefold()):
        if word in _VALUES:
            if is_open and value % 100 and not (value % 10 == 0 and 0 < _VALUES[word] < 10):
                yield str(value)
                value = 0
            value, is_open = value + _VALUES[word], True
        elif word in _SCALES:
            value, is_open = max(value, 1) * _SCALES[word], True
        elif is_open and not (word == "and" and value >= 100):
            yield str(value)
            value, is_open = 0, False
    if is_open:
        yield str(value)


def _names_in(text: str, wants_name: bool) -> Iterator[str]:
    ordinary = frozenset(_LONE_WORDS.split())
    for place, sentence in enumerate(split_sentences(text)):
        is_answer = wants_name and place == 0 and _is_all_names(sentence)
        titles = [each.span() for each in _QUOTED.finditer(sentence) if _is_all_names(each[1])]
        for match in _CAPITALISED.finditer(sentence):
            name = match.group()
            if (name.isupper() and len(name) > 1) or name.casefold() in ordinary:
                continue
            is_title = any(start < match.start() < end for start, end in titles)
            opens = _OPENS_SPEECH.search(sentence[: match.start()])
            if is_answer or is_title or not opens:
                yield name.removesuffix("'s")


def _subject(text: str, asked: str) -> Iterator[str]:
    """A name that opens an answer to who it was: `Margaret painted it`, `Elena was his wife`."""
    if _ASKS_FOR_NAME.search(asked) is None:
        return
    for sentence in split_sentences(text)[:1]:
        opened = _OPENS_WITH_NAME.match(sentence)
        if opened is None or opened["name"].casefold() in _LONE_WORDS.split():
            continue
        rest = sentence[opened.end("name") :]
        is_short = len(_WORD.findall(rest)) <= 2
        if is_short or _content_words(rest) & _content_words(asked) or _SAYS_NAME.search(rest):
            yield opened["name"].removesuffix("'s")


_OPENS_WITH_NAME = re.compile(
    r"\W*(?P<name>[A-ZÀ-Þ][a-zß-ÿ]{2,}) (?:was|is|did|does|has|had|were|[a-z]+ed|[a-z]{2,}s|ran)\b"
)
_SAYS_NAME = re.compile(r"\b(?:name|called)\b", re.IGNORECASE)


def _is_all_names(text: str) -> bool:
    """Whether a text is nothing but one to three words with a capital letter."""
    words = _WORD.findall(text)
    return 0 < len(words) <= 3 and len(_CAPITALISED.findall(text)) == len(words)


def _is_known(name: str, words: frozenset[str]) -> bool:
    folded = name.casefold()
    forms = {folded, _bare(folded), folded.split("'")[0]}
    harmless = frozenset(_HARMLESS_NAMES.split())
    if not (forms.isdisjoint(words) and forms.isdisjoint(harmless)):
        return True
    parts = _bare(folded).split("-")
    return len(parts) > 1 and all(part in words or part in harmless for part in parts)


def _bare(word: str) -> str:
    """Without a possessive, and without the plural s that a family or a thing may have."""
    return word.removesuffix("'s").removesuffix("'").removesuffix("s")
