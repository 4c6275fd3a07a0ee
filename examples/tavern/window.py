"""The screen: the painted room, the people in it, the light, and what hangs over them."""

import math

import pygame

from examples.tavern import colours as c
from examples.tavern.brush import Brush, glow
from examples.tavern.game import Game
from examples.tavern.lettering import letters, written
from examples.tavern.overlay import paint_overlay
from examples.tavern.paint_bubbles import paint_bubbles
from examples.tavern.paint_furniture import CANDLES, doors, furniture
from examples.tavern.paint_panels import paint_panels
from examples.tavern.paint_people import FOOT_Y, picture
from examples.tavern.paint_people import WIDTH as FIGURE_WIDTH
from examples.tavern.paint_room import paint_room
from examples.tavern.people import PLAYER, Person
from examples.tavern.room import CELLAR, DOOR, HEIGHT, WIDTH

_HEARTH_AT = (568, 150)


class Window:
    """Draws a game. `close` gives the screen back."""

    def __init__(self) -> None:
        """Open a window of 1280 x 720; with SDL's dummy driver it is only in memory."""
        pygame.display.init()
        pygame.font.init()
        self.screen = pygame.display.set_mode((WIDTH, HEIGHT))
        pygame.display.set_caption("The Drowned Bell")
        pygame.key.set_repeat(300, 40)
        self.num_frames = 0
        self._letters = letters()
        brush = Brush(WIDTH, HEIGHT)
        paint_room(brush)
        self._room = brush.done().convert()
        self._dim()
        self._pieces = furniture()
        self._doors = doors()
        self._fire = [glow(190 + 6 * n, c.FIRE_LIGHT, 0.34 + 0.03 * n) for n in range(5)]
        self._candle = [glow(52 + 3 * n, c.CANDLE_LIGHT, 0.3 + 0.03 * n) for n in range(3)]
        self._dark = pygame.Surface((CELLAR.width + 16, CELLAR.height + 44))
        self._dark.fill(c.DARK)

    def draw(self, game: Game) -> None:
        """Draw one frame and show it."""
        tavern = game.tavern
        screen = self.screen
        screen.blit(self._room, (0, 0))
        self._flames(tavern.time_s)
        self._things(game)
        self._lights(tavern.time_s)
        self._cellar(tavern.door_swing)
        self._tags(game)
        people = {each.id: each for each in (*tavern.guests, tavern.player)}
        hung = [
            (bubble, people[npc].at, game.emotions.get(npc, "neutral"))
            for npc, bubble in game.bubbles.items()
        ]
        paint_bubbles(screen, self._letters, hung)
        paint_panels(screen, self._letters, game)
        if tavern.overlay:
            paint_overlay(screen, self._letters, game)
        pygame.display.flip()
        self.num_frames += 1

    def save_picture(self, path: str) -> None:
        """Write what is on the screen to a file."""
        pygame.image.save(self.screen, path)

    def close(self) -> None:
        """Close the window."""
        pygame.display.quit()
        pygame.font.quit()

    # -- inside -------------------------------------------------------------------------------

    def _dim(self) -> None:
        """Evening: the corners of the room are darker than the middle."""
        shade = pygame.Surface((64, 36))
        for x in range(64):
            for y in range(36):
                far = math.hypot((x - 29) / 44, (y - 12) / 30)
                light = max(0.55, 1.06 - 0.5 * far**1.5)
                shade.set_at((x, y), tuple(min(255, int(part * light)) for part in (255, 246, 238)))
        whole = pygame.transform.smoothscale(shade, (WIDTH, HEIGHT))
        self._room.blit(whole, (0, 0), special_flags=pygame.BLEND_RGB_MULT)

    def _flames(self, time_s: float) -> None:
        pygame.draw.ellipse(self.screen, (94, 44, 26), (536, 140, 64, 16))
        for log in ((540, 146, 30), (566, 148, 32)):
            pygame.draw.line(self.screen, c.WOOD_DARK, log[:2], (log[0] + log[2], log[1] + 3), 8)
        for number in range(7):
            sway = math.sin(time_s * (5 + number) + number * 1.7)
            height = 26 + 12 * math.sin(time_s * (7 + number * 0.8) + number) - abs(number - 3) * 4
            x = 546 + number * 7.5
            points = [(x - 7, 147), (x + sway * 4, 147 - height), (x + 7, 147)]
            pygame.draw.polygon(self.screen, (226, 96, 36), points)
            inner = [(x - 4, 147), (x + sway * 3, 147 - height * 0.6), (x + 4, 147)]
            pygame.draw.polygon(self.screen, (255, 206, 96), inner)

    def _things(self, game: Game) -> None:
        """Furniture and people, those farther back first."""
        tavern = game.tavern
        shown: list[tuple[float, pygame.Surface, tuple[float, float]]] = [
            (piece.foot, piece.picture, piece.at) for piece in self._pieces
        ]
        for person in (*tavern.guests, tavern.player):
            shown.append((person.y + 6, picture(person), _top_left(person)))
        leaf = self._doors[round(tavern.door_swing * 8)]
        shown.append((DOOR.y + DOOR.height, leaf, (DOOR.x, DOOR.y)))
        for _, surface, at in sorted(shown, key=lambda each: each[0]):
            self.screen.blit(surface, at)

    def _lights(self, time_s: float) -> None:
        flicker = math.sin(time_s * 9) + math.sin(time_s * 13.7 + 1) + math.sin(time_s * 5.3)
        light = self._fire[min(4, max(0, round(2 + flicker * 0.8)))]
        self._add(light, _HEARTH_AT)
        for number, (x, y) in enumerate(CANDLES):
            step = round(1 + math.sin(time_s * (6 + number % 3) + number * 2))
            self._add(self._candle[step], (x, y - 8))
            sway = math.sin(time_s * 7 + number)
            pygame.draw.ellipse(self.screen, (255, 226, 140), (x - 2 + sway, y - 16, 5, 9))

    def _add(self, light: pygame.Surface, at: tuple[int, int]) -> None:
        box = light.get_rect(center=at)
        self.screen.blit(light, box, special_flags=pygame.BLEND_RGB_ADD)

    def _cellar(self, swing: float) -> None:
        """The cellar lies in the dark until its door opens."""
        if swing < 1:
            self._dark.set_alpha(int(238 * (1 - swing)))
            self.screen.blit(self._dark, (CELLAR.x - 2, CELLAR.y - 30))

    def _tags(self, game: Game) -> None:
        for guest in game.tavern.guests:
            near = guest.id in (game.tavern.talking_to, game.tavern.nearest)
            name = written(self._letters.name, game.company.name(guest.id), c.CREAM)
            box = name.get_rect(midtop=(round(guest.x), round(guest.y) + 9)).inflate(12, 2)
            tag = pygame.Surface(box.size, pygame.SRCALPHA)
            colour = (*c.PANEL_EDGE, 220) if near else (*c.PANEL, 150)
            pygame.draw.rect(tag, colour, tag.get_rect(), border_radius=8)
            self.screen.blit(tag, box)
            self.screen.blit(name, name.get_rect(center=box.center))


def _top_left(person: Person) -> tuple[float, float]:
    bob = 0.0 if person.id == PLAYER else math.sin(person.rest_s * 2.2) * 0.8
    return person.x - FIGURE_WIDTH / 2, person.y - FOOT_Y + bob
