"""Shared beginnings, whatever they are kept in."""

from hypothesis import given
from hypothesis import strategies as st

from npc_engine.model.prefixes import common_prefix

IDS = st.lists(st.integers(0, 3), max_size=12)


@given(st.integers(0, 600), IDS, IDS)
def test_the_shared_beginning_is_found_across_pieces(size, first, second):
    same = [7] * size
    shared = next(
        (at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
        min(len(first), len(second)),
    )
    assert common_prefix([*same, *first], (*same, *second)) == size + shared


def test_nothing_is_shared_with_nothing():
    assert common_prefix([], [1, 2]) == common_prefix((1, 2), ()) == 0
