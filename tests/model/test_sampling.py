import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.errors import GenerationError
from npc_engine.messages import Sampling
from npc_engine.model.sampling import generator_for, sample

PLAIN = Sampling(temperature=1, top_k=0, top_p=1, min_p=0, repetition_penalty=1)


def logits_of(*probabilities: float) -> torch.Tensor:
    return torch.tensor([math.log(value) for value in probabilities])


def drawn(sampling: Sampling, *probabilities: float, recent: tuple[int, ...] = ()) -> set[int]:
    generator = generator_for(1)
    return {sample(logits_of(*probabilities), sampling, recent, generator) for _ in range(300)}


def with_(**changes: float) -> Sampling:
    return Sampling(**{**{name: getattr(PLAIN, name) for name in PLAIN.__slots__}, **changes})


def test_everything_possible_is_drawn_when_nothing_is_cut():
    assert drawn(PLAIN, 0.4, 0.3, 0.2, 0.1) == {0, 1, 2, 3}


def test_shares_of_draws_are_the_probabilities():
    generator = generator_for(3)
    draws = [sample(logits_of(0.7, 0.2, 0.1), PLAIN, (), generator) for _ in range(4000)]
    shares = [draws.count(index) / 4000 for index in range(3)]
    assert shares == pytest.approx([0.7, 0.2, 0.1], abs=0.03)


def test_top_k_keeps_the_best():
    assert drawn(with_(top_k=2), 0.1, 0.4, 0.2, 0.3) == {1, 3}


def test_top_p_keeps_the_fewest_that_reach_the_share():
    assert drawn(with_(top_p=0.6), 0.1, 0.4, 0.2, 0.3) == {1, 3}
    assert drawn(with_(top_p=0.0), 0.1, 0.4, 0.2, 0.3) == {1}


def test_min_p_drops_what_is_far_below_the_best():
    assert drawn(with_(min_p=0.6), 0.1, 0.4, 0.2, 0.3) == {1, 3}


def test_the_penalty_looks_at_the_window_only():
    greedy = with_(temperature=0, repetition_penalty=10, repetition_window_tokens=2)
    assert drawn(greedy, 0.5, 0.3, 0.2, recent=(0, 1)) == {2}
    assert drawn(greedy, 0.5, 0.3, 0.2, recent=(0, 2, 2)) == {0}


def test_positive_scores_are_divided_and_negative_ones_multiplied():
    greedy = with_(temperature=0, repetition_penalty=2)
    assert sample(torch.tensor([3.0, 2.0]), greedy, (0,), generator_for(0)) == 1
    assert sample(torch.tensor([-1.0, -1.5]), greedy, (0,), generator_for(0)) == 1


def test_greedy_draws_no_random_number():
    generator = generator_for(5)
    before = generator.get_state()
    sample(logits_of(0.5, 0.5), with_(temperature=0), (), generator)
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_numbers_are_refused(value):
    with pytest.raises(GenerationError, match="not numbers"):
        sample(torch.full((4,), value), PLAIN, (), generator_for(0))


@given(
    scores=st.lists(st.floats(-50, 50), min_size=1, max_size=80),
    seed=st.integers(-(2**63), 2**64),
    top_p=st.floats(0, 1),
    min_p=st.floats(0, 1),
)
def test_a_draw_is_always_a_candidate_that_may_be_drawn(scores, seed, top_p, min_p):
    chosen = with_(top_p=top_p, min_p=min_p, top_k=5)
    logits = torch.tensor(scores)
    token_id = sample(logits.clone(), chosen, (), generator_for(seed))
    assert logits[token_id] >= logits.topk(min(5, len(scores))).values[-1]
