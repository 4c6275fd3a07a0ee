"""The words with which people take back or replace what was said before; English only."""

import re

_PHRASES = (
    r"from (?:now|here) on",
    r"(?:from|as of) (?:now|today|tonight|tomorrow|next \w+)",
    r"(?:any|no) longer",
    r"(?:not|never|\w{2,8}n['’]t)\b[^.!?]{0,40}\bany ?more",
    r"(?:instead|after all|these days|nowadays|since then|now that)",
    r"(?:think|thought) (?:again|better|twice)",
    r"(?:change|changed|changing) (?:my|his|her|its|our|your|their) minds?",
    r"change of (?:plans?|heart|mind)|corrections?|corrected",
    r"(?:is|are|am|'s|'re|'m|’s|’re|’m) now",
    r"(?<!by )(?<!right )(?<!just )now(?=\s*[.;!])",
    r"(?:have|has|'ve|’ve|'s|’s) since",
    r"used to(?= [a-z]+)",
    r"(?:i|we) (?:said|told you|lied)",
    r"(?:was|were|am|i'm|i’m) (?:wrong|mistaken)",
    r"(?:turns out|it turned out|never mind|scratch that|forget (?:what|about|the))",
    r"(?:gave|given|give) (?:way|up)",
    r"(?:(?:have|has|'ve|’ve|'s|’s) )?(?:moved|shifted|moves) (?:you|him|her|it|us|me|them|to)",
    r"(?:cancell?ed|called off|put off|sooner have|rather have|instead of)",
    r"(?:actually|in fact|rather than)",
)
_CHANGE = re.compile(rf"(?<!\w)(?:{'|'.join(_PHRASES)})(?!\w)", re.IGNORECASE)


def speaks_of_change(text: str) -> bool:
    """Whether a text has words in it that take something back or replace it."""
    return _CHANGE.search(text) is not None
