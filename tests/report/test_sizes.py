"""Effect by size: the table that goes into the tests, what is not computable, families."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from mores import stats
from mores.report import sizes
from mores.report.contrasts import Observed
from mores.report.size_trends import SizeInput
from mores.report.sizes import family

CONTRAST = "values_targeted - control"
HYPOTHESES = {"rating": (CONTRAST,), "toxicity:lexical": (CONTRAST,)}
PROMPTS = [(f"p-{i}", ("care", "beauty")[i % 2]) for i in range(4)]
SMOLLM2 = ("HuggingFaceTB/SmolLM2-135M", "HuggingFaceTB/SmolLM2-360M", "HuggingFaceTB/SmolLM2-1.7B")
PARAMETERS = (134_515_008, 361_821_120, 1_711_376_384)


def size_summary(models, *, seed, hypotheses=HYPOTHESES):
    return sizes.size_summary(models, hypotheses=hypotheses, seed=seed)


def values(effect, *, seeds=(1,), measure="rating", base=3.0, arms=None, prompts=PROMPTS):
    """Control at ``base`` + prompt/10, values-targeted above it by ``effect(prompt number)``."""
    found = []
    for number, (prompt, category) in enumerate(prompts):
        level = base + number / 10
        for arm, seed, value in [
            ("base", 0, level - 0.5),
            *(("control", s, level) for s in seeds),
            *(("values_targeted", s, level + effect(number)) for s in seeds),
        ]:
            if arms is None or arm in arms:
                found.append(Observed(prompt, category, arm, seed, (value,)))
    return {measure: found}


def three(effects, **options):
    return [
        SizeInput(name, n, values(effect, **options))
        for name, n, effect in zip(SMOLLM2, PARAMETERS, effects, strict=True)
    ]


def found_in(measure, test, contrast="values_targeted - control"):
    return next(
        t.estimate for t in measure.tests if (t.test, t.estimate.contrast) == (test, contrast)
    )


RUNS = (1, 2, 3)
GROWING = (lambda i: 0.1 + i / 100, lambda i: 0.4 - i / 100, lambda i: 0.6 + i / 50)


def test_one_model_gives_nothing():
    assert size_summary(three(GROWING)[:1], seed=1) is None
    assert size_summary([], seed=1) is None


def test_the_trend_is_that_of_the_effects_by_hand():
    # Effects rise at every prompt: L is largest, so p = (1/3!)^4 exactly (Page 1963).
    summary = size_summary(three(GROWING), seed=1)
    (measure,) = summary.measures
    trend = found_in(measure, "trend")
    assert trend.value == pytest.approx(1.0)
    assert trend.p == pytest.approx((1 / 6) ** 4)
    assert trend.n == 4
    assert trend.low is None
    assert trend.reason.startswith("no interval: the same trend in every prompt; One training run")
    assert trend.verdict == "descriptive"  # without an interval nothing is shown
    slope = found_in(measure, "slope")
    table = [[0.1 + i / 100, 0.4 - i / 100, 0.6 + i / 50] for i in range(4)]
    expected = stats.size_slope(table, PARAMETERS, strata=[c for _, c in PROMPTS], rng=1)
    assert slope.value == pytest.approx(expected.value)
    assert (slope.low, slope.high) == pytest.approx((expected.low, expected.high))


def test_the_order_in_which_models_are_given_does_not_matter():
    forward, backward = three(GROWING), three(GROWING)[::-1]
    assert size_summary(forward, seed=1) == size_summary(backward, seed=1)
    assert [m.parameters for m in size_summary(backward, seed=1).models] == list(PARAMETERS)


def test_where_lower_is_better_a_growing_fall_is_a_rising_effect():
    falling = [lambda i, f=f: -f(i) / 10 for f in GROWING]
    (measure,) = size_summary(three(falling, measure="toxicity:lexical", base=0.3), seed=1).measures
    assert measure.better == "lower"
    assert found_in(measure, "trend").value == pytest.approx(1.0)
    assert found_in(measure, "slope").value < 0  # in the measure's own units


def mixed(number, size):
    """Effects of 3 sizes that rise at all but some prompts, so that intervals exist."""
    orders = ((0, 1, 2), (0, 1, 2), (0, 2, 1), (0, 1, 2))
    return orders[number][size] / 5


def test_verdicts_belong_to_the_primary_contrast_of_one_family():
    many = [(f"p-{i}", ("care", "beauty")[i // 2 % 2]) for i in range(400)]
    effects = [lambda i, s=s: mixed(i % 4, s) for s in range(3)]
    same = [lambda i, s=s: ((i + s) % 3) / 5 for s in range(3)]
    models = three(effects, prompts=many, seeds=RUNS)
    others = [
        SizeInput(f"{n}-1B", m.parameters, m.observed) for n, m in zip("abc", models, strict=True)
    ]
    (rises,) = size_summary(models, seed=1).measures
    (falls,) = size_summary(three(effects[::-1], prompts=many, seeds=RUNS), seed=1).measures
    (flat,) = size_summary(three(same, prompts=many, seeds=RUNS), seed=1).measures
    (across,) = size_summary(others, seed=1).measures
    for test in ("trend", "slope"):
        assert found_in(rises, test).verdict == "shown"
        assert found_in(falls, test).verdict == "worse"
        assert found_in(flat, test).verdict == "not shown"
        assert found_in(across, test).verdict == "descriptive"
        assert found_in(rises, test, "values_targeted - base").verdict == "descriptive"
        assert found_in(across, test).p == found_in(rises, test).p
    # With one run or two a size, the same figures have no verdict and say why.
    for runs, why in (((1,), "One training run a size"), ((1, 2), "2 training runs a size")):
        models = three(effects, prompts=many, seeds=runs)
        summary = size_summary(models, seed=1)
        for test in ("trend", "slope"):
            found = found_in(summary.measures[0], test)
            assert found.value == pytest.approx(found_in(rises, test).value)
            assert found.verdict == "descriptive"
            assert why in found.reason
        assert any(why in line for line in summary.caveats)


# What a trend must stand besides its test -----------------------------------------------------


def rated(who, effects, *, prompts=200, seed=1, rater_arm=0.0):
    """Three sizes rated 1 to 5 by ``who[size]``; raters differ in what they make of the arm."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 0.6, prompts)
    models = []
    for name, parameters, raters, effect in zip(SMOLLM2, PARAMETERS, who, effects, strict=True):
        rows = []
        of_arm = rng.normal(0, rater_arm, len(raters))
        for arm in ("control", "values_targeted"):
            own = common + rng.normal(0, 0.3, prompts)
            for run in RUNS:
                y = own[:, None] + rng.normal(0, 0.5, (prompts, len(raters)))
                y += (effect + of_arm) * (arm == "values_targeted")
                given = np.clip(np.round(3 + y), 1, 5)
                rows += [
                    Observed(f"p{i}", f"c{i % 4}", arm, run, tuple(map(float, v)), tuple(raters))
                    for i, v in enumerate(given)
                ]
        models.append(SizeInput(name, parameters, {"rating": rows}))
    return models


