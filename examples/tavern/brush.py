"""Drawing at twice the size, so that edges are smooth once the picture is scaled down."""

import pygame

from examples.tavern.colours import Colour

SCALE = 2


class Brush:
    """Shapes on one surface, in the coordinates of the screen."""

    def __init__(self, width: int, height: int, *, scale: int = SCALE) -> None:
        """An empty, transparent picture."""
        self._size = (width, height)
        self._scale = scale
        self._surface = pygame.Surface((width * scale, height * scale), pygame.SRCALPHA)

    def box(
        self, colour: Colour, x: float, y: float, width: float, height: float, round_: float = 0
    ) -> None:
        """A filled rectangle with rounded corners."""
        rect = self._rect(x, y, width, height)
        pygame.draw.rect(self._surface, colour, rect, border_radius=int(round_ * self._scale))

    def frame(
        self,
        colour: Colour,
        x: float,
        y: float,
        width: float,
        height: float,
        line: float = 2,
        round_: float = 0,
    ) -> None:
        """The edge of a rectangle."""
        rect = self._rect(x, y, width, height)
        radius = int(round_ * self._scale)
        pygame.draw.rect(
            self._surface, colour, rect, max(1, int(line * self._scale)), border_radius=radius
        )

    def oval(
        self,
        colour: Colour | tuple[int, int, int, int],
        x: float,
        y: float,
        width: float,
        height: float,
    ) -> None:
        """A filled ellipse in that rectangle; a colour may have an alpha."""
        rect = self._rect(x, y, width, height)
        if len(colour) == 3:
            pygame.draw.ellipse(self._surface, colour, rect)
            return
        veil = pygame.Surface(rect.size, pygame.SRCALPHA)
        pygame.draw.ellipse(veil, colour, veil.get_rect())
        self._surface.blit(veil, rect)

    def disc(self, colour: Colour, x: float, y: float, radius: float) -> None:
        """A filled circle around a point."""
        self.oval(colour, x - radius, y - radius, 2 * radius, 2 * radius)

    def line(
        self, colour: Colour, start: tuple[float, float], end: tuple[float, float], width: float = 1
    ) -> None:
        """A straight line."""
        s = self._scale
        first, last = (start[0] * s, start[1] * s), (end[0] * s, end[1] * s)
        pygame.draw.line(self._surface, colour, first, last, max(1, int(width * s)))

    def shape(self, colour: Colour, *points: tuple[float, float]) -> None:
        """A filled polygon."""
        scaled = [(x * self._scale, y * self._scale) for x, y in points]
        pygame.draw.polygon(self._surface, colour, scaled)

    def shade(self, x: float, y: float, width: float, height: float, alpha: int) -> None:
        """A veil of black over a rectangle."""
        rect = self._rect(x, y, width, height)
        veil = pygame.Surface(rect.size, pygame.SRCALPHA)
        veil.fill((0, 0, 0, alpha))
        self._surface.blit(veil, rect)

    def done(self) -> pygame.Surface:
        """The picture at its right size."""
        return pygame.transform.smoothscale(self._surface, self._size)

    def _rect(self, x: float, y: float, width: float, height: float) -> pygame.Rect:
        s = self._scale
        return pygame.Rect(round(x * s), round(y * s), round(width * s), round(height * s))


def glow(radius: int, colour: Colour, strength: float) -> pygame.Surface:
    """A round light to be added to a picture.

    Args:
        radius: In pixels.
        colour: In the middle.
        strength: 0 to 1.
    """
    light = pygame.Surface((2 * radius, 2 * radius))
    for step in range(radius, 0, -2):
        share = (1 - step / radius) ** 2 * strength
        tone = tuple(int(part * share) for part in colour)
        pygame.draw.circle(light, tone, (radius, radius), step)
    return light
