"""Models that are damaged or do not fit: each is refused in words that say what to do.

Where, what was found, what was expected, what to do; and never with an error of another library.
"""

import json
import shutil
import sys
import time

import pytest
import torch
from safetensors.torch import load_file, save_file

from npc_engine.errors import BudgetError, LoadError
from npc_engine.events import LineEnded
from npc_engine.messages import Message
from npc_engine.model import PlainTokenizer, ScriptedSession, open_session, open_tokenizer
from npc_engine.model.loading import load_model
from npc_engine.prompt.budget import Budget
from npc_engine.protocols import GenerationRequest
from tests.stage_engine import Heard, open_engine


@pytest.fixture
def folder(llama_folder, tmp_path):
    """A copy of a good model, for a test to damage."""
    return shutil.copytree(llama_folder, tmp_path / "model")


def change(path, **values) -> None:
    data = json.loads(path.read_text(encoding="utf-8"))
    data.update(values)
    kept = {key: value for key, value in data.items() if value is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")


def change_weights(folder, change_them) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    change_them(weights)
    save_file(weights, path, metadata={"format": "pt"})


def refusal(folder, **options) -> str:
    """The text with which a folder is refused; the folder is named in it."""
    with pytest.raises(LoadError) as caught:
        open_session(str(folder), process="local", **{"dtype": "float32", **options})
    text = str(caught.value)
    assert str(folder) in text
    assert "\n" not in text
    return text.replace(str(folder), "FOLDER")


# -- weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"hidden_size": 60}, "weights have another shape than config.json says"),
        ({"intermediate_size": 100}, "found (48, 96); expected (48, 100); get the model again"),
        ({"vocab_size": 9000}, "found (430, 48); expected (9000, 48); get the model again"),
        ({"num_key_value_heads": 6}, "weights have another shape than config.json says"),
        ({"num_hidden_layers": 5}, "27 weights are missing"),
        ({"num_hidden_layers": 1}, "the weights hold 2 layers; expected 1 as config.json says"),
    ],
)
def test_weights_of_another_shape_than_the_configuration(folder, capfd, config, words):
    change(folder / "config.json", **config)
    assert words in refusal(folder)
    # What transformers would print has no place on a player's screen.
    assert "MISMATCH" not in "".join(capfd.readouterr())


def test_a_weight_that_is_missing(folder):
    change_weights(folder, lambda weights: weights.pop("model.norm.weight"))
    text = refusal(folder)
    assert "1 weights are missing (model.norm.weight); expected all that config.json asks" in text
    assert text.endswith("get the model again")


def test_weights_that_are_not_numbers(folder):
    change_weights(folder, lambda weights: weights["model.norm.weight"].fill_(float("nan")))
    text = refusal(folder)
    assert "scores that are not numbers; the weights are damaged" in text
    assert "get the model again" in text


@pytest.mark.parametrize("lost", [1, 100_000, 327_000])
def test_a_file_of_weights_that_was_cut_off(folder, lost):
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-lost])
    table_ends = 8 + int.from_bytes(whole[:8], "little")
    size = len(whole) - lost
    wanted = len(whole) if size >= table_ends else table_ends
    assert refusal(folder) == (
        f"FOLDER/model.safetensors: found {size:,} bytes; expected {wanted:,} or more; "
        "the file was cut off; get the model again"
    )


@pytest.mark.parametrize("content", [b"", b"abc", b"version https://git-lfs.github.com/spec/v1\n"])
def test_a_file_that_holds_no_weights(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    text = refusal(folder)
    assert f"model.safetensors: {len(content)} bytes that do not begin like safetensors" in text
    assert "expected weights in that format; get the model again" in text


@pytest.mark.parametrize("table", [b"[]", b"{}}", b'{"a":{}}', b'{"a":{"data_offsets":[]}}'])
def test_a_table_of_weights_that_cannot_be_read(folder, table):
    content = len(table).to_bytes(8, "little") + table + bytes(100)
    (folder / "model.safetensors").write_bytes(content)
    assert "its table of weights cannot be read; get the model again" in refusal(folder)


def test_a_part_of_the_weights_that_is_not_here(folder):
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    save_file({name: weights[name] for name in names[:5]}, folder / first, {"format": "pt"})
    index = {name: first if place < 5 else second for place, name in enumerate(names)}
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": index}), encoding="utf-8")
    assert f"no {second}; expected every file that {path.name} names" in refusal(folder)
    path.write_text("{", encoding="utf-8")
    assert f"{path.name}: cannot be read as an index of weights" in refusal(folder)


# -- configuration --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "generation_config.json"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hidden_size: 3", "cannot be read as JSON: Expecting value"),
        (b'{"a": "\xff"}', "cannot be read as JSON: 'utf-8'"),
        (b"[1, 2]", "found list; expected a JSON object"),
    ],
)
def test_a_file_that_is_not_a_json_object(folder, name, content, words):
    (folder / name).write_bytes(content)
    text = refusal(folder)
    assert text.startswith(f"FOLDER/{name}: {words}")
    assert text.endswith("get the model's files again")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"hidden_size": "large"}, "Field 'hidden_size' expected int, got str"),
        ({"num_attention_heads": 0}, "cannot be loaded"),
        ({"model_type": "quux", "architectures": ["QuuxForCausalLM"]}, "model type `quux`"),
        ({"architectures": ["LlamaModel"]}, "LlamaModel gives no scores for words"),
        ({"num_hidden_layers": None}, "parts that are not a language model"),
    ],
)
def test_a_configuration_that_means_no_model(folder, config, words):
    change(folder / "config.json", **config)
    text = refusal(folder)
    assert words in text
    assert "; use " in text or "; get the model again or use another" in text


