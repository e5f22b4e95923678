"""Do the report's own functions err as rarely as they say? Simulated studies answer that.

    python benchmarks/calibration.py                  # 2,000 studies a design: minutes on two cores
    python benchmarks/calibration.py --runs 200       # a quick look
    python benchmarks/calibration.py --docs docs/calibration.md

Every simulated study goes through `mores.report.contrasts.compare` and the functions of
`mores.stats` that the report calls, never through copies of them. The ratings: a latent scale with
standard deviations 0.6 (prompt), 0.5 (prompt by arm), 0.5 (draw), 0.3 (rater) and 0.7 (the rest),
cut into 1 to 5; three of six raters an output. These are assumptions, to be replaced by estimates
once real ratings are in.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from calibration_page import Rate, page_text
from mores import stats
from mores.records import Estimate
from mores.report.contrasts import Observed, compare

SD = {"prompt": 0.6, "prompt_arm": 0.5, "draw": 0.5, "rater": 0.3, "rest": 0.7}
CUTS = (-1.2, -0.4, 0.4, 1.2)
RATERS, PER_ITEM = 6, 3
ARMS = ("control", "values_targeted")


@dataclass(frozen=True)
class Design:
    """One kind of study."""

    name: str
    per_category: int
    categories: int
    draws: int
    seeds: int = 1
    shift: float = 0.0
    """True shift of the values arm on the latent scale."""
    run_sd: float = 0.0
    """Standard deviation between training runs on the latent scale."""
    missing: int = 0
    """Answers of the values arm that nobody rated."""


def ratings(design: Design, rng: np.random.Generator) -> np.ndarray:
    """Draw ratings, shape (2 arms, seeds, prompts, draws, 3), values 1 to 5."""
    prompts = design.per_category * design.categories
    shape = (2, design.seeds, prompts, design.draws, PER_ITEM)
    y = rng.normal(0, SD["prompt"], (1, 1, prompts, 1, 1)) + np.zeros(shape)
    y += rng.normal(0, SD["prompt_arm"], (2, 1, prompts, 1, 1))
    y += rng.normal(0, SD["draw"], (*shape[:4], 1))
    y += rng.normal(0, SD["rest"], shape)
    if design.run_sd:
        y += rng.normal(0, design.run_sd, (2, design.seeds, 1, 1, 1))
    severity = rng.normal(0, SD["rater"], RATERS)
    items = int(np.prod(shape[:4]))
    who = np.array([rng.permutation(RATERS)[:PER_ITEM] for _ in range(items)])
    y += severity[who].reshape(shape)
    y[1] += design.shift
    return 1 + np.searchsorted(np.array(CUTS), y)


def observed(design: Design, table: np.ndarray) -> list[Observed]:
    """The same ratings as the report gets them."""
    rows = []
    _, seeds, prompts, draws, _ = table.shape
    for a, arm in enumerate(ARMS):
        for s in range(seeds):
            for p in range(prompts):
                for d in range(draws):
                    absent = arm == ARMS[1] and s == 0 and p * draws + d < design.missing
                    rows.append(
                        Observed(
                            prompt_id=f"p{p}",
                            category=f"c{p % design.categories}",
                            arm=arm,  # type: ignore[arg-type]
                            seed=s + 1,
                            values=() if absent else tuple(map(float, table[a, s, p, d])),
                        )
                    )
    return rows


def truth(design: Design) -> dict[str, float]:
    """What the estimates estimate, from one very large draw without the noise of few prompts."""
    rng = np.random.default_rng(99)
    n = 400_000
    spread = math.sqrt(sum(v * v for v in SD.values()) + design.run_sd**2)
    y = rng.normal(0, spread, (2, n))
    y[1] += design.shift
    cut = 1 + np.searchsorted(np.array(CUTS), y)
    # Within a prompt the two arms share the prompt's part: superiority is taken given it.
    own = math.sqrt(spread**2 - SD["prompt"] ** 2)
    common = rng.normal(0, SD["prompt"], n)
    a = 1 + np.searchsorted(np.array(CUTS), common + rng.normal(design.shift, own, n))
    b = 1 + np.searchsorted(np.array(CUTS), common + rng.normal(0, own, n))
    superiority = float(np.mean(a > b) + 0.5 * np.mean(a == b))
    return {
        "rating": float(cut[1].mean() - cut[0].mean()),
        "rating/probability of superiority": superiority,
        "rating/Cliff's delta": 2 * superiority - 1,
    }


def one_study(design: Design, seed: int) -> dict[str, float]:
    """Simulate one study; 1.0 for each thing that happened, and what was estimated."""
    from scipy.stats import mannwhitneyu, ttest_ind

    rng = np.random.default_rng([seed, 7])
    table = ratings(design, rng)
    found = compare(
        observed(design, table), measure="rating", model="simulated", better="higher", seed=seed
    )
    overall = _one(found, "rating", "overall")
    categories = [e for e in found if e.measure == "rating" and e.category != "overall"]
    flat = table[1].ravel(), table[0].ravel()
    result = {
        "shown": float(overall.verdict == "shown"),
        "worse": float(overall.verdict == "worse"),
        "category shown": float(any(e.verdict in ("shown", "worse") for e in categories)),
        "naive t": float(ttest_ind(*flat, equal_var=False).pvalue < 0.05),
        "naive Mann-Whitney": float(mannwhitneyu(*flat).pvalue < 0.05),
    }
    for name, value in truth_of(design).items():
        estimate = _one(found, name, "overall")
        if estimate.low is not None and estimate.high is not None:
            result[f"covered {name}"] = float(estimate.low <= value <= estimate.high)
    by = [e for e in categories if e.low is not None and e.high is not None]
    if by:
        value = truth_of(design)["rating"]
        inside = [e.low <= value <= e.high for e in by]  # type: ignore[operator]
        result["covered category"] = float(np.mean(inside))
    return result


_TRUTH: dict[Design, dict[str, float]] = {}


def truth_of(design: Design) -> dict[str, float]:
    """`truth`, once a process."""
    if design not in _TRUTH:
        _TRUTH[design] = truth(design)
    return _TRUTH[design]


def _one(found: Sequence[Estimate], measure: str, category: str) -> Estimate:
    return next(e for e in found if e.measure == measure and e.category == category)


def capability(seed: int) -> dict[str, float]:
    """One capability task at the edge of its margin: how often it is passed all the same."""
    rng = np.random.default_rng([seed, 11])
    n, discordance, margin = 1500, 0.12, 0.02
    result = {}
    for name, loss in (("at the margin", margin), ("no loss", 0.0)):
        lost, won = (discordance + loss) / 2, (discordance - loss) / 2
        kind = rng.choice(3, n, p=[lost, won, 1 - discordance])
        base = np.where(kind == 0, 1.0, np.where(kind == 1, 0.0, rng.random(n) < 0.5))
        arm = np.where(kind == 0, 0.0, np.where(kind == 1, 1.0, base))
        found = stats.non_inferiority(arm - base, margin)
        result[f"non-inferior {name}"] = float(found.verdict == "non-inferior")
        if found.low is not None:
            result[f"one-sided bound below truth {name}"] = float(found.low <= -loss)
        # McNemar's exact test: of the discordant items either half is as likely.
        test = binomtest(int((kind == 1).sum()), int((kind != 2).sum()))
        result[f"McNemar p < .05 {name}"] = float(test.pvalue < 0.05)
    return result


def others(seed: int) -> dict[str, float]:
    """Intervals of shares and of agreement."""
    rng = np.random.default_rng([seed, 13])
    result = {}
    for p in (0.05, 0.5):
        found = stats.wilson(int(rng.binomial(120, p)), 120)
        if found.low is not None and found.high is not None:
            result[f"Wilson, share {p}"] = float(found.low <= p <= found.high)
    table = _agreement_table(120, rng)
    alpha = stats.krippendorff_alpha(table, "ordinal")
    if alpha.low is not None and alpha.high is not None:
        result["alpha, 120 items"] = float(alpha.low <= _true_alpha() <= alpha.high)
    return result


def _agreement_table(items: int, rng: np.random.Generator) -> np.ndarray:
    item = rng.normal(0, 0.9, items)
    severity = rng.normal(0, SD["rater"], RATERS)
    table = np.full((RATERS, items), np.nan)
    for i in range(items):
        for r in rng.permutation(RATERS)[:PER_ITEM]:
            y = item[i] + severity[r] + rng.normal(0, SD["rest"])
            table[r, i] = 1 + np.searchsorted(np.array(CUTS), y)
    return table


_ALPHA: list[float] = []


def _true_alpha() -> float:
    """Alpha of a very large study, its raters drawn anew many times."""
    if not _ALPHA:
        rng = np.random.default_rng(5)
        values = [
            stats.krippendorff_alpha(_agreement_table(1500, rng), "ordinal", interval=False).value
            for _ in range(40)
        ]
        _ALPHA.append(float(np.mean([v for v in values if v is not None])))
    return _ALPHA[0]


NULL = (
    Design("palms-2021: 8 x 5 prompts, 3 draws", 5, 8, 3),
    Design("8 x 15 prompts, 1 draw", 15, 8, 1),
    Design("confirm: 8 x 15 prompts, 1 draw, 3 training runs (SD .15)", 15, 8, 1, 3, 0.0, 0.15),
    Design("the same, one answer missing", 15, 8, 1, 3, 0.0, 0.15, missing=1),
)
EFFECT = (
    Design("palms-2021, shift .25", 5, 8, 3, 1, 0.25),
    Design("8 x 15 prompts, 1 draw, shift .25", 15, 8, 1, 1, 0.25),
    Design("8 x 15, 1 draw, 3 training runs (SD .15), shift .4", 15, 8, 1, 3, 0.4, 0.15),
)


def rates(
    run: Callable[[int], dict[str, float]], runs: int, pool: ProcessPoolExecutor
) -> list[Rate]:
    """Run many times; average each thing over the runs in which it could be computed."""
    sums: dict[str, list[float]] = {}
    for result in pool.map(run, range(runs), chunksize=8):
        for name, value in result.items():
            sums.setdefault(name, []).append(value)
    return [Rate(name, float(np.mean(v)), len(v)) for name, v in sums.items()]


@dataclass(frozen=True)
class Study:
    """`one_study` of a design, as something that a process can be sent."""

    design: Design

    def __call__(self, seed: int) -> dict[str, float]:
        """Simulate the study with this seed."""
        return one_study(self.design, seed)


def predicted_power(design: Design) -> float:
    """What `mores plan` predicts for a design."""
    return stats.rating_power(
        design.per_category * design.categories,
        truth_of(design)["rating"],
        draws=design.draws,
        raters=PER_ITEM,
        seeds=design.seeds,
    )


def main() -> int:
    """Run everything, print it, and write the page of the docs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=2000, help="studies a design")
    parser.add_argument("--docs", type=Path, help="write this page")
    parser.add_argument("--json", type=Path, help="write the figures")
    arguments = parser.parse_args()
    start = time.perf_counter()
    found: dict[str, list[Rate]] = {}
    powers: dict[str, float] = {}
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        jobs: list[tuple[str, Callable[[int], dict[str, float]]]] = [
            *((d.name, Study(d)) for d in (*NULL, *EFFECT)),
            ("capability, 1,500 items, margin 2 points", capability),
            ("shares and agreement", others),
        ]
        for done, (name, run) in enumerate(jobs):
            found[name] = rates(run, arguments.runs, pool)
            passed = time.perf_counter() - start
            left = passed / (done + 1) * (len(jobs) - done - 1)
            print(f"{name}: {passed:.0f} s, about {left:.0f} s left", file=sys.stderr)
            for rate in found[name]:
                print(f"  {rate.what:<45} {rate.share:6.3f} ± {rate.error:.3f}  (n {rate.n})")
    for design in EFFECT:
        powers[design.name] = predicted_power(design)
    names = ([d.name for d in NULL], [d.name for d in EFFECT])
    text = page_text(found, powers, names, arguments.runs, time.perf_counter() - start)
    if arguments.docs:
        arguments.docs.write_text(text, "utf-8")
    if arguments.json:
        plain = {k: [[r.what, r.share, r.n] for r in v] for k, v in found.items()}
        arguments.json.write_text(json.dumps({"rates": plain, "power": powers}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
