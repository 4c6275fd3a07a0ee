"""The exam's transcripts as Markdown, for a terminal or a review."""

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.character.arms import RAW, Arm
from benchmarks.character.figures import arms_table
from benchmarks.character.reading import (
    Section,
    besides,
    first_text,
    guarded,
    note,
    sections,
    wrong_with,
)
from benchmarks.character.results import Answered
from benchmarks.character.targets import bound_text, verdicts_on_targets

_SHOWN_LETTERS = 600


def markdown(
    answers: Sequence[Answered], arms: Sequence[Arm], settings: Mapping[str, object]
) -> str:
    """Targets and shares, then every line with what each arm answered."""
    parts = ["# Character exam", "", *(f"- {_m(f'{k}: {v}')}" for k, v in settings.items())]
    for arm in arms:
        if arm.name != RAW:
            parts += ["", f"## Targets: {_m(arm.label)}", "", *_targets(answers, arms, arm)]
    parts += ["", "## All shares", "", *_shares(answers, arms)]
    npc = ""
    for section in sections(answers):
        if section.npc != npc:
            npc = section.npc
            parts += ["", f"## {_m(npc)}"]
        parts += ["", f"### {section.title}", "", *_section(section, arms)]
    return "\n".join([*parts, ""])


def _targets(answers: Sequence[Answered], arms: Sequence[Arm], arm: Arm) -> Iterator[str]:
    yield from _table_head(("target", "raw", "to reach", "measured", "worst seed", "met"))
    for each in verdicts_on_targets(answers, arms):
        if each.arm == arm.label:
            met = {None: "", True: "yes", False: "NO"}[each.met]
            yield _row((each.name, each.raw, bound_text(each), each.shown, each.worst, met))


def _shares(answers: Sequence[Answered], arms: Sequence[Arm]) -> Iterator[str]:
    table = arms_table(answers, arms)
    yield from _table_head([str(column.header) for column in table.columns])
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    yield from (_row(cells) for cells in zip(*columns, strict=True))


def _section(section: Section, arms: Sequence[Arm]) -> Iterator[str]:
    counts = ((arm, *section.failures(arm.name)) for arm in arms)
    yield "Failed: " + ", ".join(
        f"{_m(a.label)} {bad} of {all_}" for a, bad, all_ in counts if all_
    )
    for row in (*section.failing, *section.passing):
        yield from ("", f"**{_m(row[0].probe.ask)}** ({_m(note(row[0].probe, row[0].seed))})", "")
        yield from (_reply(each, arms) for each in row)


def _reply(answered: Answered, arms: Sequence[Arm]) -> str:
    label = next((arm.label for arm in arms if arm.name == answered.arm), answered.arm)
    mark = "✗ " if answered.failed else ""
    text = answered.spoken.text
    shown = text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]} …"
    parts = [f"- {mark}{_m(label)}: {_m(shown) or '(nothing)'}"]
    if answered.failed:
        parts.append(f"**{_m(wrong_with(answered))}**")
    if besides(answered):
        parts.append(f"(also {_m(besides(answered))})")
    if guarded(answered):
        parts.append(f"\n  - {_m(guarded(answered))} First: {_m(first_text(answered))}")
    return " ".join(parts)


def _table_head(cells: Sequence[str]) -> tuple[str, str]:
    return _row(cells), f"|{'---|' * len(cells)}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_m, cells))} |"


def _m(text: str) -> str:
    """Text on one line that Markdown and HTML leave alone."""
    flat = " ".join(text.split())
    for sign in "\\`*_[]<>|#":
        flat = flat.replace(sign, f"\\{sign}")
    return flat
