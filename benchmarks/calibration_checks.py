"""Simulated sizes, capability, gates, judges and agreement, through the functions the report calls.

sizes(runs=3, run_sd=0.15, seed=1)      # {"a trend is claimed": 0.0, "a slope is claimed": 0.0}
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from calibration_more import SIZES, size_claims
from calibration_studies import ARMS, PER_ITEM, RATERS, SD
from mores import stats
from mores.measure.capability.item import TaskItem
from mores.measure.gates.paired import Outcome, pair
from mores.measure.gates.verdict import Subject, judged
from mores.records import Completion, Rating
from mores.report.contrasts import CONTRAST, Observed
from mores.report.integrity import task_results
from mores.report.judge_about import JudgesNow
from mores.report.judges import judge_summaries
from mores.report.size_trends import SizeInput
from mores.report.sizes import size_summary
from mores.stats.assumed_spread import CUTS


def sizes(runs: int, run_sd: float, seed: int) -> dict[str, float]:
    """Three sizes with the same effect, 8 x 15 prompts: is it said to grow?"""
    rng = np.random.default_rng([seed, 19])
    prompts = 120
    common = rng.normal(0, SD["prompt"], prompts)
    models = []
    for name, parameters in SIZES:
        rows = []
        for arm, effect in zip(ARMS, (0.0, 0.4), strict=True):
            own = common + rng.normal(0, SD["prompt_arm"], prompts)
            for run in range(1, runs + 1):
                y = own + effect + rng.normal(0, run_sd) + rng.normal(0, 0.66, prompts)
                rows += [
                    Observed(f"p{i}", f"c{i % 8}", arm, run, (3.0 + v,))  # type: ignore[arg-type]
                    for i, v in enumerate(y.tolist())
                ]
        models.append(SizeInput(name, parameters, {"rating": rows}))
    summary = size_summary(models, hypotheses={"rating": (CONTRAST,)}, seed=seed)
    assert summary is not None
    primary = summary.measures[0].tests[:2]
    result = size_claims(primary)
    for t in primary:
        p = t.estimate.details.get("p_two_sided") if t.test == "trend" else t.estimate.p
        result[f"{t.test}: p < .05 (no verdict with one run)"] = float(p is not None and p < 0.05)
    return result


def _lost(
    rng: np.random.Generator, n: int, loss: float, changed: float, run_sd: float, runs: int
) -> Iterator[np.ndarray]:
    """Differences of n items under each run, −1, 0 or 1; items are alike in half of the cases."""
    item = rng.random(n)
    for _ in range(runs):
        own = loss + rng.normal(0, run_sd)
        lost = np.clip((changed + own) / 2, 0, 1)
        won = np.clip((changed - own) / 2, 0, 1 - lost)
        u = np.where(rng.random(n) < 0.5, item, rng.random(n))
        yield np.where(u < lost, -1.0, np.where(u < lost + won, 1.0, 0.0))


def capability(runs: int, run_sd: float, loss: float, seed: int) -> dict[str, float]:
    """A task of 2,000 items with a margin of 2 points, through `task_results`."""
    rng = np.random.default_rng([seed, 11])
    n, margin = 2000, 0.02
    items = []
    for run, change in enumerate(_lost(rng, n, loss, 0.12, run_sd, runs), 1):
        # Base has half a point everywhere, so that an item can be lost in one run and won in
        # another; what counts is the difference.
        items += [_item(i, "values_targeted", run, 0.5 + x) for i, x in enumerate(change.tolist())]
    items += [_item(i, "base", 0, 0.5) for i in range(n)]
    facts = {"task": {"metric": "accuracy", "chance": 0.25, "items": n}}
    _, (found,) = task_results(items, facts, {"task": margin})
    true = -loss
    return {
        "non-inferior": float(found.verdict == "non-inferior"),
        "one-sided bound below the truth": float(found.low is not None and found.low <= true),
        "a loss is shown (two-sided interval below zero)": float(
            (found.details["two_sided_high"] or 0.0) < 0
        ),
    }


def _item(number: int, arm: str, seed: int, value: float) -> TaskItem:
    return TaskItem(
        task="task",
        item_id=f"i{number}",
        model="m",
        arm=arm,  # type: ignore[arg-type]
        seed=seed,
        value=value,
    )


def gate(runs: int, run_sd: float, seed: int) -> dict[str, float]:
    """A gate of 200 prompts whose harm is its margin of 10 points, through `pair` and `judged`."""
    rng = np.random.default_rng([seed, 23])
    n, margin = 200, 0.10
    outcomes = [Outcome(f"p{i}", "base", 0, 0.5, f"b{i}") for i in range(n)]
    for run, table in enumerate(_lost(rng, n, margin, 0.2, run_sd, runs), 1):
        outcomes += [
            Outcome(f"p{i}", "values_targeted", run, 0.5 - x, f"v{i}.{run}")
            for i, x in enumerate(table.tolist())
        ]
    subject = Subject("over-refusal", "m", "values_targeted", "base")
    pairs = pair(outcomes, "values_targeted", "base")
    found = judged(subject, pairs, margin=margin, most_unscorable=0.2)
    return {"pass": float(found.verdict == "pass")}


def judges(runs: int, run_sd: float, seed: int) -> dict[str, float]:
    """People rate 40 of 120 prompts, a judge all; no difference between arms."""
    rng = np.random.default_rng([seed, 29])
    completions, people, said = [], [], []
    common = rng.normal(0, SD["prompt"], 120)
    for arm in ARMS:
        own = common + rng.normal(0, SD["prompt_arm"], 120)
        for run in range(1, runs + 1):
            y = own + rng.normal(0, run_sd) + rng.normal(0, SD["draw"], 120)
            for p, value in enumerate(y):
                name = f"{arm}.{run}.p{p}"
                completions.append(_completion(name, arm, run, p))
                if p < 40:
                    given = value + rng.normal(0, SD["rest"], PER_ITEM)
                    people += [
                        Rating(completion_id=name, rater=f"r{i}", value=_cut(v))
                        for i, v in enumerate(given)
                    ]
                judged_value = _cut(0.8 * value + rng.normal(0, 0.5))
                said.append(Rating(completion_id=name, rater="j", value=judged_value, kind="judge"))
    (found,) = judge_summaries([("m", completions)], people, JudgesNow({"j": said}), seed)
    e = found.powered
    assert e.low is not None
    assert e.high is not None
    assert e.p is not None
    inside = float(e.low <= 0.0 <= e.high)
    of_method = {} if e.scope else {"p < .05": float(e.p < 0.05), "interval holds": inside}
    return of_method or {f"p < .05, {e.scope}": float(e.p < 0.05)}


def _cut(value: float) -> int:
    return int(1 + np.searchsorted(np.array(CUTS), value))


def _completion(name: str, arm: str, run: int, prompt: int) -> Completion:
    return Completion(
        id=name,
        prompt_id=f"p{prompt}",
        category="c",
        model="m",
        arm=arm,  # type: ignore[arg-type]
        seed=run,
        draw=0,
        text="x",
        finish_reason="stop",
        prompt_tokens=1,
        tokens=1,
    )


def shares(seed: int) -> dict[str, float]:
    """Wilson's interval of a share of 120."""
    rng = np.random.default_rng([seed, 13])
    result = {}
    for p in (0.05, 0.5):
        found = stats.wilson(int(rng.binomial(120, p)), 120)
        if found.low is not None and found.high is not None:
            result[f"Wilson, share {p}"] = float(found.low <= p <= found.high)
    return result


