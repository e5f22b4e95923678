"""The share of an effect that is left, against Fieller's closed form and by its rate of errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from mores.errors import MeasureError
from mores.stats import kept_share


def fieller(first: np.ndarray, then: np.ndarray) -> tuple[float, float]:
    """Fieller (1954) for paired means: the roots of (y − r x)² = q² (vy − 2 r c + r² vx)."""
    n = len(first)
    x, y = first.mean(), then.mean()
    vx, vy, c = first.var(ddof=1) / n, then.var(ddof=1) / n, np.cov(first, then)[0, 1] / n
    q = t.ppf(0.95, n - 1)
    a, b, k = x * x - q * q * vx, x * y - q * q * c, y * y - q * q * vy
    half = np.sqrt(b * b - a * k)
    return (b - half) / a, (b + half) / a


@pytest.mark.parametrize(("left", "spread"), [(0.8, 0.1), (0.3, 0.2), (1.2, 0.3), (0.0, 0.2)])
@pytest.mark.parametrize("sign", [1, -1])
def test_bounds_are_the_roots_of_fiellers_quadratic(left: float, spread: float, sign: int) -> None:
    rng = np.random.default_rng(5)
    first = sign * rng.normal(0.5, 0.4, 30)
    then = left * first + rng.normal(0, spread, 30)
    kept = kept_share(first[:, None], then[:, None], 0.5, strata=["a"] * 30)
    low, high = fieller(first, then)
    assert kept.low == pytest.approx(low, abs=1e-9)
    assert kept.high == pytest.approx(high, abs=1e-9)
    assert kept.value == pytest.approx(then.mean() / first.mean())
    assert kept.level == pytest.approx(0.9)


def test_verdicts_follow_from_the_bounds() -> None:
    rng = np.random.default_rng(6)
    first = rng.normal(0.5, 0.3, 40)
    noise = rng.normal(0, 0.05, 40)
    verdicts = {
        left: kept_share(first[:, None], (left * first + noise)[:, None], 0.5, strata=["a"] * 40)
        for left in (0.9, 0.5, 0.1, 1.7)
    }
    assert [verdicts[left].verdict for left in (0.9, 0.5, 0.1, 1.7)] == [
        "non-inferior",
        "inconclusive",
        "worse",
        "non-inferior",
    ]
    assert verdicts[0.9].scope == "in this run"
    assert verdicts[0.9].details["equivalent"] == 1
    assert verdicts[1.7].details["equivalent"] == 0  # more than was there is not the same


def test_where_no_effect_is_shown_there_is_nothing_to_keep() -> None:
    rng = np.random.default_rng(7)
    first, then = rng.normal(0.0, 1.0, 20), rng.normal(0.4, 0.1, 20)
    kept = kept_share(first[:, None], then[:, None], 0.5, strata=["a"] * 20)
    assert kept.value is None
    assert kept.verdict == "not computable"
    assert "no effect is shown" in kept.reason
    assert kept.details["varied"] == pytest.approx(then.mean())


def test_several_runs_are_crossed_and_say_so() -> None:
    rng = np.random.default_rng(8)
    first = rng.normal(0.5, 0.2, (24, 3)) + rng.normal(0, 0.05, 3)
    kept = kept_share(first, 0.9 * first, 0.5, strata=["a", "b"] * 12)
    assert kept.value == pytest.approx(0.9)
    assert kept.low == pytest.approx(0.9)  # no unit departs from nine tenths
    assert kept.scope == ""
    assert "crossed" in kept.method


@pytest.mark.long
def test_a_loss_at_the_margin_is_rarely_called_kept() -> None:
    rng = np.random.default_rng(9)
    claims = shown = 0
    for _ in range(600):
        first = rng.normal(0.4, 0.5, 24)
        then = 0.5 * first + rng.normal(0, 0.3, 24)
        kept = kept_share(first[:, None], then[:, None], 0.5, strata=["a", "b"] * 12)
        shown += kept.value is not None
        claims += kept.verdict == "non-inferior"
    assert shown > 500
    assert claims <= 0.07 * shown  # 5 % by design; 600 studies have a standard error of 1


@pytest.mark.parametrize(("then", "margin"), [(np.ones((3, 2)), 0.5), (np.ones((4, 1)), 1.0)])
def test_bad_input_is_refused(then: np.ndarray, margin: float) -> None:
    with pytest.raises(MeasureError):
        kept_share(np.arange(4.0)[:, None], then, margin, strata=["a"] * 4)
