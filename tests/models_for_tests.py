"""Tiny models with random weights and tokenizers trained on the spot, for any test that needs one.

`tiny_nemotron` has the family, the markers and the byte fallback of the real one; `tiny_llama` and
`tiny_qwen2` are byte-level models with a ChatML template. All write a folder that loads like any
other.
"""

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from npc_engine.messages import ModelInfo
from npc_engine.model.tokenizer import ChatTokenizer

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
WINDOW_TOKENS = 256

_CORPUS = (
    "Mind the sparks. What do you need, traveller?",
    "The north bridge fell in the spring flood; the ferry takes one cart at a time.",
    "Any work for a sword arm? Thirty silver, not a copper less.",
    "By iron and ash, the forge is hot and the chains are not done before the first snow.",
    "User Assistant System Tool you are a blunt blacksmith of Oakhollow named Mira Voss",
) * 4
_BYTES = [f"<0x{value:02X}>" for value in range(256)]
_NEMOTRON_HEAD = ["<pad>", "<unk>", "<s>", "</s>"]
_EXTRA = [f"<extra_id_{number}>" for number in range(8)]


def nemotron_tokenizer_json(prepend: str = "always") -> str:
    """A SentencePiece-like BPE with byte fallback; ids 0 to 11 as in the real tokenizer."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=prepend)
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1 if prepend != "never" else 0, 0),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=[*_NEMOTRON_HEAD, *_EXTRA, *_BYTES], show_progress=False
    )
    tokenizer.train_from_iterator(_CORPUS, trainer)
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = [
        {**token, "special": token["content"] in _NEMOTRON_HEAD}
        for token in data["added_tokens"]
        if token["content"] not in _BYTES
    ]
    return json.dumps(data, ensure_ascii=False)


def llama_tokenizer_json(*, normalise: str = "") -> str:
    """A byte-level BPE with ChatML markers."""
    tokenizer = Tokenizer(models.BPE())
    if normalise:
        tokenizer.normalizer = getattr(normalizers, normalise)()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*_CORPUS, "work.\nAny.\n" * 3], trainer)
    return tokenizer.to_str()


def tiny_nemotron(folder: Path, seed: int = 0) -> Path:
    """Write a three-layer Nemotron with 6 query heads on 2 key heads."""
    from transformers import NemotronConfig, NemotronForCausalLM

    text = nemotron_tokenizer_json()
    config = NemotronConfig(
        vocab_size=Tokenizer.from_str(text).get_vocab_size(),
        hidden_size=96,
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=WINDOW_TOKENS,
        bos_token_id=2,
        eos_token_id=3,
        pad_token_id=0,
    )
    _save(folder, NemotronForCausalLM, config, seed, silent_ids=range(268))
    _write(folder, text, {"eos_token": "</s>", "bos_token": "<s>"})
    return folder


def tiny_llama(folder: Path, seed: int = 0) -> Path:
    """Write a two-layer Llama with tied embeddings."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return _tiny_chatml(folder, seed, LlamaConfig, LlamaForCausalLM, llama_tokenizer_json())


def tiny_qwen2(folder: Path, seed: int = 0) -> Path:
    """Write a two-layer Qwen2 whose queries, keys and values have biases that matter."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    text = llama_tokenizer_json(normalise="NFC")
    return _tiny_chatml(folder, seed, Qwen2Config, Qwen2ForCausalLM, text)


def _tiny_chatml(folder: Path, seed: int, config_class, model_class, text: str) -> Path:
    config = config_class(
        vocab_size=Tokenizer.from_str(text).get_vocab_size(),
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=WINDOW_TOKENS,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    _save(folder, model_class, config, seed, silent_ids=range(3))
    _write(folder, text, {"eos_token": "<|im_end|>", "chat_template": CHATML})
    return folder


def load_tiny(folder: Path):
    """Model and tokenizer of such a folder, in float32 on the CPU."""
    from npc_engine.model.loading import load_model

    model = load_model(folder, device="cpu", dtype="float32")
    return model, ChatTokenizer.from_folder(folder)


def open_tiny(folder: Path, **options):
    """A `LocalSession` on such a folder."""
    from npc_engine.model.local import LocalSession

    model, tokenizer = load_tiny(folder)
    info = ModelInfo(folder.name, tokenizer.family, tokenizer.window_tokens, "cpu", "float32")
    return LocalSession(model, tokenizer, info, **options)


def _save(folder: Path, kind, config, seed: int, silent_ids: range) -> None:
    """Random weights, large enough for replies to differ; markers and bytes are never the best."""
    import torch

    torch.manual_seed(seed)
    model = kind(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                parameter.mul_(6)
            elif name.endswith("proj.bias"):
                parameter.normal_(std=0.2 if "v_proj" in name else 0.3)
        model.lm_head.weight[list(silent_ids)] = 0
    model.save_pretrained(folder)


def _write(folder: Path, tokenizer_json: str, tokenizer_config: dict) -> None:
    (folder / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**tokenizer_config, "tokenizer_class": "PreTrainedTokenizerFast"}),
        encoding="utf-8",
    )
