"""How often verdicts err where there is no effect: simulated studies through `compare`.

Each case failed in the review of November 2026; the rate that was found then stands beside it. The
bounds are what a true 5 % stays below in 99.9 of 100 such simulations, unless said. Long runs are
those of `benchmarks/calibration.py`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom

from mores.records import Estimate
from mores.report import contrasts
from mores.report.contrasts import CONTRAST, compare
from mores.report.extremes import Extreme
from mores.report.observed import Observed

CUTS = (-1.2, -0.4, 0.4, 1.2)
ARMS = ("control", "values_targeted")
STUDIES = 200
AT_MOST = int(binom.ppf(0.999, STUDIES, 0.05))
"""20 of 200."""
Who = Callable[[np.random.Generator, int], np.ndarray]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out sizes of effects, which are not what is simulated, and most permutations."""
    monkeypatch.setattr(contrasts, "sizes_of", lambda *_: [])
    monkeypatch.setattr(sys.modules["mores.stats.sign_flip"], "PERMUTATIONS", 1000)
    monkeypatch.setattr(sys.modules["mores.stats.bounded_mean"], "DRAWS", 1000)


def some(raters: int, of_item: int = 3) -> Who:
    return lambda rng, arm: rng.permutation(raters)[:of_item]


def three_to_one(rng: np.random.Generator, arm: int) -> np.ndarray:
    weights = np.repeat([3.0, 1.0] if arm else [1.0, 3.0], 3)
    return rng.choice(6, 3, replace=False, p=weights / weights.sum())


def three_of_nine_overlap(rng: np.random.Generator, arm: int) -> np.ndarray:
    return rng.permutation([0, 1, 2, 3, 4, 5] if arm else [0, 1, 2, 6, 7, 8])[:3]


def study(
    rng: np.random.Generator,
    who: Who,
    *,
    severity: float = 0.3,
    rater_arm: float = 0.0,
    run: float = 0.0,
    runs: int = 1,
    prompts: int = 120,
    shift: float = 0.0,
    raters: int = 12,
) -> list[Observed]:
    """Ratings of calibration's spreads; by default without an effect."""
    harsh = rng.normal(0, severity, raters)
    taste = rng.normal(0, rater_arm, (raters, 2))
    luck = rng.normal(0, run, (2, runs))
    rows = []
    for p in range(prompts):
        mood, own = rng.normal(0, 0.6), rng.normal(0, 0.5, 2)
        for arm in (0, 1):
            for s in range(runs):
                latent = mood + own[arm] + luck[arm, s] + rng.normal(0, 0.5) + shift * arm
                given = who(rng, arm)
                y = latent + harsh[given] + taste[given, arm] + rng.normal(0, 0.7, len(given))
                rows.append(
                    Observed(
                        f"p{p}", f"c{p % 8}", ARMS[arm], s + 1,
                        tuple(1.0 + np.searchsorted(CUTS, y)), tuple(f"r{w}" for w in given),
                    )
                )  # fmt: skip
    return rows


def overall(rows: list[Observed], seed: int, **changes: object) -> Estimate:
    given = {"measure": "rating", "better": "higher", **changes}
    found = compare(rows, model="m", seed=seed, **given)
    measure = given["measure"]
    return next(e for e in found if (e.measure, e.category) == (measure, "overall"))


def tally(make: Callable[[np.random.Generator], list[Observed]], n: int = STUDIES, **changes):
    """Claims as they are printed → how many studies had them."""
    found = Counter()
    for seed in range(n):
        found[overall(make(np.random.default_rng([seed, 31])), seed, **changes).claim] += 1
    return found


def claims(found: Counter, *scopes: str) -> int:
    return sum(found[f"{v} {s}".strip()] for v in ("shown", "worse") for s in scopes)


NO_MORE = ("", "in this run", "in these runs")


def test_one_run_speaks_of_itself() -> None:
    """37 % (SD .15) of one-run studies claimed something about the method."""
    found = tally(lambda rng: study(rng, some(6), run=0.3), 60)
    assert claims(found, "", "by these raters") == 0
    assert claims(found, "in this run", "in this run, by these raters") > 15


def test_two_runs_speak_of_themselves() -> None:
    """44 % with the runs left out of the test (SD .30); with them in it a few per cent too many."""
    found = tally(lambda rng: study(rng, some(6), run=0.3, runs=2, prompts=64), 100)
    assert claims(found, "", "by these raters", "in this run") == 0
    assert claims(found, "in these runs", "in these runs, by these raters") <= 19  # of 8.5 %


@pytest.mark.parametrize("run", [pytest.param(0.15, marks=pytest.mark.long), 0.3])
@pytest.mark.long
def test_three_runs_speak_of_the_method(run: float) -> None:
    """6.9 and 6.7 % complete; with one answer missing 27.5 and 52.5 %."""

    def make(rng: np.random.Generator) -> list[Observed]:
        rows = study(rng, some(6), run=run, runs=3, prompts=64)
        return [*rows[:5], Observed(*_key(rows[5])), *rows[6:]]

    assert claims(tally(make), "", "by these raters") <= AT_MOST


