"""A weighted mean against a hand derivation, the plain t, and a population that is known."""

from __future__ import annotations

import numpy as np
import pytest

from mores.errors import MeasureError
from mores.stats import paired_t, weighted_mean


def test_equal_weights_are_the_plain_t() -> None:
    x = np.random.default_rng(1).normal(0.3, 1, 17)
    plain, weighted = paired_t(x), weighted_mean(x, np.full(17, 2.5))
    for field in ("value", "low", "high", "p"):
        assert getattr(weighted, field) == pytest.approx(getattr(plain, field))


def test_by_hand() -> None:
    found = weighted_mean([1.0, 2.0, 4.0], [1.0, 1.0, 2.0])
    # w = ¼, ¼, ½; m = 2.75; variance = 3/2 (1.75²/16 + .75²/16 + 1.25²/4) = 0.92578125
    assert found.value == pytest.approx(2.75)
    assert found.details["se"] == pytest.approx(0.92578125**0.5)
    assert found.details["n_eff"] == pytest.approx(1 / (1 / 16 + 1 / 16 + 1 / 4))


def test_the_interval_covers_the_population() -> None:
    rng = np.random.default_rng(2)
    population = rng.normal(0, 1, 400) + np.linspace(0, 1, 400)
    weight = np.linspace(1, 5, 400)
    truth = float(weight @ population / weight.sum())
    held = 0
    for _ in range(400):
        drawn = rng.choice(400, 40, p=weight / weight.sum())
        places, times = np.unique(drawn, return_counts=True)
        e = weighted_mean(population[places], times.astype(float))
        held += e.low <= truth <= e.high
    assert 0.92 <= held / 400 <= 0.99


@pytest.mark.parametrize(
    ("values", "weights", "said"),
    [
        ([1.0, 1.0, 1.0], [1.0, 3.0, 2.0], "all values equal"),
        ([1.0], [1.0], "one prompt"),
        ([1.0, 2.0, 3.0], [1e6, 1.0, 1.0], "nearly all weight is on one"),
        ([], [], "no values"),
    ],
)
def test_what_says_nothing_says_why(values, weights, said) -> None:
    found = weighted_mean(values, weights)
    assert found.verdict == "not computable"
    assert said in found.reason


def test_weights_must_be_above_zero() -> None:
    with pytest.raises(MeasureError, match="above zero"):
        weighted_mean([1.0, 2.0], [0.0, 1.0])
