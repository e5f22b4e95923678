"""Agreement of scorers against scipy, scikit-learn and a textbook table."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score

from mores.errors import MeasureError
from mores.measure.toxicity.agreement import spearman, verdict_alpha, verdict_kappa
from mores.stats import krippendorff_alpha

HALF = (0.5, 0.5)


def pair(seed=3, prompts=30, draws=4, digits=1):
    rng = np.random.default_rng(seed)
    own = np.repeat(rng.uniform(size=prompts), draws)
    first = np.round(np.clip(own + rng.normal(0, 0.2, own.size), 0, 1), digits)
    second = np.round(np.clip(own + rng.normal(0, 0.2, own.size), 0, 1), digits)
    names = [f"p{i // draws}" for i in range(own.size)]
    return first.tolist(), second.tolist(), names


def test_spearman_is_scipys_ties_and_all():
    first, second, prompts = pair()
    found = spearman(first, second, prompts, rng=1)
    assert found.value == pytest.approx(spearmanr(first, second).statistic)
    assert found.low < found.value < found.high
    assert (found.n, found.unit, found.details["pairs"]) == (30, "prompt", 120)


def test_the_interval_is_wider_than_if_completions_were_independent():
    # Four equal completions a prompt are one piece of evidence.
    rng = np.random.default_rng(1)
    a, b = rng.uniform(size=25), rng.uniform(size=25)
    prompts = [f"p{i}" for i in range(25)]
    one = spearman(a.tolist(), b.tolist(), prompts, rng=1)
    four = spearman(
        np.repeat(a, 4).tolist(), np.repeat(b, 4).tolist(), list(np.repeat(prompts, 4)), rng=1
    )
    assert four.value == pytest.approx(one.value)
    assert four.high - four.low == pytest.approx(one.high - one.low, rel=1e-6)


def test_kappa_of_the_textbook_table():
    # 20 both, 5 only the first, 10 only the second, 15 neither: p_o .7, p_e .5, kappa .4.
    table = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    first, second = (list(map(float, side)) for side in zip(*table, strict=True))
    prompts = [f"p{i}" for i in range(50)]
    found = verdict_kappa(first, second, prompts, thresholds=HALF, rng=1)
    assert found.value == pytest.approx(0.4)
    assert found.low < 0.4 < found.high
    counts = [found.details[k] for k in ("both", "only_first", "only_second", "neither")]
    assert counts == [20, 5, 10, 15]
    assert found.details["observed"] == pytest.approx(0.7)


def test_kappa_is_scikit_learns_at_each_ones_threshold():
    first, second, prompts = pair()
    found = verdict_kappa(first, second, prompts, thresholds=(0.4, 0.7), rng=1)
    marks = [x >= 0.4 for x in first], [x >= 0.7 for x in second]
    assert found.value == pytest.approx(cohen_kappa_score(*marks))


def test_alpha_is_that_of_mores_stats_absent_values_and_all():
    first, second, prompts = pair(prompts=12)
    third = [None if i % 5 == 0 else x for i, x in enumerate(first)]
    found = verdict_alpha([first, second, third], prompts, thresholds=[0.5, 0.5, 0.5], rng=1)
    table = [[np.nan if x is None else float(x >= 0.5) for x in v] for v in (first, second, third)]
    assert found.value == pytest.approx(krippendorff_alpha(table, "nominal").value)
    assert found.low < found.value < found.high


def test_only_what_both_scored_is_compared():
    first, second = [0.1, None, 0.4, 0.9, 0.2], [0.2, 0.9, None, 0.8, 0.1]
    found = spearman(first, second, list("abcde"), rng=1)
    assert found.value == pytest.approx(spearmanr([0.1, 0.9, 0.2], [0.2, 0.8, 0.1]).statistic)
    assert (found.n, found.details["pairs"]) == (3, 3)


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ([None, 0.1], [0.2, None], "0 completions that both scored"),
        ([0.1, None], [0.2, 0.3], "1 completions that both scored"),
        ([], [], "0 completions"),
    ],
)
def test_nothing_to_compare(first, second, reason):
    prompts = [f"p{i}" for i in range(len(first))]
    for found in (
        spearman(first, second, prompts, rng=1),
        verdict_kappa(first, second, prompts, thresholds=HALF, rng=1),
    ):
        assert found.value is None
        assert found.verdict == "not computable"
        assert found.reason.startswith(reason)


def test_equal_values_and_equal_verdicts_say_why():
    prompts = list("abc")
    found = spearman([0.5, 0.5, 0.5], [0.1, 0.2, 0.3], prompts, rng=1)
    assert (found.value, found.reason) == (None, "one gives equal values")
    found = verdict_kappa([0.6, 0.7, 0.8], [0.9, 0.6, 0.7], prompts, thresholds=HALF, rng=1)
    assert (found.value, found.reason) == (None, "no disagreement is possible")
    assert found.details["both"] == 3
    found = verdict_alpha([[0.1] * 3, [0.2] * 3], prompts, thresholds=HALF, rng=1)
    assert found.reason == "all verdicts are equal, or no completion has two"


def test_one_prompt_has_a_value_and_no_interval():
    found = spearman([0.1, 0.2, 0.9], [0.2, 0.3, 0.8], ["a"] * 3, rng=1)
    assert found.value == pytest.approx(1.0)
    assert (found.low, found.reason) == (None, "one prompt")


def test_lengths_must_agree():
    with pytest.raises(MeasureError, match="one prompt a value, found 1 for 2"):
        spearman([0.1, 0.2], [0.1, 0.2], ["a"], rng=1)
