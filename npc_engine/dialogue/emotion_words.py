"""How a sentence sounds by its words and marks alone: a small list of English.

It knows what people call out, not what they mean. Most sentences tell nothing, and then nothing is
found.
"""

import re
from collections import Counter
from collections.abc import Mapping

from npc_engine.content.emotions import Emotion

_SURE, _LIKELY, _SLIGHT = 3, 2, 1

_PHRASES: Mapping[Emotion, tuple[tuple[int, str], ...]] = {
    "happy": (
        (_SURE, r"hooray|hurrah|huzzah|wonderful|splendid|marvell?ous|delighted|what a joy"),
        (_SURE, r"i'm (?:so |very )?(?:glad|happy)|thank (?:the gods|goodness|heavens)|at last!"),
        (_LIKELY, r"welcome|(?:so |very )?good to see you|well done|excellent|cheers|bless you"),
        (_LIKELY, r"congratulations|lovely|glad|happy|what a (?:day|treat|sight)"),
    ),
    "amused": (
        (_SURE, r"ha!|ha(?:,? ha)+|haha+|heh|hehe|hah|ho ho|you jest|that's a good one"),
        (_LIKELY, r"very funny|funny|make me laugh|good joke|what a joke"),
    ),
    "tender": (
        (_SURE, r"my (?:dear|love|darling|sweet)|dear (?:one|child|heart)|i love you|there, there"),
        (_LIKELY, r"take care of yourself|rest now|you're safe(?: now| here)?|don't (?:you )?cry"),
        (_LIKELY, r"poor (?:thing|lad|girl|child|soul)|i missed you|come here, (?:lad|child|love)"),
    ),
    "sad": (
        (_SURE, r"sorry for your loss|i miss (?:him|her|them|you|it|those)|alas|my heart breaks"),
        (_SURE, r"if only|broke my heart|i wept|i still (?:weep|cry)|we buried|buried (?:him|her)"),
        (_LIKELY, r"i'm (?:so |truly |very )?sorry|never came (?:back|home)|is gone now"),
        (_LIKELY, r"(?:she|he)'s (?:gone|dead)|they're (?:all )?(?:gone|dead)|(?:all|we) lost"),
        (_LIKELY, r"(?:he|she) (?:is dead|died)"),
        (_LIKELY, r"lonely|grief|sorrow|weep|mourn(?:ing)?|regret|my fault|no hope"),
    ),
    "angry": (
        (_SURE, r"damn(?:ed)?|get out|how dare you|out of my (?:sight|house|shop|forge|inn)"),
        (_SURE, r"curse (?:you|him|them|it)|i've had enough|enough!|shut (?:up|your)|liar"),
        (_SURE, r"you'll (?:pay|regret)|don't you (?:dare|ever)|scoundrel|thief!|thieves!"),
        (_LIKELY, r"fools?|idiots?|stop (?:that|it|wasting)|leave me (?:alone|be)"),
        (_LIKELY, r"watch (?:your|it)|last warning|hate (?:him|her|them|it|you)|sick of|nonsense"),
    ),
    "afraid": (
        (_SURE, r"please,? (?:no|don't)|help!|run!|save (?:me|us)|don't hurt|i'm (?:so )?(?:scared|"
                r"afraid|frightened|terrified)|gods (?:help|save|protect) us|have mercy|spare me"),
        (_LIKELY, r"they'll (?:hear|kill|find)|he'll (?:kill|find)|we're doomed|did you hear that"),
        (_LIKELY, r"i(?:'m| am) worried|frightens? me|scares? me|dare not|something's (?:out|in)"),
    ),
    "surprised": (
        (_SURE, r"what\?!|by the gods|good heavens|goodness(?: me)?!|i can't believe|unbelievable"),
        (_SURE, r"you're alive|well, i never|impossible!|really\?!|what on earth|bless my soul"),
        (_LIKELY, r"i never (?:thought|expected)|oh!|is that (?:really|truly)|truly\?|no way"),
        (_LIKELY, r"who would have thought|you did what|already\?"),
    ),
    "disgusted": (
        (_SURE, r"ugh|eww?|yuck|pah|bah|disgusting|revolting|vile|makes me sick|turns my stomach"),
        (_LIKELY, r"filth(?:y)?|stinks?|reeks?|rotten|foul|what a stench"),
    ),
    "wary": (
        (_SURE, r"who sent you|what do you want|who goes there|i don't trust|why should i trust"),
        (_SURE, r"who's asking|keep your (?:distance|hands)|not so fast|what's it to you"),
        (_LIKELY, r"state your business|who are you|why do you (?:ask|want)|careful"),
        (_LIKELY, r"if you say so|something is off|no sudden moves|be on your guard|stay close"),
    ),
}  # fmt: skip


def _compiled(patterns: tuple[tuple[int, str], ...]) -> tuple[tuple[int, re.Pattern[str]], ...]:
    return tuple(
        (weight, re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE))
        for weight, pattern in patterns
    )


_COMPILED = {emotion: _compiled(patterns) for emotion, patterns in _PHRASES.items()}
_NEGATED = re.compile(r"(?:\bnot|\bno|n't|\bnever|\bnothing|\bwithout)\s+(?:\w+\s+)?$")
_STRESSED = re.compile(r"!\s*[\"'”’)]*$")
_ASTONISHED = re.compile(r"\?!|!\?")


def emotion_scores(sentence: str) -> Counter[Emotion]:
    """How strongly a sentence sounds like what; only what it sounds like at all.

    Args:
        sentence: As it is spoken, with its marks.
    """
    scores: Counter[Emotion] = Counter()
    plain = sentence.replace("’", "'")
    for emotion, patterns in _COMPILED.items():
        for weight, pattern in patterns:
            found = pattern.search(plain)
            if found is not None and not _NEGATED.search(plain[: found.start()].casefold()):
                scores[emotion] += weight
    if _ASTONISHED.search(plain):
        scores["surprised"] += _LIKELY
    elif scores and _STRESSED.search(plain):
        loudest = max(scores, key=lambda each: scores[each])
        scores[loudest] += _SLIGHT
    return scores
