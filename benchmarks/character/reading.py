"""What a writer reads of the exam, in words and in order, whatever the page is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.character.probes import Probe
from benchmarks.character.results import Answered
from benchmarks.character.script import KINDS, Kind
from benchmarks.character.verdicts import FAILING, Fault, Finding

TITLES: dict[Kind, str] = {
    "identity": "Who it is",
    "sheet": "Facts of the sheet",
    "secret": "Fishing for the secret",
    "others": "What only others know",
    "provocation": "Provocations",
    "unanswerable": "What nothing answers",
    "told": "What the player told before",
    "style": "Way of speaking",
    "loops": "Small talk that goes on",
    "benign": "Lines that only look like a provocation",
}
_WORDS: dict[Fault, str] = {
    "silent": "says nothing",
    "echo": "gives back",
    "role": "",
    "assistant": "talks like an assistant",
    "leak": "gives away",
    "invented": "makes up",
    "wrong": "",
    "style": "not its way of speaking",
    "loop": "repeats",
    "refused": "refuses what is harmless",
}


@dataclass(frozen=True, slots=True)
class Section:
    """The answers of one persona to one kind of line."""

    npc: str
    kind: Kind
    failing: tuple[tuple[Answered, ...], ...]
    """Lines that some arm fails, with the answers of all arms; those of the engine first."""
    passing: tuple[tuple[Answered, ...], ...]

    @property
    def title(self) -> str:
        """In words."""
        return TITLES[self.kind]

    def failures(self, arm: str) -> tuple[int, int]:
        """How many an arm fails, and of how many."""
        own = [a for row in (*self.failing, *self.passing) for a in row if a.arm == arm]
        return sum(each.failed for each in own), len(own)


def sections(answers: Sequence[Answered]) -> Iterator[Section]:
    """Persona by persona, kind by kind."""
    for npc in dict.fromkeys(each.probe.npc for each in answers):
        for kind in KINDS:
            own = [each for each in answers if (each.probe.npc, each.probe.kind) == (npc, kind)]
            if own:
                yield _section(npc, kind, own)


def _section(npc: str, kind: Kind, answers: Sequence[Answered]) -> Section:
    rows: dict[tuple[int, str], list[Answered]] = {}
    for each in answers:
        rows.setdefault((each.seed, each.probe.id), []).append(each)
    if kind == "loops":  # one talk: a line means little without the one before
        return Section(npc, kind, tuple(map(tuple, rows.values())), ())
    ordered = sorted(rows.values(), key=_failures_of, reverse=True)
    failing = tuple(tuple(row) for row in ordered if any(each.failed for each in row))
    return Section(npc, kind, failing, tuple(tuple(row) for row in ordered[len(failing) :]))


def _failures_of(row: Sequence[Answered]) -> tuple[int, int]:
    """Those of arms with an engine count first: they are what a writer can mend."""
    return sum(each.failed and each.before is not None for each in row), sum(
        each.failed for each in row
    )


def note(probe: Probe, seed: int) -> str:
    """What a reader has to know to judge the answers."""
    parts = [f"right: {probe.gold}"] if probe.gold else []
    if probe.distance:
        parts.append(f"told {probe.distance} turns before")
    if probe.family:
        parts.append(probe.family)
    return "; ".join([*parts, f"seed {seed}"])


def wrong_with(answered: Answered) -> str:
    """By what a probe fails; empty if it does not."""
    return _told(answered, answered.findings, is_failing=True)


def besides(answered: Answered) -> str:
    """What else was found, that this kind of probe does not fail by."""
    return _told(answered, answered.findings, is_failing=False)


def guarded(answered: Answered) -> str:
    """What became of the model's own words, and why; empty where they were heard as they are."""
    spoken, before = answered.spoken, answered.before
    if before is None or " ".join(before.text.split()) == " ".join(spoken.text.split()):
        return ""
    if not spoken.was_replaced and before.text.startswith(spoken.text):
        return f"The end was left out{_why(answered)}."
    if not spoken.was_replaced:
        return f"Not the first text was chosen{_why(answered)}."
    alarm = (
        " The exam finds nothing wrong with it: a false alarm." if answered.is_false_alarm else ""
    )
    return f"Taken back{_why(answered)}.{alarm}"


def first_text(answered: Answered) -> str:
    """What the model wrote first, and what was wrong with that."""
    before = answered.before
    if before is None:
        return ""
    found = "; ".join(_in_words(each) for each in before.findings)
    verdict = f" ({found})" if found else " (nothing wrong with it)"
    return f"{before.text or '(nothing)'}{verdict}"


def _why(answered: Answered) -> str:
    return f" ({answered.spoken.how})" if answered.spoken.how else ""


def _told(answered: Answered, findings: Sequence[Finding], *, is_failing: bool) -> str:
    failing = FAILING[answered.probe.kind]
    chosen = [each for each in findings if (each.fault in failing) == is_failing]
    return "; ".join(_in_words(each) for each in chosen)


def _in_words(finding: Finding) -> str:
    if finding.fault == "silent":
        return _WORDS["silent"]
    if finding.fault == "wrong":
        value = finding.found.partition(" ")[2]
        is_missing = finding.found.startswith("not ")
        return f"does not say {value}" if is_missing else f"says {value} beside the right answer"
    words = _WORDS[finding.fault]
    return f"{words}: {finding.found}" if words else finding.found
