"""What stands in asterisks, brackets or parentheses of a reply: words, a direction, or a tag."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from npc_engine.content.emotions import Emotion, emotion_named

MARK_SIGNS = "*([<"
"""Signs that something other than speech may begin with."""

_MAX_CHARS = 200
"""A longer text between two signs is speech."""

_MAX_LABEL_CHARS = 60

_CLOSED_BY = {"*": "*", "(": ")", "[": "]", "<": ">"}
_TAG = re.compile(r"\s*(?:(?:emotion|mood|tone)\s*[:=]\s*)?\"?([^\W\d_]+)\"?\s*/?", re.IGNORECASE)
_LABEL = re.compile(
    r"[*_]{0,2}(?:emotion|mood)[*_]{0,2}[^\S\n]*[:=][*_ ]*([^\W\d_]+)[*_]*[.,;]?(?=\s|$)",
    re.IGNORECASE,
)
_LABEL_WORDS = ("emotion", "mood")
_BEGUN = re.compile(r"(?:emotion|mood)[*_]{0,2}[^\S\n]*(?:[:=][*_ ]*[^\W\d_]{0,20}[*_]*[.,;]?)?")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")

_VERB_WORDS = """
    add adjust admire appear approach arch back bang bare beam beat begin bend bite blink blush
    bow break breathe brush call cackle catch chew chuckle clap clasp clear clench close consider
    cough crack cringe cross crouch cry curtsy draw drink drop drum eat enter examine exhale eye
    fidget finish flinch fold freeze frown gasp gather gaze gesture giggle glance glare grab grimace
    grin groan growl grumble grunt gulp hand hang hesitate hiss hold huff hug hum inhale inspect
    jump kick kiss kneel knock laugh lean leave lick lift light listen look lower mumble murmur
    mutter narrow nod nudge offer open pace pat pause peer pick place point polish pour pull purse
    push put raise reach return rise roll rub scan scoff scowl scratch scribble shake shift shiver
    shout shrug shudder shuffle sigh sing sip sit slam slide slump smack smile smirk snap snarl
    sneer sniff sniffle snort sob speak spin spit squint stammer stand stare start step stiffen stir
    straighten stretch stroke sway swallow take tap throw tighten tilt toss touch tremble turn twist
    wait walk watch wave weep whisper whistle wince wink wipe wring yawn yell
"""
_MANNER_WORDS = """
    aside beat breathlessly bluntly briskly carefully coldly coolly curtly deadpan dreamily
    drily dryly evenly firmly flatly grimly gruffly hoarsely hurriedly loudly offhand
    pause politely quickly quietly sharply silence slowly softly solemnly sourly thoughtfully under
    wearily whispered
