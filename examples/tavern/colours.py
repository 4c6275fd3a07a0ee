"""The palette: firelight, old wood, sea night."""

Colour = tuple[int, int, int]

FLOOR = (104, 68, 44)
FLOOR_BOARDS: tuple[Colour, ...] = ((110, 72, 46), (101, 65, 41), (116, 77, 50), (96, 61, 39))
FLOOR_SEAM = (70, 44, 29)
WALL = (164, 128, 92)
WALL_SHADE = (128, 96, 68)
BEAM = (66, 42, 30)
WALL_TOP = (38, 27, 26)
STONE = (112, 104, 100)
STONE_DARK = (78, 72, 72)
WOOD = (134, 86, 52)
WOOD_LIGHT = (166, 112, 68)
WOOD_DARK = (86, 53, 34)
IRON = (58, 56, 62)
BRASS = (214, 170, 84)
NIGHT = (24, 38, 62)
SEA = (34, 62, 86)
MOON = (226, 228, 206)
RUG = (126, 46, 44)
RUG_LIGHT = (186, 128, 74)
FIRE_LIGHT = (255, 150, 60)
CANDLE_LIGHT = (255, 190, 110)
CELLAR_FLOOR = (66, 70, 76)
CELLAR_SEAM = (50, 54, 60)
DARK = (16, 12, 14)
PAPER = (246, 234, 208)
PAPER_PLAYER = (206, 190, 160)
PAPER_THOUGHT = (216, 212, 204)
INK = (52, 34, 26)
INK_SOFT = (122, 96, 74)
PANEL = (30, 22, 22)
PANEL_EDGE = (120, 84, 54)
CREAM = (240, 222, 190)
GOOD = (126, 190, 120)
LATE = (224, 92, 70)

EMOTIONS: dict[str, Colour] = {
    "happy": (226, 176, 70),
    "amused": (226, 150, 70),
    "tender": (220, 130, 140),
    "sad": (96, 128, 176),
    "angry": (196, 62, 48),
    "afraid": (132, 110, 176),
    "surprised": (90, 168, 170),
    "disgusted": (126, 146, 70),
    "wary": (150, 128, 96),
}
"""The edge of a bubble, by how the line sounds."""
