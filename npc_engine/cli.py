"""The command `npc`: parses, wires the layers together, prints. No logic of its own."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import platformdirs
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from npc_engine.content.project import Project, find_project, sheet_named, world_for
from npc_engine.content.source import read_text
from npc_engine.dialogue.authored_lines import note_below_plan
from npc_engine.dialogue.commands import plan_table
from npc_engine.engine import Engine, Npc
from npc_engine.errors import CommandError, ContentError, NpcEngineError
from npc_engine.memory.portable import MAX_FILE_BYTES
from npc_engine.model import (
    choose_model,
    get_model,
    list_models,
    open_session,
    open_tokenizer,
    remove_model,
)
from npc_engine.protocols import ModelSession
from npc_engine.tui.line_mode import LineModeOptions, choose_by_line, run_lines, stdin_lines
from npc_engine.tui.rehearsal import act_out

app = typer.Typer(
    name="npc",
    help="Talk with game characters on your own machine, and test them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="Models: list, get, remove.", no_args_is_help=True)
app.add_typer(models_app, name="models")
memory_app = typer.Typer(help="What a character remembers, as a JSON file.", no_args_is_help=True)
app.add_typer(memory_app, name="memory")

EXIT_FAULTS = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

CharactersOption = Annotated[
    Path | None, typer.Option("--characters", help="Folder with the sheets.", show_default=False)
]
WorldOption = Annotated[
    str | None,
    typer.Option("--world", help="World file or id; by default the character's own."),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model", help="auto, smollm2, nemotron-mini, a folder, hub id, .gguf or http://host/v1."
    ),
]
SaveOption = Annotated[
    str | None,
    typer.Option("--save", help='Save file; "none" keeps nothing. By default one for each world.'),
]
SeedOption = Annotated[int, typer.Option("--seed", help="Equal seeds give equal talks.")]


@app.command()
def chat(
    name: Annotated[str | None, typer.Argument(help="Who to talk with.")] = None,
    characters: CharactersOption = None,
    world: WorldOption = None,
    model: ModelOption = "auto",
    save: SaveOption = None,
    seed: SeedOption = 0,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of a screen.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One event a line; implies lines.")
    ] = False,
    act: Annotated[
        bool, typer.Option("--act", help="Let characters act: what they call for is done at once.")
    ] = False,
) -> None:
    """Talk with a character: a screen on a terminal, plain lines in a pipe."""
    project = find_project(characters)
    lines = stdin_lines(sys.stdin)
    if plain or as_json or not _has_screen():
        if name is None:
            name, lines = choose_by_line(project.library(), lines, sys.stderr)
        with _open_engine(project, name, world, model, save, seed) as (engine, npc_id):
            if act:
                act_out(engine)
            options = LineModeOptions(is_terminal=sys.stdout.isatty(), as_json=as_json)
            npc = engine.resume_chat(npc_id or engine.npc_ids[0])
            raise typer.Exit(run_lines(engine, npc, lines, sys.stdout, sys.stderr, options))
    from npc_engine.tui.app import run_app

    with _open_engine(project, name, world, model, save, seed) as (engine, npc_id):
        if act:
            act_out(engine)
        raise typer.Exit(run_app(engine, npc_id, model=choose_model(model)))


@app.command()
def prompt(
    name: Annotated[str, typer.Argument(help="Whose prompt.")],
    say: Annotated[str, typer.Option("--say", help="What the player says.")] = "",
    characters: CharactersOption = None,
    world: WorldOption = None,
    model: ModelOption = "auto",
    save: Annotated[str, typer.Option("--save", help="Save whose chat goes on.")] = "none",
    as_json: Annotated[bool, typer.Option("--json", help="The stable machine form.")] = False,
    text: Annotated[bool, typer.Option("--text", help="The prompt itself, as sent.")] = False,
) -> None:
    """Show what a line would send to the model: sections, tokens, reasons, cuts."""
    from npc_engine.model.scripted import ScriptedSession

    session = ScriptedSession([""], tokenizer=open_tokenizer(model))
    project = find_project(characters)
    with _open_engine(project, name, world, session, save, 0) as (engine, npc_id):
        assert npc_id is not None
        chats = engine.chats(npc_id)
        npc = engine.npc(npc_id, chats[0].id if chats else None)
        plan, found = npc.plan(say), npc.talk.line_called_for(say)
    if as_json:
        _out(plan.to_json())
    elif text:
        _out(plan.text)
    else:
        _out(f"{plan_table(plan)}{note_below_plan(found)}")


@app.command()
def check(
    characters: Annotated[Path | None, typer.Argument(help="Folder with the sheets.")] = None,
    worlds: Annotated[Path | None, typer.Option("--worlds", help="Folder with the worlds.")] = None,
    model: ModelOption = "auto",
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    schema: Annotated[
        Path | None, typer.Option("--schema", help="Write the JSON Schemas for editors here.")
    ] = None,
) -> None:
    """Check sheets and worlds; exit code 1 if anything is wrong."""
    from npc_engine.authoring import check_project, report_json, report_text
    from npc_engine.content.schemas import write_schemas

    if schema is not None:
        for path in write_schemas(schema):
            _out(str(path))
        return
    if form not in ("text", "json"):
        raise CommandError(f'--format {form}: found "{form}"; expected text or json')
    project = find_project(characters, worlds)
    report = check_project(project.characters, project.worlds, open_tokenizer(model))
    _out(report_json(report) if form == "json" else report_text(report))
    raise typer.Exit(EXIT_FAULTS if report.errors else 0)


@app.command()
def test(
    paths: Annotated[list[Path] | None, typer.Argument(help="Test files or folders.")] = None,
    characters: CharactersOption = None,
    worlds: Annotated[Path | None, typer.Option("--worlds", help="Folder with the worlds.")] = None,
    tier: Annotated[str, typer.Option("--tier", help="compile, model or all.")] = "compile",
    model: ModelOption = "auto",
    name: Annotated[str, typer.Option("--name", help="Only tests whose name holds this.")] = "",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write results here.")] = None,
) -> None:
    """Run persona tests; exit code 1 on a failure, 2 if nothing could be run."""
    from npc_engine.authoring import run_persona_tests, tests_json, tests_text

    project = find_project(characters, worlds)
    with _progress_bar() as on_progress:
        report = run_persona_tests(
            paths or [project.characters / "tests"],
            project.characters,
            project.worlds,
            tier=tier,
            tokenizer=open_tokenizer(model),
            open_session=lambda: open_session(model),
            name=name,
            on_progress=on_progress,
        )
    if json_file is not None:
        json_file.write_text(tests_json(report), encoding="utf-8")
    _out(tests_text(report))
    raise typer.Exit(report.exit_code)


@app.command()
def bench(
    model: ModelOption = "auto",
    quick: Annotated[bool, typer.Option("--quick", help="Less of everything; a minute.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write figures here.")] = None,
) -> None:
    """Measure how soon and how fast the model speaks here; Ctrl-C shows what there is so far."""
    from npc_engine.authoring import FULL, QUICK, bench_json, bench_text, run_bench

    with _progress_bar() as on_progress:
        report = run_bench(
            lambda: open_session(model, on_progress=on_progress),
            QUICK if quick else FULL,
            on_progress=on_progress,
        )
    if json_file is not None:
        json_file.write_text(bench_json(report), encoding="utf-8")
    _out(bench_text(report))
    raise typer.Exit(EXIT_INTERRUPTED if report.was_interrupted else 0)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="A recording, made with Engine.open(record=…).")],
    model: Annotated[
        str | None, typer.Option("--model", help="Let this model write every reply again.")
    ] = None,
    characters: CharactersOption = None,
    world: Annotated[Path | None, typer.Option("--world", help="The world file.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the outcome here.")
    ] = None,
) -> None:
    """Play a recorded run again and compare; needs no model. Exit code 1 if anything differs."""
    from npc_engine.engine.replay import replay_file
    from npc_engine.engine.replay_report import replay_json, replay_text

    again = None if model is None else lambda: open_session(model)
    report = replay_file(file, world=world, characters=characters, again=again)
    if json_file is not None:
        json_file.write_text(replay_json(report), encoding="utf-8")
    _out(replay_text(report))
    raise typer.Exit(report.exit_code)


@models_app.command("list")
def models_list() -> None:
    """Which models there are, and which one `auto` means here."""
    for status in list_models():
        size = f"{status.cached_bytes / 1e6:,.0f} MB" if status.cached_bytes else ""
        _out(f"{status.name:<16}{status.state:<12}{size:>10}  {status.what}")
    choice = choose_model("auto")
    _out(f"auto means {choice.name}: {choice.why}")


@models_app.command("get")
def models_get(
    name: Annotated[str, typer.Argument(help="smollm2, nemotron-mini, a folder, hub id or .gguf.")],
    agree: Annotated[bool, typer.Option("--agree", help="Accept the model's licence.")] = False,
) -> None:
    """Fetch and convert a model, so that opening it needs no network."""
    with _progress_bar() as on_progress:
        status = get_model(name, on_progress=on_progress, agree_to_license=agree)
    _out(f"{status.name}: {status.state}, {status.cached_bytes / 1e6:,.0f} MB in {status.path}")


@models_app.command("rm")
def models_rm(name: Annotated[str, typer.Argument(help="Which model.")]) -> None:
    """Delete a model from the cache."""
    _out(f"{name}: {remove_model(name) / 1e6:,.0f} MB freed")


@memory_app.command("export")
def memory_export(
    name: Annotated[str, typer.Argument(help="Whose memory.")],
    characters: CharactersOption = None,
    world: WorldOption = None,
    save: SaveOption = None,
) -> None:
    """Print what a character remembers in its latest chat, or in the game's timeline."""
    if save not in (None, "none") and not Path(save).exists():
        raise CommandError(f"--save {save}: there is no such file; name the save to read")
    with _open_memory(name, characters, world, save) as npc:
        _out(npc.export_memory().rstrip())


