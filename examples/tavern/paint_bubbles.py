"""Speech bubbles over heads: where they hang, and how they look."""

from functools import lru_cache

import pygame

from examples.tavern import colours as c
from examples.tavern.bubbles import MAX_LINES, Bubble, wrapped
from examples.tavern.lettering import Letters, written
from examples.tavern.people import PLAYER
from examples.tavern.room import HEIGHT, WIDTH

TEXT_WIDTH = 250
_PAD = 12
_TAIL = 11
_OVER_HEAD = 66


def paint_bubbles(
    screen: pygame.Surface,
    letters: Letters,
    bubbles: list[tuple[Bubble, tuple[float, float], str]],
) -> None:
    """Hang bubbles over the feet given, none over another.

    Args:
        screen: To draw on.
        letters: The fonts.
        bubbles: Each with the feet of who speaks and how it sounds.
    """
    taken: list[pygame.Rect] = []
    for bubble, feet, emotion in sorted(bubbles, key=lambda each: each[1][1]):
        if not bubble.shown.strip():
            continue
        lines = _lines(bubble.text, letters.speech)
        seen = _seen(lines, int(bubble.shown_chars))
        box = _place(lines, letters, feet, taken, is_player=bubble.npc == PLAYER)
        taken.append(box)
        _paint(screen, letters, box, seen, bubble, feet, emotion)


@lru_cache(maxsize=64)
def _lines(text: str, font: pygame.font.Font) -> tuple[str, ...]:
    return wrapped(text, TEXT_WIDTH, lambda part: font.size(part)[0])


def _seen(lines: tuple[str, ...], num_chars: int) -> tuple[str, ...]:
    """The lines as far as they are shown: whole words stay where the whole text has them."""
    seen = []
    for line in lines:
        if num_chars <= 0:
            break
        seen.append(line[:num_chars])
        num_chars -= len(line) + 1
    return tuple(seen[-MAX_LINES:])


def _place(
    lines: tuple[str, ...],
    letters: Letters,
    feet: tuple[float, float],
    taken: list[pygame.Rect],
    *,
    is_player: bool,
) -> pygame.Rect:
    """Above the head, the player's below the feet; where that is taken, somewhere near."""
    rows = min(MAX_LINES, len(lines))
    width = max(letters.speech.size(line)[0] for line in lines) + 2 * _PAD
    height = rows * letters.speech.get_linesize() + 2 * _PAD - 4
    x, y = feet
    above = y - _OVER_HEAD - height - _TAIL
    below = (x - width / 2, y + 16)
    places = (
        *((below,) if is_player else ()),
        (x - width / 2, above),
        (x + 34, y - 60 - height / 2),
        (x - 34 - width, y - 60 - height / 2),
        (x - 24, above),
        (x - width + 24, above),
        below,
        (x - width / 2, above - height),
    )
    screen = pygame.Rect(8, 8, WIDTH - 16, HEIGHT - 16)
    boxes = [pygame.Rect(round(left), round(top), width, height) for left, top in places]
    inside = [box for box in boxes if screen.contains(box)]
    free = [box for box in inside if box.inflate(8, 8).collidelist(taken) < 0]
    return (free or inside or [boxes[0].clamp(screen)])[0]


def _paint(
    screen: pygame.Surface,
    letters: Letters,
    box: pygame.Rect,
    seen: tuple[str, ...],
    bubble: Bubble,
    feet: tuple[float, float],
    emotion: str,
) -> None:
    is_thought = bubble.kind == "thought"
    paper = c.PAPER_PLAYER if bubble.npc == PLAYER else c.PAPER
    paper = c.PAPER_THOUGHT if is_thought else paper
    edge = c.EMOTIONS.get(emotion, c.PANEL_EDGE)
    head = (feet[0], feet[1] - _OVER_HEAD + 8)
    shadow = box.move(2, 4)
    pygame.draw.rect(screen, (30, 20, 18), shadow, border_radius=13)
    pygame.draw.rect(screen, edge, box.inflate(4, 4), border_radius=14)
    pygame.draw.rect(screen, paper, box, border_radius=12)
    root = min(max(head[0], box.left + 22), box.right - 22)
    if is_thought:
        for n, radius in enumerate((6, 4)):
            pygame.draw.circle(screen, edge, (root + n * 3, box.bottom + 7 + n * 9), radius + 1.5)
            pygame.draw.circle(screen, paper, (root + n * 3, box.bottom + 7 + n * 9), radius)
    elif head[1] > box.bottom and box.left < head[0] < box.right:
        tip = (head[0], box.bottom + _TAIL)
        pygame.draw.polygon(
            screen, edge, [(root - 11, box.bottom + 1), (root + 11, box.bottom + 1), tip]
        )
        pygame.draw.polygon(
            screen,
            paper,
            [(root - 8, box.bottom - 1), (root + 8, box.bottom - 1), (tip[0], tip[1] - 4)],
        )
    elif head[1] < box.top and box.left < feet[0] < box.right:
        tip = (feet[0], box.top - _TAIL)
        sides = [(feet[0] - 9, box.top), (feet[0] + 9, box.top)]
        pygame.draw.polygon(screen, paper, [*sides, tip])
    ink = c.INK_SOFT if is_thought else c.INK
    for row, line in enumerate(seen):
        y = box.top + _PAD - 2 + row * letters.speech.get_linesize()
        if row == len(seen) - 1 and not bubble.is_shown:
            screen.blit(letters.speech.render(line, True, ink), (box.left + _PAD, y))
        else:
            screen.blit(written(letters.speech, line, ink), (box.left + _PAD, y))
