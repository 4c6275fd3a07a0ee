"""The GPU benchmark runs from end to end, also with nothing but torch and transformers."""

import json
import subprocess
import sys

import pytest

from benchmarks.gpu_clock import share_of
from benchmarks.gpu_model import NEMOTRON_MINI
from benchmarks.gpu_report import Figure, Findings, table
from tests.stage import ROOT

NOT_NEEDED = ("rich", "pydantic", "textual", "typer", "gguf", "platformdirs")
PARTS = (
    "copy",
    "decode, 1 rows",
    "prompt of",
    "prompt tokens",
    "moved back",
    "first token",
    "speakers",
    "cancel",
    "decode in int8",
    "decode in int4",
)
RUN = """
import runpy, sys
for name in {names}:
    sys.modules[name] = None
sys.argv = ["gpu", "--device", "cpu", "--quick", "--tiny", "--json", {path!r}]
runpy.run_module("benchmarks.gpu", run_name="__main__")
"""


@pytest.mark.slow
def test_everything_is_measured_without_what_the_package_needs_elsewhere(tmp_path):
    path = tmp_path / "gpu.json"
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(names=NOT_NEEDED, path=str(path))],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    data = json.loads(path.read_text(encoding="utf-8"))
    names = [figure["name"] for figure in data["figures"]]
    for part in PARTS:
        assert any(part in name for name in names), part
    # A short reply may take as long as a shorter one on a busy machine.
    assert [text for text in data["problems"] if "too busy" not in text] == []
    assert all(figure["value"] > 0 for figure in data["figures"] if "cancel" not in figure["name"])
    assert all(figure["target"] is None for figure in data["figures"])
    cancel = next(figure for figure in data["figures"] if "cancel" in figure["name"])
    assert cancel["value"] <= 2


def test_a_position_of_the_real_model_takes_128_kib():
    assert NEMOTRON_MINI.position_bytes == 128 * 1024


@pytest.mark.parametrize(("share", "value"), [(0.01, 1), (0.5, 2), (0.75, 3), (0.95, 4), (1, 4)])
def test_a_share_of_values_is_one_of_them(share, value):
    assert share_of([4, 1, 3, 2], share) == value


def test_targets_are_shown_with_whether_they_are_met():
    found = Findings()
    found.add("slow", 20, "ms", target=15, at_most=True)
    found.add("quick", 90, "%", target=80)
    assert [figure.met for figure in found.figures] == [False, True]
    assert "| slow | at most 15 ms | 20 ms | no |" in table(found.figures)
    assert "| plain |  | 1 x |  |" in table([Figure("plain", 1, "x")])
