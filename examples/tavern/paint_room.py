"""The room without its furniture: boards, walls, windows, the hearth, the cellar behind its wall.

Painted once; only the fire, the candles and the door move.
"""

import random

from examples.tavern import colours as c
from examples.tavern.brush import Brush
from examples.tavern.room import CELLAR, CELLAR_WALL, DOOR, HEIGHT, WALL_FOOT, WIDTH, Area

_BOARD = 26


def paint_room(brush: Brush) -> None:
    """Everything that never moves."""
    chance = random.Random(7)
    _boards(brush, chance)
    _rug(brush)
    _mat(brush)
    _seats(brush)
    _clutter(brush)
    _cat(brush, 618, 262)
    _north_wall(brush, chance)
    _cellar(brush, chance)
    _edges(brush)


def _boards(brush: Brush, chance: random.Random) -> None:
    brush.box(c.FLOOR, 0, 0, WIDTH, HEIGHT)
    for row, y in enumerate(range(WALL_FOOT, HEIGHT, _BOARD)):
        x = -chance.randrange(0, 160)
        while x < WIDTH:
            length = chance.randrange(130, 260)
            brush.box(c.FLOOR_BOARDS[(row + x) % 4], x, y, length, _BOARD)
            brush.line(c.FLOOR_SEAM, (x, y), (x, y + _BOARD), 1)
            if chance.random() < 0.5:
                grain = y + chance.randrange(6, _BOARD - 5)
                brush.line(c.FLOOR_SEAM, (x + 18, grain), (x + length - 30, grain), 0.5)
            for nail in (x + 5, x + length - 5):
                brush.disc(c.FLOOR_SEAM, nail, y + 5, 1.2)
            x += length
        brush.line(c.FLOOR_SEAM, (0, y), (WIDTH, y), 1)


def _rug(brush: Brush) -> None:
    brush.box(c.RUG, 462, 190, 212, 96, 6)
    brush.frame(c.RUG_LIGHT, 470, 197, 196, 82, 2, 4)
    for n in range(5):
        x = 498 + n * 35
        brush.shape(c.RUG_LIGHT, (x, 222), (x + 12, 238), (x, 254), (x - 12, 238))
        brush.shape(c.RUG, (x, 229), (x + 7, 238), (x, 247), (x - 7, 238))
    for n in range(27):
        brush.line(c.RUG_LIGHT, (466 + n * 7.8, 286), (466 + n * 7.8, 292), 1)


def _mat(brush: Brush) -> None:
    brush.box((92, 80, 56), 630, 664, 104, 34, 3)
    for n in range(12):
        brush.line((112, 98, 70), (636 + n * 8, 667), (636 + n * 8, 695), 1)


def _seats(brush: Brush) -> None:
    """Stools and benches; one walks through them, as in any tavern."""
    for x, y in ((486, 424), (622, 436), (356, 634), (496, 630), (424, 648), (70, 560), (204, 532)):
        brush.oval((0, 0, 0, 60), x - 15, y - 4, 34, 16)
        brush.box(c.WOOD_DARK, x - 11, y - 8, 5, 14)
        brush.box(c.WOOD_DARK, x + 6, y - 8, 5, 14)
        brush.oval(c.WOOD_DARK, x - 14, y - 15, 28, 14)
        brush.oval(c.WOOD, x - 14, y - 18, 28, 14)
    for x, y, width in ((816, 506, 204), (956, 660, 168), (900, 296, 40), (1060, 296, 40)):
        brush.oval((0, 0, 0, 60), x - 4, y + 2, width + 10, 16)
        brush.box(c.WOOD_DARK, x + 6, y, 6, 14)
        brush.box(c.WOOD_DARK, x + width - 12, y, 6, 14)
        brush.box(c.WOOD_DARK, x, y - 6, width, 12, 4)
        brush.box(c.WOOD, x, y - 9, width, 11, 4)


