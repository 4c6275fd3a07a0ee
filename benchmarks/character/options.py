"""The command line of the exam."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from benchmarks.character.arms import ARMS, DEFAULT_ARMS
from benchmarks.character.probes import NUM_LOOP_TURNS, Probe, probes_of, sampled
from benchmarks.character.script import Exam, Kind

DEFAULT_SEEDS = (1, 2, 3)
QUICK_PROBES = 12
QUICK_LOOP_TURNS = 2
QUICK_NPCS = ("odile", "quill")


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options, with what `--quick` means filled in."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.character")
    parser.add_argument("--model", default="smollm2", help="whatever open_session takes")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--report", type=Path, help="transcripts, as .html or .md")
    parser.add_argument("--save", type=Path, help="keep answers there, and go on from what it has")
    parser.add_argument("--fresh", type=_names, default=(), help="arms of --save to play again")
    parser.add_argument("--together", type=int, default=1, help="so many talks at once, untimed")
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


def wanted_probes(exam: Exam, options: argparse.Namespace) -> tuple[Probe, ...]:
    """What is asked for; raises `ValueError` where options name nothing or do not fit."""
    known = {
        "kind": get_args(Kind),
        "persona": tuple(each.npc for each in exam.personas),
        "arm": tuple(ARMS),
    }
    asked = (("kind", options.kinds or ()), ("persona", options.npcs), ("arm", options.fresh))
    for what, names in asked:
        for name in names:
            if name not in known[what]:
                raise ValueError(f'no {what} "{name}"; there are: {", ".join(known[what])}')
    if options.probes < 0 or options.loop_turns < 0:
        raise ValueError("--probes and --loop-turns: expected a number from 0 on")
    if options.together < 1:
        raise ValueError("--together: expected a number from 1 on")
    if options.fresh and options.save is None:
        raise ValueError("--fresh: there is nothing to play again without --save FILE")
    probes = [
        probe
        for probe in probes_of(exam, options.loop_turns)
        if probe.kind in (options.kinds or known["kind"])
        and probe.npc in (options.npcs or known["persona"])
    ]
    return sampled(probes, options.probes) if options.probes else tuple(probes)


def _seeds(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(int(part) for part in text.split(",")))


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