FIVE = ("r1", "r2", "r3", "r4", "r5")
RISES = (0.0, 0.4, 1.0)


def both(models, **options):
    (measure,) = size_summary(models, seed=1, **options).measures
    return [found_in(measure, test) for test in ("trend", "slope")]


def test_the_same_raters_everywhere_have_a_verdict():
    for found in both(rated([FIVE] * 3, RISES)):
        assert (found.claim, found.reason) == ("shown", "")


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ([("r1",)] * 3, "only 1 of 1 raters rated both arms: a verdict needs 3"),
        ([("r1", "r2")] * 3, "only 2 of 2 raters rated both arms: a verdict needs 3"),
        ([FIVE, FIVE, (*FIVE[:4], "r6")], "the sizes were not rated by the same people"),
        ([[f"s{s}r{r}" for r in range(5)] for s in range(3)], "not rated by the same people"),
    ],
)
def test_raters_of_their_own_leave_no_verdict_on_sizes(who, said):
    for found in both(rated(who, RISES)):
        assert found.verdict == "descriptive"
        assert said in found.reason


def test_a_slope_that_hangs_on_these_raters_says_so():
    """Five raters who differ by a point in what they make of an arm, at each size anew."""
    claims = [
        f for seed in range(12) for f in both(rated([FIVE] * 3, (0, 0, 0), seed=seed, rater_arm=1))
    ]
    claimed = [f for f in claims if f.verdict in ("shown", "worse")]
    assert len(claimed) >= 6  # of these raters it is true
    held = [f for f in claimed if f.scope != "by these raters"]
    assert len(held) <= 2
    assert all("the slope's interval holds zero" in f.reason for f in claimed if f not in held)


