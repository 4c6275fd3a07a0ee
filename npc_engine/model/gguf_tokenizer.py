"""The tokenizer in a GGUF, written as the files of the `tokenizers` library."""

import json
from typing import Any

from npc_engine.errors import LoadError
from npc_engine.model.gguf_source import Gguf

_GPT2_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_LLAMA3_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2_WORDS = _LLAMA3_WORDS.replace(r"\p{N}{1,3}", r"\p{N}")
# How each `tokenizer.ggml.pre` cuts text before merging: (digits stand alone, words).
_CUTS = {
    "default": (False, _GPT2_WORDS),
    "gpt-2": (False, _GPT2_WORDS),
    "smollm": (True, _GPT2_WORDS),
    "llama-bpe": (False, _LLAMA3_WORDS),
    "qwen2": (False, _QWEN2_WORDS),
}
_CONTROL, _USER_DEFINED, _UNUSED = 3, 4, 5


def tokenizer_json_of(source: Gguf) -> str:
    """A tokenizer.json made from the vocabulary in the GGUF.

    Raises:
        LoadError: A nemotron model, whose vocabulary GGUFs do not keep in usable form, or a kind
            of tokenizer that is not byte-level BPE with a known way to cut words.
    """
    get = source.settings.get
    model, cut = get("tokenizer.ggml.model"), get("tokenizer.ggml.pre", "default")
    if source.architecture == "nemotron" or model != "gpt2" or cut not in _CUTS:
        raise LoadError(
            f"{source.path}: its tokenizer ({model}, {cut}) cannot be rebuilt exactly; put "
            "tokenizer.json and tokenizer_config.json of the model's own repository beside it"
        )
    tokens: list[str] = get("tokenizer.ggml.tokens", [])
    kinds: list[int] = get("tokenizer.ggml.token_type", [1] * len(tokens))
    digits_alone, words = _CUTS[cut]
    steps: list[dict[str, Any]] = [{"type": "Digits", "individual_digits": True}]
    pattern = {"type": "Split", "pattern": {"Regex": words}, "behavior": "Isolated"}
    steps = [*(steps if digits_alone else []), {**pattern, "invert": False}]
    bytes_as_letters = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False}
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [
                _added(index, tokens[index], special=kind == _CONTROL)
                for index, kind in enumerate(kinds)
                if kind in {_CONTROL, _USER_DEFINED}
            ],
            "normalizer": {"type": "NFC"} if cut == "qwen2" else None,
            "pre_tokenizer": {
                "type": "Sequence",
                "pretokenizers": [*steps, {**bytes_as_letters, "use_regex": False}],
            },
            "post_processor": None,
            "decoder": {**bytes_as_letters, "use_regex": True},
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": cut == "llama-bpe",
                "vocab": {
                    token: index
                    for index, (token, kind) in enumerate(zip(tokens, kinds, strict=True))
                    if kind != _UNUSED
                },
                "merges": [merge.split(" ", 1) for merge in get("tokenizer.ggml.merges", [])],
            },
        },
        ensure_ascii=False,
    )


def tokenizer_config_of(source: Gguf) -> dict[str, Any]:
    """What tokenizer_config.json would say: the template and the named tokens."""
    get = source.settings.get
    tokens: list[str] = get("tokenizer.ggml.tokens", [])
    config: dict[str, Any] = {"chat_template": source.template}
    for name, key in (("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding")):
        index = get(f"tokenizer.ggml.{key}_token_id")
        if index is not None and index < len(tokens):
            config[name] = tokens[index]
    # For `AutoTokenizer`, which must take tokenizer.json as it stands.
    return {
        **config,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
    }


def _added(index: int, content: str, *, special: bool) -> dict[str, Any]:
    return {
        "id": index,
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": special,
    }
