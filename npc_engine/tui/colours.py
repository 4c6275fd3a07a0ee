"""Colours of names, made readable on the background they stand on."""

import re

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_STEPS = 20

MIN_CONTRAST = 4.5
"""WCAG 2.2 level AA for text, https://www.w3.org/TR/WCAG22/#contrast-minimum."""


def readable(colour: str, background: str) -> str:
    """The colour, mixed with white or black just as far as needed to read it.

    Args:
        colour: `#rrggbb`; anything else is given back as it is.
        background: `#rrggbb`.
    """
    if not _HEX.fullmatch(colour) or not _HEX.fullmatch(background):
        return colour
    towards = "#ffffff" if _luminance(background) < 0.18 else "#000000"
    for step in range(_STEPS + 1):
        mixed = _mix(colour, towards, step / _STEPS)
        if contrast(mixed, background) >= MIN_CONTRAST:
            return mixed
    return towards


def contrast(one: str, other: str) -> float:
    """The ratio of two luminances, 1 to 21; WCAG 2.2."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (channel / 255 for channel in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mix(colour: str, towards: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(towards), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
