"""Surroundings in which pictures of the app are the same everywhere, and the comparison itself."""

import os
import re
from pathlib import Path

import pytest

os.environ.pop("NO_COLOR", None)
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TZ"] = "UTC"

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.fixture
def snapshot(request, update):
    """Compare a picture of an app with the one that was kept; `--update` keeps the new one."""

    def compare(app) -> None:
        picture = re.sub(r"terminal-\d+-", "terminal-", app.export_screenshot(title="npc"))
        kept = SNAPSHOTS / f"{request.node.name}.svg"
        actual = kept.with_suffix(".actual.svg")
        if update:
            SNAPSHOTS.mkdir(exist_ok=True)
            kept.write_text(picture, encoding="utf-8", newline="\n")
            return
        if not kept.exists() or kept.read_text(encoding="utf-8") != picture:
            actual.write_text(picture, encoding="utf-8", newline="\n")
            pytest.fail(f"the screen differs from {kept.name}; compare it with {actual.name}")
        actual.unlink(missing_ok=True)

    return compare
