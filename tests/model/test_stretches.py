"""Encoding stretch by stretch gives what encoding the whole text gives."""

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, models, normalizers, pre_tokenizers

from npc_engine.model import open_tokenizer
from npc_engine.model.splicing import Encoded
from npc_engine.model.stretches import Stretches

TEXTS = st.lists(
    st.sampled_from(["<a>", "<ab>", "<b>", " ", "\n", "one two", "x", "é🗡", "<", "a>"]), max_size=12
).map("".join)


def tokenizer_with(*added, normalizer=None, prepend="first"):
    letters = [*sorted(set("onetwx <>ab▁\nég?")), "on", "▁t"]
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    backend = tokenizers.Tokenizer(models.BPE(vocabulary, [("o", "n"), ("▁", "t")], unk_token="?"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=prepend)
    if normalizer is not None:
        backend.normalizer = normalizer
    backend.add_special_tokens(list(added))
    return backend


def both_ways(backend):
    def encode(text):
        encoding = backend.encode(text, add_special_tokens=False)
        return Encoded.from_offsets(encoding.ids, encoding.offsets)

    stretches = Stretches(
        backend.get_added_tokens_decoder().values(),
        normalised=backend.normalizer is not None,
        encode=encode,
    )
    return encode, stretches.encode


def is_same(one, other):
    return (one.ids, one.starts, one.ends) == (other.ids, other.starts, other.ends)


BACKENDS = {
    "prefix space at the start": lambda: tokenizer_with("<a>", "<ab>", "<b>"),
    "prefix space everywhere": lambda: tokenizer_with("<a>", "<ab>", "<b>", prepend="always"),
    "no prefix space": lambda: tokenizer_with("<a>", "<ab>", "<b>", prepend="never"),
    "one takes in white space behind": lambda: tokenizer_with(
        AddedToken("<a>", rstrip=True, special=True), "<b>"
    ),
    "one takes in white space before": lambda: tokenizer_with(
        AddedToken("<a>", lstrip=True, special=True), "<b>"
    ),
    "one must stand alone": lambda: tokenizer_with(
        AddedToken("<a>", single_word=True, special=True), "<b>"
    ),
    "one is found after normalising": lambda: tokenizer_with(
        AddedToken("<A>", normalized=True, special=True), "<b>", normalizer=normalizers.Lowercase()
    ),
}


@pytest.mark.parametrize("name", BACKENDS)
def test_stretches_give_what_the_whole_text_gives(name):
    encode, by_stretches = both_ways(BACKENDS[name]())

    @settings(max_examples=150, deadline=None)
    @given(TEXTS)
    def check(text):
        assert is_same(by_stretches(text), encode(text))

    check()


def test_a_chat_for_the_embedded_model():
    tokenizer = open_tokenizer("smollm2")

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(
            st.sampled_from(["<|im_start|>", "<|im_end|>", "user\n", "\n", " "])
            | st.text(max_size=20),
            max_size=10,
        ).map("".join)
    )
    def check(text):
        assert tuple(tokenizer._stretches.encode(text).ids) == tokenizer.encode(text)

    check()


def test_what_stood_in_the_text_before_is_not_encoded_again():
    seen = []

    def encode(text):
        seen.append(text)
        return Encoded([len(text)], [0], [len(text)])

    stretches = Stretches([AddedToken("<a>")], normalised=False, encode=encode)
    stretches.encode("<a>one<a>two")
    seen.clear()
    stretches.encode("<a>one<a>two<a>three")
    assert seen == ["<a>three"]
