"""Does an effect grow from size to size? Trend and slope of each contrast, and their verdicts.

Takes every base model's values of one measure, gives tests. A verdict needs three sizes of one
family and three training runs a size; all else is descriptive, with the reason.

    tests, left_out = size_tests("rating", models, "higher", across=False, seed=2021)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from msgspec.structs import replace

from mores import stats
from mores.records import TUNED_ARMS, Arm, Estimate, Record, Verdict
from mores.report.contrasts import ALPHA, Better, Observed
from mores.stats.inputs import not_computable

CONTRASTS: tuple[tuple[Arm, Arm], ...] = (
    ("values_targeted", "control"),
    ("values_targeted", "base"),
)
"""The primary one first; it alone gets a verdict."""
LEAST_SIZES = 3
"""With fewer there is a difference between two models, but no trend."""
LEAST_RUNS = 3
"""Training runs a size; fewer do not tell how far runs of one size lie apart."""

Test = Literal["trend", "slope"]


class SizeTest(Record, frozen=True, kw_only=True):
    """A test whether the effect of one contrast changes with size."""

    test: Test
    estimate: Estimate


@dataclass(frozen=True)
class SizeInput:
    """What is known of one base model."""

    name: str
    parameters: int
    observed: Mapping[str, Sequence[Observed]]
    """Measure → completions with their values."""


def size_tests(
    measure: str, models: Sequence[SizeInput], better: Better, *, across: bool, seed: int
) -> tuple[tuple[SizeTest, ...], int]:
    """Return the tests of one measure, and the prompts that those of the primary contrast lack.

    Args:
        measure: its name.
        models: in order of size.
        better: whether a higher or a lower value is the aim.
        across: the models are of different families, so that nothing has a verdict.
        seed: of the sign-flip test.
    """
    observed = [m.observed.get(measure, ()) for m in models]
    tests: list[SizeTest] = []
    left_out = 0
    for number, (arm, reference) in enumerate(CONTRASTS):
        table = _table(observed, arm, reference)
        if table is None:
            continue
        if number == 0:
            left_out = table.left_out
        decides = number == 0 and not across
        rng = np.random.default_rng([seed, number])
        tests += [
            _finished(
                "trend", _trend(table, models, better), table, measure, better, decides=decides
            ),
            _finished("slope", _slope(table, models, rng), table, measure, better, decides=decides),
        ]
    return tuple(tests), left_out


def seeds_of(observed: Iterable[Sequence[Observed]], arm: Arm) -> set[int]:
    """Training runs of an arm that have values."""
    return {o.seed for values in observed for o in values if o.arm == arm and o.values}


def few_runs(runs: int) -> str:
    """Why no trend has a verdict."""
    if runs == 1:
        return (
            "One training run a size: another run may give another order of the sizes, so no trend "
            "has a verdict."
        )
    return (
        f"{runs} training runs a size do not tell how far runs of one size lie apart, so no trend "
        f"has a verdict; it takes {LEAST_RUNS}."
    )


def by_prompt(
    observed: Sequence[Observed], arm: Arm, seeds: Sequence[int]
) -> dict[str, list[float]]:
    """Prompt → its mean under each training run; one that lacks a value under a run is left out."""
    values: dict[str, dict[int, list[float]]] = {}
    for o in observed:
        if o.arm == arm and o.values:
            draws = values.setdefault(o.prompt_id, {}).setdefault(o.seed, [])
            draws.append(float(np.mean(o.values)))
    return {
        prompt: [float(np.mean(by[seed])) for seed in seeds]
        for prompt, by in values.items()
        if all(seed in by for seed in seeds)
    }


@dataclass(frozen=True)
class _Table:
    """Differences of one contrast: prompts that have one at every size and run."""

    contrast: str
    values: np.ndarray
    """Shape (prompts, sizes, training runs)."""
    categories: tuple[str, ...]
    left_out: int


def _table(observed: Sequence[Sequence[Observed]], arm: Arm, reference: Arm) -> _Table | None:
    """Return the differences, or None where no model has both arms."""
    of_models = [seeds_of([values], arm) for values in observed]
    seeds = sorted(set.intersection(*(s for s in of_models if s))) if any(of_models) else []
    columns = []
    for values in observed:
        own = by_prompt(values, arm, seeds)
        # A tuned reference is paired with the same run; base has one.
        tuned = reference in TUNED_ARMS
        other = by_prompt(values, reference, seeds if tuned else [0] * len(seeds))
        columns.append({p: np.subtract(own[p], other[p]) for p in own if p in other})
    if not seeds or not any(columns):
        return None
    category = {o.prompt_id: o.category for values in observed for o in values}
    prompts = [p for p in category if all(p in column for column in columns)]
    return _Table(
        f"{arm} - {reference}",
        # Rounded, so that equal effects are ties for the ranks and not what arithmetic leaves.
        np.array([[column[p] for column in columns] for p in prompts])
        .reshape(len(prompts), len(columns), len(seeds))
        .round(12),
        tuple(category[p] for p in prompts),
        len(category) - len(prompts),
    )


def _unordered(models: Sequence[SizeInput]) -> str:
    """Why the models cannot be put in order of size, or nothing."""
    unknown = [m.name for m in models if m.parameters <= 0]
    if unknown:
        return f"number of parameters not known: {', '.join(unknown)} (no tuned arm)"
    if len({m.parameters for m in models}) < len(models):
        return "two models have the same number of parameters"
    return ""


def _trend(table: _Table, models: Sequence[SizeInput], better: Better) -> Estimate:
    """Page's test that the effect, in the wanted direction, rises from size to size."""
    absent = partial(not_computable, n=len(table.values), unit="prompt", method="Page's trend test")
    if len(models) < LEAST_SIZES:
        return absent(f"{len(models)} sizes: a trend needs at least {LEAST_SIZES}")
    if not len(table.values):
        return absent("no prompt has values at every size")
    if why := _unordered(models):
        return absent(why)
    values = _ladders(table)
    return stats.page_trend(values if better == "higher" else -values)


