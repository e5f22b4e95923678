"""Severity of raters and what they add to a difference: by hand, and beside ANOVA."""

import numpy as np
import pytest

from mores.errors import MeasureError
from mores.stats import rater_adjustment


def test_severity_by_hand() -> None:
    """Two items, one an arm. Both are rated by b; a rates the arm only and c the reference only.

    Item effects and raters: a − b = 5 − 3 = 2 on the first item, c − b = 1 − 2 = −1 on the second.
    D = (5 + 3) / 2 − (2 + 1) / 2 = 2.5. Adjusted it is b's own difference, 3 − 2 = 1.
    """
    found = rater_adjustment(
        [5, 3, 2, 1], [0.5, 0.5, -0.5, -0.5], [1, 1, 0, 0], list("abbc"), [0, 0, 1, 1], [0, 0, 0, 0]
    )
    assert (found.connected, found.raters, found.both) == (True, 3, 1)
    a, b, _, c = found.severity
    assert (a - b, c - b) == pytest.approx((2, -1))
    weights = np.array([0.5, 0.5, -0.5, -0.5])
    adjusted = float(weights @ (np.array([5, 3, 2, 1]) - found.severity))
    assert adjusted == pytest.approx(1)
    assert found.score.sum() == pytest.approx(0)
    assert found.variance is None  # nothing is left to tell it from


def test_where_all_rate_alike_nothing_is_adjusted() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=24)
    arms, raters = np.tile([1, 1, 1, 0, 0, 0], 4), list("abcabc") * 4
    items = np.repeat(np.arange(8), 3)
    found = rater_adjustment(
        values, (2 * arms - 1) / 12, arms, raters, items, np.repeat(range(4), 6)
    )
    assert not found.severity.any()
    assert not found.score.any()
    assert found.both == found.raters == 3


@pytest.mark.filterwarnings("ignore:The design matrix is rank-deficient")
def test_raters_variance_is_that_of_anova() -> None:
    """Complete design: raters × arms over prompts; V = max(0, MS_ra − MS_e) as it weighs in D."""
    import pandas as pd
    from statsmodels.formula.api import ols

    rng = np.random.default_rng(2)
    taste = rng.normal(0, 1.0, (5, 2))
    rows = [
        (p, a, r, rng.normal() + taste[r, a] + p / 5) for p in range(12) for a in (0, 1)
        for r in range(5)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["p", "a", "r", "y"])
    table["i"] = table.p * 2 + table.a
    arms = table.a.to_numpy()
    found = rater_adjustment(
        table.y, (2 * arms - 1) / 60, arms, list(table.r), list(table.i), list(table.p)
    )
    model = ols("y ~ C(i) + C(r) + C(r):C(a)", table).fit()
    without = ols("y ~ C(i) + C(r)", table).fit()
    explained = without.ssr - model.ssr
    noise = model.ssr / (120 - 24 - 4 - 4)
    # tr of the residualised rater × arm columns: 5 raters, each 24 values of ±½, less the mean.
    trace = (24 / 4) * 5 * (1 - 1 / 5)
    # Each rater weighs 1/5 in D: Σ κ² = 1/5.
    assert found.df == 4
    assert found.mean_square == pytest.approx(explained / trace / 5)
    assert found.variance == pytest.approx((explained - 4 * noise) / trace / 5)


def test_raters_of_one_arm_each_cannot_be_told_from_the_arms() -> None:
    rng = np.random.default_rng(3)
    arms = np.tile([1, 1, 0, 0], 10)
    found = rater_adjustment(
        rng.normal(size=40), (2 * arms - 1) / 20, arms, list("abcd") * 10,
        np.repeat(range(20), 2), np.repeat(range(10), 4),
    )  # fmt: skip
    assert (found.connected, found.both) == (False, 0)
    assert found.variance is None


def test_single_ratings_are_compared_over_prompts() -> None:
    """One rating an answer; rater b is two points harsher and rates the arm in one prompt of four.

    Without noise the severities come out exactly: y = prompt + arm + severity.
    """
    rows = [(p, a, "b" if (p % 4 == 0) == bool(a) else "a") for p in range(8) for a in (0, 1)]
    arms = np.array([a for _, a, _ in rows])
    y = [p + 0.5 * a - 2.0 * (r == "b") for p, a, r in rows]
    weights = (2 * arms - 1) / 8
    found = rater_adjustment(
        y, weights, arms, [r for *_, r in rows], range(16), [p for p, *_ in rows]
    )
    assert found.connected
    assert float(weights @ (np.array(y) - found.severity)) == pytest.approx(0.5)
    assert np.abs(found.score).max() < 1e-12


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(MeasureError, match="expected 2 weights"):
        rater_adjustment([1, 2], [1], [1, 0], ["a", "b"], [0, 1], [0, 0])
