"""The room as numbers: what stands where, where feet may be, and the way from here to there.

All lengths are pixels of a 1280 x 720 screen; y grows downwards. Knows neither people nor drawing.
"""

from collections import deque
from dataclasses import dataclass
from functools import lru_cache

WIDTH, HEIGHT = 1280, 720
CELL = 20
"""Side of a square of the grid on which ways are looked for."""
FOOT = 13
"""Half the width of what a person stands on."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Area:
    """An upright rectangle."""

    x: int
    y: int
    width: int
    height: int

    def holds(self, point: Point, margin: float = 0) -> bool:
        """Whether a point lies inside, or within a margin of it."""
        x, y = point
        return (
            self.x - margin < x < self.x + self.width + margin
            and self.y - margin < y < self.y + self.height + margin
        )


WALL_FOOT = 136
"""Where the northern wall meets the floor."""
CELLAR = Area(22, 50, 308, 156)
CELLAR_WALL = Area(0, 206, 346, 76)
DOOR = Area(148, 206, 76, 76)
HEARTH = Area(470, 136, 196, 26)
BAR = Area(860, 232, 398, 44)
ROUND_TABLES = (Area(508, 366, 104, 54), Area(372, 570, 104, 54))
LONG_TABLES = (Area(800, 430, 236, 58), Area(940, 590, 200, 54))
SMALL_TABLES = (Area(92, 500, 84, 50),)
BARRELS = (Area(1196, 330, 44, 30), Area(1150, 318, 44, 30))
CELLAR_BARRELS = (Area(40, 80, 44, 30), Area(88, 72, 44, 30), Area(282, 150, 40, 30))
BELL = Area(226, 84, 62, 34)

_WALLS = (
    Area(0, 0, WIDTH, 50),
    Area(346, 0, WIDTH, WALL_FOOT),
    Area(330, 0, 16, 282),
    Area(0, 0, 22, HEIGHT),
    Area(1258, 0, 22, HEIGHT),
    Area(0, 700, WIDTH, 20),
    Area(0, 206, 148, 76),
    Area(224, 206, 122, 76),
)
_SOLID = (
    *_WALLS,
    HEARTH,
    BAR,
    *ROUND_TABLES,
    *LONG_TABLES,
    *SMALL_TABLES,
    *BARRELS,
    *CELLAR_BARRELS,
    BELL,
)


def is_free(point: Point, *, cellar_open: bool) -> bool:
    """Whether somebody can stand there."""
    if not cellar_open and DOOR.holds(point, FOOT):
        return False
    return not any(area.holds(point, FOOT) for area in _SOLID)


def moved(point: Point, by: Point, *, cellar_open: bool) -> Point:
    """Where a step ends; along a wall one slides."""
    x, y = point
    if is_free((x + by[0], y), cellar_open=cellar_open):
        x += by[0]
    if is_free((x, y + by[1]), cellar_open=cellar_open):
        y += by[1]
    return x, y


def distance(one: Point, other: Point) -> float:
    """Straight, in pixels."""
    return float(((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5)


Cell = tuple[int, int]


def way(start: Point, goal: Point, *, cellar_open: bool) -> tuple[Point, ...]:
    """Points to walk through, the goal last; empty where there is no way."""
    grid = _grid(cellar_open)
    first, last = _nearest(start, grid), _nearest(goal, grid)
    came_from: dict[Cell, Cell] = {last: last}
    waiting = deque([last])
    while waiting and first not in came_from:
        cell = waiting.popleft()
        for beside in _beside(cell):
            if beside in grid and beside not in came_from:
                came_from[beside] = cell
                waiting.append(beside)
    if first not in came_from:
        return ()
    points: list[Point] = []
    while first != last:
        first = came_from[first]
        points.append(_centre(first))
    return (*points[:-1], goal)


@lru_cache(maxsize=2)
def _grid(cellar_open: bool) -> frozenset[Cell]:
    cells = ((x, y) for x in range(WIDTH // CELL) for y in range(HEIGHT // CELL))
    return frozenset(cell for cell in cells if is_free(_centre(cell), cellar_open=cellar_open))


def _nearest(point: Point, grid: frozenset[Cell]) -> Cell:
    here = (int(point[0] // CELL), int(point[1] // CELL))
    return here if here in grid else min(grid, key=lambda cell: distance(_centre(cell), point))


def _centre(cell: Cell) -> Point:
    return (cell[0] + 0.5) * CELL, (cell[1] + 0.5) * CELL


def _beside(cell: Cell) -> tuple[Cell, ...]:
    x, y = cell
    return (x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)
