"""The known name that was meant by an unknown one."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one, if any is like it."""
    names = sorted(set(known))
    folded = {candidate.casefold(): candidate for candidate in reversed(names)}
    found = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def suggest(name: str, known: Iterable[str], *, kind: str = "known") -> str:
    """Advice for an unknown name: the nearest known one, else a few of them."""
    names = sorted(set(known))
    near = nearest(name, names)
    if near:
        return f'did you mean "{near}"?'
    if not names:
        return ""
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"{kind}: {listed}"