def agreement(prompts: int, answers: int, seed: int) -> dict[str, float]:
    """Alpha's interval: the truth is that of these raters on very many prompts, or of new ones."""
    rng = np.random.default_rng([seed, 31])
    severity = rng.normal(0, SD["rater"], RATERS)
    far, _ = _agreement_table(1500, 1, severity, rng)
    true = stats.krippendorff_alpha(far, interval=False).value
    table, of = _agreement_table(prompts, answers, severity, rng)
    found = stats.krippendorff_alpha(table, clusters=of, unit="prompt")
    if found.low is None or found.high is None or true is None:
        return {}
    return {
        "these raters": float(found.low <= true <= found.high),
        "new raters": float(found.low <= _alpha_of_all() <= found.high),
    }


def _agreement_table(
    prompts: int, answers: int, severity: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    y = rng.normal(0, SD["prompt"], (prompts, 1))
    y = (y + rng.normal(0, np.hypot(SD["prompt_arm"], SD["draw"]), (prompts, answers))).ravel()
    given = y + severity[:, None] + rng.normal(0, SD["rest"], (RATERS, len(y)))
    table = 1.0 + np.searchsorted(np.array(CUTS), given)
    table[rng.random(table.shape).argsort(axis=0) >= PER_ITEM] = np.nan
    return table, np.repeat(np.arange(prompts), answers)


@cache
def _alpha_of_all() -> float:
    """Mean alpha of many panels of raters."""
    rng = np.random.default_rng(5)
    values = []
    for _ in range(60):
        table, _ = _agreement_table(1000, 1, rng.normal(0, SD["rater"], RATERS), rng)
        values.append(stats.krippendorff_alpha(table, interval=False).value)
    return float(np.mean([v for v in values if v is not None]))