# -- tokenizer and template -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (None, "the model has no chat template; expected one in tokenizer_config.json"),
        ("{% for x in %}", "chat template does not compile"),
        ("{{ raise_exception('no') }}", "chat template cannot print a plain chat: no; expected"),
        ("x" * 200_001, "chat template: found 200,001 characters; expected at most 200,000"),
    ],
)
def test_a_model_without_a_usable_chat_template(folder, template, words):
    change(folder / "tokenizer_config.json", chat_template=template)
    text = refusal(folder)
    assert text.startswith(f"FOLDER: {words}")
    assert "; use " in text
    with pytest.raises(LoadError, match="chat template"):
        open_tokenizer(str(folder))


@pytest.mark.parametrize("content", [b'{"a": 1}', b"\xff\xfe", b""])
def test_a_tokenizer_that_cannot_be_read(folder, content):
    (folder / "tokenizer.json").write_bytes(content)
    text = refusal(folder)
    assert text.startswith("FOLDER: tokenizer.json")
    assert text.endswith("get the model's files again")


# -- the machine ----------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["tpu", "cuda:77"])
def test_a_device_that_is_not_here(llama_folder, device):
    with pytest.raises(LoadError, match=f"device: found '{device}'.*; expected cpu, or cuda"):
        open_session(str(llama_folder), process="local", device=device, dtype="float32")


def test_a_precision_that_is_not_supported(llama_folder):
    with pytest.raises(LoadError, match="dtype: found 'float12'; expected one of bfloat16, float"):
        open_session(str(llama_folder), process="local", device="cpu", dtype="float12")


def test_memory_that_is_too_small(llama_folder, monkeypatch):
    def fail(self, *_):
        raise torch.OutOfMemoryError("tried to allocate 9 GiB")

    monkeypatch.setattr(torch.nn.Module, "to", fail)
    with pytest.raises(LoadError, match="memory of cpu: tried to allocate 9 GiB.*a smaller model"):
        load_model(llama_folder, device="cpu", dtype="float32")


def test_after_a_refusal_a_good_model_loads(folder, llama_folder):
    (folder / "model.safetensors").write_bytes(b"")
    refusal(folder)
    session = open_session(str(llama_folder), process="local", dtype="float32")
    ids = session.tokenizer.render([Message("user", "Any work?")]).token_ids
    assert list(session.stream(GenerationRequest("r", ids, max_tokens=2)))[-1].reason == "length"
    session.close()


# -- the window -----------------------------------------------------------------------------------


@pytest.mark.parametrize("window_tokens", [0, -4])
def test_a_window_of_no_tokens(folder, window_tokens):
    text = refusal(folder, window_tokens=window_tokens)
    assert f"window_tokens: found {window_tokens}; expected at least 1" in text


def test_a_window_smaller_than_any_plan_is_said_with_the_least(tmp_path, caplog):
    with pytest.raises(BudgetError) as caught:
        Budget.for_window(256)
    text = str(caught.value)
    assert "the model's window" in text
    assert text.endswith("use a model with a window of 3,536 tokens or more")
    session = ScriptedSession(["Aye."], tokenizer=PlainTokenizer(window_tokens=256))
    with open_engine(tmp_path, session) as engine:
        heard = Heard(engine)
        engine.npc(next(iter(engine.cast.sheets))).say("Any work?")
        deadline = time.monotonic() + 30
        while not heard.of(LineEnded) and time.monotonic() < deadline:
            engine.tick()
            time.sleep(0.005)
    (ended,) = heard.of(LineEnded)
    assert (ended.reason, ended.detail) == ("failed", text)


def test_without_compiled_kernels_a_model_is_slower_and_not_refused(folder, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "npc_engine.model.cpu.body", None)  # as without numba
    session = open_session(str(folder), process="local", device="cpu", dtype="bfloat16")
    request = GenerationRequest("r", session.tokenizer.encode("Any work?"), max_tokens=4)
    assert list(session.stream(request))[-1].reason in {"length", "done"}
    assert "compiled" not in session.info.extra["weights"]
    session.close()
    assert "written tokens are not compiled" in caplog.text


def test_a_fault_while_packing_is_told_in_our_words(folder, monkeypatch):
    def break_down(*_):
        raise MemoryError("no room for the rows")

    monkeypatch.setattr("npc_engine.model.decoder.Decoder.pack", break_down)
    text = refusal(folder, device="cpu", dtype="bfloat16")
    assert "no room for the rows" in text
    assert "weights='plain'" in text