@memory_app.command("import")
def memory_import(
    name: Annotated[str, typer.Argument(help="Whose memory.")],
    file: Annotated[Path, typer.Argument(help="A file that was exported.")],
    characters: CharactersOption = None,
    world: WorldOption = None,
    save: SaveOption = None,
) -> None:
    """Let a character remember what an exported file holds, behind all it remembers already."""
    text = read_text(file, max_bytes=MAX_FILE_BYTES, kind="an exported memory")
    with _open_memory(name, characters, world, save) as npc:
        number = npc.import_memory(text)
        _out(f"{npc.sheet.nickname}: {number} {'row' if number == 1 else 'rows'} taken in")


def main() -> None:
    """Run the command line; every expected error is one clear text on stderr."""
    _use_utf8()
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
    try:
        app()
    except ContentError as error:
        _fail(str(error), EXIT_FAULTS)
    except CommandError as error:
        _fail(str(error), EXIT_USAGE)
    except NpcEngineError as error:
        _fail(str(error), EXIT_USAGE)
    except BrokenPipeError:
        _silence_stdout()
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


# -- wiring -----------------------------------------------------------------------------------


@contextmanager
def _open_engine(
    project: Project,
    name: str | None,
    world: str | None,
    model: str | ModelSession,
    save: str | None,
    seed: int,
) -> Iterator[tuple[Engine, str | None]]:
    """The engine for a talk, and the id of the character that was named."""
    library = project.library()
    npc_id = None if name is None else sheet_named(library, name)
    world_path = world_for(library, npc_id, world)
    save_path = _save_path(save, world_path)
    with Engine.open(world_path, project.characters, save_path, model, seed=seed) as engine:
        yield engine, npc_id


