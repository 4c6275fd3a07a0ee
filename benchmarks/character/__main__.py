"""`python -m benchmarks.character`: does a persona stay who it is, with the engine and without."""

import argparse
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.progress import Progress

from benchmarks.character.arms import ARMS, DEFAULT_ARMS, Chosen, chosen, placed
from benchmarks.character.figures import arms_table, figures_of, rows_for_json
from benchmarks.character.playing import Playing
from benchmarks.character.probes import NUM_LOOP_TURNS, Probe, probes_of, sampled
from benchmarks.character.proof import faults
from benchmarks.character.results import Answered
from benchmarks.character.series import Setting
from benchmarks.character.script import Exam, Kind, load_exam
from benchmarks.character.transcripts import write_report
from benchmarks.report import show, write_json
from npc_engine.errors import NpcEngineError
from npc_engine.model import open_session
from npc_engine.protocols import ModelSession

DEFAULT_SEEDS = (1, 2, 3)
QUICK_PROBES = 12
QUICK_LOOP_TURNS = 2
QUICK_NPCS = ("odile", "quill")


def main(arguments: Sequence[str] | None = None, session: ModelSession | None = None) -> None:
    """Prove that the exam is fair, play what was asked for, print tables, write files.

    Args:
        arguments: Of the command line.
        session: A ready model instead of `--model`; it stays open.
    """
    options = _options(arguments)
    try:
        exam = load_exam()
        arms = chosen(options.arms)
        probes = _probes(exam, options)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    wrong = faults(exam)
    if wrong:
        raise SystemExit("\n".join(wrong))
    setting = Setting(exam, probes, arms.arms, options.seeds)
    begun = time.monotonic()
    try:
        model = session or open_session(options.model)
    except NpcEngineError as error:
        raise SystemExit(str(error)) from error
    try:
        playing = Playing(setting, model)
        answers = _play(playing, setting.num_answers)
        settings = _settings(setting, arms, model, answers, time.monotonic() - begun)
    finally:
        if session is None:
            model.close()
    settings["written lines not let through"] = len(playing.refused)
    figures = figures_of(answers, arms.arms)
    console = Console()
    show(figures, settings)
    console.print(arms_table(answers, arms.arms))
    for name, other in arms.same_as.items():
        console.print(f"{ARMS[name].label}: the same as {ARMS[other].label}", markup=False)
    for line in dict.fromkeys(playing.refused):
        console.print(f"written, and not let through: {line}", markup=False)
    if options.json:
        write_json(options.json, figures, settings, rows_for_json(answers, arms.arms))
    if options.report:
        write_report(options.report, answers, arms.arms, settings)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.character")
    parser.add_argument("--model", default="smollm2", help="whatever open_session takes")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--report", type=Path, help="transcripts, as .html or .md")
    parser.add_argument("--quick", action="store_true", help="two personas, few probes, one seed")
    parser.add_argument("--probes", type=int, help="so many at most, small talk not counted")
    parser.add_argument("--loop-turns", type=int, help=f"of small talk; {NUM_LOOP_TURNS} in full")
    parser.add_argument("--seeds", type=_seeds, help="such as 1,2")
    parser.add_argument("--kinds", type=_names, help=", ".join(get_args(Kind)))
    parser.add_argument("--npcs", type=_names, help="only these personas")
    parser.add_argument("--arms", type=_names, default=DEFAULT_ARMS, help=", ".join(ARMS))
    options = parser.parse_args(arguments)
    if options.probes is None:
        options.probes = QUICK_PROBES if options.quick else 0
    if options.loop_turns is None:
        options.loop_turns = QUICK_LOOP_TURNS if options.quick else NUM_LOOP_TURNS
    options.npcs = options.npcs or (QUICK_NPCS if options.quick else ())
    options.seeds = options.seeds or (DEFAULT_SEEDS[:1] if options.quick else DEFAULT_SEEDS)
    return options


def _seeds(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(int(part) for part in text.split(",")))


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _probes(exam: Exam, options: argparse.Namespace) -> tuple[Probe, ...]:
    """What is asked for; raises `ValueError` where that names nothing."""
    known = {"kind": get_args(Kind), "persona": tuple(each.npc for each in exam.personas)}
    for what, names in (("kind", options.kinds or ()), ("persona", options.npcs)):
        for name in names:
            if name not in known[what]:
                raise ValueError(f'no {what} "{name}"; there are: {", ".join(known[what])}')
    if options.probes < 0 or options.loop_turns < 0:
        raise ValueError("--probes and --loop-turns: expected a number from 0 on")
    probes = [
        probe
        for probe in probes_of(exam, options.loop_turns)
        if probe.kind in (options.kinds or get_args(Kind))
        and probe.npc in (options.npcs or known["persona"])
    ]
    return sampled(probes, options.probes) if options.probes else tuple(probes)


def _play(playing: Playing, num_answers: int) -> list[Answered]:
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("answers", total=num_answers)
        return playing.run(partial(progress.advance, task))


def _settings(
    setting: Setting, arms: Chosen, model: ModelSession, answers: Sequence[Answered], wall_s: float
) -> dict[str, object]:
    info = model.info
    told: dict[str, object] = {
        "model": info.name,
        "device": f"{info.device} {info.dtype}",
        "sampling": f"temperature {info.sampling.temperature:g}, top_p {info.sampling.top_p:g}",
        "probes": sum(probe.kind != "loops" for probe in setting.probes),
        "turns of small talk": sum(probe.kind == "loops" for probe in setting.probes),
        "seeds": " ".join(map(str, setting.seeds)),
        "arms": ", ".join(arm.label for arm in setting.arms),
        "failed requests": sum(bool(answered.spoken.error) for answered in answers),
        "wall": f"{wall_s / 60:.1f} min",
    }
    for name, other in arms.same_as.items():
        told[ARMS[name].label] = f"the same as {ARMS[other].label}"
    unknown = sorted({option for arm in arms.arms for option in placed(arm.options).unknown})
    if unknown:
        told["options this engine does not have"] = ", ".join(unknown)
    return told


if __name__ == "__main__":
    main()