def _clutter(brush: Brush) -> None:
    """Sacks, a crate and a coil of rope along the walls."""
    for x, y in ((42, 330), (74, 322), (58, 346)):
        brush.oval((0, 0, 0, 60), x - 4, y + 16, 44, 16)
        brush.box((150, 122, 84), x, y - 8, 34, 36, 13)
        brush.box((172, 142, 100), x + 3, y - 8, 26, 30, 11)
        brush.box((118, 92, 62), x + 9, y - 12, 14, 7, 3)
    brush.oval((0, 0, 0, 60), 1186, 478, 62, 18)
    brush.box(c.WOOD_DARK, 1188, 440, 54, 48, 3)
    brush.box(c.WOOD, 1190, 440, 50, 44, 3)
    for seam in (454, 469):
        brush.line(c.WOOD_DARK, (1190, seam), (1240, seam), 1.5)
    for ring in range(4):
        brush.oval((176, 146, 98), 250 + ring * 4, 650 + ring * 2.4, 54 - ring * 8, 30 - ring * 5)
        brush.oval((120, 94, 60), 252 + ring * 4, 652 + ring * 2.4, 50 - ring * 8, 26 - ring * 5)


def _cat(brush: Brush, x: int, y: int) -> None:
    """Asleep on the rug; it has heard all of this before."""
    fur, dark = (66, 62, 68), (44, 40, 46)
    brush.oval((0, 0, 0, 70), x - 24, y - 4, 50, 18)
    brush.oval(fur, x - 22, y - 14, 44, 25)
    brush.oval(dark, x - 16, y + 2, 40, 9)
    brush.oval(fur, x - 12, y, 32, 7)
    brush.disc(fur, x - 15, y - 6, 9)
    brush.shape(fur, (x - 23, y - 10), (x - 21, y - 20), (x - 15, y - 13))
    brush.shape(fur, (x - 14, y - 13), (x - 9, y - 20), (x - 7, y - 10))
    brush.line(dark, (x - 20, y - 5), (x - 17, y - 4), 1)
    brush.line(dark, (x - 13, y - 4), (x - 10, y - 5), 1)
    brush.disc((226, 180, 170), x - 15, y - 1, 1.2)


def _north_wall(brush: Brush, chance: random.Random) -> None:
    brush.box(c.WALL, 346, 0, WIDTH - 346, WALL_FOOT)
    for _ in range(120):
        x, y = chance.randrange(350, WIDTH), chance.randrange(20, WALL_FOOT - 8)
        brush.line(c.WALL_SHADE, (x, y), (x + chance.randrange(6, 22), y), 0.5)
    brush.box(c.WALL_TOP, 346, 0, WIDTH - 346, 24)
    brush.box(c.BEAM, 346, 24, WIDTH - 346, 9)
    for x in (352, 458, 670, 838, 1050, 1246):
        brush.box(c.BEAM, x, 24, 10, WALL_FOOT - 24)
    brush.box(c.WALL_SHADE, 346, WALL_FOOT - 10, WIDTH - 346, 10)
    for x in (378, 702):
        _window(brush, x, 48)
    _hearth(brush, chance)
    _shelves(brush, chance)
    brush.shade(346, WALL_FOOT, WIDTH, 8, 60)


def _window(brush: Brush, x: int, y: int) -> None:
    brush.box(c.BEAM, x - 5, y - 5, 66, 66, 3)
    brush.box(c.NIGHT, x, y, 56, 56)
    brush.box(c.SEA, x, y + 34, 56, 22)
    brush.disc(c.MOON, x + 40, y + 14, 7)
    for n, width in enumerate((20, 12, 16, 8)):
        brush.line(
            c.MOON, (x + 40 - width / 2, y + 38 + n * 4), (x + 40 + width / 2, y + 38 + n * 4)
        )
    for star_x, star_y in ((9, 9), (22, 20), (14, 27), (30, 6)):
        brush.disc(c.MOON, x + star_x, y + star_y, 0.8)
    brush.box(c.BEAM, x + 26, y, 4, 56)
    brush.box(c.BEAM, x, y + 26, 56, 4)
    brush.box(c.WOOD_DARK, x - 8, y + 58, 72, 7, 2)


def _hearth(brush: Brush, chance: random.Random) -> None:
    brush.box(c.STONE_DARK, 478, 10, 180, 150, 4)
    for row in range(9):
        y = 12 + row * 16
        x = 480 - (row % 2) * 12
        while x < 656:
            width = min(chance.randrange(22, 36), 656 - x)
            tone = chance.randrange(-9, 10)
            stone = (c.STONE[0] + tone, c.STONE[1] + tone, c.STONE[2] + tone)
            brush.box(stone, max(x, 480) + 1, y, width - 2, 14, 3)
            x += width
    brush.box(c.WOOD_DARK, 470, 58, 196, 14, 3)
    brush.box(c.WOOD, 470, 58, 196, 5, 3)
    for x, colour in ((492, c.BRASS), (520, (120, 130, 140)), (628, c.BRASS)):
        brush.box(colour, x, 44, 12, 14, 3)
    brush.box(c.DARK, 520, 84, 96, 76, 14)
    brush.box(c.STONE, 462, 154, 212, 14, 3)
    brush.box(c.STONE_DARK, 462, 164, 212, 5, 2)


