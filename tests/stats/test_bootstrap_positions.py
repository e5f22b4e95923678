"""Resamples by position: the same draws whatever the block, and what callers get from them."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from mores.stats import cluster_bootstrap, cumulative_link_mixed, probability_of_superiority
from mores.stats import cluster_bootstrap as of_list
from mores.stats.rater_adjustment import rater_adjustment

bootstrap_module = __import__("mores.stats.cluster_bootstrap", fromlist=["bootstrap"])


def test_blocks_of_any_size_draw_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).normal(size=37)
    whole = bootstrap_module.bootstrap_mean(values, draws=400, rng=5)
    for cells in (1, 37, 37 * 7 + 3):
        monkeypatch.setattr(bootstrap_module, "_CELLS", cells)
        assert bootstrap_module.bootstrap_mean(values, draws=400, rng=5) == whole


def test_the_mean_is_that_of_a_list_added_from_first_to_last() -> None:
    values = np.random.default_rng(2).normal(size=23)

    def mean(some: list[float]) -> float:
        total = 0.0
        for x in some:
            total += x
        return total / len(some)

    wanted = of_list(values.tolist(), mean, draws=300, rng=3, unit="prompt")
    assert bootstrap_module.bootstrap_mean(values, draws=300, rng=3, unit="prompt") == wanted


def test_weighted_superiority_is_numpys_average_of_what_was_drawn() -> None:
    rng = np.random.default_rng(4)
    a = [rng.integers(1, 6, 3).astype(float) for _ in range(25)]
    b = [rng.integers(1, 6, 2).astype(float) for _ in range(25)]
    weights = rng.random(25) + 0.1
    shares = [
        float((x[:, None] > y).mean() + (x[:, None] == y).mean() / 2)
        for x, y in zip(a, b, strict=True)
    ]

    def average(rows: list[tuple[float, float]]) -> float:
        values, weight = np.array(rows).T
        return float(np.average(values, weights=weight))

    found = probability_of_superiority(a, b, weights=weights, rng=9)
    rows = list(zip(shares, weights.tolist(), strict=True))
    wanted = cluster_bootstrap(rows, average, rng=9, unit="prompt")
    assert (found.value, found.low, found.high) == (wanted.value, wanted.low, wanted.high)


def test_only_the_severities_that_are_asked_for_and_the_same_ones() -> None:
    rng = np.random.default_rng(6)
    raters, prompts = rng.integers(0, 8, 300), rng.integers(0, 40, 300)
    shift = rng.normal(size=8)[raters] + rng.normal(size=40)[prompts] + rng.logistic(size=300)
    values = np.clip(np.round(3 + shift), 1, 5)
    arm = {"arm": rng.integers(0, 2, 300).astype(float)}
    factors = {"prompt": prompts.tolist(), "rater": raters.tolist()}
    whole = cumulative_link_mixed(values, arm, factors)
    part = cumulative_link_mixed(values, arm, factors, severities=("rater",))
    assert set(whole.severities) == {"prompt", "rater"}
    assert part.severities == {"rater": whole.severities["rater"]}
    assert (part.betas, part.variances) == (whole.betas, whole.variances)
    assert cumulative_link_mixed(values, arm, factors, severities=()).severities == {}


def test_a_variance_between_raters_above_zero_can_be_written_down() -> None:
    rng = np.random.default_rng(8)
    raters, items = np.tile(np.arange(6), 40), np.repeat(np.arange(40), 6)
    arms = (items % 2).astype(float)
    taste = rng.normal(size=6)[raters] * arms  # each sees the arm in a way of his own
    values = np.round(3 + taste + rng.normal(0, 0.3, 240))
    weights = np.where(arms > 0, 1.0, -1.0) / 120
    found = rater_adjustment(values, weights, arms, raters, items, items // 2)
    assert found.variance is not None
    assert found.variance > 0
    assert [type(x) for x in (found.variance, found.mean_square, found.df)] == [float] * 3
    msgspec.json.encode(found.variance)
