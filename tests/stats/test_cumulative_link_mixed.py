import math

import numpy as np
import pytest
from clm_ratings import simulated
from hypothesis import given, settings
from hypothesis import strategies as st

from mores.errors import MeasureError
from mores.stats import cumulative_link_mixed


@given(st.integers(0, 10**6))
@settings(max_examples=5, deadline=None)
def test_order_labels_and_scale_of_ratings_change_nothing(seed):
    values, fixed, random, _ = simulated(seed, prompts=15, raters=4)
    rng = np.random.default_rng(seed)
    found = cumulative_link_mixed(values, fixed, random)
    order = rng.permutation(len(values))
    names = dict(zip(range(15), rng.permutation([f"p{i}" for i in range(15)]), strict=True))
    moved = cumulative_link_mixed(
        (values**3)[order],  # 1 8 27 64 125: the same order
        {"arm": 7 + fixed["arm"][order]},
        {
            "rater": random["rater"][order],
            "prompt × arm": random["prompt × arm"][order],
            "prompt": [names[p] for p in random["prompt"][order]],
        },
    )
    assert moved.converged == found.converged
    if not found.converged:
        return
    assert moved.betas["arm"].value == pytest.approx(found.betas["arm"].value, rel=1e-4, abs=1e-4)
    assert moved.log_likelihood == pytest.approx(found.log_likelihood, rel=1e-7)
    for name, variance in found.variances.items():
        assert moved.variances[name].value == pytest.approx(variance.value, rel=1e-4, abs=1e-4)
    for p, effect in found.severities["prompt"].items():
        assert moved.severities["prompt"][names[p]].value == pytest.approx(
            effect.value, rel=1e-4, abs=1e-4
        )
    shift = 7 * found.betas["arm"].value
    last = found.thresholds["4|5"]
    assert moved.thresholds["64|125"] == pytest.approx(last + shift, rel=1e-4, abs=1e-4)


@given(st.integers(0, 10**6))
@settings(max_examples=5, deadline=None)
def test_reversed_ratings_reverse_every_sign(seed):
    values, fixed, random, _ = simulated(seed, prompts=15, raters=4)
    found = cumulative_link_mixed(values, fixed, random)
    turned = cumulative_link_mixed(6 - values, fixed, random)
    assert turned.converged == found.converged
    if not found.converged:
        return
    assert turned.betas["arm"].value == pytest.approx(-found.betas["arm"].value, rel=1e-4, abs=1e-4)
    assert turned.betas["arm"].p == pytest.approx(found.betas["arm"].p, rel=1e-4, abs=1e-4)
    assert turned.thresholds["1|2"] == pytest.approx(-found.thresholds["4|5"], rel=1e-4, abs=1e-4)
    for rater, severity in found.severities["rater"].items():
        turned_severity = turned.severities["rater"][rater]
        assert turned_severity.value == pytest.approx(-severity.value, rel=1e-4, abs=1e-4)


def test_severity_has_its_interval_and_says_that_it_is_shrunk():
    values, fixed, random, _ = simulated(1, prompts=20, raters=4)
    severity = cumulative_link_mixed(values, fixed, random).severities["rater"][2]
    half = 1.959964 * severity.details["sd"]
    assert severity.low == pytest.approx(severity.value - half)
    assert severity.high == pytest.approx(severity.value + half)
    assert severity.n == 40
    assert "shrunk" in severity.reason


def test_a_scale_of_two_is_a_logistic_model():
    # Two categories and no groups: logit P(high) = −θ + βx; 6 of 8 against 2 of 8:
    # β = 2 log 3, θ = log 3, SE(β)² = 2 (1/2 + 1/6).
    values = [1] * 6 + [2] * 2 + [1] * 2 + [2] * 6
    found = cumulative_link_mixed(values, {"x": [0] * 8 + [1] * 8}, {})
    assert found.betas["x"].value == pytest.approx(2 * math.log(3), abs=1e-6)
    assert found.thresholds["1|2"] == pytest.approx(math.log(3), abs=1e-6)
    assert found.betas["x"].details["se"] ** 2 == pytest.approx(4 / 3, abs=1e-5)
    assert found.log_likelihood == pytest.approx(12 * math.log(0.75) + 4 * math.log(0.25))


RATINGS = [1, 2, 3, 3, 2, 1, 2, 3]
ARM = [0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("values", "fixed", "random", "reason"),
    [
        ([], {"x": []}, {"rater": []}, "no ratings"),
        ([3] * 8, {"x": ARM}, {"rater": "aabbaabb"}, "all ratings are equal"),
        (RATINGS, {"x": [1] * 8}, {"rater": "aabbaabb"}, "x is the same for every rating"),
        (RATINGS, {"x": ARM, "y": [1 - a for a in ARM]}, {}, "no maximum"),
        (RATINGS, {"x": ARM}, {"rater": "aaaaaaaa"}, "one rater"),
        (RATINGS, {"x": ARM}, {"prompt": "abcdefgh"}, "every rating has a prompt of its own"),
        (RATINGS, {"x": ARM}, {"p": "aabbccdd", "q": "ccddaabb"}, "p and q group the ratings"),
        ([1, 1, 1, 1, 2, 2, 2, 2], {"x": ARM}, {}, "no maximum"),  # x decides the rating
        ([1, 1, 2, 2, 3, 3, 4, 4], {}, {"prompt": "aabbccdd"}, "no maximum"),
    ],
)
def test_degenerate(values, fixed, random, reason):
    found = cumulative_link_mixed(values, fixed, random)
    assert (found.converged, found.log_likelihood) == (False, None)
    assert reason in found.reason
    estimates = [*found.betas.values(), *found.variances.values()]
    estimates += [e for levels in found.severities.values() for e in levels.values()]
    assert list(found.betas) == list(fixed)
    assert all(e.verdict == "not computable" and reason in e.reason for e in estimates)
    assert all(e.value is None for e in estimates)


@pytest.mark.parametrize(
    "call",
    [
        lambda: cumulative_link_mixed([1, math.nan], {"x": [0, 1]}, {}),
        lambda: cumulative_link_mixed([1, 2], {"x": [0, math.inf]}, {}),
        lambda: cumulative_link_mixed([1, 2], {"x": [0, 1, 1]}, {}),
        lambda: cumulative_link_mixed([1, 2], {}, {"rater": ["a"]}),
        lambda: cumulative_link_mixed([1, 2], {}, {"rater": ["a", None]}),
    ],
)
def test_refused(call):
    with pytest.raises(MeasureError):
        call()
