"""Can the shipped characters be told apart by their lines alone?

Everybody of a world answers the same lines. Two judges then say whose a reply is: naive Bayes over
words and pairs of words, each reply left out in turn; and the model itself, under whose sheet the
reply is likeliest. Names of the cast are taken out first, so that nobody is known by a name.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.character.separability import guesses
from benchmarks.lent import lent
from benchmarks.report import Figure, show, write_json
from npc_engine import Engine
from npc_engine.authoring.intervals import wilson
from npc_engine.authoring.voices import likeliest, voice_scores
from npc_engine.content.library import Library
from npc_engine.model import open_session
from npc_engine.model.scripted import EncodingTokenizer
from npc_engine.protocols import ModelSession, ScoringSession

ROOT = Path(__file__).parent.parent
LINES = (
    "Good evening. Who are you?",
    "What do you do all day?",
    "You look tired.",
    "Can you help me with something?",
    "What do you think of this place?",
    "Who do you trust here?",
    "Tell me something about yourself.",
    "Is there any work for me?",
    "What are you afraid of?",
    "I have come a long way to be here.",
    "What happened here last winter?",
    "Do you believe in magic?",
    "I think you are wrong about that.",
    "What would you do with a bag of gold?",
    "Have you got a family?",
    "What is the best thing that ever happened to you?",
    "I need to leave before dawn.",
    "Somebody told me you cannot be trusted.",
    "What do you want most?",
    "Thank you. I will be going, then.",
)


@dataclass(frozen=True, slots=True)
class Said:
    """One reply."""

    world: str
    npc: str
    line: str
    text: str
    bare: str
    """Without names of the cast."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Whose a reply was taken to be."""

    judge: str
    world: str
    npc: str
    guessed: str


def main(arguments: Sequence[str] | None = None, session: ModelSession | None = None) -> None:
    """Let everybody speak, judge, print.

    Args:
        arguments: Of the command line.
        session: A ready model instead of `--model`; it stays open.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.voices")
    parser.add_argument("--model", default="smollm2", help="whatever open_session takes")
    parser.add_argument("--characters", type=Path, default=ROOT / "characters")
    parser.add_argument("--worlds", type=Path, default=ROOT / "worlds")
    parser.add_argument("--lines", type=int, default=len(LINES), help=f"of {len(LINES)}")
    parser.add_argument("--candidates", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    model = session or open_session(options.model)
    try:
        said, found = _play(model, options)
    finally:
        if session is None:
            model.close()
    figures = [figure for judge in _judges(found) for figure in _figures(judge, found)]
    settings = {
        "model": model.info.name,
        "device": f"{model.info.device} {model.info.dtype}",
        "lines": options.lines,
        "candidates": options.candidates,
        "seed": options.seed,
    }
    show(figures, settings)
    for judge in _judges(found):
        for world in dict.fromkeys(guess.world for guess in found):
            Console().print(_confusion(judge, world, found))
    if options.json:
        rows: list[Mapping[str, object]] = [
            {"world": one.world, "npc": one.npc, "line": one.line, "reply": one.text}
            for one in said
        ]
        write_json(options.json, figures, settings, rows)


def _play(model: ModelSession, options: argparse.Namespace) -> tuple[list[Said], list[Guess]]:
    library = Library.open(options.characters, options.worlds)
    worlds = {
        world: library.world_path(world)
        for world in library.world_ids()
        if len(library.cast(library.world(world))) > 1
    }
    lines = LINES[: options.lines]
    all_said: list[Said] = []
    found: list[Guess] = []
    with Progress(console=Console(stderr=True)) as progress:
        for world, path in sorted(worlds.items()):
            with Engine.open(
                path,
                options.characters,
                None,
                lent(model),
                seed=options.seed,
                candidates=options.candidates,
            ) as engine:
                task = progress.add_task(world, total=2 * len(lines) * len(engine.npc_ids))
                said = []
                for npc_id in engine.npc_ids:
                    npc = engine.npc(npc_id, engine.new_chat(npc_id).chat_id)
                    for line in lines:
                        reply = npc.ask(line).text
                        npc.undo()
                        bare = _without_names(reply, engine)
                        said.append(Said(world, npc_id, line, reply, bare))
                        progress.advance(task)
                found += _by_words(said)
                for guess in _by_model(said, engine, model):
                    found.append(guess)
                    progress.advance(task)
                all_said += said
    return all_said, found


def _without_names(text: str, engine: Engine) -> str:
    names = {
        word
        for sheet in engine.cast.sheets.values()
        for name in (sheet.name, sheet.nickname)
        for word in name.split()
    }
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"\b(?:{pattern})\b", "", text).strip()


def _by_words(said: Sequence[Said]) -> list[Guess]:
    lines: dict[str, list[str]] = {}
    for one in said:
        lines.setdefault(one.npc, []).append(one.bare)
    guessed = guesses(lines)
    order = [one for npc in lines for one in said if one.npc == npc]
    return [
        Guess("words", one.world, one.npc, who) for one, who in zip(order, guessed, strict=True)
    ]


def _by_model(said: Sequence[Said], engine: Engine, model: ModelSession) -> list[Guess]:
    """Under whose sheet each reply is likeliest; nothing where the session cannot score."""
    if not isinstance(model, ScoringSession) or not model.can_score:
        return []
    tokenizer, sheets = cast(EncodingTokenizer, model.tokenizer), engine.cast.sheets
    found = []
    for line in dict.fromkeys(one.line for one in said):
        answers = [one for one in said if one.line == line and one.bare]
        prompts = {npc: engine.new_chat(npc).plan(line).prompt_ids for npc in sheets}
        scores = voice_scores(model, tokenizer, prompts, [one.bare for one in answers])
        for one, by_npc in zip(answers, scores, strict=True):
            found.append(Guess("model", one.world, one.npc, likeliest(by_npc)))
    return found


def _judges(found: Sequence[Guess]) -> list[str]:
    return list(dict.fromkeys(guess.judge for guess in found))


def _figures(judge: str, found: Sequence[Guess]) -> list[Figure]:
    figures = []
    for world in dict.fromkeys(guess.world for guess in found):
        own = [guess for guess in found if guess.judge == judge and guess.world == world]
        hits = sum(guess.npc == guess.guessed for guess in own)
        speakers = len({guess.npc for guess in own})
        span = wilson(hits, len(own))
        name = f"{world}: told apart by {judge}"
        figures += [
            Figure(name, hits / len(own), "share", runs=len(own)),
            Figure(f"{name}, low end", span.low, "over chance", target=1 / speakers),
        ]
    return figures


def _confusion(judge: str, world: str, found: Sequence[Guess]) -> Table:
    own = [guess for guess in found if guess.judge == judge and guess.world == world]
    names = sorted({guess.npc for guess in own})
    table = Table(title=f"{world}, by {judge}: rows said it, columns were taken for it")
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for row in names:
        counts = [sum(g.npc == row and g.guessed == name for g in own) for name in names]
        table.add_row(row, *(str(count) if count else "." for count in counts))
    return table


if __name__ == "__main__":
    main()
