"""What a question about the player wants to know, where its words alone do not tell.

English. Beside `intents`, which knows what is asked of the character; here the answer is a sentence
in which the player speaks of themselves.
"""

import re

from npc_engine.memory.words import words

_AM = r"\bi(?:['’]m| am)\b"
_NUMBER = (
    r"(?:\d+|\w*(?:teen|ty)(?:-\w+)?|t(?:wo|hree|en)|f(?:our|ive)|s(?:ix|even)|eight|nine|twelve)"
)
_TRADE = (
    r"an? (?:\w+ )?\w+(?:er|or|ist|ian|smith|wright|man|woman|monger|hand|ant|ier|herd|maid|nurse"
    r"|cook|priest|monk|nun|clerk|guard|pilot|medic|scribe|spy|thief|bard|judge|squire|knight)\b"
)

_FORMS = (
    (
        r"\bmy (?:full |real |own |last |first )?name\b|\bam i called\b|\bcall me\b|^who am i\b",
        rf"\bmy name\b|(?:{_AM}|\bthey) (?:called|named)|\bcall me\b|\bi go by\b"
        rf"|^(?:\w+, )?i(?:['’]m| am) (?-i:[A-Z])",
    ),
    (
        r"\bhow old (?:am|was) i\b|\bmy age\b|\bwhat age am i\b|\bwhen was i born\b",
        rf"(?:{_AM}|\bi (?:turned|turn)) (?:\w+ )?{_NUMBER}\b(?! (?:miles|feet))"
        rf"|\b{_NUMBER} (?:years|winters|summers) old\b|\bi was born\b",
    ),
    (
        r"\bwhere (?:(?:do|did|am|was) )?i (?:\w+ )?(?:come|came|from|grow|born|raised|hail)\b"
        r"|\bmy (?:home|home ?town|birthplace|homeland)\b|\bwhere is home\b"
        r"|\b(?:town|city|village|country|island|place) (?:am|do|did) i (?:\w+ )?(?:come )?from\b",
        rf"\bi (?:come|came|hail) (?:all the way )?from\b|{_AM} from\b|\bi (?:grew up|was (?:born"
        r"|raised))\b|\bmy home\b|\bback home\b",
    ),
    (
        r"\bdo i do(?: for (?:a|my) (?:living|bread))?$|\bfor a living\b"
        r"|\b(?:my|is my) (?:job|work|trade|profession|craft|occupation|calling|living)\b",
        rf"{_AM} {_TRADE}|\bi work\b|\bfor a living\b"
        r"|\bmy (?:trade|job|craft|work) is\b|\bby trade\b",
    ),
    (
        r"\bam i (?:going|headed|heading|bound|off|travell?ing|walking|riding|sailing)\b"
        r"|\b(?:do|did) i (?:\w+ )?(?:go|head|travel|sail|ride|walk)(?: (?:next|to|now))*$"
        r"|\bwhere will i (?:go|be)\b|\bmy destination\b"
        r"|\bmy (?:journey|road|trip) (?:lead|end|go)",
        r"\b(?:going|heading|headed|bound|off|travell?ing|walking|riding|sailing|on (?:my|the) way"
        r"|journey(?:ing)?|take me|made my way) (?:\w+ )?(?:to|for|towards?)\b"
        r"|\bi (?:leave|sail|ride|travel) (?:\w+ )?(?:to|for)\b",
    ),
    (
        r"\b(?:am|was) i (?:looking|searching|hunting|asking) for\b|\bdo i (?:seek|look for)\b"
        r"|\b(?:am|was) i (?:trying|hoping|here) to find\b|\bam i after\b",
        rf"\b(?:looking|searching|hunting|asking) (?:\w+ )?for\b|\bi seek\b|{_AM} seeking\b"
        rf"|{_AM} after\b|\b(?:want|need|hope|have|trying) to find\b",
    ),
    (
        r"\b(?:do|did) i (?:\w+ )?(?:need|want|wish)\b|\bam i (?:missing|short of|in need)\b",
        rf"\bi (?:\w+ )?(?:need|want|wish)\b|\bi['’]d like\b|\bi would like\b"
        rf"|{_AM} (?:short of|out of)",
    ),
    (
        r"\bdo i (?:\w+ )?(?:like|love|enjoy|prefer|adore)\b|\bmy favou?rite\b|\bam i fond of\b",
        rf"\bi (?:\w+ )?(?:like|love|enjoy|prefer|adore)\b|\bmy favou?rite\b|{_AM} fond of\b",
    ),
    (
        r"\bdo i (?:\w+ )?(?:hate|dislike|detest|loathe)\b|\b(?:can|could) i not (?:stand|bear)\b"
        r"|\bdon t i like\b|\bdo i not like\b",
        r"\bi (?:\w+ )?(?:hate|dislike|detest|loathe)\b"
        r"|\bi (?:can['’]t|cannot|never could) (?:stand|bear)\b|\bi (?:don['’]t|do not) like\b",
    ),
    (
        r"\bam i (?:\w+ )?(?:afraid|scared|frightened)\b|\b(?:frightens|scares) me\b|\bdo i fear\b"
        r"|\bmy fears?\b",
        rf"{_AM} (?:\w+ )?(?:afraid|scared|frightened|terrified)\b"
        r"|\b(?:frighten|scare|terrif)\w* me\b"
        r"|\bi (?:\w+ )?(?:fear|dread)\b",
    ),
)
_PUT_STRAIGHT = re.compile(r"\bi (am|was|do|did)\b")
"""As in "tell me who I am"."""
_READ = tuple((re.compile(asked), re.compile(told, re.IGNORECASE)) for asked, told in _FORMS)


def tells(question: str, saying: str) -> bool:
    """Whether what the player said has the form that answers such a question.

    Args:
        question: One sentence of the player, about the player.
        saying: What the player said before.
    """
    asked = _PUT_STRAIGHT.sub(r"\1 i", " ".join(words(question)))
    return any(
        wanted.search(asked) and answer.search(saying) is not None for wanted, answer in _READ
    )
