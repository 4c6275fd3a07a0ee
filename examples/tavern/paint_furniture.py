"""Tables, barrels, the bar and the door: pieces that stand before some people and behind others."""

from collections.abc import Callable
from dataclasses import dataclass

import pygame

from examples.tavern import colours as c
from examples.tavern.brush import Brush
from examples.tavern.room import (
    BAR,
    BARRELS,
    BELL,
    CELLAR_BARRELS,
    DOOR,
    LONG_TABLES,
    ROUND_TABLES,
    SMALL_TABLES,
    Area,
)

Paint = Callable[[Brush, int, int, int, int], None]
CANDLES = (
    (560, 352),
    (424, 556),
    (862, 420),
    (974, 420),
    (1040, 578),
    (132, 484),
    (900, 206),
    (1226, 206),
)
"""Where flames stand."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One picture and the line on the floor by which it is sorted."""

    picture: pygame.Surface
    at: tuple[int, int]
    foot: float
    is_cellar: bool = False
    """Whether it can be seen only through the open door."""


def furniture() -> tuple[Piece, ...]:
    """All pieces of the room; needs a display."""
    pieces = [_piece(area, 40, _table) for area in (*LONG_TABLES, *SMALL_TABLES)]
    pieces += [_piece(area, 40, _round_table) for area in ROUND_TABLES]
    pieces += [_piece(area, 36, _barrel) for area in BARRELS]
    pieces += [_piece(area, 36, _barrel, is_cellar=True) for area in CELLAR_BARRELS]
    pieces += [_piece(BAR, 34, _bar), _piece(BELL, 44, _bell, is_cellar=True)]
    return tuple(pieces)


def doors() -> tuple[pygame.Surface, ...]:
    """The cellar door from shut to open, in nine pictures."""
    return tuple(_door(step / 8) for step in range(9))


def _piece(area: Area, rise: int, paint: Paint, *, is_cellar: bool = False) -> Piece:
    """A piece that stands on an area and rises above it."""
    brush = Brush(area.width + 40, area.height + rise + 24)
    brush.oval((0, 0, 0, 56), 12, rise + 10, area.width + 16, area.height + 10)
    paint(brush, 20, rise, area.width, area.height)
    at = (area.x - 20, area.y - rise)
    return Piece(brush.done(), at, area.y + area.height, is_cellar)


def _cup(brush: Brush, x: float, y: float) -> None:
    brush.box(c.IRON, x, y - 10, 9, 11, 2)
    brush.oval((206, 160, 90), x, y - 12, 9, 5)


def _candle(brush: Brush, x: float, y: float) -> None:
    brush.oval(c.BRASS, x - 7, y - 3, 14, 6)
    brush.box(c.PAPER, x - 2.5, y - 15, 5, 14, 2)


