"""Contrasts between arms, worked out by hand."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats

from mores import stats
from mores.records import Estimate
from mores.report.contrasts import compare
from mores.report.observed import Observed
from mores.report.verdicts import ONE_SEED, TWO_SEEDS, verdict_of

PRIMARY = "values_targeted - control"


def observe(values: dict[str, dict[str, list[float]]], seed: int = 1) -> list[Observed]:
    """Arm → prompt such as ``care/1`` → one value for each completion."""
    return [
        Observed(prompt, prompt.partition("/")[0], arm, 0 if arm == "base" else seed, (value,))
        for arm, prompts in values.items()
        for prompt, completions in prompts.items()
        for value in completions
    ]


def run(observed: list[Observed], better: str = "higher", seed: int = 3) -> list[Estimate]:
    return compare(observed, measure="m", model="tiny", better=better, seed=seed)


def one(estimates: list[Estimate], category: str = "overall", measure: str = "m", contrast=PRIMARY):
    (found,) = [
        e for e in estimates if (e.category, e.measure, e.contrast) == (category, measure, contrast)
    ]
    return found


def paired(differences: dict[str, list[float]], start: float = 10.0) -> list[Observed]:
    """Values whose differences, values-targeted minus control, are these by category."""
    values = {
        f"{c}/{i}": [start + i + d] for c, ds in differences.items() for i, d in enumerate(ds)
    }
    control = {f"{c}/{i}": [start + i] for c, ds in differences.items() for i in range(len(ds))}
    return observe({"values_targeted": values, "control": control})


def test_every_category_weighs_the_same() -> None:
    # care: 1 2 3, mean 2; beauty: 4 6, mean 5. (2 + 5) / 2 = 3.5; over prompts it would be 3.2.
    # SE² = (s²_care / 3 + s²_beauty / 2) / 4 = (1/3 + 2/2) / 4 = 1/3.
    # Satterthwaite: (1/3 + 1)² / ((1/3)² / 2 + 1² / 1) = 1.68421 degrees of freedom.
    found = one(run(paired({"care": [1, 2, 3], "beauty": [4, 6]})))
    assert found.value == pytest.approx(3.5)
    assert found.details["se"] == pytest.approx(math.sqrt(1 / 3))
    assert found.details["df"] == pytest.approx((4 / 3) ** 2 / (1 / 18 + 1))
    half = scipy_stats.t.ppf(0.975, found.details["df"]) * math.sqrt(1 / 3)
    assert (found.low, found.high) == pytest.approx((3.5 - half, 3.5 + half))
    # All five differences have one sign: 2 of 32 sign patterns reach that.
    assert found.p == pytest.approx(2 / 32)
    assert (found.n, found.unit, found.category) == (5, "prompt", "overall")
    assert found.details["model"] == "tiny"
    assert ONE_SEED in found.reason


def test_categories_by_hand_with_holm() -> None:
    # care: 6 differences of one sign, p = 2/64; beauty: 7, p = 2/128.
    # Holm: beauty 2 · 2/128 = 1/32; care max(1/32, 1 · 2/64) = 1/32.
    found = run(paired({"care": [1, 2, 3, 4, 5, 6], "beauty": [7, 6, 5, 4, 3, 2, 1]}))
    care, beauty = one(found, "care"), one(found, "beauty")
    assert (care.value, beauty.value) == pytest.approx((3.5, 4.0))
    assert (care.p, beauty.p) == pytest.approx((2 / 64, 2 / 128))
    assert (care.p_adjusted, beauty.p_adjusted) == pytest.approx((1 / 32, 1 / 32))
    oracle = scipy_stats.ttest_1samp([1, 2, 3, 4, 5, 6], 0).confidence_interval()
    assert (care.low, care.high) == pytest.approx(tuple(oracle))
    assert (care.verdict, beauty.verdict) == ("shown", "shown")
    assert one(found).p_adjusted is None


def test_ratings_are_averaged_in_a_completion_before_completions_in_a_prompt() -> None:
    # Completion 1 rated 1, 1, 4 (mean 2), completion 2 rated 5: prompt mean 3.5, not 2.75.
    rated = [
        Observed("care/1", "care", "values_targeted", 1, (1.0, 1.0, 4.0)),
        Observed("care/1", "care", "values_targeted", 1, (5.0,)),
        Observed("care/1", "care", "control", 1, (3.0,)),
        Observed("care/2", "care", "values_targeted", 1, (4.0,)),
        Observed("care/2", "care", "control", 1, (2.0, 3.0)),
    ]
    # Differences .5 and 1.5.
    assert one(run(rated)).value == pytest.approx(1.0)


def test_contrasts_in_order_and_only_of_arms_that_are_there() -> None:
    prompts = {f"care/{i}": [float(i)] for i in range(3)}
    arms = ("base", "prompted", "values_targeted", "control", "few_shot")
    found = run(observe(dict.fromkeys(arms, prompts)))
    assert list(dict.fromkeys(e.contrast for e in found)) == [
        PRIMARY,
        "values_targeted - base",
        "control - base",
        "values_targeted - prompted",
        "values_targeted - few_shot",
    ]
    only = run(observe(dict.fromkeys(("base", "control"), prompts)))
    assert {e.contrast for e in only} == {PRIMARY, "control - base"}
    (primary,) = [e for e in only if e.contrast == PRIMARY]  # its absence is said
    assert (primary.verdict, primary.value, primary.n) == ("not computable", None, 0)
    assert primary.reason == "no values of values_targeted"
    (alone,) = run(observe({"base": prompts}))
    assert alone.reason == "no values of values_targeted and control"
    assert run(observe({"base": {"care/1": []}})) == []  # nothing was measured at all
    assert run([]) == []


def test_a_prompt_without_a_value_in_one_arm_is_left_out_and_counted() -> None:
    observed = paired({"care": [1, 2, 3, 9], "beauty": [4, 6, 8]})
    kept = [o for o in observed if (o.prompt_id, o.arm) != ("care/3", "control")]
    kept = [o for o in kept if (o.prompt_id, o.arm) != ("beauty/2", "values_targeted")]
    found = run(kept)
    expected = run(paired({"care": [1, 2, 3], "beauty": [4, 6]}))
    assert one(found).value == pytest.approx(3.5)
    assert one(found).n == 5
    assert one(found).details["left_out"] == 2
    assert one(expected).details["left_out"] == 0
    assert one(found, "care").value == one(expected, "care").value


def test_a_prompt_without_a_value_in_any_arm_is_counted_too() -> None:
    observed = paired({"care": [1, 2, 3], "beauty": [4, 6]})
    nowhere = [Observed("care/9", "care", arm, 1, ()) for arm in ("values_targeted", "control")]
    found = run([*observed, *nowhere])
    assert one(found).value == pytest.approx(3.5)
    assert one(found).details["left_out"] == 1


def test_a_completion_without_a_value_does_not_count_as_zero() -> None:
    # Two completions, one of them without a value: the prompt's mean is that of the other.
    observed = paired({"care": [1, 2, 3], "beauty": [4, 6]})
    some = [Observed("care/0", "care", "values_targeted", 1, ())]
    assert one(run([*observed, *some])).value == pytest.approx(3.5)
    assert one(run([*observed, *some])).details["left_out"] == 0


def test_effect_sizes_by_hand() -> None:
    # care/0: 3 5 against 4: one above, one below: ½. care/1: 6 against 2 2: 1. Mean ¾, δ = ½.
    observed = observe(
        {
            "values_targeted": {"care/0": [3, 5], "care/1": [6]},
            "control": {"care/0": [4], "care/1": [2, 2]},
        }
    )
    found = run(observed)
    superiority = one(found, measure="m/probability of superiority")
    delta = one(found, measure="m/Cliff's delta")
    d = one(found, measure="m/Cohen's d")
    assert superiority.value == pytest.approx(0.75)
    assert delta.value == pytest.approx(0.5)
    # 3 5 6 (mean 14/3, SS 14/3) and 4 2 2 (mean 8/3, SS 8/3): s² = (22/3) / 4, d = 2 / s.
    assert d.value == pytest.approx(2 / math.sqrt(22 / 12))
    assert {superiority.verdict, delta.verdict} <= {"descriptive", "not computable"}
    assert d.verdict == "descriptive"


# Prompts × training runs.
TABLE = [[1, 2, 3], [2, 5, 5], [4, 5, 9]]


def crossed(reference: str, runs: int = 3) -> list[Observed]:
    rows = []
    for i, values in enumerate(TABLE):
        for seed, value in enumerate(values[:runs], 1):
            rows.append(
                Observed(f"care/{i}", "care", "values_targeted", seed, (10.0 * seed + value,))
            )
            if reference == "control":
                rows.append(Observed(f"care/{i}", "care", "control", seed, (10.0 * seed,)))
        if reference == "base":
            rows.append(Observed(f"care/{i}", "care", "base", 0, (0.0,)))
    return rows


def test_several_seeds_are_crossed_with_prompts() -> None:
    # A tuned reference is paired seed by seed, so the tens cancel. Mean 4.
    # V_prompt = var(2, 4, 6) / 3 = 4/3; V_seed = var(7/3, 4, 17/3) / 3 = 25/27; residuals
    # 2/3 0 -2/3, -1/3 1 -2/3, -1/3 -1 4/3: SS 16/3 over 4 cells, / 9 = 4/27. V = 57/27 = 19/9.
    found = one(run(crossed("control")))
    assert found.value == pytest.approx(4)
    assert found.details["se"] == pytest.approx((19 / 9) ** 0.5)
    assert found.details["seeds"] == 3
    # df where V_seed is twice as large (one standard error of it with two df): 50/27.
    df = 82**2 / (36**2 / 2 + 50**2 / 2 + 4**2 / 4)
    assert found.details["df"] == pytest.approx(df)
    assert found.p == pytest.approx(2 * scipy_stats.t.sf(4 / (19 / 9) ** 0.5, df))
    assert found.details["p_sign_flip_prompts_only"] == pytest.approx(2 / 8)
    assert ONE_SEED not in found.reason


def test_two_training_runs_are_crossed_and_still_too_few() -> None:
    # V_prompt = var(3/2, 7/2, 9/2) / 3 = 28/36; V_seed = var(7/3, 4) / 2 = 25/36; residuals of the
    # first column 1/3 -2/3 1/3: SS 4/3 over 2 cells, / 6 = 4/36. V = 49/36.
    found = one(run(crossed("control", runs=2)))
    assert found.value == pytest.approx(19 / 6)
    assert found.details["se"] == pytest.approx(7 / 6)
    # df where V_seed is larger by one of its standard errors with one df: by 1 + √2.
    most = 25 * (1 + math.sqrt(2))
    df = (24 + most) ** 2 / (28**2 / 2 + most**2 / 1 + 4**2 / 2)
    assert found.details["df"] == pytest.approx(df)
    assert found.p == pytest.approx(2 * scipy_stats.t.sf((19 / 6) / (7 / 6), df))
    assert TWO_SEEDS in found.reason


def test_a_claim_of_two_runs_is_of_these_runs() -> None:
    rng = np.random.default_rng(4)
    rows = [
        Observed(
            f"p{i}",
            f"c{i % 2}",
            arm,
            seed,
            (3.0 + (arm == "values_targeted") + rng.normal(0, 0.1),),
        )
        for i in range(24)
        for seed in (1, 2)
        for arm in ("values_targeted", "control")
    ]
    found = run(rows)
    assert {one(found, c).claim for c in ("overall", "c0", "c1")} == {"shown in these runs"}
    assert one(found).method.startswith("crossed")
    assert one(found, "c0").method.startswith("crossed")


def test_an_untrained_reference_is_the_same_for_every_seed() -> None:
    # Against base, the tens stay: they are what differs between training runs.
    found = one(run(crossed("base")), contrast="values_targeted - base")
    assert found.value == pytest.approx(20 + 4)
    assert found.details["sd_seed"] > 5


def test_categories_hold_training_runs_too_and_keep_the_exact_tests_floor() -> None:
    rng = np.random.default_rng(2)
    table = rng.normal(0.5, 0.3, (9, 3)) + np.array([0.0, 1.0, -1.0])
    rows = [
        Observed(f"care/{i}", "care", arm, seed, (3.0 + (diff if arm == "values_targeted" else 0),))
        for i, row in enumerate(table)
        for seed, diff in enumerate(row, 1)
        for arm in ("values_targeted", "control")
    ]
    (found,) = [e for e in run(rows) if e.measure == "m" and e.category == "care"]
    crossed = stats.crossed_effect(table)
    assert (found.value, found.low, found.high, found.p) == pytest.approx(
        (crossed.value, crossed.low, crossed.high, crossed.p)
    )
    assert found.verdict == "exploratory"  # over prompts alone it would have been shown
    assert found.details["p_sign_flip_prompts_only"] == 2 / 2**9
    assert found.details["smallest_p"] == 2 / 2**9


def test_seeds_over_categories_of_equal_and_unequal_size() -> None:
    equal = crossed("control")
    more = [
        Observed(o.prompt_id.replace("care", "beauty"), "beauty", o.arm, o.seed, o.values)
        for o in equal
    ]
    found = one(run([*equal, *more]))
    assert found.value == pytest.approx(4)
    assert found.method.startswith("crossed")
    fewer = [o for o in more if o.prompt_id != "beauty/2"]
    found = one(run([*equal, *fewer]))
    # care 4, beauty (2 + 4) / 2 = 3: equal weight, and the runs stay in the interval.
    assert found.value == pytest.approx(3.5)
    assert found.method.startswith("crossed")
    assert found.details["seeds"] == 3


def estimate(**changes) -> Estimate:
    fields = {
        "value": 0.5,
        "low": 0.1,
        "high": 0.9,
        "p": 0.01,
        "n": 40,
        "unit": "prompt",
        "method": "m",
        "details": {"smallest_p": 1e-9},
    }
    return Estimate(**{**fields, **changes})


DOWN = {"value": -0.5, "low": -0.9, "high": -0.1}
VERDICTS = [
    ({}, "higher", "shown"),
    ({}, "lower", "worse"),
    (DOWN, "higher", "worse"),
    (DOWN, "lower", "shown"),
    ({"p": 0.05}, "higher", "not shown"),
    ({"p": 0.0499}, "higher", "shown"),
    ({"p": 0.2}, "higher", "not shown"),
    ({"low": -0.1}, "higher", "not shown"),
    ({"low": 0.0}, "higher", "not shown"),
    ({"p_adjusted": 0.08}, "higher", "not shown"),
    ({"p": 0.01, "p_adjusted": 0.04}, "higher", "shown"),
    ({"details": {"smallest_p": 0.0625}}, "higher", "descriptive"),
    ({"details": {"smallest_p": 0.05}}, "higher", "shown"),
    ({"details": {}}, "higher", "shown"),
    ({"low": None, "high": None}, "higher", "descriptive"),
    ({"p": None}, "higher", "descriptive"),
    ({"verdict": "not computable", "reason": "why"}, "higher", "not computable"),
    ({"value": None, "low": None, "high": None}, "higher", "not computable"),
]


@pytest.mark.parametrize(("changes", "better", "verdict"), VERDICTS)
def test_verdicts(changes: dict, better: str, verdict: str) -> None:
    assert verdict_of(estimate(**changes), better) == verdict


def test_direction_of_a_real_comparison() -> None:
    observed = paired({"care": [1, 2, 3, 2, 1, 3, 2], "beauty": [2, 2, 3, 1, 2, 3, 1]})
    assert one(run(observed, "higher")).verdict == "shown"
    assert one(run(observed, "lower")).verdict == "worse"


def test_too_few_prompts_are_descriptive() -> None:
    # The published five prompts a category: p cannot fall below 2/32.
    found = run(paired({"care": [1, 2, 3, 4, 5], "beauty": [5, 4, 3, 2, 1]}))
    assert one(found, "care").verdict == one(found, "beauty").verdict == "descriptive"
    assert one(found).verdict == "shown"  # ten prompts can


def test_categories_that_holm_keeps_from_ever_being_shown_are_descriptive() -> None:
    # Eight categories of eight prompts, every difference of one sign: p = 2/256 each, the
    # smallest that there is, and Holm makes it 8 · 2/256 = .0625. Such a design can show none.
    found = run(paired({f"c{k}": [1, 2, 3, 4, 5, 6, 7, 8] for k in range(8)}))
    by = [one(found, f"c{k}") for k in range(8)]
    assert {e.p for e in by} == {2 / 256}
    assert {e.p_adjusted for e in by} == {8 * 2 / 256}
    assert {e.verdict for e in by} == {"descriptive"}
    # With ten prompts it could: 8 · 2/1024 = .0156.
    found = run(paired({f"c{k}": [float(i + 1) for i in range(10)] for k in range(8)}))
    assert {one(found, f"c{k}").verdict for k in range(8)} == {"shown"}


def middling(difference: float, prompts: int = 40) -> Estimate:
    """Ratings of 40 prompts in the middle of the scale, all nearly so far apart."""
    noise = np.random.default_rng(9).normal(0, 0.005, prompts)
    rows = paired({"care": (difference + noise - noise.mean()).tolist()}, 3.0)
    rows = [replace(o, values=tuple(v - int(o.prompt_id[5:]) for v in o.values)) for o in rows]
    return one(
        compare(rows, measure="rating", model="m", better="higher", seed=1), measure="rating"
    )


def test_a_rare_answer_may_lie_the_whole_scale_away() -> None:
    # One prompt may be 1 in one arm and 5 in the other, so −4, wherever the means are. 40 prompts
    # of d each: p = (1 + d / 4)⁻⁴⁰, .142 at .2 and .032 at .36 (half the scale: .022 at .2).
    less, more = middling(0.2), middling(0.36)
    assert less.p < 0.001
    assert less.verdict == "not shown"
    assert "rare answers as bad as the scale allows" in less.reason
    assert more.claim == "shown in this run"
    assert middling(-0.2).verdict == "not shown"
    assert middling(-0.36).claim == "worse in this run"


def test_what_would_have_been_shown_stands_beside_a_test_that_found_nothing() -> None:
    assert "detectable" not in middling(0.2).details  # the test claimed; rare answers forbade it
    # Where it did not: a mean of .291 stands one prompt at −4 (4 (.05^(−1/40) − 1) = .311, less
    # 5 % for the draws), which the test alone does not ask for.
    nothing = middling(0.0)
    assert nothing.verdict == "not shown"
    assert nothing.details["detectable"] == pytest.approx(4 * (0.05 ** (-1 / 40) - 1), rel=0.05)


def test_no_variance_is_not_computable() -> None:
    found = one(run(paired({"care": [0.0, 0.0, 0.0]})))
    assert (found.verdict, found.value) == ("not computable", 0.0)
    assert found.reason


def test_no_common_prompt_is_not_computable() -> None:
    observed = observe({"values_targeted": {"care/1": [1.0]}, "control": {"care/2": [2.0]}})
    found = run(observed)
    assert one(found).verdict == "not computable"
    assert one(found).details["left_out"] == 2
    assert all(e.reason for e in found if e.verdict == "not computable")


def test_same_seed_same_estimates() -> None:
    rng = np.random.default_rng(1)
    observed = paired({c: rng.normal(size=15).tolist() for c in ("care", "beauty")})
    assert run(observed, seed=3) == run(observed, seed=3)
    assert one(run(observed, seed=3)).p != one(run(observed, seed=4)).p  # Monte Carlo


def test_a_true_null_is_rarely_shown_or_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    # 40 prompts in 8 categories with spreads of their own, no true difference, 400 studies.
    # At .05, 20 are expected; a binomial count lies in 8 to 35 in 99.8 % of such simulations.
    from mores.report import contrasts

    monkeypatch.setattr(contrasts, "sizes_of", lambda *_: [])  # not what is simulated
    # The package's attribute of that name is the function.
    monkeypatch.setattr(sys.modules["mores.stats.sign_flip"], "PERMUTATIONS", 2000)
    rng = np.random.default_rng(2021)
    low, high = scipy_stats.binom.ppf([0.001, 0.999], 400, 0.05)
    verdicts = []
    by_category = 0
    for _ in range(400):
        differences = {f"c{k}": rng.normal(scale=0.2 + 0.1 * k, size=5).tolist() for k in range(8)}
        found = run(paired(differences))
        verdicts.append(one(found).verdict)
        by_category += sum(
            e.verdict in ("shown", "worse") for e in found if e.category != "overall"
        )
    false = sum(v in ("shown", "worse") for v in verdicts)
    assert low <= false <= high
    assert set(verdicts) == {"shown", "worse", "not shown"}
    assert by_category == 0  # five prompts can show nothing


def arms_at(**means: float) -> list[Observed]:
    rng = np.random.default_rng(3)
    return [
        Observed(f"p{i}", "care", arm, int(arm in ("values_targeted", "control")), (float(v),))
        for i in range(40)
        for arm, v in zip(means, rng.normal(list(means.values()), 0.3), strict=True)
    ]


BASE = "values_targeted - base"


def test_hypotheses_are_tested_in_order_and_all_else_is_exploratory() -> None:
    def verdicts(observed: list[Observed], *order: str) -> dict[str, str]:
        found = compare(
            observed, measure="m", model="tiny", better="higher", seed=3, hypotheses=order
        )
        return {e.contrast: e.claim for e in found if (e.measure, e.category) == ("m", "overall")}

    better = arms_at(values_targeted=4, control=3, base=2)
    assert verdicts(better, PRIMARY, BASE) == {
        PRIMARY: "shown in this run",
        BASE: "shown in this run",
        "control - base": "exploratory",
    }
    assert verdicts(better, PRIMARY)[BASE] == "exploratory"
    assert set(verdicts(better).values()) == {"exploratory"}
    same = arms_at(values_targeted=3, control=3, base=2)
    assert verdicts(same, PRIMARY, BASE) == {
        PRIMARY: "not shown",
        BASE: "exploratory",
        "control - base": "exploratory",
    }
    found = compare(
        same, measure="m", model="tiny", better="higher", seed=3, hypotheses=(PRIMARY, BASE)
    )
    assert "not reached" in one(found, contrast=BASE).reason
    # Without a control arm the primary hypothesis is not computable, and opens nothing.
    alone = [o for o in better if o.arm != "control"]
    assert verdicts(alone, PRIMARY, BASE) == {PRIMARY: "not computable", BASE: "exploratory"}


def test_what_was_not_shown_says_what_would_have_been() -> None:
    # 40 differences with SE s: with 39 df the noncentrality for 80 % power at .05 is 2.869.
    found = one(run(arms_at(values_targeted=3, control=3)))
    assert found.verdict == "not shown"
    shift = found.details["detectable"] / found.details["se"]
    critical = scipy_stats.t.ppf(0.975, 39)
    assert scipy_stats.nct.sf(critical, 39, shift) == pytest.approx(0.8, abs=1e-6)
    assert "detectable" not in one(run(arms_at(values_targeted=4, control=3))).details


def test_a_category_claims_nothing_where_all_of_them_together_do_not() -> None:
    up, down = [1.0 + i / 10 for i in range(12)], [-1.0 - i / 10 for i in range(12)]
    found = run(paired({"care": up, "beauty": down}))
    assert one(found).verdict == "not shown"
    assert one(found, "care").p_adjusted < 0.01
    assert one(found, "care").verdict == one(found, "beauty").verdict == "exploratory"
    assert "the overall difference claims nothing" in one(found, "care").reason


def rated(rows: list[Observed], raters: str) -> list[Observed]:
    return [
        Observed(o.prompt_id, o.category, o.arm, o.seed, o.values * len(raters), tuple(raters))
        for o in rows
    ]


def test_fewer_than_three_raters_give_no_verdict() -> None:
    better = arms_at(values_targeted=4, control=3)
    for who, verdict in (("a", "descriptive"), ("ab", "descriptive"), ("abc", "shown")):
        found = one(run(rated(better, who)))
        assert found.verdict == verdict
        assert ("a verdict needs 3" in found.reason) == (verdict == "descriptive")
        assert (found.p is None) == (verdict == "descriptive")


def test_two_runs_claim_of_these_runs() -> None:
    rng = np.random.default_rng(8)
    for runs, claim in ((1, "in this run"), (2, "in these runs"), (3, "")):
        rows = [
            Observed(f"p{i}", "care", arm, s, (v + rng.normal(0, 0.2),))
            for i in range(20)
            for s in range(1, runs + 1)
            for arm, v in (("values_targeted", 2.0), ("control", 1.0))
        ]
        assert one(run(rows)).claim == f"shown {claim}".strip()
