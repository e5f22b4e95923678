import numpy as np
import pytest

from mores.errors import MeasureError
from mores.stats import crossed_effect
from mores.stats.distributions import t_quantile


def test_by_hand():
    # Rows 1 2 | 3 6 | 5 10: row means 1.5 4.5 7.5, column means 3 6, mean 4.5.
    # V_prompt = var(1.5 4.5 7.5) / 3 = 9 / 3 = 3; V_seed = var(3 6) / 2 = 4.5 / 2 = 2.25.
    # Residuals y − row − column + mean: 1, −1 | 0, 0 | −1, 1 → SS 4, MS = 4 / 2 = 2;
    # V_resid = 2 / 6 = 1/3. V = 3 + 2.25 − 1/3 = 59/12.
    # df where V_seed is larger by its standard error, √(2/1) of itself: with S = 2.25 (1 + √2)
    # it is (3 + S − 1/3)² / (9/2 + S²/1 + (1/9)/2).
    found = crossed_effect([[1, 2], [3, 6], [5, 10]])
    assert found.value == 4.5
    assert found.details["v_prompt"] == pytest.approx(3)
    assert found.details["v_seed"] == pytest.approx(2.25)
    assert found.details["v_resid"] == pytest.approx(1 / 3)
    most = 2.25 * (1 + 2**0.5)
    df = (3 + most - 1 / 3) ** 2 / (4.5 + most**2 + 1 / 18)
    assert found.details["df"] == pytest.approx(df)
    half = t_quantile(0.975, df) * (59 / 12) ** 0.5
    assert (found.low, found.high) == pytest.approx((4.5 - half, 4.5 + half))
    # σ²_seed = (MS_seed − MS_resid) / P = (13.5 − 2) / 3.
    assert found.details["sd_seed"] == pytest.approx((11.5 / 3) ** 0.5)
    assert found.details["sd_prompt"] == pytest.approx(((18 - 2) / 2) ** 0.5)
    assert (found.reason, found.n, found.details["seeds"]) == ("", 3, 2)


def test_components_agree_with_anova():
    import pandas as pd
    import statsmodels.api as sm
    from statsmodels.formula.api import ols

    table = np.random.default_rng(8).normal(size=(7, 4)) + np.arange(7)[:, None] + np.arange(4)
    rows = [{"p": i, "s": j, "y": table[i, j]} for i in range(7) for j in range(4)]
    anova = sm.stats.anova_lm(ols("y ~ C(p) + C(s)", pd.DataFrame(rows)).fit())
    squares = anova["mean_sq"] / 28
    found = crossed_effect(table).details
    assert found["v_prompt"] == pytest.approx(squares["C(p)"])
    assert found["v_seed"] == pytest.approx(squares["C(s)"])
    assert found["v_resid"] == pytest.approx(squares["Residual"])
    assert found["se"] ** 2 == pytest.approx(
        squares["C(p)"] + squares["C(s)"] - squares["Residual"]
    )


def test_falls_back_and_says_so_when_a_component_is_negative():
    # Column means 2 and 2: V_seed = 0 < V_resid. Rows 1 1.5 2.5 3 → V_prompt = (5/6) / 4.
    found = crossed_effect([[0, 2], [2, 1], [3, 2], [3, 3]])
    assert "seed variance estimated negative, taken as zero" in found.method
    assert found.reason == "seed variance estimated negative, taken as zero"
    assert found.details["se"] ** 2 == pytest.approx((5 / 6) / 4)
    assert found.details["sd_seed"] == 0


def test_total_variance_is_never_negative():
    # Only the interaction varies: both components negative, V falls back to V_resid = 4/4 / 4.
    found = crossed_effect([[0, 1], [1, 0]])
    assert "prompt and seed variance estimated negative" in found.reason
    assert found.details["se"] ** 2 == pytest.approx(0.25)
    assert found.low < found.value < found.high
    assert found.details["df"] >= 1


@pytest.mark.parametrize(
    ("table", "value", "reason"),
    [
        ([[1], [2], [3]], 2.0, "one seed"),
        ([[1, 2, 3]], 2.0, "one prompt"),
        ([[], []], None, "no differences"),
        ([[2, 2], [2, 2]], 2.0, "no variance"),
    ],
)
def test_degenerate(table, value, reason):
    found = crossed_effect(table)
    assert (found.verdict, found.value, found.low, found.p) == ("not computable", value, None, None)
    assert reason in found.reason


def test_a_flat_list_is_refused():
    with pytest.raises(MeasureError, match="2 axes"):
        crossed_effect([1, 2, 3])


def test_false_positives_with_run_to_run_variation():
    # statistics.md: .03 to .07 for crossed errors; prompts alone reject far too often.
    rng = np.random.default_rng(12)
    crossed = prompts_only = 0
    runs = 400
    for _ in range(runs):
        table = (
            rng.normal(0, 0.7, (30, 1)) + rng.normal(0, 0.3, (1, 5)) + rng.normal(0, 0.5, (30, 5))
        )
        found = crossed_effect(table)
        crossed += found.p < 0.05
        prompts_only += abs(found.value) > t_quantile(0.975, 29) * found.details["v_prompt"] ** 0.5
    assert 0.01 < crossed / runs < 0.09
    assert prompts_only / runs > 0.12


