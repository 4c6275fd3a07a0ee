"""The part of a prompt that is known before the player speaks, and the part all NPCs share."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npc_engine.content.state import WorldEvent, add_event, initial_state, set_value
from npc_engine.messages import Message, Turn
from npc_engine.model.tokenizer import ChatTokenizer
from npc_engine.prompt.compiler import compile_plan
from tests.models_for_tests import CHATML, llama_tokenizer_json, nemotron_tokenizer_json
from tests.stage import FLAT_TOKENIZER, TOKENIZER, request, said, sheet, world

TOKENIZERS = {
    "plain": TOKENIZER,
    "plain, no contexts": FLAT_TOKENIZER,
    "nemotron": ChatTokenizer(
        nemotron_tokenizer_json(),
        config={"model_type": "nemotron", "max_position_embeddings": 4096},
    ),
    "chatml": ChatTokenizer(
        llama_tokenizer_json(), template=CHATML, tokenizer_config={"eos_token": "<|im_end|>"}
    ),
}
LINES = st.text(max_size=60) | st.sampled_from(["", "The gate?", "\nindented", "42", "?!"])
TURNS = st.lists(
    st.builds(said, st.sampled_from(["A?", "And the gate?"]), st.just("So.")), max_size=4
)


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=40, deadline=None)
@given(line=LINES, turns=TURNS, is_open=st.booleans(), waits=st.booleans())
def test_the_stable_part_is_the_same_whatever_the_player_says(name, line, turns, is_open, waits):
    tokenizer = TOKENIZERS[name]
    if waits:
        turns = [*turns, Turn((Message("user", "Nobody answered this."),), (3,))]
    before = compile_plan(request(line="", turns=tuple(turns)), tokenizer)
    stable = before.prompt_ids[: before.stable_tokens]
    of_world, of_sheet = world(), sheet()
    state = initial_state(of_world, [of_sheet])
    state = set_value(state, of_world, "gate", "open" if is_open else "shut")
    state = add_event(state, WorldEvent("A bell rang.", None, 1, 0, ""))
    plan = compile_plan(request(line=line, turns=tuple(turns), state=state), tokenizer)
    assert plan.prompt_ids[: len(stable)] == stable
    assert plan.stable_tokens == len(stable)
    tail = sum(plan.tokens_of(section) for section in ("state", "lore", "note", "line"))
    unanswered = 16 if waits else 0
    assert len(stable) >= plan.total_tokens - tail - 24 - unanswered


@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_part_of_the_world_is_the_same_for_every_npc(name):
    tokenizer = TOKENIZERS[name]
    ann = compile_plan(request(), tokenizer)
    other = sheet(id="cid", name="Cid Ash", summary="A drover.", goals=(), secrets=())
    cid = compile_plan(request(sheet=other, turns=(said("A?", "B."),)), tokenizer)
    assert ann.world_tokens == cid.world_tokens
    shared = ann.prompt_ids[: ann.world_tokens]
    assert cid.prompt_ids[: cid.world_tokens] == shared
    whole = ann.tokens_of("rules") + ann.tokens_of("world")
    assert whole - 2 <= len(shared) < ann.stable_tokens
    assert "Ann" not in tokenizer.decode(shared)