def _shelves(brush: Brush, chance: random.Random) -> None:
    tones = (
        (78, 110, 78),
        (126, 66, 52),
        (90, 92, 128),
        (168, 128, 60),
        (86, 60, 44),
        (60, 90, 100),
    )
    for y in (60, 96):
        brush.box(c.WOOD_DARK, 874, y + 22, 360, 7, 2)
        x = 882
        while x < 1220:
            width, height = chance.randrange(8, 15), chance.randrange(12, 22)
            colour = tones[chance.randrange(len(tones))]
            brush.box(colour, x, y + 22 - height, width, height, 3)
            brush.box(colour, x + width / 2 - 2, y + 16 - height, 4, 8, 1)
            brush.line((236, 226, 206), (x + 2, y + 24 - height), (x + 2, y + 20), 0.7)
            x += width + chance.randrange(3, 11)


def _cellar(brush: Brush, chance: random.Random) -> None:
    brush.box(c.WALL_TOP, 0, 0, 346, 282)
    brush.box(c.CELLAR_FLOOR, CELLAR.x, CELLAR.y, CELLAR.width, CELLAR.height)
    for y in range(CELLAR.y, CELLAR.y + CELLAR.height, 22):
        x = CELLAR.x - chance.randrange(0, 30)
        while x < CELLAR.x + CELLAR.width:
            width = chance.randrange(30, 52)
            left, right = max(x, CELLAR.x), min(x + width, CELLAR.x + CELLAR.width)
            height = min(22, CELLAR.y + CELLAR.height - y)
            brush.frame(c.CELLAR_SEAM, left, y, right - left, height, 1, 3)
            x += width
    brush.box(c.STONE_DARK, CELLAR.x, 24, CELLAR.width, 30)
    for x in range(CELLAR.x, CELLAR.x + CELLAR.width, 34):
        brush.frame(c.WALL_TOP, x, 24, 34, 30, 1)
    wall = CELLAR_WALL
    brush.box(c.WALL_TOP, 0, wall.y, wall.width, 16)
    brush.box(c.WALL, 22, wall.y + 14, wall.width - 22, wall.height - 14)
    brush.box(c.BEAM, 22, wall.y + 14, wall.width - 22, 7)
    for x in (26, 126, 236, 334):
        brush.box(c.BEAM, x, wall.y + 14, 10, wall.height - 14)
    brush.box(c.WALL_SHADE, 22, wall.y + wall.height - 9, wall.width - 22, 9)
    brush.box(c.BEAM, DOOR.x - 7, DOOR.y + 16, DOOR.width + 14, DOOR.height - 16, 4)
    brush.box(c.CELLAR_FLOOR, DOOR.x, DOOR.y - 2, DOOR.width, DOOR.height + 2)
    for n in range(4):
        brush.box(c.STONE, DOOR.x, DOOR.y + 14 + n * 17, DOOR.width, 4)
    brush.shade(DOOR.x, DOOR.y + 14, DOOR.width, DOOR.height - 14, 70)
    brush.shade(22, wall.y + wall.height, wall.width - 22, 8, 60)


def _edges(brush: Brush) -> None:
    for area in (Area(0, 0, 22, HEIGHT), Area(1258, 0, 22, HEIGHT), Area(0, 700, WIDTH, 20)):
        brush.box(c.WALL_TOP, area.x, area.y, area.width, area.height)
    brush.box(c.BEAM, 22, 282, 4, 418)
    brush.box(c.BEAM, 1254, WALL_FOOT, 4, 564)
    brush.box(c.BEAM, 22, 696, 1236, 4)
    brush.box(c.WOOD_DARK, 622, 696, 120, 24)
    brush.box(c.WOOD, 626, 698, 54, 22)
    brush.box(c.WOOD, 684, 698, 54, 22)