@pytest.mark.parametrize(("seeds", "sd"), [(3, 0.0), (3, 0.22), (3, 0.45), (5, 0.22), (5, 0.45)])
def test_few_runs_do_not_claim_more_often_than_they_say(seeds, sd):
    """120 prompts in 8 categories, ratings' spread; SD .22 (.45) is .15 (.30) of an arm's scale.

    With Satterthwaite's own df 7.4 % at three runs. 2,000 studies: a true 6 % shows at most 7.7 %
    in 99.9 of 100 cases, and 7.4 % is found above 6.6 % in 9 of 10.
    """
    rng = np.random.default_rng([seeds, 3])
    strata = [f"c{i % 8}" for i in range(120)]
    false = 0
    for _ in range(2000):
        table = rng.normal(0, 0.74, (120, 1)) + rng.normal(0, 1.0, (120, seeds))
        found = crossed_effect(table + rng.normal(0, sd, (1, seeds)), strata=strata)
        false += found.p < 0.05
    assert false / 2000 <= 0.066


def test_degrees_of_freedom_have_a_floor():
    # Rows .5 .6, columns .5 .6: V_prompt = V_seed = .0025; residuals ±.45: V_resid = .81 / 4.
    # Satterthwaite alone: .0025² / (2 · .0025² + .2025²) = .00015, an absurd quantile.
    found = crossed_effect([[0.0, 1.0], [1.0, 0.2]])
    assert found.details["v_resid"] == pytest.approx(0.2025)
    assert found.details["v_prompt"] == pytest.approx(0.0025)
    assert found.details["df"] == 1


def test_equal_strata_change_nothing() -> None:
    table = [[1, 2], [2, 5], [4, 5], [0, 1]]
    plain, strata = crossed_effect(table), crossed_effect(table, strata=["a", "b", "a", "b"])
    for name in ("value", "low", "high", "p"):
        assert getattr(strata, name) == pytest.approx(getattr(plain, name), rel=1e-12)
    assert strata.details == pytest.approx(plain.details, rel=1e-12)


def test_unequal_strata_by_hand() -> None:
    """Prompts 1 and 2 of one category (weight 1/4 each), prompt 3 of another (1/2); two seeds."""
    result = crossed_effect([[1, 2], [2, 5], [4, 5]], strata=["a", "a", "b"])
    # Rows 1.5, 3.5, 4.5; mean (1.5 + 3.5) / 4 + 4.5 / 2 = 3.5. Columns 2.75 and 4.25.
    assert result.value == pytest.approx(3.5)
    # Σ w² = 3/8, h = 7/8, 7/8, 3/8: V_prompt = 4 / 16 / (7/8) + 0 + 1 / 4 / (3/8) = 20/21.
    prompt = 20 / 21
    assert result.details["v_prompt"] == pytest.approx(prompt)
    # V_seed = var(2.75, 4.25) / 2 = 1.125 / 2.
    assert result.details["v_seed"] == pytest.approx(0.5625)
    # Rests .25 -.25, -.75 .75, .25 -.25: squares .125, 1.125, .125 by row;
    # V_resid = (1/14 (.125 + 1.125) + 2/3 .125) / 2 = 29/336.
    rest = 29 / 336
    assert result.details["v_resid"] == pytest.approx(rest)
    assert result.details["se"] ** 2 == pytest.approx(prompt + 0.5625 - rest)
    # The df of V_prompt from the matrix itself, not from the closed form.
    weights = np.array([0.25, 0.25, 0.5])
    centre = np.eye(3) - weights
    form = centre.T @ np.diag([1 / 14, 1 / 14, 2 / 3]) @ centre
    own = np.trace(form) ** 2 / np.trace(form @ form)
    assert 1 < own < 2
    most = 0.5625 * (1 + 2**0.5)
    df = (prompt + most - rest) ** 2 / (prompt**2 / own + most**2 / 1 + rest**2 / own)
    assert result.details["df"] == pytest.approx(df)


@pytest.mark.parametrize("sizes", [(30, 1), (30, 2), (60, 5), (30, 30, 3), (15,) * 7 + (2,)])
def test_few_prompts_of_one_category_do_not_claim_more_often_than_they_say(sizes) -> None:
    """Three runs: with weighted sums and P − 1 df 15, 12, 8, 7 and 4 % were false.

    600 studies: a true 5 % shows at most 7.3 % in 99 of 100 cases.
    """
    rng = np.random.default_rng(9)
    strata = [str(k) for k, n in enumerate(sizes) for _ in range(n)]
    false = 0
    for _ in range(600):
        table = rng.normal(0, 1, (len(strata), 1)) + rng.normal(0, 0.5, (len(strata), 3))
        false += crossed_effect(table, strata=strata).p < 0.05
    assert false / 600 <= 0.073


def test_a_category_of_one_prompt_keeps_its_interval_and_is_wide() -> None:
    rng = np.random.default_rng(2)
    table = rng.normal(0, 1, (31, 1)) + rng.normal(0, 0.1, (31, 3))
    equal = crossed_effect(table)
    one = crossed_effect(table, strata=["a"] * 30 + ["b"])
    assert one.low is not None
    assert one.high - one.low > 5 * (equal.high - equal.low)


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(MeasureError, match="expected 2 labels of strata, found 1"):
        crossed_effect([[1, 2], [3, 4]], strata=["a"])


def test_one_answer_missing_changes_the_interval_little() -> None:
    """Three runs that differ: without one of 120 prompts the interval is nearly the same."""
    rng = np.random.default_rng(5)
    table = rng.normal(0, 1, (120, 3)) + rng.normal(0, 1, (1, 3))
    names = [f"c{i % 8}" for i in range(120)]
    whole = crossed_effect(table, strata=names)
    most = crossed_effect(table[1:], strata=names[1:])
    assert most.high - most.low == pytest.approx(whole.high - whole.low, rel=0.02)
