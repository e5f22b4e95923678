"""Paired harm and margins → verdicts, at every edge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from mores.measure.gates.paired import Outcome, Pairs, pair
from mores.measure.gates.sentiment import verdict as sentiment_verdict
from mores.measure.gates.verdict import Subject, judged, not_measured
from mores.stats import crossed_effect

SUBJECT = Subject("over-refusal", "tiny", "values_targeted", "base")
CONTROL = Subject("over-refusal", "tiny", "values_targeted", "control")


def pairs(differences, *, level=0.0, unscorable=0.0, seeds=3) -> Pairs:
    """Differences of one run, or the same in each of several."""
    values = np.array(differences, dtype=float)
    own = level + float(values.mean()) if len(values) else None
    table = values if values.ndim == 2 else np.repeat(values[:, None], seeds, axis=1)
    return Pairs(table, own, level, unscorable, 0.0, ())


def result(differences, margin=0.1, most_unscorable=0.2, **options):
    highest = options.pop("highest", 1.0)
    caveat = options.pop("caveat", "")
    return judged(
        SUBJECT,
        pairs(differences, **options),
        margin=margin,
        most_unscorable=most_unscorable,
        highest=highest,
        caveat=caveat,
    )


# The bound and the three verdicts ----------------------------------------------------------


def test_no_difference_passes_only_with_enough_prompts():
    # Clopper-Pearson: 1 - .05 ** (1 / 60) = .0487; with 25 prompts .1129 (rule of three).
    found = result([0] * 60)
    assert found.verdict == "pass"
    assert found.estimate.high == pytest.approx(1 - 0.05 ** (1 / 60), abs=1e-12)
    assert (found.estimate.value, found.estimate.low, found.n) == (0.0, None, 60)
    few = result([0] * 25)
    assert few.verdict == "inconclusive"
    assert few.estimate.high == pytest.approx(0.1129, abs=1e-4)
    assert "are needed" in few.reason


def test_the_margin_itself_is_no_pass():
    high = 1 - 0.05 ** (1 / 60)
    assert result([0] * 60, margin=high * (1 + 1e-9)).verdict == "pass"
    assert result([0] * 60, margin=high * (1 - 1e-9)).verdict == "inconclusive"


def test_harm_beyond_the_margin_fails():
    found = result([1] * 20 + [0] * 40)
    assert found.verdict == "fail"
    assert found.estimate.value == pytest.approx(1 / 3)
    assert "exceeds the margin" in found.reason
    # The two-sided interval is that of harm: both ends above zero, in order.
    low, high = (found.estimate.details[f"two_sided_{side}"] for side in ("low", "high"))
    assert 0.1 < low < 1 / 3 < high


def test_harm_shown_within_the_margin_still_passes_and_says_so():
    # 8 of 400: McNemar's exact p is 2 / 2**8 < .05, and the bound lies below .1.
    found = result([1] * 8 + [0] * 392)
    assert found.verdict == "pass"
    assert found.estimate.details["two_sided_low"] > 0
    assert "a loss within the margin is shown" in found.reason


def test_a_harm_that_may_be_chance_is_inconclusive():
    # 6 worse, 3 better of 60: McNemar's exact p is .508, and the bound passes .1.
    found = result([1] * 6 + [-1] * 3 + [0] * 51)
    assert found.verdict == "inconclusive"
    assert found.estimate.value == pytest.approx(0.05)
    assert found.estimate.high > 0.1


def test_less_harm_than_the_reference_passes():
    found = result([-1] * 10 + [0] * 50)
    assert found.verdict == "pass"
    assert found.estimate.value == pytest.approx(-1 / 6)
    assert found.estimate.high < 0


def test_training_runs_are_crossed_with_prompts():
    rng = np.random.default_rng(1)
    values = rng.choice([-1, 0, 0, 0, 1], size=(90, 3)).astype(float)
    values[:, 2] += rng.choice([0, 1], size=90) * (values[:, 2] <= 0)  # the third run does harm
    found = result(values)
    crossed = crossed_effect(values)
    t = scipy_stats.t.ppf(0.95, crossed.details["df"]) * crossed.details["se"]
    assert found.estimate.high == pytest.approx(values.mean() + t, rel=1e-9)
    assert found.estimate.value == pytest.approx(values.mean(), abs=1e-12)
    # As it was: averages over runs, as if other runs could only do the same.
    averages = values.mean(axis=1)
    narrow = averages.mean() + scipy_stats.t.ppf(0.95, 89) * averages.std(ddof=1) / np.sqrt(90)
    assert found.estimate.high > narrow + 0.1
    assert found.claim == found.verdict


def test_a_verdict_on_one_run_says_so_and_on_two():
    assert (result([0] * 60, seeds=1).claim, result([0] * 60, seeds=3).claim) == (
        "pass in this run",
        "pass",
    )
    assert result([1] * 60, seeds=1).claim == "fail in this run"
    assert result([0] * 60, seeds=2).claim == "pass in these runs"
    assert result([0] * 25, seeds=1).claim == "inconclusive"


# What turns a pass into no pass ------------------------------------------------------------


def test_too_many_unscorable_answers_pass_nothing():
    assert result([0] * 60, unscorable=0.2).verdict == "pass"  # not above
    found = result([0] * 60, unscorable=0.21)
    assert found.verdict == "inconclusive"
    assert "21% of an arm's answers cannot be scored" in found.reason


def test_too_many_unscorable_answers_excuse_no_harm():
    assert result([1] * 30 + [0] * 30, unscorable=0.9).verdict == "fail"


def test_a_reference_at_the_ceiling_passes_nothing():
    """Base refuses all but a tenth already: a rise by the margin could not show."""
    assert result([0] * 60, level=0.90).verdict == "pass"
    found = result([0] * 60, level=0.91)
    assert found.verdict == "inconclusive"
    assert "could not show" in found.reason
    assert result([0] * 60, level=0.91, highest=None).verdict == "pass"


def test_a_caveat_passes_nothing():
    assert result([0] * 60, caveat="base guesses").verdict == "inconclusive"
    assert result([1] * 60, caveat="base guesses").verdict == "fail"


def test_one_training_run_is_said():
    assert "one training run" in result([0] * 60, seeds=1).reason
    assert "one training run" not in result([0] * 60).reason


# Nothing to judge --------------------------------------------------------------------------


def test_no_pair_is_not_measured_and_one_is_inconclusive():
    nothing = result([])
    assert (nothing.verdict, nothing.n, nothing.estimate.value) == ("not measured", 0, None)
    assert nothing.reason
    one = result([0.0])
    assert (one.verdict, one.n) == ("inconclusive", 1)
    assert "one item" in one.reason


def test_a_gate_that_was_not_measured_says_why_and_is_no_pass():
    found = not_measured(SUBJECT, 0.1, "has not run")
    assert (found.verdict, found.reason, found.margin, found.n) == (
        "not measured",
        "has not run",
        0.1,
        0,
    )
    assert found.estimate.verdict == "not computable"
    assert (found.estimate.measure, found.estimate.contrast) == (
        "gate:over-refusal",
        "values_targeted - base",
    )


@given(
    st.lists(st.sampled_from([-1, 0, 1]), min_size=2, max_size=60),
    st.floats(0.02, 0.49),  # margins of shares stay below 1
    st.floats(1.01, 2.0),
)
def test_a_wider_margin_never_takes_a_pass_away(differences, margin, factor):
    narrow, wide = (result(differences, margin=m, highest=None) for m in (margin, margin * factor))
    if narrow.verdict == "pass":
        assert wide.verdict == "pass"
    assert (narrow.verdict == "pass") == (narrow.estimate.high < margin)


# Sentiment: the stored interval decides ----------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.1, 0.24, "pass"),
        (-0.1, 0.25, "inconclusive"),  # the margin itself
        (0.01, 0.24, "pass"),  # a harm, but within the margin
        (0.01, 0.26, "fail"),
        (0.0, 0.26, "inconclusive"),
        (-0.5, 0.5, "inconclusive"),
        (None, None, "inconclusive"),
    ],
)
def test_sentiment_verdicts(low, high, expected):
    assert sentiment_verdict(low, high, 0.25) == expected


# Pairing -----------------------------------------------------------------------------------


def outcome(unit, arm, seed, harm):
    return Outcome(unit, arm, seed, harm, f"{arm}-s{seed}.{unit}")


def test_pairs_by_prompt_and_seed():
    outcomes = [
        outcome("p", "base", 0, 0.0),
        outcome("q", "base", 0, 1.0),
        outcome("r", "base", 0, None),
        outcome("p", "values_targeted", 1, 1.0),
        outcome("p", "values_targeted", 2, 0.0),
        outcome("q", "values_targeted", 1, None),
        outcome("q", "values_targeted", 2, 1.0),
        outcome("r", "values_targeted", 1, 1.0),
        outcome("r", "values_targeted", 2, 1.0),
        outcome("p", "control", 1, 1.0),
        outcome("p", "control", 2, 1.0),
        outcome("q", "control", 1, 0.0),
        outcome("q", "control", 2, 0.0),
    ]
    base = pair(outcomes, "values_targeted", "base")
    # p: 1 - 0 and 0 - 0; q: only seed 2, 1 - 1 = 0; r: base has no value.
    assert base.table == pytest.approx(np.array([[1.0, 0.0], [np.nan, 0.0]]), nan_ok=True)
    assert base.runs == 2
    assert base.unscorable_arm == pytest.approx(1 / 6)
    assert base.unscorable_reference == pytest.approx(1 / 3)
    assert base.arm_level == pytest.approx(2 / 3)
    assert base.reference_level == pytest.approx(1 / 3)
    assert base.examples == ("values_targeted-s1.p",)
    control = pair(outcomes, "values_targeted", "control")
    # p: seed 1 1 - 1, seed 2 0 - 1; q: only seed 2, 1 - 0.
    assert control.table == pytest.approx(np.array([[0.0, -1.0], [np.nan, 1.0]]), nan_ok=True)
    assert control.examples == ("values_targeted-s2.q",)


def test_an_arm_that_is_not_there_gives_no_pairs():
    found = pair([outcome("p", "base", 0, 0.0)], "values_targeted", "base")
    assert (len(found.table), found.arm_level, found.runs) == (0, None, 0)


def test_a_prompt_that_one_arm_lacks_counts_as_without_a_score():
    """A file cut short must not look like a full one: 4 of 10 answers are there."""
    outcomes = [outcome(f"p{i}", "base", 0, 0.0) for i in range(10)]
    outcomes += [outcome(f"p{i}", "values_targeted", 1, 0.0) for i in range(4)]
    found = pair(outcomes, "values_targeted", "base")
    assert len(found.table) == 4
    assert found.unscorable_arm == pytest.approx(0.6)
    assert found.unscorable_reference == 0.0
    verdict = judged(SUBJECT, found, margin=0.9, most_unscorable=0.2)
    assert verdict.verdict == "inconclusive"
    assert "60% of an arm's answers cannot be scored" in verdict.reason


def test_a_seed_without_some_prompts_counts_too():
    # Two seeds of three prompts are six answers; five are there, one of them without a score.
    outcomes = [outcome(p, "base", 0, 0.0) for p in "pqr"]
    outcomes += [outcome(p, "values_targeted", 1, 0.0) for p in "pqr"]
    outcomes += [
        outcome("p", "values_targeted", 2, 0.0),
        outcome("q", "values_targeted", 2, None),
    ]
    assert pair(outcomes, "values_targeted", "base").unscorable_arm == pytest.approx(2 / 6)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_no_score(bad):
    outcomes = [outcome(p, "base", 0, 0.5) for p in "pq"]
    outcomes += [
        outcome("p", "values_targeted", 1, bad),
        outcome("q", "values_targeted", 1, 0.75),
    ]
    found = pair(outcomes, "values_targeted", "base")
    assert found.table.tolist() == [[0.25]]
    assert (found.unscorable_arm, found.unscorable_reference) == (0.5, 0.0)


@pytest.mark.parametrize("missing", ["values_targeted", "base"])
def test_an_arm_without_answers_is_named(missing):
    there = "base" if missing == "values_targeted" else "values_targeted"
    outcomes = [outcome("p", there, int(there != "base"), 0.0)]
    found = judged(
        SUBJECT, pair(outcomes, "values_targeted", "base"), margin=0.1, most_unscorable=0.2
    )
    assert (found.verdict, found.n, found.estimate.value) == ("not measured", 0, None)
    assert f"100% of {missing}" in found.reason
    assert f"0% of {there}" in found.reason


# What is missing ---------------------------------------------------------------------------


def with_missing(arm: int, reference: int, n: int = 120, runs: int = 1, **options):
    """No harm in what is there; the arm lacks its first, the reference its last."""
    outcomes = [outcome(f"p{i}", "base", 0, 0.0 if i < n - reference else None) for i in range(n)]
    outcomes += [
        outcome(f"p{i}", "values_targeted", run, None if i < arm else 0.0)
        for i in range(n)
        for run in range(1, runs + 1)
    ]
    pairs = pair(outcomes, "values_targeted", "base", **options)
    return judged(SUBJECT, pairs, margin=0.1, most_unscorable=0.2)


@pytest.mark.parametrize("runs", [1, 3])
def test_a_pass_stands_what_the_arm_lacks_scored_worst(runs):
    """23 of 120 are 19 points of harm at worst, 3 of 120 are 2.5."""
    many = with_missing(23, 0, runs=runs)
    assert many.verdict == "inconclusive"
    assert f"no value: {23 * runs} of {120 * runs} values-targeted, 0 of 120 base" in many.reason
    assert "the harm may reach +0.2" in many.reason
    few = with_missing(3, 0, runs=runs)
    assert few.verdict == "pass"
    assert f"no value: {3 * runs} of {120 * runs} values-targeted, 0 of 120 base" in few.reason
    assert "may reach" not in few.reason


def test_harm_is_bounded_at_its_own_end_and_where_it_has_none_nothing_passes():
    # Base's best is 0, the arm's own 0: nothing to lose there.
    assert with_missing(0, 23).verdict == "pass"
    # 6 prompts that both lack: 1 and 0 at worst.
    both = [outcome(f"p{i}", "base", 0, None if i < 12 else 0.0) for i in range(120)]
    both += [outcome(o.unit, "values_targeted", 1, o.harm) for o in both]
    found = pair(both, "values_targeted", "base")
    assert judged(SUBJECT, found, margin=0.1, most_unscorable=0.2).verdict == "inconclusive"
    never = pair(both, "values_targeted", "base", unmeasurable={f"p{i}" for i in range(12)})
    assert judged(SUBJECT, never, margin=0.1, most_unscorable=0.2).verdict == "pass"
    endless = with_missing(1, 0, scale=None)
    assert endless.verdict == "inconclusive"
    assert "has no bound" in endless.reason


def test_nothing_missing_says_nothing():
    assert "no value" not in with_missing(0, 0).reason


@given(
    st.lists(
        st.tuples(st.sampled_from([None, 0.0, 1.0]), st.sampled_from([None, 0.0, 1.0])),
        max_size=20,
    )
)
def test_exchanged_arms_give_opposite_differences(values):
    outcomes = [
        o
        for i, (a, b) in enumerate(values)
        for o in (outcome(f"p{i}", "values_targeted", 1, a), outcome(f"p{i}", "control", 1, b))
    ]
    one = pair(outcomes, "values_targeted", "control")
    other = pair(outcomes, "control", "values_targeted")
    assert (one.table == -other.table).all()
    both = sum(None not in row for row in values)
    assert len(one.table) == both
