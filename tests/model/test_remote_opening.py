"""Opening a server's address: what is asked, what is chosen, what is refused."""

import subprocess
import sys

import pytest

from npc_engine.errors import LoadError
from npc_engine.messages import Message
from npc_engine.model import (
    choose_model,
    get_model,
    open_remote,
    open_session,
    open_tokenizer,
    remove_model,
)
from npc_engine.model.remote.address import parse_address
from npc_engine.protocols import GenerationRequest
from tests.model.stub_server import refuse, stub_server
from tests.stage import ROOT


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("NPC_ENGINE_API_KEY", raising=False)


def models(*entries) -> dict:
    return {"object": "list", "data": [{"id": name, **more} for name, more in entries]}


def test_an_address_opens_a_remote_session():
    with stub_server() as server:
        session = open_session(server.url)
        chat = (Message("user", "Work?"),)
        ids = session.tokenizer.render(chat).token_ids
        *deltas, end = session.stream(GenerationRequest("r", ids, messages=chat))
        session.close()
    assert "".join(delta.text for delta in deltas) + end.tail == "Aye."
    assert (session.info.name, session.info.device) == ("stub-model", "remote")
    assert session.info.extra["url"] == server.url


def test_the_first_model_is_taken_unless_one_is_named():
    listed = models(("first", {}), ("second", {}))
    with stub_server(models=listed) as server:
        for address, name in ((server.url, "first"), (f"{server.url}#other/one", "other/one")):
            session = open_remote(address)
            session.close()
            assert session.info.name == name


@pytest.mark.parametrize(
    ("more", "asked", "window"),
    [
        ({}, None, 4096),
        ({"max_model_len": 2048}, None, 2048),
        ({"max_model_len": 32768}, None, 4096),
        ({"max_model_len": 32768}, 16384, 16384),
        ({"max_model_len": 2048}, 16384, 2048),
        ({"meta": {"n_ctx_train": 1024}}, None, 1024),
        ({"max_model_len": "much"}, 512, 512),
    ],
)
def test_the_window_is_what_was_asked_for_and_what_the_server_has(more, asked, window):
    with stub_server(models=models(("m", more))) as server:
        session = open_remote(server.url, window_tokens=asked)
        session.close()
    assert session.info.window_tokens == session.tokenizer.window_tokens == window


def test_a_folder_s_tokenizer_counts_without_its_weights(nemotron_folder, tmp_path):
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        (tmp_path / name).write_bytes((nemotron_folder / name).read_bytes())
    with stub_server() as server:
        session = open_session(server.url, tokenizer=str(tmp_path))
        session.close()
    assert session.info.family == "nemotron"
    assert session.info.window_tokens == 256
    assert not session.tokenizer.takes_contexts
    with pytest.raises(ValueError, match="contexts"):
        session.tokenizer.render([Message("user", "Work?")], contexts=["The bridge is down."])


def test_a_server_without_a_list_needs_a_model_s_name():
    with stub_server(models=refuse(404)) as server:
        open_remote(f"{server.url}#mine").close()
        with pytest.raises(LoadError, match=r"/models: found HTTP 404"):
            open_remote(server.url)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refuse(401), "HTTP 401.*NPC_ENGINE_API_KEY"),
        (refuse(500), "HTTP 500"),
        (refuse(302, Location="http://127.0.0.2/v1"), "redirects are not followed"),
        (lambda call: call.answer(200, b"<html>hi</html>", "text/html"), "no list of models"),
        (lambda call: call.json(200, {"data": "none"}), "no list of models"),
        (lambda call: call.cut(), "could not be reached"),
    ],
    ids=["no key", "broken", "moved", "html", "shape", "closed"],
)
def test_a_server_that_cannot_be_used_is_told_in_words(answer, words):
    with stub_server(models=answer) as server, pytest.raises(LoadError, match=words) as caught:
        open_remote(server.url)
    assert str(caught.value).startswith(server.url)


def test_a_server_that_is_down_is_told_in_words():
    with stub_server() as server:
        url = server.url
    with pytest.raises(LoadError, match=r"could not be reached.*start it, check the address"):
        open_session(url)


@pytest.mark.parametrize(
    ("name", "url", "model"),
    [
        ("http://localhost:8000/v1", "http://localhost:8000/v1", ""),
        ("http://localhost:8000", "http://localhost:8000/v1", ""),
        ("HTTPS://Host.Example/api/v1/#a%20b", "https://host.example/api/v1", "a b"),
        ("http://[::1]:8000/v1#/models/one", "http://[::1]:8000/v1", "/models/one"),
        ("https://me:pass@host/v1", "https://host/v1", ""),
    ],
)
def test_an_address_is_taken_apart(name, url, model):
    address = parse_address(name)
    assert (address.url, address.model) == (url, model)


@pytest.mark.parametrize(
    "name",
    ["ftp://host/v1", "http:///v1", "http://host:99999/v1", "http://ho st/v1",
     "https://host/v1?token=hunter22"],
)  # fmt: skip
def test_what_is_no_address_is_refused_in_words(name):
    with pytest.raises(LoadError, match="expected such as") as caught:
        parse_address(name)
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("name", ["http://10.0.0.7:8000/v1", "http://me:hunter22@10.0.0.7/v1"])
def test_a_key_never_leaves_the_machine_in_the_clear(name):
    key = "" if "@" in name else "sk-very-secret"
    with pytest.raises(LoadError, match="allow_plain_http") as caught:
        open_remote(name, api_key=key)
    assert "hunter22" not in str(caught.value)
    assert "very-secret" not in str(caught.value)


def test_credentials_of_an_address_are_sent_and_never_shown():
    with stub_server() as server:
        name = server.url.replace("http://", "http://me:hunter22@")
        session = open_remote(name)
        session.close()
        assert server.keys == ["Basic bWU6aHVudGVyMjI="]
        assert "hunter22" not in repr(session) + repr(session.info) + repr(parse_address(name))
        assert choose_model(name).name == server.url


def test_a_key_that_cannot_be_one_is_refused_without_showing_it():
    with pytest.raises(LoadError, match="no key can have") as caught:
        open_remote("http://127.0.0.1:9/v1", api_key="sk-ä")
    assert "sk-" not in str(caught.value)


def test_the_other_commands_know_what_an_address_is():
    name = "http://127.0.0.1:9/v1#m"
    assert choose_model(name).name == name
    assert open_tokenizer(name, window_tokens=512).window_tokens == 512
    with pytest.raises(LoadError, match="nothing to fetch"):
        get_model(name)
    with pytest.raises(LoadError, match="not in the cache"):
        remove_model(name)


def test_the_http_library_is_imported_only_for_a_remote_session():
    code = (
        "import sys, npc_engine.model as m; m.open_tokenizer('http://127.0.0.1:9/v1');"
        "print('httpx2' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "False"
