"""The repetition penalty of all rows at once is that of each row on its own."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.messages import Sampling
from npc_engine.model.sampling import Draw, sample

DRAWS = st.builds(
    Draw,
    sampling=st.builds(
        Sampling,
        temperature=st.sampled_from([0.0, 0.7, 2.0]),
        top_k=st.sampled_from([0, 1, 5]),
        repetition_penalty=st.sampled_from([1.0, 1.1, 1.3, 3.0]),
        repetition_window_tokens=st.sampled_from([0, 2, 64]),
    ),
    recent=st.lists(st.integers(0, 99), max_size=8),
    seed=st.integers(0, 1000),
    position=st.integers(0, 20),
)


def penalised(row: torch.Tensor, draw: Draw) -> torch.Tensor:
    """The rule, an id at a time."""
    sampling = draw.sampling
    window = sampling.repetition_window_tokens
    row = row.clone()
    for token_id in set(draw.recent[-window:] if window else ()):
        value, penalty = row[token_id], torch.tensor(sampling.repetition_penalty)
        row[token_id] = value / penalty if value > 0 else value * penalty
    return row


@given(st.lists(DRAWS, min_size=1, max_size=6), st.integers(0, 1000))
def test_all_rows_at_once_draw_what_each_row_draws_alone(draws, seed):
    scores = torch.randn(len(draws), 100, generator=torch.Generator().manual_seed(seed)) * 3
    expected = [
        sample(
            penalised(row, draw)[None],
            [Draw(draw.sampling, (), draw.seed, draw.position)],
        )[0]
        for row, draw in zip(scores, draws, strict=True)
    ]
    assert sample(scores.clone(), draws) == expected
