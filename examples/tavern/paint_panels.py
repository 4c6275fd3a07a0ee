"""The player's own corner of the screen: purse, text box, memories, what just happened."""

import pygame

from examples.tavern import colours as c
from examples.tavern.bubbles import wrapped
from examples.tavern.deeds import NAMES
from examples.tavern.game import Game
from examples.tavern.lettering import Letters, written
from examples.tavern.room import HEIGHT, WIDTH

_BOX = pygame.Rect(312, HEIGHT - 66, 600, 48)
_MEMORY_WIDTH = 380


def paint_panels(screen: pygame.Surface, letters: Letters, game: Game) -> None:
    """Everything that belongs to the player."""
    tavern = game.tavern
    _purse(screen, letters, game)
    if tavern.talking_to:
        _text_box(screen, letters, game)
    elif tavern.nearest:
        name = game.company.name(tavern.nearest)
        _hint(screen, letters, f"E  talk to {name}     G  slip a coin     Tab  what {name} knows")
    if tavern.note_s > 0:
        _note(screen, letters, tavern.note)
    if tavern.memory:
        _memories(screen, letters, game)


def panel(screen: pygame.Surface, box: pygame.Rect, alpha: int = 222) -> None:
    """A dark board with an edge."""
    board = pygame.Surface(box.size, pygame.SRCALPHA)
    pygame.draw.rect(board, (*c.PANEL, alpha), board.get_rect(), border_radius=10)
    pygame.draw.rect(board, c.PANEL_EDGE, board.get_rect(), 2, border_radius=10)
    screen.blit(board, box)


def _purse(screen: pygame.Surface, letters: Letters, game: Game) -> None:
    tavern = game.tavern
    rows = [NAMES[item] for item in tavern.items]
    if tavern.drinks:
        rows.append(f"a cup of {tavern.drinks[-1]}")
    width = max([letters.panel.size(row)[0] for row in rows], default=0) + 40
    box = pygame.Rect(34, HEIGHT - 52 - 22 * len(rows), max(110, width), 36 + 22 * len(rows))
    panel(screen, box)
    for n in range(min(tavern.gold, 1) + min(2, max(0, tavern.gold - 1))):
        pygame.draw.circle(screen, (150, 110, 40), (box.left + 20 + n * 7, box.top + 19), 8)
        pygame.draw.circle(screen, c.BRASS, (box.left + 19 + n * 7, box.top + 18), 7)
    screen.blit(
        written(letters.panel, f"{tavern.gold} gold", c.CREAM), (box.left + 46, box.top + 9)
    )
    for row, text in enumerate(rows):
        at = (box.left + 16, box.top + 32 + row * 22)
        screen.blit(written(letters.panel, text, c.CREAM), at)


def _text_box(screen: pygame.Surface, letters: Letters, game: Game) -> None:
    tavern = game.tavern
    panel(screen, _BOX, 236)
    name = written(letters.name, f"to {game.company.name(tavern.talking_to)}", c.BRASS)
    panel(screen, pygame.Rect(_BOX.left + 12, _BOX.top - 14, name.get_width() + 20, 24), 255)
    screen.blit(name, (_BOX.left + 22, _BOX.top - 10))
    blinks = "|" if int(tavern.time_s * 2) % 2 == 0 else ""
    if tavern.typed:
        text = letters.speech.render(tavern.typed + blinks, True, c.CREAM)
    else:
        text = letters.speech.render(f"{blinks}Say something...", True, c.INK_SOFT)
    left = max(0, text.get_width() - _BOX.width + 40)
    screen.blit(text, (_BOX.left + 20, _BOX.top + 14), (left, 0, _BOX.width - 40, 30))
    keys = written(letters.name, "Enter says it, Esc leaves", c.INK_SOFT)
    screen.blit(keys, (_BOX.right - keys.get_width() - 8, _BOX.top - 20))


def _hint(screen: pygame.Surface, letters: Letters, text: str) -> None:
    line = written(letters.name, text, c.CREAM)
    box = line.get_rect(midbottom=(WIDTH // 2, HEIGHT - 32)).inflate(28, 14)
    panel(screen, box)
    screen.blit(line, line.get_rect(center=box.center))


def _note(screen: pygame.Surface, letters: Letters, text: str) -> None:
    line = written(letters.panel, text[:110], c.CREAM)
    box = line.get_rect(midtop=(WIDTH // 2, 18)).inflate(34, 14)
    panel(screen, box)
    screen.blit(line, line.get_rect(center=box.center))


def _memories(screen: pygame.Surface, letters: Letters, game: Game) -> None:
    npc = game.tavern.talking_to or game.tavern.nearest
    title = f"What {game.company.name(npc)} remembers" if npc else "Nobody is near"
    rows: list[str] = []
    for memory in game.memories if npc else ():
        lines = wrapped(memory, _MEMORY_WIDTH - 40, lambda part: letters.name.size(part)[0])
        rows.extend(("· " if n == 0 else "   ") + line for n, line in enumerate(lines))
    if npc and not rows:
        rows = ["Nothing of you yet."]
    rows = rows[-16:]
    box = pygame.Rect(WIDTH - _MEMORY_WIDTH - 30, 296, _MEMORY_WIDTH, 46 + 19 * len(rows))
    panel(screen, box, 236)
    screen.blit(written(letters.panel, title, c.BRASS), (box.left + 18, box.top + 12))
    for number, row in enumerate(rows):
        at = (box.left + 18, box.top + 38 + number * 19)
        screen.blit(written(letters.name, row, c.CREAM), at)
