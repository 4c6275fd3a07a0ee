"""The guests and the player: round figures with hair, clothes and a little of what they do."""

from dataclasses import dataclass
from functools import lru_cache

import pygame

from examples.tavern import colours as c
from examples.tavern.brush import Brush
from examples.tavern.colours import Colour
from examples.tavern.people import Facing, Person

WIDTH, HEIGHT = 72, 84
FOOT_Y = 76
"""Where the feet stand in the picture."""


@dataclass(frozen=True, slots=True)
class Look:
    """What somebody wears."""

    skin: Colour
    hair: Colour
    coat: Colour
    trim: Colour
    broad: float = 1.0
    extra: str = ""
    """`apron`, `hat`, `fiddle`, `book` or `pack`."""


LOOKS = {
    "osla": Look((222, 176, 144), (150, 142, 138), (158, 74, 56), (236, 222, 196), 1.12, "apron"),
    "dunstan": Look((196, 146, 112), (78, 54, 38), (96, 110, 66), (60, 66, 44), 1.22, "hat"),
    "linnet": Look((234, 192, 160), (188, 84, 40), (52, 122, 92), (226, 176, 90), 0.94, "fiddle"),
    "tobias": Look((236, 208, 184), (58, 50, 56), (76, 84, 128), (200, 204, 220), 0.9, "book"),
    "player": Look((206, 160, 126), (106, 74, 48), (120, 96, 72), (190, 60, 50), 1.0, "pack"),
}


def picture(person: Person) -> pygame.Surface:
    """A person as it stands or walks now."""
    step = int(person.walked / 11) % 4 if person.path or person.id == "player" else 0
    return _picture(person.id, person.facing, step)


@lru_cache(maxsize=128)
def _picture(who: str, facing: Facing, step: int) -> pygame.Surface:
    look = LOOKS[who]
    brush = Brush(WIDTH, HEIGHT, scale=4)
    lift = (0, 2, 0, 2)[step]
    brush.oval((0, 0, 0, 88), 36 - 21 * look.broad, FOOT_Y - 9, 42 * look.broad, 16)
    _feet(brush, step)
    if look.extra == "pack" and facing == "up":
        _body(brush, look, facing, lift)
        brush.box((132, 92, 56), 24, 36 - lift, 24, 24, 7)
        brush.box((104, 70, 42), 24, 44 - lift, 24, 4)
    else:
        _body(brush, look, facing, lift)
    _head(brush, look, facing, lift)
    return brush.done()


def _feet(brush: Brush, step: int) -> None:
    left, right = ((0, 0), (-3, 2), (0, 0), (2, -3))[step]
    brush.oval((44, 32, 28), 25, FOOT_Y - 8 + left, 11, 9)
    brush.oval((44, 32, 28), 36, FOOT_Y - 8 + right, 11, 9)


def _body(brush: Brush, look: Look, facing: Facing, lift: int) -> None:
    half = 17 * look.broad
    dark = (int(look.coat[0] * 0.72), int(look.coat[1] * 0.72), int(look.coat[2] * 0.72))
    top = 34 - lift
    brush.box(dark, 36 - half, top, 2 * half, 38, 15)
    brush.box(look.coat, 36 - half + 1.5, top, 2 * half - 4, 35, 14)
    for side in (-1, 1):
        arm = 36 + side * (half - 1)
        brush.oval(dark, arm - 6, top + 8, 12, 23)
        brush.oval(look.skin, arm - 4, top + 24, 8, 8)
    if facing == "up":
        return
    if look.extra == "apron":
        brush.box(look.trim, 36 - 10, top + 12, 20, 22, 6)
        brush.line(c.BRASS, (36, top + 2), (36, top + 12), 1)
        brush.disc(c.BRASS, 36, top + 13, 2.4)
    else:
        brush.shape(look.trim, (36 - 7, top), (36 + 7, top), (36, top + 11))
        brush.line(dark, (36, top + 11), (36, top + 33), 1)
    if look.extra == "fiddle":
        brush.oval((142, 72, 34), 40, top + 12, 15, 12)
        brush.oval((142, 72, 34), 49, top + 6, 12, 10)
        brush.line((70, 40, 24), (56, top + 9), (66, top - 2), 2)
        brush.line((236, 222, 196), (34, top + 22), (60, top + 4), 0.8)
    if look.extra == "book":
        brush.box((104, 46, 44), 38, top + 15, 13, 15, 2)
        brush.box((232, 220, 196), 40, top + 17, 9, 2)


def _head(brush: Brush, look: Look, facing: Facing, lift: int) -> None:
    x, y = 36.0, 24.0 - lift
    back = (int(look.hair[0] * 0.82), int(look.hair[1] * 0.82), int(look.hair[2] * 0.82))
    brush.disc(back, x, y, 15.5)
    if facing == "up":
        brush.disc(look.hair, x, y - 1, 14)
    else:
        shift = {"left": -4.0, "right": 4.0}.get(facing, 0.0)
        brush.oval(look.skin, x - 12 + shift / 2, y - 9, 24, 23)
        brush.oval(look.hair, x - 14, y - 16, 28, 14)
        for eye in (-5, 5):
            brush.oval(c.INK, x + eye + shift - 1.7, y + 0.5, 3.4, 4.4)
        brush.oval((206, 120, 100), x + shift - 3, y + 8.5, 6, 2.4)
    if look.extra == "apron":
        brush.disc(look.hair, x, y - 16, 6.5)
    if look.extra == "hat":
        brush.oval((70, 50, 34), x - 21, y - 13, 42, 13)
        brush.oval((92, 66, 44), x - 13, y - 21, 26, 17)
    if look.extra == "fiddle" and facing != "up":
        brush.oval(look.hair, x - 17, y - 2, 8, 20)
        brush.oval(look.hair, x + 9, y - 2, 8, 20)
    if look.extra == "pack":
        brush.box(look.trim, x - 13, y + 11, 26, 7, 4)
