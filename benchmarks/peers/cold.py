"""From a fresh process to the first token: prints when what was done, as one line of JSON.

`benchmarks.session` starts it and takes the time; it is no peer that answers questions.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.protocol import pin


def main(arguments: Sequence[str] | None = None) -> None:
    """Open a session, ask for one token, and print the steps in seconds since `--started-at`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.cold")
    parser.add_argument("--ids", type=Path, required=True, help="JSON list of the prompt's ids")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--process", choices=("local", "worker"), default="local")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--core", type=int)
    parser.add_argument("--started-at", type=float, required=True, help="Unix seconds")
    options = parser.parse_args(arguments)
    pin(options.core)
    steps: list[tuple[str, float]] = []

    def on_progress(step: str, share: float | None) -> None:
        if step not in {name for name, _ in steps}:
            steps.append((step, time.time() - options.started_at))

    on_progress("python", None)
    from npc_engine.model import open_session
    from npc_engine.protocols import GenerationRequest

    on_progress("imports of the package", None)
    session = open_session(
        options.model,
        process=options.process,
        threads=options.threads,
        on_progress=on_progress,
    )
    on_progress("session", None)
    ids = tuple(json.loads(options.ids.read_text(encoding="utf-8")))
    events = session.stream(GenerationRequest("cold", ids, max_tokens=1))
    next(events)
    on_progress("first token", None)
    sys.stdout.write(json.dumps(steps) + "\n")
    sys.stdout.flush()
    session.close()


if __name__ == "__main__":
    main()
