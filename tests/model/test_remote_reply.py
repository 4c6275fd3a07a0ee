"""Text that comes in chunks, as tokens of any tokenizer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.model.remote.estimating_tokenizer import EstimatingTokenizer
from npc_engine.model.remote.faults import ServerFault
from npc_engine.model.remote.reply import ReplyText
from npc_engine.model.remote.stream import Lines
from npc_engine.model.tokenizer import ChatTokenizer
from tests.models_for_tests import (
    CHATML,
    llama_tokenizer_json,
    nemotron_tokenizer_json,
)

EOS = {"eos_token": "</s>", "bos_token": "<s>"}
NEMOTRON_CONFIG = {"model_type": "nemotron"}


@pytest.fixture(scope="module", params=["estimate", "nemotron", "nemotron first", "llama"])
def tokenizer(request):
    makers = {
        "estimate": EstimatingTokenizer,
        "nemotron": lambda: nemotron("always"),
        "nemotron first": lambda: nemotron("first"),
        "llama": lambda: ChatTokenizer(llama_tokenizer_json(), template=CHATML),
    }
    return makers[request.param]()


def nemotron(prepend: str) -> ChatTokenizer:
    return ChatTokenizer(
        nemotron_tokenizer_json(prepend), config=NEMOTRON_CONFIG, tokenizer_config=EOS
    )


def feed(tokenizer, chunks, stops=()):
    reply = ReplyText(tokenizer, stops)
    events = [event for chunk in chunks for event in reply.feed(chunk)]
    return [token_id for token_id, _ in events], "".join(text for _, text in events), reply


@pytest.mark.parametrize(
    "chunks",
    [
        ("Any", "where", " the bridge", " is", " down."),
        (" Aye", ".", "\n", "\n  No", "  no"),
        ("Grüße", " 北", "桥", "😀", "👩‍👩‍👧"),
        ("a long chunk " * 40,),
        ("mark", "<|im_end|>", "<extra_id_1>", "</s>", " ers"),
    ],
)
def test_the_ids_decode_to_the_text(tokenizer, chunks):
    ids, text, reply = feed(tokenizer, chunks)
    assert text + reply.tail == "".join(chunks)
    assert tokenizer.decode(ids) == text


@settings(max_examples=60, deadline=None)
@given(chunks=st.lists(st.text(max_size=12), max_size=8))
def test_no_text_is_lost_whatever_the_chunks_are(tokenizer, chunks):
    ids, text, reply = feed(tokenizer, chunks)
    assert text + reply.tail == "".join(chunks)
    if isinstance(tokenizer, EstimatingTokenizer):
        assert tokenizer.decode(ids) == text
    assert (len(ids) > 0) == ("".join(chunks) != "")


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet="abc", max_size=30), cuts=st.lists(st.integers(0, 30), max_size=5))
def test_a_stop_text_is_found_wherever_the_chunks_end(text, cuts):
    ends = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    chunks = [text[start:end] for start, end in zip(ends, ends[1:], strict=False)]
    _, shown, reply = feed(EstimatingTokenizer(), chunks, stops=("abc", "cc"))
    places = [place for place in (text.find("abc"), text.find("cc")) if place >= 0]
    assert reply.stopped == bool(places)
    assert shown + reply.tail == text[: min(places, default=len(text))]


@given(
    lines=st.lists(st.text(alphabet="ab:ä ", max_size=8), max_size=6),
    end=st.sampled_from(["\n", "\r\n"]),
    size=st.integers(1, 7),
)
def test_lines_are_the_same_however_the_bytes_arrive(lines, end, size):
    data = "".join(line + end for line in lines).encode("utf-8")
    cutter = Lines()
    found = [
        line
        for start in range(0, len(data), size)
        for line in cutter.feed(data[start : start + size])
    ]
    assert found + cutter.rest() == lines


def test_the_whole_answer_is_limited():
    lines = Lines(max_bytes=10)
    lines.feed(b"12345\n")
    with pytest.raises(ServerFault, match="without end"):
        lines.feed(b"12345\n")
