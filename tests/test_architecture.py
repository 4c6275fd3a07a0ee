"""Rules of the house that import-linter cannot see."""

import subprocess
import sys

import pytest

from tests.stage import ROOT


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["npc_engine", "npc_engine.cli", "npc_engine.tui.line_mode"])
def test_importing_loads_no_model_library(module):
    heavy = "{'torch', 'transformers', 'textual', 'gguf'}"
    assert run(f"import sys, {module}; print({heavy} & set(sys.modules))") == "set()"


def test_the_terminal_app_loads_no_model_library():
    heavy = "{'torch', 'transformers', 'gguf'}"
    assert run(f"import sys, npc_engine.tui.app; print({heavy} & set(sys.modules))") == "set()"


def test_the_public_names_are_there():
    code = "import npc_engine as n; print(all(hasattr(n, name) for name in n.__all__))"
    assert run(code) == "True"
