"""Does an effect grow from size to size? Trend and slope of each contrast, and their verdicts.

Takes every base model's values of one measure, gives tests. A verdict needs three sizes of one
family, three training runs a size, the same three raters or more at all sizes where people rated,
and stands what is missing; all else is descriptive, with the reason. What is no hypothesis of the
study is exploratory.

    tests, left_out = size_tests("rating", models, "higher", across=False, hypothesis=True, seed=1)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from msgspec.structs import replace

from mores import stats
from mores.records import Arm, Estimate, Record, Verdict
from mores.report.contrasts import ALPHA, NOT_A_HYPOTHESIS, Better, Observed
from mores.report.size_checks import (
    BY_THESE,
    MISSING,
    leverage,
    other_raters,
    rare_slope,
    raters_reason,
)
from mores.report.size_effects import SizeEffects, at_worst, size_effects
from mores.report.verdicts import CLAIMS, SCALES, join, scope_of, withdrawn
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
    measure: str,
    models: Sequence[SizeInput],
    better: Better,
    *,
    across: bool,
    hypothesis: bool,
    seed: int,
) -> tuple[tuple[SizeTest, ...], int]:
    """Return the tests of one measure, and the prompts that those of the primary contrast lack.

    Args:
        measure: its name.
        models: in order of size.
        better: whether a higher or a lower value is the aim.
        across: the models are of different families, so that nothing has a verdict.
        hypothesis: whether the primary contrast of this measure is one that has verdicts.
        seed: of the sign-flip test.
    """
    observed = [m.observed.get(measure, ()) for m in models]
    tests: list[SizeTest] = []
    left_out = 0
    for number, (arm, reference) in enumerate(CONTRASTS):
        effects = size_effects(observed, arm, reference)
        if effects is None:
            continue
        if number == 0:
            left_out = effects.left_out
        question = _Question(measure, models, better, np.random.default_rng([seed, number]), seed)
        found = _both(question, effects)
        if number == 0 and not across:
            found = _decided(question, effects, observed, found, hypothesis=hypothesis)
        tests += [_finished(test, e, effects, measure) for test, e in found.items()]
    return tuple(tests), left_out


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
class _Question:
    """What both tests share."""

    measure: str
    models: Sequence[SizeInput]
    better: Better
    rng: np.random.Generator
    seed: int

    @property
    def sizes(self) -> list[int]:
        """Parameters of the models."""
        return [m.parameters for m in self.models]

    @property
    def scale(self) -> tuple[float, float] | None:
        """Lowest and highest value of the measure, where it has ends."""
        return SCALES.get(self.measure.partition(":")[0])


def _both(question: _Question, effects: SizeEffects) -> dict[Test, Estimate]:
    return {"trend": _trend(effects, question), "slope": _slope(effects, question)}


def _unordered(models: Sequence[SizeInput]) -> str:
    """Why the models cannot be put in order of size, or nothing."""
    unknown = [m.name for m in models if m.parameters <= 0]
    if unknown:
        return f"number of parameters not known: {', '.join(unknown)} (no tuned arm)"
    if len({m.parameters for m in models}) < len(models):
        return "two models have the same number of parameters"
    return ""


def _trend(table: SizeEffects, question: _Question) -> Estimate:
    """Page's test that the effect, in the wanted direction, rises from size to size."""
    models = question.models
    absent = partial(not_computable, n=len(table.values), unit="prompt", method="Page's trend test")
    if len(models) < LEAST_SIZES:
        return absent(f"{len(models)} sizes: a trend needs at least {LEAST_SIZES}")
    if not len(table.values):
        return absent("no prompt has values at every size")
    if why := _unordered(models):
        return absent(why)
    values = _ladders(table)
    return stats.page_trend(values if question.better == "higher" else -values)


def _slope(table: SizeEffects, question: _Question) -> Estimate:
    """Change of the difference for ten times the parameters."""
    models = question.models
    absent = partial(
        not_computable, n=len(table.values), unit="prompt", method="slope on log10 parameters"
    )
    if not len(table.values):
        return absent("no prompt has values at every size")
    if (why := _unordered(models)) and "not known" in why:
        return absent(why)
    return stats.size_slope(
        _ladders(table), question.sizes, strata=table.categories, rng=question.rng
    )


def _ladders(table: SizeEffects) -> np.ndarray:
    """Runs apart where there are enough to cross them with prompts, else their mean."""
    if table.values.shape[2] >= LEAST_RUNS:
        return table.values
    return np.asarray(table.values.mean(axis=2))


def _finished(test: Test, e: Estimate, effects: SizeEffects, measure: str) -> SizeTest:
    few = few_runs(effects.runs) if effects.runs < LEAST_RUNS else ""
    return SizeTest(
        test=test,
        estimate=replace(
            e,
            reason=join(e.reason, few if e.verdict != "not computable" else ""),
            measure=measure,
            contrast=effects.contrast,
            category="overall",
            details={**e.details, "left_out": effects.left_out},
        ),
    )


# Verdicts -------------------------------------------------------------------------------------


def _decided(
    question: _Question,
    effects: SizeEffects,
    observed: Sequence[Sequence[Observed]],
    found: dict[Test, Estimate],
    *,
    hypothesis: bool,
) -> dict[Test, Estimate]:
    """Give both tests their verdicts: those of the tests, unless something speaks against it."""
    if effects.runs < LEAST_RUNS:
        return found
    why = raters_reason(effects)
    decided: dict[Test, Estimate] = {}
    for test, e in found.items():
        e = replace(e, verdict=_verdict(test, e, question.better))
        if e.verdict not in (*CLAIMS, "not shown"):
            decided[test] = replace(e, reason=join(e.reason, why))
        elif why:
            decided[test] = withdrawn(e, "descriptive", why)
        elif not hypothesis:
            decided[test] = withdrawn(e, "exploratory", NOT_A_HYPOTHESIS)
        elif e.verdict in CLAIMS:
            decided[test] = _claimed(question, effects, observed, test, e, found["slope"])
        else:
            decided[test] = e
    return decided


def _claimed(
    question: _Question,
    effects: SizeEffects,
    observed: Sequence[Sequence[Observed]],
    test: Test,
    e: Estimate,
    slope: Estimate,
) -> Estimate:
    """What a claim must stand: rare answers, what is missing, other raters."""
    if question.scale is not None:
        if test == "slope":  # a rank correlation has ends of its own
            rare = rare_slope(effects, question.sizes, question.scale, question.seed)
            if rare:
                return withdrawn(e, "not shown", rare)
        rises = (e.value or 0.0) > 0 if test == "slope" else _upwards(e, question.better)
        pushes = -leverage(question.sizes) if rises else leverage(question.sizes)
        worst = at_worst(effects, observed, pushes.tolist(), question.scale)
        if worst is not None:
            then = _verdict(test, _both(question, worst)[test], question.better)
            if then != e.verdict:
                return withdrawn(e, "descriptive", MISSING.format(verdict=then))
    holds = other_raters(slope, effects, question.sizes)
    scope = scope_of(effects.runs, other_raters=holds)
    return replace(e, scope=scope, reason=e.reason if holds else join(e.reason, BY_THESE))


def _upwards(trend: Estimate, better: Better) -> bool:
    """Whether the difference itself rises where the trend is that of the wanted direction."""
    return ((trend.value or 0.0) > 0) == (better == "higher")


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
