"""Simulated studies of ratings and toxicity, through the report's own `compare`.

    design = Design("8 x 15 prompts, three runs", runs=3, run_sd=0.15)
    one_study(design, seed=1)      # {"claimed": 0.0, "claimed of these": 0.0, ...}

Ratings: a latent scale with standard deviations 0.6 (prompt), 0.5 (prompt by arm), 0.5 (draw),
0.3 (rater) and 0.7 (the rest), cut into 1 to 5; three of six raters an answer. These are
assumptions, to be replaced by estimates once real ratings are in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from mores.records import Estimate
from mores.report.contrasts import CONTRAST, Observed, compare
from mores.report.extremes import Extreme
from mores.stats.assumed_spread import CUTS, LATENT

SD = LATENT
RATERS, PER_ITEM = 6, 3
ARMS = ("control", "values_targeted")
ALL_ARMS = ("control", "values_targeted", "base", "prompted", "few_shot")
CLAIMS = ("shown", "worse")


@dataclass(frozen=True)
class Design:
    """One kind of study; everything beyond prompts and draws is what may go wrong in it."""

    name: str
    per_category: int = 15
    categories: int = 8
    draws: int = 1
    runs: int = 1
    shift: float = 0.0
    """True shift of the values arm on the latent scale."""
    run_sd: float = 0.0
    """Standard deviation between training runs on the latent scale."""
    severity: float = SD["rater"]
    """Standard deviation of raters' severity."""
    rater_arm: float = 0.0
    """Standard deviation of what raters make of an arm (rater by arm)."""
    uneven: float = 1.0
    """Times as often half of the raters are given values answers than the other half."""
    drift: float = 0.0
    """Standard deviation of how much milder a rater becomes from first to last answer."""
    arms_in_turn: bool = False
    """Raters see all control answers first."""
    one_missing: bool = False
    """One values answer that nobody rated."""
    missing: float = 0.0
    """Share of answers, of both arms and at random, without a rating."""
    worst_missing: float = 0.0
    """Share of the values answers, the worst, that "cannot be rated"."""
    control_missing: float = 0.0
    """Share of the control answers, at random, that "cannot be rated"."""
    sizes: tuple[int, ...] = ()
    """Prompts of each category where they are not equal."""
    failures: float = 0.0
    """Share of the values answers that are rated 1; the rest are better, so means are equal."""
    arms: int = 2
    """Arms of the study, all alike."""

    @property
    def labels(self) -> list[str]:
        """Category of each prompt."""
        if self.sizes:
            return [f"c{k}" for k, n in enumerate(self.sizes) for _ in range(n)]
        return [f"c{p % self.categories}" for p in range(self.per_category * self.categories)]


