"""Models whose decoder is not written out: the words of `generate`, flat or one after the other."""

import copy

import pytest
import torch
import transformers

from npc_engine.model.linear import Kernels
from npc_engine.model.runner import Packing
from npc_engine.model.tokenizer import ChatTokenizer
from npc_engine.protocols import ScoreRequest
from tests.model.stage_model import (
    LONG,
    end_of,
    generated,
    local,
    paused,
    rendered,
    reply_ids,
    request,
    tokens_of,
)
from tests.models_for_tests import WINDOW_TOKENS

SIZES = {
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": WINDOW_TOKENS,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
# Name in `transformers`, what its configuration says beside the sizes, and whether all segments go
# through it side by side.
FAMILIES = {
    "Qwen3": ({"attention_bias": True}, True),
    "Qwen2-sliding": ({"use_sliding_window": True, "sliding_window": 12, "max_window_layers": 1},
                      False),
    "Mistral": ({"sliding_window": 12}, False),
    "Gemma2": ({"sliding_window": 12, "query_pre_attn_scalar": 8}, False),
    "Gemma3": ({"sliding_window": 12, "query_pre_attn_scalar": 8}, False),
    "Phi3": ({}, False),
}  # fmt: skip


@pytest.fixture(scope="session", params=FAMILIES)
def family(request, llama_folder):
    """Name, whether it runs flat, and two pairs of (model, tokenizer): served, and plain."""
    changes, is_flat = FAMILIES[request.param]
    tokenizer = ChatTokenizer.from_folder(llama_folder)
    name = request.param.removesuffix("-sliding")
    is_gemma = name.startswith("Gemma")
    vocab_size = tokenizer._backend.get_vocab_size()
    config = getattr(transformers, f"{name}{'Text' if name == 'Gemma3' else ''}Config")(
        **SIZES, vocab_size=vocab_size, tie_word_embeddings=False, **changes
    )
    torch.manual_seed(0)
    model = getattr(transformers, f"{name}ForCausalLM")(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not parameter.any():
                parameter.normal_(std=0.3)
            elif parameter.dim() > 1 and not (is_gemma and "embed" in name):
                parameter.mul_(12)
        # Markers are never the best, so that replies have their length.
        model.lm_head.weight[:3] = 0
    model.eval()
    return is_flat, (copy.deepcopy(model), tokenizer), (model, tokenizer)


@pytest.fixture
def session(family):
    _, served, _ = family
    made = local(
        *served, prefill_chunk_tokens=16, beside_tokens=8, num_rows=6, packing=Packing(Kernels())
    )
    yield made
    made.close()


def test_ragged_conversations_at_once_say_what_generate_says(family, session):
    _, _, plain = family
    lines = (LONG, "Hi", "Any work for a sword arm?", LONG[:100])
    prompts = [rendered(session.tokenizer, line) for line in lines]
    expected = [generated(plain, ids, 16) for ids in prompts]
    assert all(len(set(words)) > 3 for words in expected)
    with paused(session):
        streams = [
            session.stream(request(ids, f"r{n}", max_tokens=16)) for n, ids in enumerate(prompts)
        ]
    assert [tokens_of(stream) for stream in streams] == expected


def test_after_reuse_and_a_crop_the_words_are_those_of_generate(family, session):
    _, _, plain = family
    first = rendered(session.tokenizer, LONG, "Aye.", "No?")
    reply_ids(session, request(first, conversation="mira"))
    second = rendered(session.tokenizer, LONG, "Nay.", "Yes, and why? " * 3)
    session.fork("mira", "fold")
    for name in ("mira", "fold"):
        answer = list(session.stream(request(second, conversation=name)))
        assert 40 < answer[-1].usage.reused_tokens < len(second)
        assert tokens_of(answer) == generated(plain, second, 24)


def test_continuations_score_as_the_model_says(family, session):
    _, _, (model, tokenizer) = family
    ids = rendered(tokenizer, LONG[:80])
    options = tuple(tokenizer.encode(text) for text in ("Aye!", "The ferry takes one cart."))
    scores = session.score(ScoreRequest("s", ids, options))
    for option, score in zip(options, scores, strict=True):
        with torch.inference_mode():
            logits = model(torch.tensor([[*ids, *option]])).logits[0].double()
        rows = torch.log_softmax(logits, dim=-1)[len(ids) - 1 : -1]
        wanted = float(rows.gather(1, torch.tensor(option)[:, None]).sum())
        assert score.log_prob == pytest.approx(wanted, abs=2e-3, rel=1e-4)


def test_plain_attention_runs_side_by_side_and_no_other(family, session):
    is_flat, (model, _), _ = family
    sizes = []
    hook = model.register_forward_pre_hook(
        lambda module, args, kwargs: sizes.append(kwargs["input_ids"].shape[1]), with_kwargs=True
    )
    ids = rendered(session.tokenizer, LONG)
    with paused(session):
        streams = [session.stream(request(ids, f"r{n}", max_tokens=4)) for n in range(3)]
    usages = [list(stream)[-1].usage for stream in streams]
    hook.remove()
    assert session._engine._runner.body._flat == is_flat
    steps = sum(usage.steps for usage in usages)
    assert len(sizes) == (session._engine._runner.num_forwards if is_flat else steps)
    assert end_of(session, request(ids)).reason == "length"
