"""Values of completions → paired differences between arms, by prompt.

The unit is the prompt. Ratings are averaged within a completion, completions
within a prompt, training seeds side by side; then arm minus reference, prompt by
prompt, every category with equal weight.

    estimates = compare(values, arms, better="lower", measure="toxicity:lexical", seed=2021)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from msgspec.structs import replace

from mores import stats
from mores.records import Arm, Completion, Estimate, Rating, Verdict
from mores.report.effect_sizes import effect_sizes
from mores.stats.inputs import not_computable

PRIMARY = ("values_targeted", "control")
CONTRAST = " - ".join(PRIMARY)
CONTRASTS: tuple[tuple[Arm, Arm], ...] = (
    ("values_targeted", "control"),
    ("values_targeted", "base"),
    ("control", "base"),
    ("values_targeted", "prompted"),
    ("values_targeted", "few_shot"),
)
ALPHA = 0.05
METHOD = "paired difference"
ONE_SEED = "one training run: says nothing of what another run would give"

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Observed:
    """All values of one completion: one score, or the ratings of several people."""

    prompt_id: str
    category: str
    arm: Arm
    seed: int
    values: tuple[float, ...]
    """Empty where there is none; the completion's prompt then counts as left out."""


def by_completion(ratings: Sequence[Rating]) -> dict[str, tuple[float, ...]]:
    """Return the ratings of each completion that has any."""
    values: dict[str, list[float]] = {}
    for rating in ratings:
        values.setdefault(rating.completion_id, []).append(float(rating.value))
    return {name: tuple(given) for name, given in values.items()}


def observe(
    completions: Sequence[Completion], values: Mapping[str, tuple[float, ...]]
) -> list[Observed]:
    """Return completions with their values, by id; those without one too."""
    return [
        Observed(c.prompt_id, c.category, c.arm, c.seed, values.get(c.id, ())) for c in completions
    ]


def compare(
    observed: Sequence[Observed], *, measure: str, model: str, better: Better, seed: int
) -> list[Estimate]:
    """Estimate every contrast between arms that are there, overall and by category.

    Args:
        observed: completions with their values, those without one too.
        measure: name that the estimates carry.
        model: name of the base model, kept in ``details["model"]``.
        better: whether a higher or a lower value is the aim.
        seed: of permutations and bootstraps.

    Returns:
        For each contrast: the overall difference, one for each category (Holm over categories),
        and the sizes of the effect. The primary contrast is there as "not computable" where one
        of its arms has no value: its absence must be seen.
    """
    arms = {o.arm for o in observed if o.values}
    found: list[Estimate] = []
    for number, (arm, reference) in enumerate(CONTRASTS):
        if arm not in arms or reference not in arms:
            if (arm, reference) == PRIMARY and arms:
                lacking = [a for a in PRIMARY if a not in arms]
                found.append(_without(measure, model, lacking))
            continue
        pairs = _Pairs.of(observed, arm, reference)
        rng = np.random.default_rng([seed, number])
        estimates = [_overall(pairs, rng), *_by_category(pairs, rng), *_sizes(pairs, rng)]
        for estimate in estimates:
            name = estimate.measure or "difference"
            found.append(
                replace(
                    estimate,
                    measure=measure if name == "difference" else f"{measure}/{name}",
                    contrast=f"{arm} - {reference}",
                    category=estimate.category or "overall",
                    verdict=_verdict(estimate, better)
                    if name == "difference"
                    else estimate.verdict,
                    details={**estimate.details, "model": model, "left_out": pairs.left_out},
                )
            )
    return found


def _without(measure: str, model: str, lacking: Sequence[str]) -> Estimate:
    absent = not_computable(
        f"no values of {' and '.join(lacking)}", n=0, unit="prompt", method=METHOD
    )
    return replace(
        absent,
        measure=measure,
        contrast=CONTRAST,
        category="overall",
        details={"model": model},
    )


@dataclass(frozen=True)
class _Pairs:
    """Prompts that both arms answered, with all values of both."""

    prompts: tuple[str, ...]
    categories: tuple[str, ...]
    table: np.ndarray
    """Differences, shape (prompts, training seeds)."""
    own: tuple[tuple[np.ndarray, ...], ...]
    """Values of each prompt under each training seed."""
    other: tuple[tuple[np.ndarray, ...], ...]
    left_out: int
    """Prompts that lack a value in one of the arms."""

    @classmethod
    def of(cls, observed: Sequence[Observed], arm: Arm, reference: Arm) -> _Pairs:
        by: dict[tuple[str, Arm, int], list[tuple[float, ...]]] = {}
        category: dict[str, str] = {}
        for o in observed:
            category[o.prompt_id] = o.category
            if o.values:
                by.setdefault((o.prompt_id, o.arm, o.seed), []).append(o.values)
        seeds = sorted({o.seed for o in observed if o.arm == arm and o.values})
        rows, kept, own, other = [], [], [], []
        for prompt in category:
            left = [by.get((prompt, arm, s)) for s in seeds]
            right = [_reference(by, prompt, reference, s) for s in seeds]
            if any(x is None for x in (*left, *right)):
                continue
            rows.append([_mean(a) - _mean(b) for a, b in zip(left, right, strict=True)])
            kept.append(prompt)
            own.append(tuple(_flat([x]) for x in left))
            other.append(tuple(_flat([x]) for x in right))
        return cls(
            tuple(kept),
            tuple(category[p] for p in kept),
            np.array(rows, dtype=float).reshape(len(rows), len(seeds)),
            tuple(own),
            tuple(other),
            len(category) - len(kept),
        )

    @property
    def differences(self) -> np.ndarray:
        """Mean difference of each prompt over training seeds."""
        return self.table.mean(axis=1) if self.table.size else np.zeros(0)


