"""Questions for a name or a number to which nothing in the prompt holds an answer.

"What was your schoolmaster called?" makes small models invent somebody. Where no sentence of what
the character was told speaks of what is asked, any new name and any number would be made up, even
those that small talk may hold otherwise. English.
"""

import re
from collections.abc import Iterable
from typing import Literal

from npc_engine.dialogue.asked_words import LIGHT, answering, asked_roots, roots
from npc_engine.memory.words import is_question, sentences, words

Wanted = Literal["name", "number"]

_NAME = re.compile(
    r"\bnamed?\b|\bnames\b|\bcalled\b|\bwho(?:m|se)?\b(?! (?:am i|are you|do you think you))"
)
_NUMBER = re.compile(
    r"\bhow (?:many|much|old|long|far|often|tall|high|heavy|deep|big)\b|\bwhat (?:did|does|do|will|"
    r"would|is|was) .*\b(?:cost|pay|paid|weigh|earn|worth|price|age)\b|\bwhat (?:age|year|number|"
    r"price)\b|\bwhich (?:year|number|day of the month)\b"
)

_OPENING = """
absolutely actually alas almost alone along already although anyway apologies apparently aren
around asleep away aye bah because behind being believe best better beyond both bread brave bring
business but buy careful careless certainly cheap clear close closed cold coin come common
complicated could couldn curious dammit damn dangerous dead dear deep definitely depends did didn
different difficult dirty doesn don doubt dreadful drink drunk dull dusty each early eh either
empty enough even evening ever exactly excuse expensive fair fancy farewell fine first folk fool
foolish for forget forgive forgot forgotten forward free fresh friend friends from fun funny
generally gentle give gladly gone got gracious grand great greetings guess had happy hard hardly
has hasn have haven heard heavens help here hm hmm ho hold honest honestly hopefully hot hungry
hurry hush huh idle idiot if imagine impossible indeed instead interesting isn it just keep kind
know last lately later lazy least leave less let like likely listen little lonely long look looks
lost lots loud lovely luck luckily magic many may maybe meant mid might mind mm mostly mother much
must my naturally near nearly neither never new next nice night no nobody none nonsense nope nor
not nothing notice now nowhere of often oh old on once one only ordinary otherwise ought our out
over pah pardon peace people perhaps please plenty possibly pretty private probably pull quick
quiet quietly quite rain ready really remember right rough round rubbish rumour rumours sad safe
same sadly secret secrets see seems seldom several shall she should shut sick silence silly simply
since sit slow slowly small smoke so soft some somebody someone something sometimes somewhere soon
sorry sounds speak stand stay steady still stop strange strangers strictly stupid such sure surely
sweet take talk tell terrible thank thanks that then there they things think this those though
thought through time tired to today together tomorrow tonight too tricky trouble true truly
truth try twice typical under unfortunately unless until up usually very wait walk want warm was
wasn watch water we weather welcome well were weren what whatever when whenever where wherever
whether which while whisper whoever why wild will wisely with within without won wonderful work
worse would wouldn wrong yeah years yes yesterday yet you young your
"""
OPENING_WORDS = frozenset(_OPENING.split())
"""Words that may begin a sentence and are no names."""

_SPEECH_PARTS = ("ly", "ing", "ed", "ful", "less", "ness", "tion")
_LEAST_SPOKEN = 8
"""Letters from which such an ending tells a word from a name: not Fred, Molly or Wilfred."""


def opens_plainly(word: str) -> bool:
    """Whether a word in small letters begins a sentence without being a name."""
    is_long = len(word) >= _LEAST_SPOKEN
    return word in OPENING_WORDS or (is_long and word.endswith(_SPEECH_PARTS))


def wanted_by(line: str) -> frozenset[Wanted]:
    """What the questions of a line ask for."""
    found: set[Wanted] = set()
    for sentence in sentences(line):
        if not is_question(sentence):
            continue
        asked = " ".join(words(sentence))
        found |= {"name"} if _NAME.search(asked) else set()
        found |= {"number"} if _NUMBER.search(asked) else set()
    return frozenset(found)


def is_told_of(line: str, told: Iterable[str]) -> bool:
    """Whether a sentence of what was told speaks of what a line asks for.

    It does if it holds a word of the question, or one such words are answered with; words that are
    said of anything count only where the question has no other.

    Args:
        line: The player's words.
        told: What the character knows, sentence by sentence or in longer texts.
    """
    asked = [root for part in sentences(line) if is_question(part) for root in asked_roots(part)]
    heavy = [root for root in asked if root not in LIGHT] or asked
    if not heavy:
        return True
    wanted = {*heavy, *(other for root in heavy for other in answering(root))}
    return any(wanted.intersection(roots(text)) for text in told)
