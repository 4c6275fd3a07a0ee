"""The exam's transcripts for a writer: one self-contained HTML page, or Markdown.

Arms stand side by side, question by question, with what was found wrong. Everything is escaped, and
nothing is loaded from elsewhere.
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.character.arms import Arm
from benchmarks.character.figures import arms_table
from benchmarks.character.probes import Probe
from benchmarks.character.results import Answered
from benchmarks.character.script import KINDS
from benchmarks.character.verdicts import FAILING

_STYLE = """
body { font: 15px/1.45 Georgia, serif; margin: 2em auto; max-width: 78em; padding: 0 1em; }
table { border-collapse: collapse; width: 100%; margin: .5em 0 2em; }
th, td { border: 1px solid #c8c4bb; padding: .35em .6em; text-align: left; vertical-align: top; }
th { background: #efece4; }
td.failed { background: #fbe6e0; }
td.passed { background: #eef5ea; }
small { color: #5b564c; display: block; }
nav a { margin-right: 1em; }
"""

_By = Mapping[tuple[str, int], Sequence[Answered]]
"""Answers of a probe by its id and the seed."""


def write_report(
    path: Path, answers: Sequence[Answered], arms: Sequence[Arm], settings: Mapping[str, object]
) -> None:
    """Write the transcripts; the ending of the file says in which form."""
    make = markdown if path.suffix.lower() in (".md", ".markdown") else page
    path.write_text(make(answers, arms, settings), encoding="utf-8")


def page(answers: Sequence[Answered], arms: Sequence[Arm], settings: Mapping[str, object]) -> str:
    """The transcripts as one HTML page."""
    names = list(dict.fromkeys(answered.probe.npc for answered in answers))
    links = " ".join(f'<a href="#{_e(name)}">{_e(name)}</a>' for name in names)
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Character exam</title>',
        f"<style>{_STYLE}</style></head><body><h1>Character exam</h1>",
        f"<p>{_e(', '.join(f'{name}: {value}' for name, value in settings.items()))}</p>",
        f"<nav>{links}</nav>",
        _html_table(*_summary(answers, arms)),
    ]
    for name in names:
        parts.append(f'<h2 id="{_e(name)}">{_e(name)}</h2>')
        for kind, probes in _by_kind(answers, name):
            parts.append(f"<h3>{_e(kind)}</h3><table><tr><th>the player says</th>")
            parts += [f"<th>{_e(arm.label)}</th>" for arm in arms]
            parts.append("</tr>")
            parts += [_html_row(group, arms) for group in _rows(answers, probes)]
            parts.append("</table>")
    return "\n".join([*parts, "</body></html>", ""])


def markdown(
    answers: Sequence[Answered], arms: Sequence[Arm], settings: Mapping[str, object]
) -> str:
    """The transcripts as Markdown."""
    header, rows = _summary(answers, arms)
    parts = ["# Character exam", "", _m(", ".join(f"{k}: {v}" for k, v in settings.items())), ""]
    parts += [_md_row(header), _md_row(["---"] * len(header)), *map(_md_row, rows)]
    for name in dict.fromkeys(answered.probe.npc for answered in answers):
        parts += ["", f"## {_m(name)}"]
        for kind, probes in _by_kind(answers, name):
            parts += ["", f"### {kind}"]
            for group in _rows(answers, probes):
                probe = group[0].probe
                parts += ["", f"**{_m(probe.ask)}** {_m(_note(probe, group[0].seed))}", ""]
                parts += [
                    f"- {_m(_label(each.arm, arms))}: {_m(each.spoken.text) or '(nothing)'}"
                    f" {_m(_verdict(each))}".rstrip()
                    for each in group
                ]
    return "\n".join([*parts, ""])


def _summary(answers: Sequence[Answered], arms: Sequence[Arm]) -> tuple[list[str], list[list[str]]]:
    """The table of arms as texts."""
    table = arms_table(answers, arms)
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    return [str(column.header) for column in table.columns], [
        list(row) for row in zip(*columns, strict=True)
    ]


def _by_kind(answers: Sequence[Answered], name: str) -> Iterator[tuple[str, set[str]]]:
    """The ids of a persona's probes, kind by kind."""
    for kind in KINDS:
        ids = {a.probe.id for a in answers if a.probe.npc == name and a.probe.kind == kind}
        if ids:
            yield kind, ids


def _rows(answers: Sequence[Answered], ids: set[str]) -> list[list[Answered]]:
    """Answers to the same line with the same seed, in the order in which they came."""
    groups: dict[tuple[int, str], list[Answered]] = {}
    for answered in answers:
        if answered.probe.id in ids:
            groups.setdefault((answered.seed, answered.probe.id), []).append(answered)
    return list(groups.values())


def _html_row(group: Sequence[Answered], arms: Sequence[Arm]) -> str:
    probe, by_arm = group[0].probe, {each.arm: each for each in group}
    cells = [f"<td>{_e(probe.ask)}<small>{_e(_note(probe, group[0].seed))}</small></td>"]
    for arm in arms:
        each = by_arm.get(arm.name)
        if each is None:
            cells.append("<td></td>")
            continue
        mark = "failed" if each.failed else "passed"
        text = _e(each.spoken.text).replace("\n", "<br>") or "<i>nothing</i>"
        cells.append(f'<td class="{mark}">{text}<small>{_e(_verdict(each).strip())}</small></td>')
    return f"<tr>{''.join(cells)}</tr>"


def _html_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{_e(text)}</th>" for text in header)
    body = "".join(f"<tr>{''.join(f'<td>{_e(text)}</td>' for text in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _note(probe: Probe, seed: int) -> str:
    """What a reader has to know to judge the answers."""
    parts = [f"seed {seed}"]
    if probe.gold:
        parts.append(f"right: {probe.gold}")
    if probe.distance:
        parts.append(f"told {probe.distance} turns before")
    if probe.family:
        parts.append(probe.family)
    return f"({'; '.join(parts)})"


def _verdict(answered: Answered) -> str:
    """What was found; what the probe does not fail by stands in brackets."""
    texts = [
        f"{f.fault}: {f.found}" if f.fault in FAILING[answered.probe.kind]
        else f"({f.fault}: {f.found})"
        for f in answered.findings
    ]  # fmt: skip
    if answered.spoken.was_replaced:
        texts.append(f"replaced ({answered.spoken.how})")
    if answered.is_false_alarm:
        texts.append("false alarm")
    return f" [{'; '.join(texts)}]" if texts else ""


def _label(name: str, arms: Sequence[Arm]) -> str:
    return next((arm.label for arm in arms if arm.name == name), name)


def _e(text: str) -> str:
    return html.escape(text)


def _m(text: str) -> str:
    """Text on one line that Markdown and HTML leave alone."""
    flat = " ".join(text.split())
    for sign in "\\`*_[]<>|#":
        flat = flat.replace(sign, f"\\{sign}")
    return flat


def _md_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_m, cells))} |" if cells[0] != "---" else f"|{'---|' * len(cells)}"