@contextmanager
def _open_memory(
    name: str, characters: Path | None, world: str | None, save: str | None
) -> Iterator[Npc]:
    """A character in its latest chat, or in the timeline where it has none; needs no model."""
    from npc_engine.model.scripted import ScriptedSession

    project = find_project(characters)
    session = ScriptedSession([""])
    with _open_engine(project, name, world, session, save, 0) as (engine, npc_id):
        assert npc_id is not None
        chats = engine.chats(npc_id)
        yield engine.npc(npc_id, chats[0].id if chats else None)


def _save_path(save: str | None, world_path: Path) -> Path | None:
    if save == "none":
        return None
    if save is not None:
        return Path(save)
    return platformdirs.user_data_path("npc_engine") / "saves" / f"{world_path.stem}.db"


def _has_screen() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def _progress_bar() -> Iterator[Callable[[str, float | None], None]]:
    """Bars on stderr, one for each step; only names of steps where stderr is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def on_progress(step: str, share: float | None) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=None if share is None else 1.0)
            progress.update(tasks[step], completed=share or 0.0)

        yield on_progress


def _out(text: str) -> None:
    """Results go to stdout as they are: no markup, no wrapping."""
    sys.stdout.write(f"{text}\n")


def _use_utf8() -> None:
    """Characters of any script pass, whatever the console's own encoding is."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _fail(text: str, code: int) -> None:
    sys.stderr.write(f"{text}\n")
    sys.exit(code)


def _silence_stdout() -> None:
    """The reader is gone; keep the interpreter from complaining while it shuts down."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
