"""Simulated studies of what a hostile reading found: raters by category and size, spikes, gaps.

by_category(raters=3, seed=1)     # {"a null category is claimed": 0.0, ...}
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calibration_studies import ARMS, CLAIMS, SD
from mores.measure.capability.item import TaskItem
from mores.measure.gates.paired import Outcome, pair
from mores.measure.gates.verdict import Subject, judged
from mores.report.contrasts import CONTRAST, Observed, compare
from mores.report.integrity import task_results
from mores.report.size_trends import SizeInput, SizeTest
from mores.report.sizes import size_summary
from mores.stats.assumed_spread import CUTS

SIZES = (("m-135M", 135_000_000), ("m-360M", 360_000_000), ("m-1.7B", 1_700_000_000))
RATER_ARM = 0.3
"""Standard deviation of what raters make of an arm."""


def _cut(y: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 + np.searchsorted(np.array(CUTS), y))


def by_category(raters: int, runs: int, seed: int) -> dict[str, float]:
    """Eight categories of 30 prompts with raters of their own; an effect in four of them only."""
    rng = np.random.default_rng([seed, 37])
    rows = []
    for k in range(8):
        of_arm, severity = rng.normal(0, RATER_ARM, raters), rng.normal(0, SD["rater"], raters)
        who = tuple(f"c{k}r{j}" for j in range(raters))
        for p in range(30):
            prompt = rng.normal(0, SD["prompt"])
            for arm in ARMS:
                tuned = arm == ARMS[1]
                shift = rng.normal(0, SD["prompt_arm"]) + tuned * (0.8 if k >= 4 else 0.0)
                for run in range(1, runs + 1):
                    y = prompt + shift + severity + tuned * of_arm + rng.normal(0, SD["draw"])
                    given = _cut(y + rng.normal(0, SD["rest"], raters))
                    values = tuple(map(float, given))
                    rows.append(Observed(f"{k}-{p}", f"c{k}", arm, run, values, who))  # type: ignore[arg-type]
    found = compare(rows, measure="rating", model="m", better="higher", seed=seed)
    null = [
        e
        for e in found
        if (e.measure, e.contrast) == ("rating", CONTRAST)
        and e.category in ("c0", "c1", "c2", "c3")
        and e.verdict in CLAIMS
    ]
    return {
        "a null category is claimed": float(any(not e.scope for e in null)),
        "a null category is claimed of these": float(bool(null)),
    }


def spikes(prompts: int, share: float, runs: int, seed: int) -> dict[str, float]:
    """Equal mean ratings; the values arm is a little better, but for rare answers from 4.5 to 1.

    Half of the prompts have 4.5, half 1.5, so that the arms' means lie in the middle of the scale.
    """
    rng = np.random.default_rng([seed, 41])
    control = np.where(np.arange(prompts) % 2 == 0, 4.5, 1.5)
    better = 3.5 * share / (1 - share)
    spike = (rng.random(prompts) < 2 * share) & (control > 3)
    values = np.where(spike, 1.0, control + better + rng.normal(0, 0.02, prompts))
    rows = [
        Observed(f"p{i}", f"c{i // 2 % 8}", arm, run, (float(v),))  # type: ignore[arg-type]
        for run in range(1, runs + 1)
        for arm, own in zip(ARMS, (control, values + rng.normal(0, 0.005, prompts)), strict=True)
        for i, v in enumerate(own)
    ]
    found = compare(rows, measure="rating", model="m", better="higher", seed=seed)
    main = next(e for e in found if e.contrast == CONTRAST and e.category == "overall")
    shown = main.verdict == "shown"
    return {
        "shown, though means are equal": float(shown),
        "shown of the method, though means are equal": float(shown and not main.scope),
    }


def rated_sizes(
    raters: int, own: bool, missing: float, seed: int, run_sd: float = 0.15
) -> dict[str, float]:
    """Three sizes with the same effect, three runs, raters who differ between arms at each size.

    Args:
        raters: at each size, all rate everything.
        own: whether each size has raters of its own.
        missing: share of the largest size's values answers, the worst, that cannot be rated.
        seed: of the study.
        run_sd: standard deviation between training runs.
    """
    rng = np.random.default_rng([seed, 43])
    common, models = rng.normal(0, SD["prompt"], 120), []
    for size, (name, parameters) in enumerate(SIZES):
        of_arm, severity = rng.normal(0, RATER_ARM, raters), rng.normal(0, SD["rater"], raters)
        who = tuple(f"s{size * own}r{j}" for j in range(raters))
        rows = []
        for arm, effect in zip(ARMS, (0.0, 0.4), strict=True):
            tuned = arm == ARMS[1]
            prompt = common + rng.normal(0, SD["prompt_arm"], 120)
            for run in (1, 2, 3):
                y = prompt + effect + rng.normal(0, run_sd) + rng.normal(0, SD["draw"], 120)
                y = (
                    y[:, None]
                    + severity
                    + tuned * of_arm
                    + rng.normal(0, SD["rest"], (120, raters))
                )
                given = _cut(y)
                means = given.mean(axis=1) + 1e-6 * rng.random(120)
                share = missing if tuned and size == 2 else 0.0
                gone = means <= np.quantile(means, share) if share else np.zeros(120, dtype=bool)
                rows += [
                    Observed(
                        f"p{i}", f"c{i % 8}", arm, run,  # type: ignore[arg-type]
                        () if gone[i] else tuple(map(float, given[i])),
                        () if gone[i] else who,
                        raters * int(gone[i]),
                    )
                    for i in range(120)
                ]  # fmt: skip
        models.append(SizeInput(name, parameters, {"rating": rows}))
    summary = size_summary(models, hypotheses={"rating": (CONTRAST,)}, seed=seed)
    assert summary is not None
    return size_claims(summary.measures[0].tests[:2])


def size_claims(tests: Sequence[SizeTest]) -> dict[str, float]:
    """Which of the primary contrast's tests claims, and of whom."""
    found = {}
    for t in tests:
        claimed = t.estimate.verdict in CLAIMS
        found[f"a {t.test} is claimed"] = float(claimed and not t.estimate.scope)
        found[f"a {t.test} is claimed of these raters"] = float(claimed and bool(t.estimate.scope))
    return found