"""
_VERBS = frozenset(_VERB_WORDS.split())
_MANNERS = frozenset(_MANNER_WORDS.split())
_SHOWN_BY: Mapping[Emotion, str] = {
    "happy": "beam smile clap dance cheer",
    "amused": "chuckle grin giggle smirk wink snicker cackle snort",
    "tender": "hug kiss pat caress embrace",
    "sad": "sob weep cry sniffle sigh tear tears slump",
    "angry": "glare scowl growl snarl slam snap shout yell clench fist fists frown huff",
    "afraid": "tremble shiver shudder flinch cringe gulp stammer cower pale",
    "surprised": "gasp blink startle gape",
    "disgusted": "sneer spit grimace scoff gag",
    "wary": "squint narrow hesitate",
}
_SHOWN: Mapping[str, Emotion] = {
    verb: emotion for emotion, verbs in _SHOWN_BY.items() for verb in verbs.split()
}
"""What is done, and the emotion it shows."""
_ACTORS = frozenset(("she", "he", "they", "i"))


@dataclass(frozen=True, slots=True)
class Mark:
    """What was found between two signs."""

    kind: Literal["words", "direction", "tag"]
    end: int
    """Where the text goes on behind it."""
    text: str = ""
    """The words inside; of `words` as they are spoken."""
    emotion: Emotion | None = None
    """Which emotion it names, for a tag always."""


def mark_at(text: str, start: int, *, before: str, final: bool) -> Mark | None:
    """What begins at one of `MARK_SIGNS`; None if that cannot be told yet.

    Args:
        text: What is there so far.
        start: Where the sign stands.
        before: The last sign of speech before it; empty where none was spoken in this row.
        final: Whether nothing more comes.
    """
    sign = text[start]
    if sign == "*" and text.startswith("**", start):
        return Mark("words", start + 2)
    spoken = "" if sign == "*" else sign
    end = text.find(_CLOSED_BY[sign], start + 1, start + _MAX_CHARS + 2)
    inner = text[start + 1 : end] if end >= 0 else text[start + 1 : start + _MAX_CHARS + 2]
    if end < 0 or "\n" in inner:
        is_open = end < 0 and "\n" not in inner and len(inner) <= _MAX_CHARS and not final
        if is_open and not (sign == "*" and inner[:1].isspace()):
            return None
        return Mark("words", start + 1, spoken)
    if not inner.strip() or (sign == "*" and inner[0].isspace()):
        return Mark("words", start + 1, spoken)
    if sign == "*" and end + 1 == len(text) and not final:
        return None
    return _closed(sign, inner.strip(), text, end + 1, before)


def label_at(text: str, start: int, *, final: bool) -> Mark | Literal["open"] | None:
    """A row such as `Emotion: sad`, "open" while it may become one, None for ordinary words."""
    row_end = text.find("\n", start)
    row = text[start : row_end if row_end >= 0 else len(text)]
    is_open = not final and row_end < 0
    match = _LABEL.match(row)
    if match is not None and match.end() > _MAX_LABEL_CHARS:
        return None
    if match is not None and not (is_open and match.end() == len(row)):
        emotion = emotion_named(match[1])
        return None if emotion is None else Mark("tag", start + match.end(), match[1], emotion)
    return "open" if is_open and _may_become_label(row) else None


def _may_become_label(row: str) -> bool:
    if len(row) > _MAX_LABEL_CHARS:
        return False
    core = row.lstrip("*_").casefold()
    return any(word.startswith(core) for word in _LABEL_WORDS) or bool(_BEGUN.fullmatch(core))


def emotion_in_direction(words: str) -> Emotion | None:
    """The emotion that a stage direction shows, by its words; None if they say nothing."""
    for word in _WORD.findall(words.casefold()):
        for form in (word, *_base_forms(word)):
            found = _SHOWN.get(form) or emotion_named(form)
            if found is not None:
                return found
    return None


def _closed(sign: str, inner: str, text: str, end: int, before: str) -> Mark:
    tag = _TAG.fullmatch(inner)
    named = emotion_named(tag[1]) if tag is not None else None
    if sign == "<":
        return Mark("tag", end, inner, named) if named else Mark("words", end, f"<{inner}>")
    if named is not None and (sign != "*" or not _is_stress(inner, text, end, before)):
        return Mark("tag", end, inner, named)
    if sign == "[" or (sign == "(" and _is_acted(inner)):
        return Mark("direction", end, inner, emotion_in_direction(inner))
    if sign == "*" and not _is_stress(inner, text, end, before):
        return Mark("direction", end, inner, emotion_in_direction(inner))
    return Mark("words", end, inner if sign == "*" else f"{sign}{inner}{_CLOSED_BY[sign]}")


def _is_stress(inner: str, text: str, end: int, before: str) -> bool:
    """Whether words between asterisks are stressed rather than acted: `I am *very* tired`."""
    words = _WORD.findall(inner.casefold())
    if len(words) > 2 or not words:
        return False
    if words[0] in _MANNERS or _is_verb(words[0], alone=len(words) == 1):
        return False
    is_glued = text[end : end + 1] not in ("", " ", "\n", "*", '"')
    return is_glued or (bool(before) and before not in '.!?…:;-—"”')


def _is_acted(inner: str) -> bool:
    """Whether words in parentheses tell what is done, not what is said."""
    words = _WORD.findall(inner.casefold())
    if not words:
        return False
    if len(words) > 1 and words[0] in _ACTORS and words[1] not in _VERBS:
        words = words[1:]
    first = words[0]
    if _is_verb(first, alone=len(words) == 1) or first in _MANNERS:
        return True
    if len(words) == 1 or len(words) > 3:
        return False
    return emotion_named(first) is not None or (first in ("in", "with") and _names_one(words[1:]))


def _names_one(words: list[str]) -> bool:
    return any(emotion_named(word) for word in words)


def _is_verb(word: str, *, alone: bool) -> bool:
    if word in _VERBS:
        return alone
    return any(form in _VERBS for form in _base_forms(word))


def _base_forms(word: str) -> list[str]:
    """What a verb in `-s` or `-ing` may be a form of."""
    forms = []
    for ending, lasts in (("ies", ("y",)), ("es", ("", "e")), ("s", ("",)), ("ing", ("", "e"))):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            stem = word.removesuffix(ending)
            forms += [stem + last for last in lasts]
            if ending == "ing" and len(stem) > 2 and stem[-1] == stem[-2]:
                forms.append(stem[:-1])
    return forms
