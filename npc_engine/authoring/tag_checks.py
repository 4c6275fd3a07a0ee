"""What `npc check` finds in the emotion tags that authored words may begin with."""

import difflib
import re
from collections.abc import Iterator

from npc_engine.authoring.authored_text import authored_texts
from npc_engine.authoring.sheet_checks import warning
from npc_engine.content.character import CharacterSheet
from npc_engine.content.emotions import EMOTIONS, emotion_named, fitted
from npc_engine.content.marks import Source
from npc_engine.errors import Fault

WRONG_TAG = "W110"

_TAG = re.compile(r"\[([^\W\d_]+)\]\s*\S")
_TAGGED = ("greetings", "barks", "lines")
_ALIKE = 0.7
"""Share of common letters; below it a word in brackets is taken for a stage direction."""


def check_tags(sheet: CharacterSheet, source: Source) -> Iterator[Fault]:
    """Tags that are misspelt, so that they would be shown as text, and tags the sheet rules out."""
    for item in authored_texts(sheet):
        tag = _TAG.match(item.text) if item.use == "spoken" else None
        if tag is None or item.where[0] not in _TAGGED:
            continue
        emotion, allowed = emotion_named(tag[1]), sheet.speech.emotions
        if emotion is None:
            near = difflib.get_close_matches(tag[1].casefold(), EMOTIONS, n=1, cutoff=_ALIKE)
            if near:
                yield warning(
                    source, item.where, f'"[{tag[1]}]", which is no emotion',
                    "a tag that names one, or words", f'did you mean "[{near[0]}]"?', WRONG_TAG,
                )  # fmt: skip
        elif (shown := fitted(emotion, allowed)) != emotion:
            yield warning(
                source, item.where, f'the emotion "{emotion}", shown as "{shown}"',
                f"one of {', '.join(allowed)} (speech.emotions)",
                "add it there, or change the tag", WRONG_TAG,
            )  # fmt: skip