def hidden_harm(runs: int, share: float, seed: int) -> dict[str, float]:
    """A gate of 200 prompts, margin .10: nothing but answers that refuse, and cannot be scored.

    A ``share`` of the arm's answers, the true harm, has no score; the rest is as base's.
    """
    rng = np.random.default_rng([seed, 47])
    outcomes = [Outcome(f"p{i}", "base", 0, 0.0, f"b{i}") for i in range(200)]
    for run in range(1, runs + 1):
        gone = rng.random(200) < share
        outcomes += [
            Outcome(f"p{i}", "values_targeted", run, None if gone[i] else 0.0, f"v{i}.{run}")
            for i in range(200)
        ]
    subject = Subject("over-refusal", "m", "values_targeted", "base")
    found = judged(
        subject, pair(outcomes, "values_targeted", "base"), margin=0.10, most_unscorable=0.2
    )
    return {"pass": float(found.verdict == "pass")}


def hidden_loss(runs: int, share: float, seed: int) -> dict[str, float]:
    """A task of 1,000 items, margin .02: the items that the arm lost have no value."""
    rng = np.random.default_rng([seed, 53])
    right = (rng.random(1000) < 0.8).astype(float).tolist()
    items = [_item(i, "base", 0, v) for i, v in enumerate(right)]
    for run in range(1, runs + 1):
        gone = rng.random(1000) < share / 0.8
        items += [
            _item(i, "values_targeted", run, None if gone[i] and v else v)
            for i, v in enumerate(right)
        ]
    facts = {"task": {"metric": "accuracy", "chance": 0.25, "items": 1000}}
    _, (found,) = task_results(items, facts, {"task": 0.02})
    return {"non-inferior": float(found.verdict == "non-inferior")}


def _item(number: int, arm: str, seed: int, value: float | None) -> TaskItem:
    return TaskItem(
        task="task", item_id=f"i{number}", model="m", arm=arm, seed=seed, value=value  # type: ignore[arg-type]
    )  # fmt: skip
