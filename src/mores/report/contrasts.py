"""Values of completions → paired differences between arms, by prompt.

The unit is the prompt. Ratings are averaged within a completion, completions
within a prompt, training seeds side by side; then arm minus reference, prompt by
prompt, every category with equal weight.

    estimates = compare(values, arms, better="lower", measure="toxicity:lexical", seed=2021)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace

from mores.records import Arm, Estimate
from mores.report.absent import Bounds, Missing, bounds_of, missing, overall_of
from mores.report.differences import METHOD, by_category, overall, sizes_of
from mores.report.extremes import Extreme, extreme_answers
from mores.report.observed import Observed, by_completion, observe
from mores.report.pairs import Pairs
from mores.report.verdicts import (
    ALPHA,
    CLAIMS,
    SCALES,
    Better,
    detectable,
    few_raters,
    join,
    least_of,
    rare_reason,
    rater_reason,
    scope_of,
    these_raters_only,
    verdict_of,
    with_other_raters,
    withdrawn,
)
from mores.stats.inputs import not_computable

PRIMARY: tuple[Arm, Arm] = ("values_targeted", "control")
CONTRAST = " - ".join(PRIMARY)
CONTRASTS: tuple[tuple[Arm, Arm], ...] = (
    PRIMARY,
    ("values_targeted", "base"),
    ("control", "base"),
    ("values_targeted", "prompted"),
    ("values_targeted", "few_shot"),
    ("preference", "base"),
    ("preference", "values_targeted"),
)
NOT_A_HYPOTHESIS = "no hypothesis of this study"
NOT_REACHED = "not reached: hypotheses are tested in order, and the one before was not claimed"
NO_OVERALL = "the overall difference claims nothing, so no category does"
MISSING = "no verdict: with what {arm} lacks scored {worst:g} it would be {verdict}"
TAIL = "more prompts have an extreme answer from {arm} than from {other}, beyond chance"
LOW_RATING = Extreme(2.0, above=False)
"""Ratings are extreme at 2 or below: "more against the statement than for it"."""

Details = dict[str, float | int | str | None]

__all__ = ["ALPHA", "Better", "Observed", "by_completion", "compare", "observe"]


def compare(
    observed: Sequence[Observed],
    *,
    measure: str,
    model: str,
    better: Better,
    seed: int,
    hypotheses: Sequence[str] = (CONTRAST,),
    extreme: Extreme | None = None,
) -> list[Estimate]:
    """Estimate every contrast between arms that are there, overall and by category.

    Verdicts are given to the hypotheses, in their order: each is tested only if the one before made
    a claim (fixed sequence; Maurer, Hothorn & Lehmacher 1995), and categories only where their
    overall difference does. So some false claim about a measure is made in at most 5 % of studies.
    All else is exploratory. What a claim must stand besides its test: see `mores.report.verdicts`.

    Args:
        observed: completions with their values, those without one too.
        measure: name that the estimates carry; ``rating`` and ``toxicity:…`` have a known scale.
        model: name of the base model, kept in ``details["model"]``.
        better: whether a higher or a lower value is the aim.
        seed: of permutations and bootstraps.
        hypotheses: contrasts, ``arm - reference``, that have a verdict.
        extreme: from where on an answer is extreme; of ratings 2 and below.

    Returns:
        For each contrast: the overall difference, one for each category (Holm over categories),
        the sizes of the effect, and the checks beside it. The primary contrast is there as
        "not computable" where one of its arms has no value: its absence must be seen.
    """
    arms = {o.arm for o in observed if o.values}
    kind = measure.partition(":")[0]
    question = _Question(
        measure, model, better, seed, SCALES.get(kind), extreme or _extreme_of(kind)
    )
    found: dict[str, list[Estimate]] = {}
    for number, (arm, reference) in enumerate(CONTRASTS):
        contrast = f"{arm} - {reference}"
        if arm in arms and reference in arms:
            found[contrast] = _contrast(question, observed, arm, reference, number)
        elif (arm, reference) == PRIMARY and arms:
            found[contrast] = [without(measure, model, [a for a in PRIMARY if a not in arms])]
    return [e for own in _in_order(found, hypotheses).values() for e in own]


def _extreme_of(kind: str) -> Extreme | None:
    return LOW_RATING if kind == "rating" else None


@dataclass(frozen=True)
class _Question:
    """What all contrasts of a measure share."""

    measure: str
    model: str
    better: Better
    seed: int
    scale: tuple[float, float] | None
    extreme: Extreme | None

    @property
    def worst(self) -> float | None:
        """The worst value of the scale."""
        if self.scale is None:
            return None
        return self.scale[0] if self.better == "higher" else self.scale[1]


def _in_order(
    found: dict[str, list[Estimate]], hypotheses: Sequence[str]
) -> dict[str, list[Estimate]]:
    """Take verdicts from what is no hypothesis, or comes after one that was not claimed."""
    open_now, tested = True, dict.fromkeys(found, NOT_A_HYPOTHESIS)
    for contrast in hypotheses:
        if contrast in found:
            tested[contrast] = "" if open_now else NOT_REACHED
        open_now = open_now and contrast in found and found[contrast][0].verdict in CLAIMS
    return {
        contrast: [_exploratory(e, tested[contrast]) for e in own] if tested[contrast] else own
        for contrast, own in found.items()
    }


def _exploratory(e: Estimate, why: str) -> Estimate:
    if e.verdict not in (*CLAIMS, "not shown"):
        return e
    return withdrawn(e, "exploratory", why)


def without(measure: str, model: str, lacking: Sequence[str]) -> Estimate:
    """Return the primary contrast where arms of it have no values."""
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


def _contrast(
    question: _Question, observed: Sequence[Observed], arm: Arm, reference: Arm, number: int
) -> list[Estimate]:
    """Everything about one contrast, the overall difference first."""
    pairs = Pairs.of(observed, arm, reference).adjusted()
    rng = np.random.default_rng([question.seed, number])
    lacks = missing(observed, arm, reference)
    tail = extreme_answers(pairs, arm, reference, question.extreme) if question.extreme else []
    differences = [overall(pairs, rng), *by_category(pairs, rng)]
    sizes = sizes_of(pairs, rng)
    raters = with_other_raters(differences[0], pairs)
    bounds = bounds_of(observed, pairs, lacks, question.worst, question.seed)
    parts = {"": pairs, **{name: pairs.within(name) for name in dict.fromkeys(pairs.categories)}}
    decided = [
        _decided(question, pairs, parts[e.category], e, bounds, lacks, tail) for e in differences
    ]
    claimed = decided[0].verdict in CLAIMS
    decided = [e if claimed or not e.category else _exploratory(e, NO_OVERALL) for e in decided]
    found = [
        *((question.measure, e) for e in decided),
        *((f"{question.measure}/{e.measure}", e) for e in sizes),
        *([(f"{question.measure}/other raters", raters)] if raters else []),
        *((f"{question.measure}/missing scored worst", e) for e in overall_of(bounds)),
        *((f"{question.measure}/extreme answers", e) for e in tail),
    ]
    return [
        replace(
            e,
            measure=name,
            contrast=f"{arm} - {reference}",
            category=e.category or "overall",
            details={
                **e.details,
                **about(question.model, pairs, lacks, e.category or "overall"),
                **_power(question, parts.get(e.category, pairs), _tests(pairs, e), e),
            },
        )
        for name, e in found
    ]


def about(model: str, pairs: Pairs, lacks: tuple[Missing, Missing], category: str) -> Details:
    """Say what stands with every estimate: the model, prompts left out, answers without a value."""
    return {
        "model": model,
        "left_out": pairs.left_out(category),
        "arm_answers": lacks[0].answers,
        "arm_without": lacks[0].without,
        "reference_answers": lacks[1].answers,
        "reference_without": lacks[1].without,
        **({"severity": "taken off"} if pairs.severity_off else {}),
    }


def _power(question: _Question, pairs: Pairs, tests: int, e: Estimate) -> Details:
    """What a difference that was not shown would have had to be.

    Nothing where the test itself claimed and something else forbade it: the reason says what.
    """
    if e.verdict != "not shown" or verdict_of(e, question.better) in CLAIMS:
        return {}
    scale = question.scale
    rare = least_of(pairs, question.better, scale, question.seed) if scale else 0.0
    return {"detectable": detectable(e, tests, rare)}


def _tests(pairs: Pairs, e: Estimate) -> int:
    """How many tests share a level: a category's is one of several."""
    return len(set(pairs.categories)) if e.category else 1


