import math

import numpy as np
import pytest

from mores.errors import MeasureError
from mores.stats import cluster_bootstrap


def test_two_clusters_by_hand():
    # Resamples of {0, 1}: mean 0, .5, 1 with probability 1/4, 1/2, 1/4.
    found = cluster_bootstrap([0.0, 1.0], np.mean, rng=1)
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)


def test_agrees_with_normal_theory_on_many_clusters():
    values = np.random.default_rng(3).normal(2, 1, 400)
    found = cluster_bootstrap(list(values), np.mean, rng=4, draws=2000)
    se = values.std() / 20
    assert found.low == pytest.approx(values.mean() - 1.96 * se, abs=0.15 * se)
    assert found.high == pytest.approx(values.mean() + 1.96 * se, abs=0.15 * se)
    assert found.reason == ""


def test_whole_clusters_are_drawn():
    # Ten ratings a prompt, all alike: as many independent numbers as prompts, not ratings.
    levels = np.random.default_rng(5).normal(size=40)
    clusters = [np.full(10, x) for x in levels]
    found = cluster_bootstrap(clusters, lambda c: float(np.concatenate(c).mean()), rng=6)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * levels.std() / 40**0.5, rel=0.1)


def test_same_seed_same_interval_and_few_clusters_are_named():
    first, second = (cluster_bootstrap([1, 2, 4, 8], np.mean, rng=9, draws=200) for _ in range(2))
    assert first == second
    assert first.reason == "the interval is too narrow: fewer than 20 clusters"
    assert first.method == "percentile bootstrap over clusters (200 draws)"


@pytest.mark.parametrize(
    ("clusters", "statistic", "value", "reason"),
    [
        ([], np.mean, None, "no clusters"),
        ([3.0], np.mean, 3.0, "one cluster"),
        ([math.nan], np.mean, None, "one cluster"),
        ([1.0, 2.0], lambda _: math.nan, None, "undefined on these 2 clusters"),
        ([2.0, 2.0, 2.0], np.mean, 2.0, "every resample of the 3 clusters gives the same value"),
        # Undefined when both draws are the 0: 1/4 of the resamples.
        ([0.0, 1.0], lambda c: 1 / sum(c) if sum(c) else math.nan, 1.0, "of 2000 resamples"),
    ],
)
def test_degenerate(clusters, statistic, value, reason):
    found = cluster_bootstrap(clusters, statistic, rng=1)
    assert (found.verdict, found.value, found.low) == ("not computable", value, None)
    assert reason in found.reason


def test_a_few_undefined_resamples_are_counted():
    clusters = [0.0] + [1.0] * 4

    def statistic(chosen):
        return math.nan if sum(chosen) <= 1 else sum(chosen)

    found = cluster_bootstrap(clusters, statistic, rng=2)
    # P(at most one non-zero draw of 5) = .2^5 + 5 · .8 · .2^4 = .00672; 13 of 2000 expected.
    assert 0 < found.details["undefined"] < 40
    assert found.low is not None


def test_needs_a_generator_and_draws():
    with pytest.raises(MeasureError, match="a bootstrap needs random numbers"):
        cluster_bootstrap([1, 2], np.mean, rng=None)
    with pytest.raises(MeasureError, match="draws"):
        cluster_bootstrap([1, 2], np.mean, rng=1, draws=0)


def test_means_at_once_are_the_same_means():
    values = np.random.default_rng(3).normal(size=30).tolist()
    quick = cluster_bootstrap(values, np.mean, rng=4)
    slow = cluster_bootstrap(values, lambda chosen: sum(chosen) / len(chosen), rng=4)
    assert (quick.low, quick.high) == pytest.approx((slow.low, slow.high), rel=1e-12)
