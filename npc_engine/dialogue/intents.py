"""What a question wants to know of a person, where its words alone do not tell: age, name, goals.

English. Each rule is a form of question and the statements that answer it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from npc_engine.memory.words import numbers_by_word, words
from npc_engine.prompt.statements import Statement

_WORDS = "|".join(word for word, digits in numbers_by_word().items() if int(digits) > 1)
_NUMBER = rf"(?:\d+|{_WORDS})(?:-(?:{_WORDS}|one))?"
_A_NUMBER = re.compile(rf"\b{_NUMBER}\b", re.IGNORECASE)
_AN_AGE = re.compile(
    rf"(?:\b(?:is|aged?|turned|turns)|,) (?:about |almost |nearly |some |just )?{_NUMBER}"
    rf"(?: (?:years|winters|summers) old)?(?=[,.;]| and\b|$)|\b{_NUMBER} (?:years|winters) old\b"
    rf"|\b(?:built|born|made)\b.*\b{_NUMBER} years ago",
    re.IGNORECASE,
)
_A_PLACE = re.compile(
    r"\b(?:in|at|on|under|over|near|from|behind|across|beside|downriver|outside)\b"
)
_A_TIME = re.compile(
    rf"\b(?:{_NUMBER}|days?|years?|months?|weeks?|mornings?|nights?|noon|dawn|spring|summer|autumn|"
    r"winter|midwinter|ago|since|before|after|until|at|on)\b",
    re.IGNORECASE,
)
_A_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+")
_WHEREFROM = re.compile(
    r"\b(?:grew|grown|raised|born|built|made in|came|comes|come|childhood|ran away|apprenticed|"
    r"incomer|native|from)\b"
)


@dataclass(frozen=True, slots=True)
class _Intent:
    asked: re.Pattern[str]
    """A question, as its words in small letters with spaces between them."""
    answers: Callable[[Statement], float]
    """How well a statement answers it; 0: not at all."""


def _field(*weights: tuple[str, float]) -> Callable[[Statement], float]:
    by_id = dict(weights)
    return lambda statement: by_id.get(statement.id, by_id.get(statement.field, 0.0))


_SELF = frozenset(("summary", "persona", "background", "fact"))
OF_EVERYBODY = frozenset(("world", "rules", "fact"))
"""Fields that may answer somebody who asks about themselves."""


def _age(statement: Statement) -> float:
    of_self = statement.field in _SELF and _AN_AGE.search(statement.text) is not None
    return 1.0 if of_self else 0.0


def _origin(statement: Statement) -> float:
    if statement.field not in _SELF:
        return 0.0
    begins = 0.4 if statement.field == "background" else 0.0
    return begins + (0.6 if begins and _WHEREFROM.search(statement.text) else 0.0)


_INTENTS = (
    _Intent(
        re.compile(
            r"how (?:old|aged) (?:are|re|would|might|do) (?:you|u)\b|\byour age\b|what age are you"
            r"|(?:when|what year|which year) were you (?:born|built|made)|you (?:that |so )?old\b"
            r"|how many (?:years|winters|summers) (?:have you (?:seen|got|lived|been)|old)"
        ),
        _age,
    ),
    _Intent(
        re.compile(
            r"^(?:(?:and|so|but|then|well|now|good|hello|evening|morning) )*(?:who|what) "
            r"(?:are|re) you(?: then| exactly| really| here| anyway)?$"
            r"|\byour (?:full |real |own )?name\b|\byou called\b|\bcall you\b"
            r"|\bintroduce yourself\b|^who am i (?:talking|speaking)"
        ),
        _field(("summary", 1.0)),
    ),
    _Intent(
        re.compile(
            r"^(?!.*\b(?:was|were|did|before|used)\b).*(?:\bfor a living\b"
            r"|\bwhat do you do(?: here| all day| around here)?$"
            r"|\byour (?:job|work|trade|profession|craft|occupation|living|post|business|role)\b)"
        ),
        _field(("summary", 1.0)),
    ),
    _Intent(
        re.compile(
            r"\bwhat (?:do|would|are|else do) you (?:really |most |still )?"
            r"(?:want|wish|hope|hoping|plan|planning|trying|dream|after|need|working)\b"
            r"|\byour (?:goals?|plans?|dreams?|wish|wishes|hopes?|aims?|ambitions?)\b|\bdream of\b"
        ),
        _field(("goals", 1.0)),
    ),
    _Intent(
        re.compile(
            r"\babout yourself\b|\bdescribe yourself\b|\bwhat (?:are|re) you like\b"
            r"|\bwhat do you look like\b|\bhow do you look\b|\bwhat (?:kind|sort) of (?:person|man|"
            r"woman) (?:are|re) you\b"
        ),
        _field(("persona[0]", 1.0), ("traits", 0.9)),
    ),
    _Intent(
        re.compile(
            r"\bwhere (?:are|re|do|did|were) you (?:\w+ )?(?:from|grow|born|raised|built|made)\b"
            r"|\byou (?:come|came|hail|hailing) from\b|\bwhere do you (?:come|hail)\b"
            r"|\byour (?:childhood|youth|home ?town|past|origins?|upbringing|birthplace|story)\b"
            r"|\byou grow up\b|\b(?:did|were|been) you (?:do |doing |work |working )?before\b"
            r"|\byour (?:job|work|trade|post|life) before\b|\bbefore you came\b"
        ),
        _origin,
    ),
)


def wanted(question: str, about: Sequence[Statement]) -> tuple[float, ...]:
    """How well each statement answers what a question asks for by its form, 0 to 1.

    Args:
        question: One sentence of the player.
        about: All statements.
    """
    asked = " ".join(words(question))
    intents = [intent for intent in _INTENTS if intent.asked.search(asked)]
    return tuple(
        max((intent.answers(statement) for intent in intents), default=0.0) for statement in about
    )


_POLITELY = re.compile(
    r"\b(?:do|can|could|did|would|will) you (?:still |even |happen to |perhaps |maybe |please )?"
    r"(?:remember|recall|know|guess|say|tell|remind)\b|\b(?:tell|remind|show|give) me\b"
)
_TOLD_YOU = re.compile(
    r"\b(?:did i|have i|i have|i ve|i) (?:ever |just |once |already )?(?:tell|told|say|said|mention"
    r"(?:ed)?)(?: (?:to )?you\b)?(?! (?:him|her|them|it)\b)"
)
_PLAYER = re.compile(r"\b(?:i|me|my|mine|myself)\b")
_CHARACTER = re.compile(r"\b(?:you|your|yours|yourself)\b")


def is_about_player(question: str) -> bool:
    """Whether a question is about the one who asks, as "do you remember what my father did?"."""
    asked = _bare(question)
    return _PLAYER.search(asked) is not None and _CHARACTER.search(asked) is None


def is_about_character(question: str) -> bool:
    """Whether a question, or what leads to it, speaks to the character of the character."""
    return _CHARACTER.search(_bare(question)) is not None


def _bare(question: str) -> str:
    """Without the words by which somebody is asked to remember."""
    asked = _TOLD_YOU.sub(" i ", " ".join(words(question)))
    return _POLITELY.sub(" ", asked)


_FORMS = (
    (re.compile(r"\bhow (?:many|much|long|far|old|often|big|tall|high|heavy|late)\b"), _A_NUMBER),
    (
        re.compile(r"\bwhere\b|\bwhat (?:place|town|city|village)\b|\bwhich (?:town|city)\b"),
        _A_PLACE,
    ),
    (re.compile(r"\bwhen\b|\bwhat time\b|\bhow long\b|\bwhat day\b"), _A_TIME),
    (re.compile(r"\bwho(?:m|se)?\b|\bcalled\b|\bname\b"), _A_NAME),
)


def fits(question: str, text: str) -> bool:
    """Whether a text has what the question word asks for: a number, a place, a time or a name."""
    asked = " ".join(words(question))
    return any(form.search(asked) and answer.search(text) for form, answer in _FORMS)
