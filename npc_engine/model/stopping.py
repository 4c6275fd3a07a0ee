"""Stop texts, matched on decoded text as it streams, whatever the token boundaries are.

Knows no tokens and no model. `generate(stop_strings=...)` of transformers builds a table over the
whole vocabulary on every call, which takes seconds at 256,000 entries; this costs nothing.
"""

from collections.abc import Sequence


class StopText:
    """Passes text on, but for the part that might still become a stop text.

    What is passed on and what `held` keeps add up to what came in, until a stop text is complete:
    then it and everything behind it are dropped for good.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        """Watch for `stops`; empty ones are ignored."""
        self._stops = tuple(stop for stop in stops if stop)
        self.held = ""
        """May be the beginning of a stop text; belongs to the reply if nothing follows."""
        self.matched = ""
        """The stop text that was found, or empty."""

    def feed(self, text: str) -> str:
        """Take more text; give what can be shown now. After a match nothing is given any more."""
        if self.matched:
            return ""
        self.held += text
        hits = [(self.held.find(stop), -len(stop), stop) for stop in self._stops]
        found = min((hit for hit in hits if hit[0] >= 0), default=None)
        if found is not None:
            shown, self.held, self.matched = self.held[: found[0]], "", found[2]
            return shown
        keep = self._possible_start()
        cut = len(self.held) - keep
        shown, self.held = self.held[:cut], self.held[cut:]
        return shown

    def _possible_start(self) -> int:
        """Length of the longest end of `held` that is the beginning of a stop text."""
        longest = 0
        for stop in self._stops:
            for size in range(min(len(stop) - 1, len(self.held)), longest, -1):
                if stop.startswith(self.held[-size:]):
                    longest = size
                    break
        return longest