def test_only_hypotheses_have_a_verdict_on_sizes():
    for hypotheses in ({}, {"rating": ("values_targeted - base",)}, {"toxicity:a": (CONTRAST,)}):
        for found in both(rated([FIVE] * 3, RISES), hypotheses=hypotheses):
            assert (found.verdict, found.scope) == ("exploratory", "")
            assert found.reason.startswith("no hypothesis of this study")


def without_the_worst(model, share):
    """The worst values answers "cannot be rated"."""
    rows = model.observed["rating"]
    means = [np.mean(o.values) for o in rows if o.arm == "values_targeted"]
    least = np.quantile(means, share)
    cut = [
        Observed(o.prompt_id, o.category, o.arm, o.seed, (), (), len(o.values))
        if o.arm == "values_targeted" and np.mean(o.values) <= least
        else o
        for o in rows
    ]
    return SizeInput(model.name, model.parameters, {"rating": cut})


def test_a_trend_that_missing_answers_could_make_up_for_has_no_verdict():
    same = rated([FIVE] * 3, (0.4, 0.4, 0.4), prompts=800)
    assert [f.verdict for f in both(same)] == ["not shown"] * 2
    for found in both([*same[:2], without_the_worst(same[2], 0.25)]):
        assert found.verdict == "descriptive"
        assert "with what the sizes lack scored against it, it would be" in found.reason
    # One answer of 200 under each run does not turn a clear rise.
    models = rated([FIVE] * 3, RISES)
    rows = models[2].observed["rating"]
    one = [o if o.prompt_id != "p7" else
           Observed(o.prompt_id, o.category, o.arm, o.seed, ()) for o in rows]  # fmt: skip
    models[2] = SizeInput(models[2].name, models[2].parameters, {"rating": one})
    assert [f.verdict for f in both(models)] == ["shown"] * 2


def test_a_slope_that_one_rare_answer_could_make_up_for_is_not_shown():
    trend, slope = both(rated([FIVE] * 3, (0.0, 0.1, 0.2), prompts=40))
    assert slope.low > 0
    assert slope.verdict == "not shown"
    assert "rare answers as bad as the scale allows" in slope.reason
    assert trend.verdict in ("shown", "not shown")


def test_means_are_over_prompts_with_equal_categories_within_the_scale():
    (measure,) = size_summary(three([lambda i: 0.0] * 3, base=1.0), seed=1).measures
    mean = next(e for e in measure.means if e.details["arm"] == "control")
    # care: 1.0 and 1.2, beauty: 1.1 and 1.3; mean 1.15; each variance 0.02, so the standard
    # error is sqrt(0.01 + 0.01)/2 with 2 degrees of freedom, t = 4.302653
    assert mean.value == pytest.approx(1.15)
    half = 4.302652729 * math.sqrt(0.02) / 2
    assert (mean.low, mean.high) == pytest.approx((1.0, 1.15 + half))  # 1 is the lowest rating
    assert (mean.p, mean.verdict, mean.n) == (None, "descriptive", 4)
    assert mean.details == {"model": SMOLLM2[0], "arm": "control", "parameters": PARAMETERS[0]}


