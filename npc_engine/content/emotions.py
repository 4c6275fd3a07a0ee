"""The emotions that a spoken line may be shown with, and the words that name them."""

import re
from collections.abc import Collection, Mapping
from typing import get_args

from npc_engine.messages import Emotion

__all__ = ["EMOTIONS", "Emotion", "emotion_among", "emotion_named", "fitted", "without_tag"]

EMOTIONS: tuple[Emotion, ...] = get_args(Emotion)

_NEXT_BEST: Mapping[Emotion, tuple[Emotion, ...]] = {
    "amused": ("happy",),
    "tender": ("happy",),
    "happy": ("amused", "tender"),
    "wary": ("afraid",),
    "afraid": ("wary",),
    "disgusted": ("angry",),
    "angry": ("disgusted",),
}

_NAMES: Mapping[Emotion, str] = {
    "neutral": "neutral calm flat plain even level indifferent",
    "happy": """happy happiness joy joyful joyous glad cheer cheerful delighted delight pleased
        pleasure merry proud pride excited excitement eager hope hopeful relief relieved grateful
        gratitude warm bright enthusiastic jolly content""",
    "amused": """amused amusement laughing laugh playful teasing tease mischief mischievous wry
        dry sarcastic sarcasm mocking humour humor sly""",
    "tender": """tender tenderness love loving gentle kind fond fondness affection affectionate
        caring friendly friendship soft compassion compassionate sympathy sympathetic""",
    "sad": """sad sadness sorrow sorrowful grief grieving gloom gloomy melancholy melancholic
        lonely regret regretful remorse ashamed shame guilt guilty sorry heartbroken tearful
        miserable mournful weary bitter wistful disappointed disappointment""",
    "angry": """angry anger mad rage furious fury wrath irritated irritation annoyed annoyance
        resentment resentful hatred hate hostile hostility cross stern outraged outrage impatient
        impatience frustrated frustration harsh fierce indignant""",
    "afraid": """afraid fear fearful scared scare terror terrified fright frightened panic panicked
        nervous nervousness anxious anxiety worry worried dread alarmed alarm shaken timid""",
    "surprised": """surprised surprise astonished astonishment amazed amazement shock shocked
        startled stunned awe wonder bewildered confused confusion""",
    "disgusted": """disgusted disgust revulsion revolted contempt contemptuous disdain disdainful
        scorn scornful loathing""",
    "wary": """wary wariness suspicious suspicion distrust mistrust distrustful mistrustful doubt
        doubtful cautious caution guarded sceptical skeptical uneasy unease""",
}
_BY_NAME: Mapping[str, Emotion] = {
    name: emotion for emotion, names in _NAMES.items() for name in names.split()
}
_AUTHORED_TAG = re.compile(r"\s*\[([^\W\d_]{2,20})\]\s*")
_WORD = re.compile(r"[^\W\d_]+")


def emotion_named(word: str) -> Emotion | None:
    """The emotion that one word names, as noun, adjective or adverb; None if it names none."""
    name = word.casefold()
    forms = [name]
    if name.endswith("ily"):
        forms.append(f"{name[:-3]}y")
    if name.endswith("ly"):
        forms += [name[:-2], f"{name[:-2]}e", f"{name[:-1]}e"]
    return next((_BY_NAME[form] for form in forms if form in _BY_NAME), None)


def emotion_among(words: str) -> Emotion | None:
    """The first emotion that some words name, such as a relationship's `grudging respect, fear`."""
    return next(filter(None, map(emotion_named, _WORD.findall(words))), None)


def fitted(emotion: Emotion, allowed: Collection[Emotion]) -> Emotion:
    """The emotion, or what stands for it where only some are allowed; at last `neutral`.

    Args:
        emotion: What was found.
        allowed: `speech.emotions` of a sheet; empty allows all.
    """
    if not allowed or emotion in allowed:
        return emotion
    return next((near for near in _NEXT_BEST.get(emotion, ()) if near in allowed), "neutral")


def without_tag(text: str) -> tuple[Emotion | None, str]:
    """The emotion of the tag an authored text begins with, and the text behind it.

    `[angry] Out!` gives `angry` and `Out!`; a text without such a tag comes back as it is.
    """
    tag = _AUTHORED_TAG.match(text)
    emotion = emotion_named(tag[1]) if tag else None
    if tag is None or emotion is None or tag.end() == len(text):
        return None, text
    return emotion, text[tag.end() :]
