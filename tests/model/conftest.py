from pathlib import Path

import pytest

from npc_engine.model import conversations
from npc_engine.model.linear import Kernels
from npc_engine.model.runner import Packing
from tests.model.stage_model import local
from tests.models_for_tests import load_tiny, tiny_llama, tiny_nemotron, tiny_qwen2


@pytest.fixture(scope="session")
def nemotron_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_nemotron(tmp_path_factory.mktemp("nemotron"))


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session")
def qwen2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_qwen2(tmp_path_factory.mktemp("qwen2"))


@pytest.fixture(scope="session", params=["nemotron", "llama", "qwen2"])
def tiny_folder(request, nemotron_folder: Path, llama_folder: Path, qwen2_folder: Path) -> Path:
    folders = {"nemotron": nemotron_folder, "llama": llama_folder, "qwen2": qwen2_folder}
    return folders[request.param]


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path):
    """(model, tokenizer) whose model is used by plain `generate` only."""
    return load_tiny(tiny_folder)


@pytest.fixture(scope="session")
def served(tiny_folder: Path):
    """(model, tokenizer) that `open_session` serves, one session after the other."""
    return load_tiny(tiny_folder)


@pytest.fixture(params=["transformers", "decoder"])
def open_session(request, served):
    """Opens a session on the tiny model, run by `transformers` or by the decoder written out."""
    opened = []

    def open_one(**options):
        packing = Packing(Kernels()) if request.param == "decoder" else None
        opened.append(local(*served, packing=packing, **options))
        return opened[-1]

    yield open_one
    for session in opened:
        session.close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch):
    """Short conversations are worth copying and moving, so that tests need no long ones."""
    monkeypatch.setattr(conversations, "_MIN_COPY_TOKENS", 3)
    monkeypatch.setattr(conversations, "_MIN_SPILL_TOKENS", 4)