def _table(brush: Brush, x: int, y: int, width: int, height: int) -> None:
    for leg in (x + 6, x + width - 14):
        brush.box(c.WOOD_DARK, leg, y + height - 10, 8, 14)
    brush.box(c.WOOD_DARK, x, y - 18, width, height + 10, 6)
    brush.box(c.WOOD, x, y - 24, width, height + 8, 6)
    for n in range(1, 4):
        seam = y - 24 + n * (height + 8) / 4
        brush.line(c.WOOD_DARK, (x + 6, seam), (x + width - 6, seam), 0.7)
    brush.line(c.WOOD_LIGHT, (x + 5, y - 22), (x + width - 5, y - 22), 1)
    for candle_x in (x + 62, x + 174) if width > 210 else (x + width // 2 - 2,):
        _candle(brush, candle_x, y - 4)
    _cup(brush, x + 22, y + 4)
    _cup(brush, x + width - 30, y - 6)
    if width > 150:
        brush.oval((196, 170, 130), x + width / 2 - 14, y, 30, 12)
        brush.oval((150, 96, 56), x + width / 2 - 9, y + 1, 20, 8)


def _round_table(brush: Brush, x: int, y: int, width: int, height: int) -> None:
    brush.box(c.WOOD_DARK, x + width / 2 - 9, y + height - 26, 18, 28, 4)
    brush.oval(c.WOOD_DARK, x - 4, y - 20, width + 8, height + 14)
    brush.oval(c.WOOD, x - 4, y - 27, width + 8, height + 14)
    brush.oval(c.WOOD_LIGHT, x + 6, y - 22, width - 12, height + 2)
    brush.oval(c.WOOD, x + 8, y - 20, width - 16, height - 1)
    _candle(brush, x + width / 2, y + 2)
    _cup(brush, x + 18, y + 6)
    _cup(brush, x + width - 34, y + 14)


def _barrel(brush: Brush, x: int, y: int, width: int, height: int) -> None:
    brush.box(c.WOOD_DARK, x, y - 22, width, height + 22, 12)
    brush.box(c.WOOD, x + 3, y - 22, width - 6, height + 20, 11)
    for band in (y - 10, y + height - 14):
        brush.box(c.IRON, x, band, width, 4, 1)
    brush.oval(c.WOOD_DARK, x + 1, y - 31, width - 2, 20)
    brush.oval(c.WOOD_LIGHT, x + 4, y - 29, width - 8, 15)


def _bar(brush: Brush, x: int, y: int, width: int, height: int) -> None:
    brush.box(c.WOOD_DARK, x, y - 8, width, height + 8, 4)
    brush.box(c.WOOD, x, y + 2, width, height - 6, 2)
    for n in range(9):
        brush.frame(c.WOOD_DARK, x + 8 + n * 43.6, y + 6, 34, height - 14, 1, 2)
    brush.box(c.WOOD_LIGHT, x - 6, y - 26, width + 8, 24, 5)
    brush.box(c.WOOD_DARK, x - 6, y - 6, width + 8, 5, 2)
    brush.line((196, 140, 90), (x, y - 24), (x + width - 4, y - 24), 1)
    for n, cup_x in enumerate((70, 96, 210, 330)):
        _cup(brush, x + cup_x, y - 10 + (n % 2) * 3)
    _candle(brush, x + 40, y - 12)
    _candle(brush, x + 366, y - 12)
    brush.box(c.BRASS, x + 270, y - 34, 7, 20, 2)
    brush.box(c.BRASS, x + 262, y - 36, 16, 5, 2)


def _bell(brush: Brush, x: int, y: int, width: int, height: int) -> None:
    brush.shape(
        (96, 128, 110),
        (x + 18, y - 36),
        (x + width - 18, y - 36),
        (x + width - 6, y + height - 10),
        (x + 6, y + height - 10),
    )
    brush.oval((96, 128, 110), x + 16, y - 42, width - 32, 16)
    brush.oval((76, 104, 92), x, y + height - 18, width, 18)
    brush.oval((42, 58, 54), x + 8, y + height - 15, width - 16, 11)
    brush.line((134, 166, 142), (x + 20, y - 30), (x + 14, y + height - 18), 2)
    brush.line((58, 84, 74), (x + 34, y - 12), (x + 42, y + 10), 1.5)
    brush.box(c.IRON, x + width / 2 - 4, y - 44, 8, 8, 2)


def _door(share: float) -> pygame.Surface:
    """The door leaf; opened, it is seen from its edge on the left."""
    brush = Brush(DOOR.width + 10, DOOR.height)
    width = max(8.0, DOOR.width * (1 - share * 0.88))
    brush.box(c.WOOD_DARK, 0, 16, width, DOOR.height - 16, 3)
    brush.box(c.WOOD, 2, 18, width - 4, DOOR.height - 18, 2)
    for n in range(1, 4):
        seam = 2 + (width - 4) * n / 4
        brush.line(c.WOOD_DARK, (seam, 18), (seam, DOOR.height), 1)
    for band in (28, 60):
        brush.box(c.IRON, 0, band, width, 5, 1)
    brush.disc(c.BRASS, max(4.0, width - 12), 48, 3.4)
    return brush.done()
