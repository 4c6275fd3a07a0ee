from pathlib import Path

import pytest

from tests.models_for_tests import load_tiny, tiny_llama, tiny_nemotron


@pytest.fixture(scope="session")
def nemotron_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_nemotron(tmp_path_factory.mktemp("nemotron"))


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session", params=["nemotron", "llama"])
def tiny_folder(request, nemotron_folder: Path, llama_folder: Path) -> Path:
    return nemotron_folder if request.param == "nemotron" else llama_folder


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path):
    """(model, tokenizer) whose model is used by plain `generate` only."""
    return load_tiny(tiny_folder)
