"""The exam's transcripts for a writer: one self-contained HTML page, or Markdown.

Targets first, then line by line what each arm answered and what was wrong with it, failing lines
before the others. Everything is escaped, and nothing is loaded from elsewhere.
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.character.arms import RAW, Arm
from benchmarks.character.figures import arms_table
from benchmarks.character.markdown import markdown
from benchmarks.character.reading import (
    TITLES,
    Section,
    besides,
    first_text,
    guarded,
    note,
    sections,
    wrong_with,
)
from benchmarks.character.results import Answered
from benchmarks.character.targets import Reached, bound_text, verdicts_on_targets

_STYLE = """
body { font: 16px/1.45 Georgia, serif; color: #24211c; margin: 2em auto; max-width: 80em;
  padding: 0 1.5em; }
table { border-collapse: collapse; width: 100%; margin: .5em 0 1em; }
table.lines { table-layout: fixed; }
table.lines th:first-child { width: 24%; }
th, td { border: 1px solid #d5d0c5; padding: .45em .7em; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { background: #efece4; font-weight: normal; }
td.failed { background: #fbe6e0; border-left: 4px solid #b8402a; }
td.passed { background: #f3f8f0; }
td.missed { color: #b8402a; }
.says { font-style: italic; }
.wrong { color: #9c2f1b; }
.note { color: #5b564c; }
.wrong, .note { display: block; font-size: .85em; margin-top: .35em; }
details { margin: .35em 0; } summary { cursor: pointer; color: #5b564c; }
td details { font-size: .85em; }
h2 { margin-top: 2.2em; border-bottom: 2px solid #c8c4bb; } h3 { margin: 1.5em 0 .3em; }
nav a { margin-right: 1.2em; }
"""
_SHOWN_LETTERS = 600
"""Of a reply; the rest of a longer one is folded away."""


def write_report(
    path: Path, answers: Sequence[Answered], arms: Sequence[Arm], settings: Mapping[str, object]
) -> None:
    """Write the transcripts; the ending of the file says in which form."""
    make = markdown if path.suffix.lower() in (".md", ".markdown") else page
    path.write_text(make(answers, arms, settings), encoding="utf-8")


def page(answers: Sequence[Answered], arms: Sequence[Arm], settings: Mapping[str, object]) -> str:
    """The transcripts as one HTML page."""
    found = list(sections(answers))
    names = list(dict.fromkeys(each.npc for each in found))
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Character exam</title>',
        f"<style>{_STYLE}</style></head><body><h1>Character exam</h1>",
        f"<p>{_e('; '.join(f'{name}: {value}' for name, value in settings.items()))}</p>",
        "<nav>", *(f'<a href="#{_e(name)}">{_e(name)}</a>' for name in names), "</nav>",
        *_targets(answers, arms),
        "<h2>Failed lines</h2>", _failed_table(found, arms),
        "<details><summary>All shares, by arm</summary>", _shares(answers, arms), "</details>",
    ]  # fmt: skip
    for name in names:
        parts.append(f'<h2 id="{_e(name)}">{_e(name)}</h2>')
        for section in found:
            if section.npc == name:
                parts += _section(section, arms)
    return "\n".join([*parts, "</body></html>", ""])


def _targets(answers: Sequence[Answered], arms: Sequence[Arm]) -> Iterator[str]:
    reached = verdicts_on_targets(answers, arms)
    for arm in arms:
        own = [each for each in reached if each.arm == arm.label]
        if arm.name == RAW or not own:
            continue
        num_missed = sum(each.met is False for each in own)
        yield f"<h2>Targets: {_e(arm.label)}</h2>"
        yield f"<p>{num_missed} missed, {sum(each.met is True for each in own)} met.</p>"
        head = ("target", "raw", "to reach", "measured", "worst seed", "")
        rows = [_target_row(each) for each in sorted(own, key=lambda each: each.met is not False)]
        yield f"<table><tr>{_cells(head, 'th')}</tr>{''.join(rows)}</table>"


def _target_row(each: Reached) -> str:
    met = {None: "", True: "met", False: "missed"}[each.met]
    cells = _cells((each.name, each.raw, bound_text(each), each.shown, each.worst))
    return f'<tr>{cells}<td class="{met or "open"}">{met}</td></tr>'


def _failed_table(found: Sequence[Section], arms: Sequence[Arm]) -> str:
    """Kinds down, personas across; in each cell the arms."""
    names = list(dict.fromkeys(each.npc for each in found))
    by_place = {(each.title, each.npc): each for each in found}
    rows = []
    for title in (title for title in TITLES.values() if any(t == title for t, _ in by_place)):
        cells = [_failed(by_place.get((title, name)), arms) for name in names]
        rows.append(f"<tr>{_cells((title, *cells))}</tr>")
    told = f"<p>In each cell: {_e(' / '.join(arm.label for arm in arms))}.</p>"
    return f"{told}<table><tr>{_cells(('', *names), 'th')}</tr>{''.join(rows)}</table>"


def _failed(section: Section | None, arms: Sequence[Arm]) -> str:
    if section is None:
        return ""
    counts = [section.failures(arm.name) for arm in arms]
    return f"{' / '.join(str(bad) for bad, _ in counts)} of {max(count for _, count in counts)}"


def _shares(answers: Sequence[Answered], arms: Sequence[Arm]) -> str:
    table = arms_table(answers, arms)
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    head = _cells([str(column.header) for column in table.columns], "th")
    rows = [f"<tr>{_cells(cells)}</tr>" for cells in zip(*columns, strict=True)]
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _section(section: Section, arms: Sequence[Arm]) -> Iterator[str]:
    failed = ", ".join(
        f"{arm.label} {failed} of {count}"
        for arm in arms
        for failed, count in [section.failures(arm.name)]
        if count
    )
    yield f'<h3>{_e(section.title)}</h3><span class="note">failed: {_e(failed)}</span>'
    if section.failing:
        yield _lines(section.failing, arms)
    if section.passing:
        count = len(section.passing)
        yield f"<details><summary>{count} more that no arm failed</summary>"
        yield _lines(section.passing, arms)
        yield "</details>"


def _lines(rows: Sequence[Sequence[Answered]], arms: Sequence[Arm]) -> str:
    head = _cells(("the player says", *(arm.label for arm in arms)), "th")
    body = "".join(_line(row, arms) for row in rows)
    return f'<table class="lines"><tr>{head}</tr>{body}</table>'


def _line(row: Sequence[Answered], arms: Sequence[Arm]) -> str:
    probe, by_arm = row[0].probe, {each.arm: each for each in row}
    told = f'<span class="note">{_e(note(probe, row[0].seed))}</span>'
    cells = [f'<td><span class="says">{_e(probe.ask)}</span>{told}</td>']
    for arm in arms:
        each = by_arm.get(arm.name)
        cells.append(_reply(each) if each else "<td></td>")
    return f"<tr>{''.join(cells)}</tr>"


def _reply(answered: Answered) -> str:
    parts = [_shortened(answered.spoken.text)]
    if answered.failed:
        parts.append(f'<span class="wrong">✗ {_e(wrong_with(answered))}</span>')
    if besides(answered):
        parts.append(f'<span class="note">also {_e(besides(answered))}</span>')
    if answered.spoken.error:
        parts.append(f'<span class="wrong">the model broke: {_e(answered.spoken.error)}</span>')
    happened = guarded(answered)
    if happened:
        written = _lined(first_text(answered))
        parts.append(
            f"<details><summary>{_e(happened)}</summary>The model first wrote: {written}</details>"
        )
    return f'<td class="{"failed" if answered.failed else "passed"}">{"".join(parts)}</td>'


def _shortened(text: str) -> str:
    if not text:
        return "<i>nothing</i>"
    if len(text) <= _SHOWN_LETTERS:
        return _lined(text)
    rest = f"<details><summary>and so on, {len(text)} letters</summary>{_lined(text)}</details>"
    return f"{_lined(text[:_SHOWN_LETTERS])} …{rest}"


def _cells(texts: Sequence[str], tag: str = "td") -> str:
    return "".join(f"<{tag}>{_lined(text)}</{tag}>" for text in texts)


def _lined(text: str) -> str:
    return _e(text).replace("\n", "<br>")


def _e(text: str) -> str:
    return html.escape(text)