def test_two_sizes_have_a_slope_and_no_trend():
    summary = size_summary(three(GROWING)[:2], seed=1)
    (measure,) = summary.measures
    trend, slope = found_in(measure, "trend"), found_in(measure, "slope")
    assert (trend.value, trend.p, trend.verdict) == (None, None, "not computable")
    assert trend.reason == "2 sizes: a trend needs at least 3"
    # slope by hand: mean of (d2 - d1) over log10 of the ratio of sizes
    rise = sum(0.3 - 2 * i / 100 for i in range(4)) / 4
    assert slope.value == pytest.approx(rise / math.log10(PARAMETERS[1] / PARAMETERS[0]))
    assert slope.verdict == "descriptive"
    assert "two sizes" in slope.reason
    assert any("no trend can be tested" in line for line in summary.caveats)


def test_unknown_and_equal_sizes_are_said():
    models = three(GROWING)
    unknown = [SizeInput(models[0].name, 0, models[0].observed), *models[1:]]
    (measure,) = size_summary(unknown, seed=1).measures
    for test in ("trend", "slope"):
        found = found_in(measure, test)
        assert found.verdict == "not computable"
        assert "number of parameters not known: HuggingFaceTB/SmolLM2-135M" in found.reason
    same = [SizeInput(models[0].name, PARAMETERS[1], models[0].observed), *models[1:]]
    (measure,) = size_summary(same, seed=1).measures
    assert found_in(measure, "trend").reason == "two models have the same number of parameters"
    assert found_in(measure, "slope").value is not None


def test_a_prompt_without_a_value_at_one_size_is_left_out_and_counted():
    models = three(GROWING)
    rows = models[1].observed["rating"]
    cut = [o if (o.prompt_id, o.arm) != ("p-2", "control") else
           Observed(o.prompt_id, o.category, o.arm, o.seed, ()) for o in rows]  # fmt: skip
    models[1] = SizeInput(models[1].name, models[1].parameters, {"rating": cut})
    (measure,) = size_summary(models, seed=1).measures
    assert measure.left_out == 1
    assert found_in(measure, "trend").n == 3
    assert found_in(measure, "trend").details["left_out"] == 1


def test_a_model_without_the_measure_leaves_nothing_to_test_but_says_so():
    models = three(GROWING)
    models[2] = SizeInput(models[2].name, models[2].parameters, {})
    (measure,) = size_summary(models, seed=1).measures
    for test in ("trend", "slope"):
        found = found_in(measure, test)
        assert (found.verdict, found.n) == ("not computable", 0)
        assert found.reason == "no prompt has values at every size"
    assert {e.details["model"] for e in measure.means} == set(SMOLLM2[:2])


def test_arms_that_are_missing_have_no_contrast():
    (measure,) = size_summary(three(GROWING, arms={"base"}), seed=1).measures
    assert measure.tests == ()
    assert [e.details["arm"] for e in measure.means] == ["base"] * 3


def test_few_training_runs_are_said():
    for seeds, said in (((1,), "One training run a size"), ((1, 2), "2 training runs a size")):
        found = size_summary(three(GROWING, seeds=seeds), seed=1)
        assert any(line.startswith(said) for line in found.caveats)
        assert found.caveats[0].startswith("The tests are over prompts.")
    enough = size_summary(three(GROWING, seeds=RUNS), seed=1)
    assert len(enough.caveats) == 1
    assert enough.caveats[0].startswith("The tests are over prompts and training runs.")


