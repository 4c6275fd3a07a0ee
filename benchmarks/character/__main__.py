"""`python -m benchmarks.character`: does a persona stay who it is, with the engine and without."""

import argparse
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import Progress

from benchmarks.character.arms import ARMS, RAW, Chosen, chosen, placed
from benchmarks.character.figures import arms_table, cost_figures, figures_of, voice_figures
from benchmarks.character.header import header_of, model_header
from benchmarks.character.options import parsed, wanted_probes
from benchmarks.character.playing import Playing
from benchmarks.character.proof import faults
from benchmarks.character.results import Answered
from benchmarks.character.rows import rows_for_json
from benchmarks.character.saving import Saved
from benchmarks.character.script import load_exam
from benchmarks.character.series import Setting, flat, series_of
from benchmarks.character.targets import NOT_TIMED, targets_table, verdicts_on_targets
from benchmarks.character.transcripts import write_report
from benchmarks.report import show, write_json
from npc_engine.errors import NpcEngineError
from npc_engine.model import open_session
from npc_engine.protocols import ModelSession

_TABLE_COLUMNS = 130
"""In fewer, shares break apart; a file or a pipe is as wide as is asked for."""


def main(arguments: Sequence[str] | None = None, session: ModelSession | None = None) -> None:
    """Prove that the exam is fair, play what was asked for, print tables, write files.

    Args:
        arguments: Of the command line.
        session: A ready model instead of `--model`; it stays open.
    """
    options = parsed(arguments)
    try:
        exam = load_exam()
        arms = chosen(options.arms)
        setting = Setting(exam, wanted_probes(exam, options), arms.arms, options.seeds)
        saved = _saved(setting, options)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    wrong = faults(exam)
    if wrong:
        raise SystemExit("\n".join(wrong))
    begun = time.monotonic()
    playing, answers = _answers(setting, saved, options, session)
    settings = _settings(setting, arms, saved.header, answers, playing, options)
    settings["wall"] = f"{(time.monotonic() - begun) / 60:.1f} min"
    _show(answers, arms, settings, playing)
    if options.json:
        figures = figures_of(answers, arms.arms)
        write_json(options.json, figures, settings, rows_for_json(answers, arms.arms))
    if options.report:
        write_report(options.report, answers, arms.arms, settings)


def _saved(setting: Setting, options: argparse.Namespace) -> Saved:
    """What was answered before; raises `ValueError` where it cannot be gone on with."""
    saved = Saved(options.save, setting.probes)
    saved.check(header_of(setting))
    if options.fresh and saved.header:
        saved.drop(options.fresh)
    return saved


def _answers(
    setting: Setting, saved: Saved, options: argparse.Namespace, session: ModelSession | None
) -> tuple[Playing, list[Answered]]:
    """Play what is not saved; a model is only opened if there is something to play."""
    is_whole = all(saved.is_complete(each.key) for each in flat(series_of(setting)))
    if is_whole and saved.header.get("asked_for") == options.model and session is None:
        playing = Playing(setting, None, saved=saved)
        return playing, playing.run()
    try:
        model = session or open_session(options.model)
    except NpcEngineError as error:
        raise SystemExit(str(error)) from error
    try:
        header = {**header_of(setting), **model_header(model.info, options.model)}
        try:
            saved.head(header, options.together)
        except ValueError as error:
            raise SystemExit(str(error)) from error
        playing = Playing(setting, model, together=options.together, saved=saved)
        return playing, _play(playing, setting.num_answers)
    finally:
        if session is None:
            model.close()


def _play(playing: Playing, num_answers: int) -> list[Answered]:
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("answers", total=num_answers)
        return playing.run(partial(progress.advance, task))


def _settings(
    setting: Setting,
    arms: Chosen,
    header: Mapping[str, Any],
    answers: Sequence[Answered],
    playing: Playing,
    options: argparse.Namespace,
) -> dict[str, object]:
    sampling = header["sampling"]
    told: dict[str, object] = {
        "model": header["model"],
        "device": header["device"],
        "sampling": f"temperature {sampling['temperature']:g}, top_p {sampling['top_p']:g}",
        "probes": sum(probe.kind != "loops" for probe in setting.probes),
        "turns of small talk": sum(probe.kind == "loops" for probe in setting.probes),
        "seeds": " ".join(map(str, setting.seeds)),
        "arms": ", ".join(arm.label for arm in setting.arms),
        "failed requests": sum(bool(answered.spoken.error) for answered in answers),
        "written lines not let through": len(playing.refused),
    }
    untimed = sum(not answered.timed_in for answered in answers)
    if untimed:
        told["first text, tokens/s"] = f"{untimed} of {len(answers)} answers {NOT_TIMED}"
    if options.save:
        told["answers kept in"] = f"{options.save.name}, begun with {header['version']}"
    for name, other in arms.same_as.items():
        told[ARMS[name].label] = f"the same as {ARMS[other].label}"
    unknown = sorted({option for arm in arms.arms for option in placed(arm.options).unknown})
    if unknown:
        told["options this engine does not have"] = ", ".join(unknown)
    return told


def _show(
    answers: Sequence[Answered], arms: Chosen, settings: Mapping[str, object], playing: Playing
) -> None:
    console = Console(width=max(Console().width, _TABLE_COLUMNS))
    figures = [*voice_figures(answers, arms.arms), *cost_figures(answers, arms.arms)]
    show(figures, settings)
    console.print(arms_table(answers, arms.arms))
    reached = verdicts_on_targets(answers, arms.arms)
    for arm in arms.arms:
        if arm.name != RAW:
            console.print(targets_table(reached, arm))
    for name, other in arms.same_as.items():
        console.print(f"{ARMS[name].label}: the same as {ARMS[other].label}", markup=False)
    for line in dict.fromkeys(playing.refused):
        console.print(f"written, and not let through: {line}", markup=False)


if __name__ == "__main__":
    main()