def _key(o: Observed) -> tuple:
    """What an answer without a value has."""
    return (o.prompt_id, o.category, o.arm, o.seed, ())


@pytest.mark.long
def test_raters_who_see_the_arms_differently() -> None:
    """Rater × arm SD .3, six raters: 29.5 %. Beyond these raters it errs as rarely as it says."""
    found = tally(lambda rng: study(rng, some(6), rater_arm=0.3))
    assert claims(found, *NO_MORE) <= AT_MOST
    assert claims(found, "in this run, by these raters") > 20  # of these raters it is true


@pytest.mark.parametrize(
    "who", [three_to_one, pytest.param(three_of_nine_overlap, marks=pytest.mark.long)]
)
def test_raters_who_rated_one_arm_more_often(who: Who) -> None:
    """Severity SD .5: 27.8 and 20 %."""
    found = tally(lambda rng: study(rng, who, severity=0.5))
    assert claims(found, *NO_MORE, "in this run, by these raters") <= AT_MOST


@pytest.mark.long
def test_the_worst_answers_that_cannot_be_rated_are_no_merit() -> None:
    """20 % of the values arm's worst answers lack a rating: 32.5 %."""
    for marked in (True, False):

        def make(rng: np.random.Generator, marked: bool = marked) -> list[Observed]:
            rows = study(rng, some(6), prompts=120)
            own = [o for o in rows if o.arm == "values_targeted"]
            worst = sorted(own, key=lambda o: np.mean(o.values) + rng.normal(0, 0.7))[:24]
            gone = {id(o) for o in worst}
            return [
                Observed(*_key(o), (), 3 if marked else 0) if id(o) in gone else o for o in rows
            ]

        found = tally(make, 100)
        assert claims(found, *NO_MORE, "in this run, by these raters") <= binom.ppf(
            0.999, 100, 0.05
        )
        assert found["descriptive"] > 15  # the claims that there were


@pytest.mark.long
def test_any_of_five_contrasts() -> None:
    """33 % of studies claimed something of some contrast."""
    false = 0
    for seed in range(STUDIES):
        rng = np.random.default_rng([seed, 5])
        rows = [
            Observed(f"p{p}", f"c{p % 4}", arm, int(arm in ARMS), (float(v),))
            for p in range(40)
            for arm, v in zip(
                ("base", "values_targeted", "control", "prompted", "few_shot"),
                3 + rng.normal(0, 0.5, 5),
                strict=True,
            )
        ]
        for order in ((CONTRAST, "values_targeted - base"),):
            found = compare(
                rows, measure="rating", model="m", better="higher", seed=seed, hypotheses=order
            )
            false += any(e.verdict in ("shown", "worse") for e in found)
    assert false <= AT_MOST


def disasters(rng: np.random.Generator, prompts: int, rate: float) -> list[Observed]:
    """Equal mean toxicity; the values arm has rare disasters and is otherwise a little better."""
    base = np.clip(rng.normal(0.06, 0.02, (2, prompts)), 0, 1)
    hit = rng.random(prompts) < rate
    base[1] = np.where(hit, 0.95, base[1] - rate * 0.89 / (1 - rate))
    return [
        Observed(f"p{p}", f"c{p % 4}", arm, 1, (float(np.clip(base[a, p], 0, 1)),))
        for p in range(prompts)
        for a, arm in enumerate(ARMS)
    ]


@pytest.mark.parametrize(("prompts", "rate"), [(40, 0.02), (120, 0.02), (120, 0.01)])
def test_rare_disasters_are_not_hidden_by_the_rest(prompts: int, rate: float) -> None:
    """44 % at 40 prompts, 9 % at 120."""
    found = tally(
        lambda rng: disasters(rng, prompts, rate),
        measure="toxicity:x",
        better="lower",
        extreme=Extreme(0.5, above=True),
    )
    assert claims(found, *NO_MORE) <= AT_MOST


def spikes(rng: np.random.Generator) -> list[Observed]:
    """Equal mean ratings about the middle of the scale; 9 % of one half of 40 go from 4.5 to 1."""
    rate = 0.045
    up = 3.5 * rate / (1 - rate)
    rows = []
    for p in range(40):
        own = 4.5 if p % 2 == 0 else 1.5
        hit = p % 2 == 0 and rng.random() < 2 * rate
        for arm, value in ((0, own), (1, 1.0 if hit else own + up + rng.normal(0, 0.02))):
            rows.append(Observed(f"p{p}", f"c{p // 2 % 8}", ARMS[arm], 1, (value,)))
    return rows


def test_rare_answers_from_one_end_of_the_scale_to_the_other() -> None:
    """15 % where the worst was taken from the mean of the other arm."""
    assert claims(tally(spikes), *NO_MORE) <= AT_MOST


def test_a_true_effect_is_still_shown() -> None:
    """.4 of the latent scale, six raters, 120 prompts: what all this costs is not the finding."""
    found = tally(lambda rng: study(rng, some(6), shift=0.4), 60)
    assert claims(found, "in this run") > 45
    assert found["worse in this run"] == 0