def _reference(
    by: Mapping[tuple[str, Arm, int], list[tuple[float, ...]]], prompt: str, arm: Arm, seed: int
) -> list[tuple[float, ...]] | None:
    """A tuned reference is paired with the same seed; an untrained one has seed 0."""
    return by.get((prompt, arm, seed)) or by.get((prompt, arm, 0))


def _mean(completions: list[tuple[float, ...]] | None) -> float:
    return float(np.mean([np.mean(values) for values in completions or []]))


def _flat(seeds: Sequence[list[tuple[float, ...]] | None]) -> np.ndarray:
    return np.array([v for completions in seeds for values in completions or [] for v in values])


def _overall(pairs: _Pairs, rng: np.random.Generator) -> Estimate:
    """The mean over categories, from prompts alone or from prompts crossed with seeds."""
    seeds = pairs.table.shape[1]
    if not pairs.prompts:
        return not_computable(
            "no prompt has values in both arms", n=0, unit="prompt", method=METHOD
        )
    simple = stats.paired_difference(pairs.differences, strata=pairs.categories, rng=rng)
    if seeds < 2:
        return replace(simple, reason=_join(simple.reason, ONE_SEED))
    crossed = stats.crossed_effect(pairs.table, strata=pairs.categories)
    if crossed.verdict == "not computable":
        return replace(simple, reason=_join(simple.reason, crossed.reason))
    details = {**crossed.details, "p_sign_flip_prompts_only": simple.p}
    return replace(crossed, details=details)


def _by_category(pairs: _Pairs, rng: np.random.Generator) -> list[Estimate]:
    """One estimate a category, with Holm's adjustment over them."""
    labels = np.array(pairs.categories)
    names = list(dict.fromkeys(pairs.categories))
    estimates = [_one_category(pairs, labels == name, rng) for name in names]
    adjusted = stats.holm([e.p for e in estimates])
    floors = stats.holm([_smallest_p(e) for e in estimates])
    return [
        _no_empty_p(
            replace(
                e, category=name, p_adjusted=p, details={**e.details, "smallest_p_adjusted": floor}
            )
        )
        for e, name, p, floor in zip(estimates, names, adjusted, floors, strict=True)
    ]


def _no_empty_p(e: Estimate) -> Estimate:
    """A p of 1 from a test that could never have rejected says nothing and is left out."""
    smallest = _smallest_p(e)
    if e.p is not None and e.p >= 1.0 and smallest is not None and smallest > ALPHA:
        return replace(e, p=None, p_adjusted=None)
    return e


def _one_category(pairs: _Pairs, own: np.ndarray, rng: np.random.Generator) -> Estimate:
    """With several training runs these are in the interval; p keeps the exact test's floor."""
    simple = stats.paired_difference(pairs.differences[own], rng=rng)
    if pairs.table.shape[1] < 2:
        return simple
    crossed = stats.crossed_effect(pairs.table[own])
    if crossed.verdict == "not computable":
        return simple
    kept = {k: v for k, v in simple.details.items() if k.startswith("smallest_p")}
    details = {**crossed.details, **kept, "p_sign_flip_prompts_only": simple.p}
    return replace(crossed, details=details)


def _smallest_p(estimate: Estimate) -> float | None:
    smallest = estimate.details.get("smallest_p")
    return smallest if isinstance(smallest, float) else None


def _sizes(pairs: _Pairs, rng: np.random.Generator) -> list[Estimate]:
    sizes = effect_sizes(pairs.own, pairs.other, rng)
    if pairs.table.shape[1] > 1:
        return sizes
    return [replace(e, reason=_join(e.reason, ONE_SEED)) for e in sizes]


def _verdict(estimate: Estimate, better: Better) -> Verdict:
    """Shown, not shown or worse; ``descriptive`` where the design cannot show anything.

    An overall difference needs p < .05, a category's its Holm-adjusted p, and both need an
    interval that leaves zero out.
    """
    if estimate.verdict == "not computable" or estimate.value is None:
        return "not computable"
    if estimate.low is None or estimate.high is None or estimate.p is None:
        return "descriptive"
    floors = (estimate.details.get(name) for name in ("smallest_p", "smallest_p_adjusted"))
    if any(isinstance(floor, float) and floor > ALPHA for floor in floors):
        return "descriptive"
    p = estimate.p if estimate.p_adjusted is None else estimate.p_adjusted
    if p >= ALPHA or estimate.low <= 0.0 <= estimate.high:
        return "not shown"
    good = estimate.value > 0 if better == "higher" else estimate.value < 0
    return "shown" if good else "worse"


def _join(*reasons: str) -> str:
    return "; ".join(reason for reason in reasons if reason)
