"""The sign test against the binomial, counted by hand."""

from __future__ import annotations

import pytest

from mores.errors import MeasureError
from mores.stats import sign_test


def test_five_above_one_below():
    found = sign_test([1, 2, 3, -1, 5, 2, 0])
    # Six pairs differ; at most one below: (1 + 6) of 64, both ways.
    assert found.p == pytest.approx(14 / 64)
    assert found.value == pytest.approx(5.5 / 7)
    assert (found.n, found.details) == (7, {"above": 5, "below": 1})


def test_shares_are_mcnemar_s():
    first, second = [1, 1, 0, 1, 1, 1, 0, 1], [0, 0, 0, 0, 1, 0, 1, 0]
    differences = [a - b for a, b in zip(first, second, strict=True)]
    assert sign_test(differences).p == pytest.approx(2 * (1 + 6) / 64)  # 5 and 1 of 6


def test_ends():
    assert (sign_test([0, 0]).value, sign_test([0, 0]).p) == (0.5, 1.0)
    assert sign_test([]).verdict == "not computable"
    with pytest.raises(MeasureError, match="finite"):
        sign_test([float("inf")])
