"""Effect by model size: means of each arm, and whether the effect grows from size to size.

Takes the values of every base model, gives one summary or nothing where there is one size.
With three training runs a size or more the tests are over prompts and runs, else over prompts alone
and without a verdict. They speak of the models at hand, not of model size in general.

    models = [SizeInput("a-135m", 135_000_000, values), ...]
    summary = size_summary(models, hypotheses={"rating": (CONTRAST,)}, seed=2021)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from mores import stats
from mores.records import Estimate, Record
from mores.report.contrasts import CONTRAST, Better, Observed
from mores.report.size_effects import seeds_of
from mores.report.size_trends import (
    LEAST_RUNS,
    SizeInput,
    SizeTest,
    by_prompt,
    few_runs,
    size_tests,
)
from mores.report.verdicts import SCALES, better_of
from mores.stats.inputs import not_computable
from mores.stats.paired_t import stratified_t


class SizeModel(Record, frozen=True, kw_only=True):
    """One base model on the axis of sizes."""

    name: str
    parameters: int
    """0 where it is not known: then it has no place on the axis."""
    family: str
    """As far as its name tells."""


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


def size_summary(
    models: Sequence[SizeInput], *, hypotheses: Mapping[str, Sequence[str]], seed: int
) -> SizeSummary | None:
    """Return means by size, with trend tests, or None where there are not two models.

    Args:
        models: every base model of the study.
        hypotheses: measure → the contrasts that have verdicts; a trend has one only where its
            measure's primary contrast has.
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
        measures=tuple(
            _measure(name, ordered, CONTRAST in hypotheses.get(name, ()), across=across, seed=seed)
            for name in names
        ),
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
    counts = (len(seeds_of(m.observed.values(), "values_targeted")) for m in models)
    runs = min((n for n in counts if n), default=0)
    enough = runs >= LEAST_RUNS
    scope = (
        f"The tests are over {'prompts and training runs' if enough else 'prompts'}. They speak of "
        f"these {len(known)} models, not of model size in general: whatever else differs between "
        "the models goes with size."
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
    if 0 < runs < LEAST_RUNS:
        said.append(few_runs(runs))
    if len(known) == 2:
        said.append("Two sizes show a difference between two models; no trend can be tested.")
    return tuple(said)


def _measure(
    measure: str, models: Sequence[SizeInput], hypothesis: bool, *, across: bool, seed: int
) -> SizeMeasure:
    better = better_of(measure)
    observed = [m.observed.get(measure, ()) for m in models]
    tests, left_out = size_tests(
        measure, models, better, across=across, hypothesis=hypothesis, seed=seed
    )
    return SizeMeasure(
        measure=measure,
        better=better,
        means=tuple(
            estimate
            for model, values in zip(models, observed, strict=True)
            for estimate in _means(measure, model, values)
        ),
        tests=tests,
        left_out=left_out,
    )


def _means(measure: str, model: SizeInput, observed: Sequence[Observed]) -> list[Estimate]:
    """Mean of each arm over prompts, every category with equal weight."""
    category = {o.prompt_id: o.category for o in observed}
    low, high = SCALES.get(measure.partition(":")[0], (-np.inf, np.inf))
    found = []
    for arm in dict.fromkeys(o.arm for o in observed):
        by = by_prompt(observed, arm, sorted(seeds_of([observed], arm)))
        details: dict[str, float | int | str | None] = {
            "model": model.name,
            "arm": arm,
            "parameters": model.parameters,
        }
        if not by:
            e = not_computable("no values", n=0, unit="prompt", method="mean over prompts")
        else:
            e = _mean(np.array(list(by.values())), [category[p] for p in by])
            e = replace(
                e,
                low=None if e.low is None else max(low, e.low),
                high=None if e.high is None else min(high, e.high),
                p=None,  # that a mean is not zero says nothing
                verdict="descriptive",
                method=f"mean, {e.method}, cut off at the ends of the scale",
            )
        found.append(replace(e, measure=measure, category="overall", details=details))
    return found


def _mean(table: np.ndarray, categories: Sequence[str]) -> Estimate:
    """Over prompts; over prompts crossed with training runs where there are several."""
    simple = stratified_t(table.mean(axis=1), categories)
    if table.shape[1] < 2:
        return simple
    crossed = stats.crossed_effect(table, strata=categories)
    return simple if crossed.low is None else crossed
