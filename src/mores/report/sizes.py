"""Effect by model size: means of each arm, and whether the effect grows from size to size.

Takes the values of every base model, gives one summary or nothing where there is one size.
The tests are over prompts: they speak of the models at hand, not of model size in general.

    summary = size_summary([SizeInput("a-135m", 135_000_000, values), ...], seed=2021)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from msgspec.structs import replace

from mores import stats
from mores.records import Arm, Estimate, Record, Verdict
from mores.report.contrasts import ALPHA, Better, Observed
from mores.stats.inputs import not_computable
from mores.stats.paired_t import stratified_t

CONTRASTS: tuple[tuple[Arm, Arm], ...] = (
    ("values_targeted", "control"),
    ("values_targeted", "base"),
)
"""The primary one first; it alone gets a verdict."""
SCALES = {"rating": (1.0, 5.0), "toxicity": (0.0, 1.0)}
"""Kind of measure → lowest and highest value there is; intervals of means end there."""
LEAST_SIZES = 3
"""With fewer there is a difference between two models, but no trend."""

Test = Literal["trend", "slope"]


class SizeModel(Record, frozen=True, kw_only=True):
    """One base model on the axis of sizes."""

    name: str
    parameters: int
    """0 where it is not known: then it has no place on the axis."""
    family: str
    """As far as its name tells."""


class SizeTest(Record, frozen=True, kw_only=True):
    """A test whether the effect of one contrast changes with size."""

    test: Test
    estimate: Estimate


class SizeMeasure(Record, frozen=True, kw_only=True):
    """One measure over all sizes."""

    measure: str
    better: Better
    means: tuple[Estimate, ...]
    """Of each model and arm; ``details`` name both, with the parameters."""
    tests: tuple[SizeTest, ...]
    left_out: int
    """Prompts without a value in some model and arm of the primary contrast; not in its tests."""


class SizeSummary(Record, frozen=True, kw_only=True):
    """Everything that the report says of size."""

    models: tuple[SizeModel, ...]
    """In order of size."""
    across: bool
    """The models are of different families or kinds, as far as their names tell."""
    caveats: tuple[str, ...]
    measures: tuple[SizeMeasure, ...]


@dataclass(frozen=True)
class SizeInput:
    """What is known of one base model."""

    name: str
    parameters: int
    observed: Mapping[str, Sequence[Observed]]
    """Measure → completions with their values."""


def size_summary(models: Sequence[SizeInput], *, seed: int) -> SizeSummary | None:
    """Return means by size, with trend tests, or None where there are not two models.

    Args:
        models: every base model of the study.
        seed: of the sign-flip test.
    """
    if len(models) < 2:
        return None
    ordered = sorted(models, key=lambda m: (m.parameters, m.name))
    known = tuple(
        SizeModel(name=m.name, parameters=m.parameters, family=family(m.name)) for m in ordered
    )
    across = len({m.family for m in known}) > 1
    caveats = _caveats(known, ordered, across=across)
    names = dict.fromkeys(name for m in ordered for name in m.observed)
    return SizeSummary(
        models=known,
        across=across,
        caveats=caveats,
        measures=tuple(_measure(name, ordered, across=across, seed=seed) for name in names),
    )


def family(name: str) -> str:
    """Return a model's family as far as its name tells: what stands before its size.

    ``HuggingFaceTB/SmolLM2-360M-Instruct`` is ``smollm2 instruct``. A name without a size is
    a family of its own: better a caveat too many than a trend that is none.
    """
    own = _BUNDLED.get(name, name).rstrip("/\\")
    last = re.split(r"[/\\]", own)[-1].lower().removesuffix(".gguf")
    found = re.search(r"(?<![a-z0-9])\d+(?:\.\d+)?[kmbt](?![a-z0-9])", last)
    if found is None:
        return last
    stem = last[: found.start()].strip("-_. ")
    kinds = [k for k in re.split(r"[-_. ]+", last[found.end() :]) if k in _KINDS]
    return " ".join([stem or last, *kinds])


_BUNDLED = {"smollm2-135m": "SmolLM2-135M-Instruct"}
"""Bundled names that leave out what kind of model it is."""
_KINDS = ("instruct", "it", "chat", "sft", "dpo")


def _caveats(
    known: Sequence[SizeModel], models: Sequence[SizeInput], *, across: bool
) -> tuple[str, ...]:
    scope = (
        f"The tests are over prompts. They speak of these {len(known)} models, not of model size "
        "in general: whatever else differs between the models goes with size."
    )
    said = [scope]
    if across:
        groups = ", ".join(f"{m.name} ({m.family})" for m in known)
        said.insert(
            0,
            "Across families: by their names these models are of different families or kinds: "
            f"{groups}. Data, tokenizer and training differ along with size, so a trend over "
            "them is not an effect of size.",
        )
    seeds = {
        o.seed
        for m in models
        for values in m.observed.values()
        for o in values
        if o.arm == "values_targeted" and o.values
    }
    if len(seeds) == 1:
        said.append("One training run a size: another run may give another order of the sizes.")
    if len(known) == 2:
        said.append("Two sizes show a difference between two models; no trend can be tested.")
    return tuple(said)


def _measure(measure: str, models: Sequence[SizeInput], *, across: bool, seed: int) -> SizeMeasure:
    better: Better = "higher" if measure == "rating" else "lower"
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
    return SizeMeasure(
        measure=measure,
        better=better,
        means=tuple(
            estimate
            for model, values in zip(models, observed, strict=True)
            for estimate in _means(measure, model, values)
        ),
        tests=tuple(tests),
        left_out=left_out,
    )


def _means(measure: str, model: SizeInput, observed: Sequence[Observed]) -> list[Estimate]:
    """Mean of each arm over prompts, every category with equal weight."""
    category = {o.prompt_id: o.category for o in observed}
    low, high = SCALES.get(measure.partition(":")[0], (-np.inf, np.inf))
    found = []
    for arm in dict.fromkeys(o.arm for o in observed):
        by = _by_prompt(observed, arm)
        details: dict[str, float | int | str | None] = {
            "model": model.name,
            "arm": arm,
            "parameters": model.parameters,
        }
        if not by:
            e = not_computable("no values", n=0, unit="prompt", method="mean over prompts")
        else:
            e = stratified_t(list(by.values()), [category[p] for p in by])
            e = replace(
                e,
                low=None if e.low is None else max(low, e.low),
                high=None if e.high is None else min(high, e.high),
                p=None,  # that a mean is not zero says nothing
                verdict="descriptive",
                method=f"mean over prompts, {e.method}, cut off at the ends of the scale",
            )
        found.append(replace(e, measure=measure, category="overall", details=details))
    return found


def _by_prompt(observed: Sequence[Observed], arm: Arm) -> dict[str, float]:
    """Prompt → mean over training seeds; a prompt that lacks a value under a seed is left out."""
    values: dict[str, dict[int, list[float]]] = {}
    for o in observed:
        if o.arm == arm and o.values:
            draws = values.setdefault(o.prompt_id, {}).setdefault(o.seed, [])
            draws.append(float(np.mean(o.values)))
    seeds = {seed for by in values.values() for seed in by}
    return {
        prompt: float(np.mean([np.mean(draws) for draws in by.values()]))
        for prompt, by in values.items()
        if set(by) == seeds
    }


@dataclass(frozen=True)
class _Table:
    """Differences of one contrast: prompts that have one at every size × sizes."""

    contrast: str
    values: np.ndarray
    categories: tuple[str, ...]
    left_out: int


def _table(observed: Sequence[Sequence[Observed]], arm: Arm, reference: Arm) -> _Table | None:
    """Return the differences, or None where no model has both arms."""
    columns = []
    for values in observed:
        own, other = _by_prompt(values, arm), _by_prompt(values, reference)
        columns.append({p: own[p] - other[p] for p in own if p in other})
    if not any(columns):
        return None
    category = {o.prompt_id: o.category for values in observed for o in values}
    prompts = [p for p in category if all(p in column for column in columns)]
    return _Table(
        f"{arm} - {reference}",
        # Rounded, so that equal effects are ties for the ranks and not what arithmetic leaves.
        np.array([[round(column[p], 12) for column in columns] for p in prompts]).reshape(
            len(prompts), len(columns)
        ),
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
    return stats.page_trend(table.values if better == "higher" else -table.values)


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
    return stats.size_slope(table.values, sizes, strata=table.categories, rng=rng)


def _finished(
    test: Test, e: Estimate, table: _Table, measure: str, better: Better, *, decides: bool
) -> SizeTest:
    return SizeTest(
        test=test,
        estimate=replace(
            e,
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
