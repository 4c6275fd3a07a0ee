"""The Triton kernels without a GPU: interpreted, and compiled as for an H100. Needs Triton."""

import importlib.util
import os
import subprocess
import sys

import pytest

from tests.stage import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="needs Triton"),
]


def run(module: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_interpreted_kernels_give_what_the_plain_ones_give():
    assert "all equal" in run("tests.model.triton_against_plain", TRITON_INTERPRET="1")


def test_kernels_compile_for_an_h100():
    assert "all compiled" in run("tests.model.triton_compiled")
