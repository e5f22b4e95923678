"""Questions near a training sample have a row of their own and are in no other."""

from __future__ import annotations

import pytest

from mores.report.near import near_training
from mores.report.observed import Observed


def value(prompt: int, arm: str, score: float, seed: int = 0) -> Observed:
    return Observed(f"t-{prompt}", ("care", "beauty")[prompt % 2], arm, seed, (score,))


def test_the_difference_is_that_of_these_questions_alone_without_a_verdict():
    rows = [value(p, "values_targeted", 0.1 * p, 1) for p in range(12)]
    rows += [value(p, "control", 0.0, 1) for p in range(12)]
    near = {"t-4", "t-5", "t-7"}
    (found,) = near_training(rows, near, "rating", "m", seed=1)
    assert found.measure == "rating/near-training questions"
    assert (found.contrast, found.category) == ("values_targeted - control", "overall")
    # categories weigh the same: (.4) and the mean of .5 and .7
    assert found.value == pytest.approx((0.4 + 0.6) / 2)
    assert (found.verdict, found.p, found.n) == ("descriptive", None, 3)
    assert "learned by heart" in found.reason


def test_without_such_questions_there_is_no_row():
    rows = [value(p, arm, 0.5) for p in range(4) for arm in ("base",)]
    assert near_training(rows, set(), "rating", "m", seed=1) == []
