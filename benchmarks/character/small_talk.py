"""Small talk that fills the time: both halves are written, so no model is asked for them."""

import re

from benchmarks.character.script import Exam, PersonaScript

_CHOICE = re.compile(r"\{([^{}]*)\}")
_VARIANTS = 4
"""So often each template is said before the talk is over."""


def nth(template: str, number: int) -> str:
    """The template with choice `number` taken at every `{a|b|c}`, beginning again at its end."""

    def chosen(found: re.Match[str]) -> str:
        choices = found[1].split("|")
        return choices[number % len(choices)]

    return _CHOICE.sub(chosen, template)


def small_talk(exam: Exam, persona: PersonaScript) -> list[tuple[str, str]]:
    """Turns of the player's line and the reply, in the order in which they are played."""
    halves = list(zip(exam.everyone.small_talk, persona.replies, strict=True))
    return [
        (nth(player, number), nth(reply, number))
        for number in range(_VARIANTS)
        for player, reply in halves
    ]
