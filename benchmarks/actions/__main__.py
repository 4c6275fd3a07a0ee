"""`python -m benchmarks.actions`: reading calls, whole and broken, and a model that makes them."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks.actions.asking import Asked, ask_all, asking_figures, rule_figures, sampled
from benchmarks.actions.parsing import (
    mutation_figures,
    parse_forms,
    parse_mutated,
    parsing_figures,
)
from benchmarks.actions.problems import FOLDER, Problem, load_problems
from benchmarks.report import Figure, show, write_json
from npc_engine.errors import NpcEngineError
from npc_engine.model import open_session

MUTATED = 100_000
QUICK_MUTATED = 2_000
SAMPLE = 60
QUICK_SAMPLE = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.actions")
    parser.add_argument("--quick", action="store_true", help="fewer broken calls and questions")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--data", type=Path, default=FOLDER, help="the folder of the problems")
    parser.add_argument("--model", help="also ask this model: a name, a folder or a GGUF file")
    parser.add_argument("--sample", type=int, help="questions of each kind for the model")
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    options = parser.parse_args(arguments)
    try:
        calls, no_calls = load_problems(options.data)
    except OSError as error:
        raise SystemExit(f"{error}\nthe problems are not here; name their folder: --data FOLDER") \
            from error  # fmt: skip
    count = QUICK_MUTATED if options.quick else MUTATED
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("broken calls", total=count)
        mutated = parse_mutated(
            calls, count, seed=options.seed, on_call=partial(progress.advance, task)
        )
    parsed = parse_forms(calls)
    figures = [
        *parsing_figures(parsed),
        *mutation_figures(mutated),
        *rule_figures(calls, no_calls),
    ]
    rows: list[dict[str, object]] = [*parsed.wrong]
    rows += [{"fault": fault} for fault in mutated.faults]
    settings: dict[str, object] = {"problems": len(calls) + len(no_calls), "seed": options.seed}
    if options.model:
        size = options.sample or (QUICK_SAMPLE if options.quick else SAMPLE)
        more, asked = _asked(options.model, sampled(calls, size), sampled(no_calls, size))
        figures += more
        rows += asked
        settings["model"] = Path(options.model).name
    show(figures, settings)
    if options.json:
        write_json(options.json, figures, settings, rows)


def _asked(
    model: str, calls: Sequence[Problem], no_calls: Sequence[Problem]
) -> tuple[list[Figure], list[dict[str, object]]]:
    try:
        session = open_session(model)
    except NpcEngineError as error:
        raise SystemExit(str(error)) from error
    try:
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("questions", total=len(calls) + len(no_calls))
            advance = partial(progress.advance, task)
            asked = ask_all(calls, session, advance)
            not_asked = ask_all(no_calls, session, advance)
    finally:
        session.close()
    return asking_figures(asked, not_asked), [_row(each) for each in (*asked, *not_asked)]


def _row(asked: Asked) -> dict[str, object]:
    return {
        "id": asked.problem.id,
        "text": asked.text,
        "arguments": None if asked.arguments is None else dict(asked.arguments),
        "is_right": asked.is_right,
        "is_called_for": asked.is_called_for,
    }


if __name__ == "__main__":
    main()
