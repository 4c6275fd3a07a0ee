"""Letters: a serif where the computer has one, pygame's own font where it has none."""

import warnings
from dataclasses import dataclass
from functools import lru_cache

import pygame

from examples.tavern.colours import Colour

_SERIF = "dejavuserif,georgia,liberationserif,timesnewroman"
_MONO = "dejavusansmono,consolas,liberationmono,couriernew"


@dataclass(frozen=True, slots=True)
class Letters:
    """The sizes the game writes in."""

    speech: pygame.font.Font
    name: pygame.font.Font
    panel: pygame.font.Font
    figures: pygame.font.Font


def letters() -> Letters:
    """Fonts of this computer; pygame's fonts must have begun."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where no list of fonts can be had
        serif, mono = pygame.font.match_font(_SERIF), pygame.font.match_font(_MONO)
    return Letters(
        pygame.font.Font(serif, 16),
        pygame.font.Font(serif, 13),
        pygame.font.Font(serif, 15),
        pygame.font.Font(mono, 12),
    )


@lru_cache(maxsize=512)
def written(font: pygame.font.Font, text: str, colour: Colour) -> pygame.Surface:
    """A line of text as a picture; the same line is drawn once."""
    return font.render(text, True, colour)