def _slope(table: _Table, models: Sequence[SizeInput], rng: np.random.Generator) -> Estimate:
    """Change of the difference for ten times the parameters."""
    absent = partial(
        not_computable, n=len(table.values), unit="prompt", method="slope on log10 parameters"
    )
    if not len(table.values):
        return absent("no prompt has values at every size")
    if (why := _unordered(models)) and "not known" in why:
        return absent(why)
    sizes = [m.parameters for m in models]
    return stats.size_slope(_ladders(table), sizes, strata=table.categories, rng=rng)


def _ladders(table: _Table) -> np.ndarray:
    """Runs apart where there are enough to cross them with prompts, else their mean."""
    if table.values.shape[2] >= LEAST_RUNS:
        return table.values
    return np.asarray(table.values.mean(axis=2))


def _finished(
    test: Test, e: Estimate, table: _Table, measure: str, better: Better, *, decides: bool
) -> SizeTest:
    runs = table.values.shape[2]
    few = few_runs(runs) if runs < LEAST_RUNS and e.verdict != "not computable" else ""
    decides = decides and not few
    return SizeTest(
        test=test,
        estimate=replace(
            e,
            reason="; ".join(part for part in (e.reason, few) if part),
            measure=measure,
            contrast=table.contrast,
            category="overall",
            verdict=_verdict(test, e, better) if decides else e.verdict,
            details={**e.details, "left_out": table.left_out},
        ),
    )


def _verdict(test: str, e: Estimate, better: Better) -> Verdict:
    """As for contrasts: a two-sided p below .05 and an interval without zero."""
    sizes = e.details.get("sizes")
    p = e.details.get("p_two_sided") if test == "trend" else e.p
    if e.verdict == "not computable" or e.value is None:
        return "not computable"
    few = not isinstance(sizes, int) or sizes < LEAST_SIZES
    if few or e.low is None or e.high is None or not isinstance(p, float):
        return "descriptive"
    if p >= ALPHA or e.low <= 0.0 <= e.high:
        return "not shown"
    rises = e.value > 0
    wanted = rises if test == "trend" or better == "higher" else not rises
    return "shown" if wanted else "worse"