def latent(design: Design, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return latent values, shape (arms, runs, prompts, draws, 3), and who gave each."""
    prompts = len(design.labels)
    shape = (design.arms, design.runs, prompts, design.draws, PER_ITEM)
    y = rng.normal(0, SD["prompt"], (1, 1, prompts, 1, 1)) + np.zeros(shape)
    y += rng.normal(0, SD["prompt_arm"], (design.arms, 1, prompts, 1, 1))
    y += rng.normal(0, SD["draw"], (*shape[:4], 1))
    y += rng.normal(0, SD["rest"], shape)
    y += rng.normal(0, design.run_sd, (design.arms, design.runs, 1, 1, 1))
    weight = np.zeros((design.arms, 1, 1, 1, RATERS))
    weight[1, ..., : RATERS // 2] = math.log(design.uneven)
    weight[0, ..., RATERS // 2 :] = math.log(design.uneven)
    # The three highest of log weight + Gumbel noise: a draw without replacement by weight.
    who = (weight + rng.gumbel(size=(*shape[:4], RATERS))).argsort(axis=-1)[..., -PER_ITEM:]
    y += rng.normal(0, design.severity, RATERS)[who]
    of_arm = rng.normal(0, design.rater_arm, (design.arms, RATERS))
    y += of_arm[np.arange(design.arms)[:, None, None, None, None], who]
    when = rng.uniform(-0.5, 0.5, shape)
    if design.arms_in_turn:
        when = np.abs(when) * np.array([-1.0, 1.0])[:, None, None, None, None]
    y += rng.normal(0, design.drift, RATERS)[who] * when
    y[1] += design.shift
    return y, who


def ratings(design: Design, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return ratings from 1 to 5 and who gave each, shapes as in `latent`."""
    y, who = latent(design, rng)
    if design.failures:
        y[1] += _made_good(design.failures)
        y[1][rng.random(y[1].shape[:-1]) < design.failures] = -10.0
    return 1 + np.searchsorted(np.array(CUTS), y), who


@cache
def _made_good(failures: float) -> float:
    """Shift of the other answers that makes up for failures rated 1."""
    spread = math.sqrt(sum(SD[k] ** 2 for k in ("prompt", "prompt_arm", "draw", "rater", "rest")))
    y = np.random.default_rng(3).normal(0, spread, 400_000)
    shifts = np.linspace(0.0, 1.0, 101)
    means = [1 + np.searchsorted(np.array(CUTS), y + s).mean() for s in shifts]
    return float(np.interp((means[0] - failures) / (1 - failures), means, shifts))


def observed(
    design: Design, table: np.ndarray, who: np.ndarray, rng: np.random.Generator
) -> list[Observed]:
    """The same ratings as the report gets them."""
    _, runs, prompts, draws, _ = table.shape
    absent = rng.random(table.shape[:4]) < design.missing
    if design.one_missing:
        absent[1, 0, 0, 0] = True
    cannot = np.zeros(table.shape[:4], dtype=bool)
    if design.worst_missing:
        means = table[1].mean(axis=-1) + 1e-6 * rng.random(table.shape[1:4])
        cannot[1] = means <= np.quantile(means, design.worst_missing)
    cannot[0] |= rng.random(table.shape[1:4]) < design.control_missing
    labels, rows = design.labels, []
    for a, arm in enumerate(ALL_ARMS[: design.arms]):
        for s, p, d in np.ndindex(runs if arm in ARMS else 1, prompts, draws):
            at = (a, s, p, d)
            there = not absent[at] and not cannot[at]
            rows.append(
                Observed(
                    f"p{p}",
                    labels[p],
                    arm,  # type: ignore[arg-type]
                    s + 1 if arm in ARMS else 0,
                    tuple(map(float, table[at])) if there else (),
                    tuple(f"r{r}" for r in who[at]) if there else (),
                    PER_ITEM * int(cannot[at]),
                )
            )
    return rows


@cache
def truth(design: Design) -> float:
    """The true difference in mean rating, from one very large draw."""
    if not design.shift:
        return 0.0
    parts = ("prompt", "prompt_arm", "draw", "rest")
    spread = math.sqrt(sum(SD[k] ** 2 for k in parts) + design.severity**2 + design.run_sd**2)
    y = np.random.default_rng(99).normal(0, spread, 1_000_000)
    cut = np.array(CUTS)
    return float((np.searchsorted(cut, y + design.shift) - np.searchsorted(cut, y)).mean())


def one_study(design: Design, seed: int) -> dict[str, float]:
    """Simulate one study; 1.0 for each thing that happened."""
    from scipy.stats import ttest_ind

    rng = np.random.default_rng([seed, 7])
    table, who = ratings(design, rng)
    found = compare(
        observed(design, table, who, rng),
        measure="rating",
        model="simulated",
        better="higher",
        seed=seed,
    )
    naive = ttest_ind(table[1].ravel(), table[0].ravel(), equal_var=False)
    return {
        **claims(found, "rating"),
        **held(found, truth(design)),
        "t test on ratings": float(naive.pvalue < 0.05),
    }


def held(found: Sequence[Estimate], true: float) -> dict[str, float]:
    """Whether intervals hold the truth: overall, and by category on average."""
    own = [e for e in found if e.measure == "rating" and e.contrast == CONTRAST]
    inside = {
        e.category: float(e.low <= true <= e.high)
        for e in own
        if e.low is not None and e.high is not None
    }
    overall = inside.pop("overall", None)
    result = {} if overall is None else {"interval holds": overall}
    size = next(e for e in found if e.measure == "rating/probability of superiority")
    if not true and size.low is not None and size.high is not None:
        result["superiority's holds"] = float(size.low <= 0.5 <= size.high)
    return result | ({"category's holds": float(np.mean(list(inside.values())))} if inside else {})


def claims(found: Sequence[Estimate], measure: str) -> dict[str, float]:
    """What the study claims of the primary contrast, and in any estimate at all."""
    claimed = [e for e in found if e.verdict in CLAIMS]
    main = [
        e
        for e in claimed
        if e.measure == measure and e.contrast == CONTRAST and e.category == "overall"
    ]
    return {
        "shown": float(any(e.verdict == "shown" for e in main)),
        "claimed": float(any(not e.scope for e in main)),
        "claimed of these": float(any(bool(e.scope) for e in main)),
        "any claim": float(any(not e.scope for e in claimed)),
        "any claim of these": float(bool(claimed)),
    }


def disasters(prompts: int, seed: int) -> dict[str, float]:
    """Equal mean toxicity: the values arm is milder but for 2 % of answers that are far worse."""
    rng = np.random.default_rng([seed, 17])
    control = rng.normal(0.042, 0.01, prompts)
    values = rng.normal(0.03, 0.01, prompts) + 0.6 * (rng.random(prompts) < 0.02)
    rows = [
        Observed(f"p{i}", f"c{i % 8}", arm, 1, (float(np.clip(scores[i], 0, 1)),))  # type: ignore[arg-type]
        for arm, scores in zip(ARMS, (control, values), strict=True)
        for i in range(prompts)
    ]
    found = compare(
        rows,
        measure="toxicity:simulated",
        model="simulated",
        better="lower",
        seed=seed,
        extreme=Extreme(0.5, above=True),
    )
    result = claims(found, "toxicity:simulated")
    # One run that is the only one there is: what it says of itself is a claim without an excuse.
    return {"shown, though means are equal": result["shown"]}
