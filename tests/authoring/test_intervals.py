import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.authoring.intervals import wilson


@pytest.mark.parametrize(
    ("passed", "runs", "low", "high"),
    [
        (5, 5, 0.57, 1.0),
        (4, 5, 0.38, 0.96),
        (10, 10, 0.72, 1.0),
        (20, 20, 0.84, 1.0),
        (27, 30, 0.74, 0.97),
        (0, 28, 0.0, 0.12),
        (0, 100, 0.0, 0.037),
        (3, 3, 0.44, 1.0),
    ],
)
def test_published_values(passed: int, runs: int, low: float, high: float) -> None:
    interval = wilson(passed, runs)
    assert interval.low == pytest.approx(low, abs=0.005)
    assert interval.high == pytest.approx(high, abs=0.005)


@given(st.integers(0, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_holds_the_observed_share(counts: tuple[int, int]) -> None:
    passed, runs = counts
    interval = wilson(passed, runs)
    assert 0 <= interval.low <= interval.high <= 1
    if runs:
        assert interval.low <= passed / runs <= interval.high


def test_text_drops_the_leading_zero() -> None:
    assert str(wilson(3, 3)) == "[.44, 1]"
    assert str(wilson(0, 28)) == "[0, .12]"
