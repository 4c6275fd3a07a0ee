"""The player's hands: what the window's keys mean."""

from typing import Protocol

import pygame

from examples.tavern.game import Game
from examples.tavern.tavern import Inputs


class Hands(Protocol):
    """Whoever plays."""

    def inputs(self, game: Game) -> Inputs:
        """What they do in this frame."""
        ...


class Keyboard:
    """Keys of a real window. While one types, only the arrows walk."""

    def inputs(self, game: Game) -> Inputs:
        """What was pressed since the last frame."""
        types = bool(game.tavern.talking_to)
        typed, pressed, is_closed = "", set[int](), False
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                is_closed = True
            elif event.type == pygame.TEXTINPUT and types:
                typed += event.text
            elif event.type == pygame.KEYDOWN:
                pressed.add(event.key)
        return Inputs(
            move=_move(types),
            typed=typed,
            erase=pygame.K_BACKSPACE in pressed,
            enter=bool({pygame.K_RETURN, pygame.K_KP_ENTER} & pressed),
            escape=pygame.K_ESCAPE in pressed,
            talk=not types and pygame.K_e in pressed,
            pay=not types and pygame.K_g in pressed,
            save=pygame.K_F5 in pressed,
            load=pygame.K_F9 in pressed,
            overlay=pygame.K_F3 in pressed,
            memory=pygame.K_TAB in pressed,
            quit=is_closed or (not types and pygame.K_q in pressed),
        )


class WindowOnly:
    """Lets other hands play, but the window can still be closed."""

    def __init__(self, hands: Hands) -> None:
        """Ask `hands` for everything else."""
        self._hands = hands

    def inputs(self, game: Game) -> Inputs:
        """What the hands do, or the end."""
        if pygame.event.get(pygame.QUIT):
            return Inputs(quit=True)
        pygame.event.clear()
        return self._hands.inputs(game)


def _move(types: bool) -> tuple[int, int]:
    held = pygame.key.get_pressed()

    def any_of(arrow: int, letter: int) -> bool:
        return bool(held[arrow] or (not types and held[letter]))

    across = any_of(pygame.K_RIGHT, pygame.K_d) - any_of(pygame.K_LEFT, pygame.K_a)
    down = any_of(pygame.K_DOWN, pygame.K_s) - any_of(pygame.K_UP, pygame.K_w)
    return across, down