# Verdicts -------------------------------------------------------------------------------------


def _decided(
    question: _Question,
    pairs: Pairs,
    own: Pairs,
    e: Estimate,
    bounds: Bounds,
    lacks: tuple[Missing, Missing],
    tail: Sequence[Estimate],
) -> Estimate:
    """Give an estimate its verdict: that of its test, unless something speaks against it.

    ``own`` are the prompts that it is of, with their raters: those of a category, or all.
    """
    verdict = verdict_of(e, question.better)
    e = with_absent(replace(e, verdict=verdict), lacks)
    if why := rater_reason(pairs) or few_raters(own):
        if verdict == "not computable":
            return e
        return replace(withdrawn(e, "descriptive", why), p=None, p_adjusted=None)
    if verdict not in CLAIMS or e.value is None:
        return e
    if question.scale and (why := rare_reason(e.value, own, question.scale, question.seed)):
        return withdrawn(e, "not shown", why)
    for arm, rows in bounds.items():  # whichever lacks more: each may hide what it did badly
        bound = next((b for b in rows if b.category == e.category), None)
        if bound is not None and (then := verdict_of(bound, question.better)) != verdict:
            why = MISSING.format(arm=arm.replace("_", "-"), worst=question.worst, verdict=then)
            return withdrawn(e, "descriptive", why)
    if verdict == "shown" and _tail_contradicts(tail):
        names = (one.arm.replace("_", "-") for one in lacks)
        return withdrawn(e, "not shown", TAIL.format(arm=next(names), other=next(names)))
    only = "" if pairs.raters is None else these_raters_only(e, own, _tests(pairs, e))
    return replace(
        e, scope=scope_of(pairs.runs, other_raters=not only), reason=join(e.reason, only)
    )


def with_absent(e: Estimate, lacks: tuple[Missing, Missing]) -> Estimate:
    """Return an overall difference that says how many answers of each arm have no value."""
    if e.value is None or e.category or not any(one.without or one.cannot for one in lacks):
        return e
    return replace(e, reason=join(e.reason, "no value: " + ", ".join(one.words for one in lacks)))


def _tail_contradicts(tail: Sequence[Estimate]) -> bool:
    """More extreme answers in the arm that is better in the mean; extreme is always the bad end."""
    return any(e.category == "overall" and e.low is not None and e.low > 0 for e in tail)