def test_runs_are_paired_with_their_own_and_only_common_ones_count():
    models = three(GROWING, seeds=RUNS)
    cut = [o for o in models[1].observed["rating"] if o.seed != 3]
    models[1] = SizeInput(models[1].name, models[1].parameters, {"rating": cut})
    (measure,) = size_summary(models, seed=1).measures
    assert "2 training runs a size" in found_in(measure, "slope").reason
    assert found_in(measure, "slope").n == 4


def drawn(rng, run_sd, runs=3, prompts=24):
    """Three sizes with the same effect of .4, whose training runs differ."""
    models = []
    common = rng.normal(0, 0.6, prompts)
    for name, parameters in zip(SMOLLM2, PARAMETERS, strict=True):
        rows = []
        for arm, effect in (("control", 0.0), ("values_targeted", 0.4)):
            own = common + rng.normal(0, 0.5, prompts)
            for run in range(1, runs + 1):
                shift = effect + rng.normal(0, run_sd)
                values = 3 + own + shift + rng.normal(0, 0.6, prompts)
                rows += [
                    Observed(f"p{i}", f"c{i % 2}", arm, run, (float(v),))
                    for i, v in enumerate(values)
                ]
        models.append(SizeInput(name, parameters, {"rating": rows}))
    return models


def test_no_trend_is_claimed_where_only_runs_differ():
    rng = np.random.default_rng(11)
    studies, claims, naive = 150, {"trend": 0, "slope": 0}, 0
    for _ in range(studies):
        models = drawn(rng, 0.3)
        (measure,) = size_summary(models, seed=1).measures
        for test in claims:
            claims[test] += found_in(measure, test).verdict in ("shown", "worse")
        one = [SizeInput(m.name, m.parameters, {"rating": [o for o in m.observed["rating"]
               if o.seed == 1]}) for m in models]  # fmt: skip
        found = found_in(size_summary(one, seed=1).measures[0], "slope")
        assert found.verdict == "descriptive"
        naive += found.p < 0.05
    # A rate of 6 % gives more than this once in a thousand times.
    assert max(claims.values()) <= binom.ppf(0.999, studies, 0.06)
    assert naive > 0.2 * studies  # one run, 24 prompts: p below .05 in a third


def test_all_effects_equal_is_not_computable():
    # 2.3 + 0.1 - 2.3 and 1.1 + 0.1 - 1.1 differ in the last bit, which must not be ranked.
    models = [
        SizeInput(name, n, values(lambda i: 0.1, base=base))
        for name, n, base in zip(SMOLLM2, PARAMETERS, (1.1, 2.3, 3.7), strict=True)
    ]
    (measure,) = size_summary(models, seed=1).measures
    trend = found_in(measure, "trend")
    assert (trend.verdict, trend.p) == ("not computable", None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("HuggingFaceTB/SmolLM2-135M", "smollm2"),
        ("HuggingFaceTB/SmolLM2-1.7B", "smollm2"),
        ("HuggingFaceTB/SmolLM2-360M-Instruct", "smollm2 instruct"),
        ("smollm2-135m", "smollm2 instruct"),  # what the bundled model is
        ("gemma3-270m", "gemma3"),
        ("google/gemma-3-270m-it", "gemma-3 it"),
        ("models/Qwen2.5-0.5B-Q8_0.gguf", "qwen2.5"),
        ("EleutherAI/pythia-70m-deduped", "pythia"),
        ("/models/small", "small"),
        ("135M", "135m"),
    ],
)
def test_a_family_is_what_the_name_tells(name, expected):
    assert family(name) == expected


def test_models_across_families_are_labelled():
    models = three(GROWING)
    other = SizeInput("gemma3-270m", 268_098_176, models[1].observed)
    summary = size_summary([models[0], other], seed=1)
    assert summary.across
    assert summary.caveats[0].startswith("Across families:")
    assert "gemma3-270m (gemma3)" in summary.caveats[0]
    assert not size_summary(models, seed=1).across
