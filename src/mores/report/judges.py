"""Ratings by language models: kept under their names, beside people's and never among them.

Takes completions, people's ratings and each judge's, gives what the judge says, whether it may
stand in for a rater, and people's difference sharpened by it.

    judge_summaries([("m", completions)], ratings, JudgesNow({"judge-7b": judgements}), seed=2021)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from mores import stats
from mores.records import Completion, Estimate, Rating, Unrateable
from mores.report.contrasts import CONTRAST, PRIMARY, compare
from mores.report.judge_about import JudgesNow
from mores.report.judge_rates import pass_rates
from mores.report.judge_summary import JudgeSummary
from mores.report.observed import by_completion, observe
from mores.stats.inputs import not_computable
from mores.study.arms import ArmKey

EPSILON = 0.1
"""What the test allows a judge beside raters who are no experts (Calderon et al. 2025)."""
OPINION = "a language model's opinion, not people's"


def judge_summaries(
    models: Sequence[tuple[str, Sequence[Completion]]],
    people: Sequence[Rating],
    judges: JudgesNow,
    seed: int,
    blind: frozenset[str] = frozenset(),
) -> tuple[JudgeSummary, ...]:
    """Summarise each judge on each base model.

    Args:
        models: name of each base model and its completions.
        people: ratings by people.
        judges: what language models said.
        seed: of permutations and bootstraps.
        blind: raters of blind items, who did not choose what they rated.
    """
    return tuple(
        _summary(judge, model, completions, people, judges, seed, blind)
        for judge in dict.fromkeys([*judges.judgements, *judges.unjudged])
        for model, completions in models
        if {one.completion_id for one in _said(judges, judge)} & {c.id for c in completions}
    )


def _said(judges: JudgesNow, judge: str) -> list[Rating | Unrateable]:
    return [*judges.judgements.get(judge, ()), *judges.unjudged.get(judge, ())]


def _summary(
    judge: str,
    model: str,
    completions: Sequence[Completion],
    people: Sequence[Rating],
    judges: JudgesNow,
    seed: int,
    blind: frozenset[str],
) -> JudgeSummary:
    ids = {c.id for c in completions}
    said = by_completion([r for r in judges.judgements.get(judge, ()) if r.completion_id in ids])
    human = [r for r in people if r.completion_id in ids]
    name, observed = f"judge:{judge}", observe(completions, said)
    estimates = compare(
        observed, measure=name, model=model, better="higher", seed=seed, hypotheses=()
    )
    about = judges.about.get(judge)
    unjudged = {one.completion_id for one in judges.unjudged.get(judge, ())}
    return JudgeSummary(
        judge=judge,
        model=model,
        ratings=len(said),
        means=_means(completions, said),
        differences=tuple(
            replace(e, verdict="descriptive", reason="; ".join(filter(None, (e.reason, OPINION))))
            if e.verdict != "not computable"
            else e
            for e in estimates
            if e.measure == name and e.category == "overall"
        ),
        stand_in=_named(_stand_in(human, said), "may stand in for a rater", model),
        powered=_named(_powered(completions, human, said), "people's difference, sharpened", model),
        family=about.family if about else "",
        consistency=_named(about.consistency, "order consistency", model) if about else None,
        absent=_absent_by_arm(completions, unjudged),
        pass_rates=tuple(
            replace(e, details={**e.details, "model": model})
            for e in pass_rates(completions, human, said, blind)
        ),
    )


def _absent_by_arm(completions: Sequence[Completion], unjudged: set[str]) -> dict[str, int]:
    """Answers that the judge was given and did not rate, of each arm that has some."""
    without: dict[str, int] = {}
    for c in completions:
        if c.id in unjudged:
            arm = ArmKey(c.arm, c.seed).name
            without[arm] = without.get(arm, 0) + 1
    return without


def _named(estimate: Estimate, name: str, model: str) -> Estimate:
    return replace(estimate, category=name, details={**estimate.details, "model": model})


def _means(
    completions: Sequence[Completion], said: Mapping[str, tuple[float, ...]]
) -> dict[str, float | None]:
    values: dict[str, list[float]] = {}
    for c in completions:
        values.setdefault(ArmKey(c.arm, c.seed).name, []).extend(said.get(c.id, ()))
    return {arm: float(np.mean(given)) if given else None for arm, given in values.items()}


def _stand_in(people: Sequence[Rating], said: Mapping[str, tuple[float, ...]]) -> Estimate:
    """The alternative annotator test over completions that the judge rated too."""
    if not people:
        return _absent("no ratings by people to compare with", "rater")
    table = stats.rating_table((r.rater, r.completion_id, r.value) for r in people)
    judge = [said[item][0] if item in said else math.nan for item in table.items]
    numbers = [f"rater {i}" for i in range(1, len(table.raters) + 1)]
    return stats.alternative_annotator_test(table.values, judge, EPSILON, raters=numbers)


def _powered(
    completions: Sequence[Completion],
    people: Sequence[Rating],
    said: Mapping[str, tuple[float, ...]],
) -> Estimate:
    """Prediction-powered primary difference: prompts crossed with training runs."""
    judge = _differences(completions, said)
    human = _differences(completions, by_completion(people))
    runs = sorted({run for _, run in judge} & {run for _, run in human})
    by_judge, by_people = _tables(judge, runs), _tables(human, runs)
    both = [p for p in by_judge if p in by_people]
    rest = [p for p in by_judge if p not in by_people]
    if not both or not rest:
        why = (
            "no prompt has ratings by people and the judge in both arms"
            if not both
            else "people rated every prompt that the judge rated: their own difference stands"
        )
        return _absent(why, "prompt")
    sharpened = stats.prediction_powered_mean(
        [by_people[p] for p in both],
        [by_judge[p] for p in both],
        [by_judge[p] for p in rest],
    )
    note = "holds only if the prompts that people rated were drawn at random"
    if sharpened.value is None:
        return sharpened
    few = f"{sharpened.scope} only: says nothing of other training runs" if sharpened.scope else ""
    reason = "; ".join(filter(None, (sharpened.reason, few, note)))
    return replace(sharpened, reason=reason, contrast=CONTRAST)


def _absent(reason: str, unit: str) -> Estimate:
    return not_computable(reason, n=0, unit=unit, method="not computed")


def _differences(
    completions: Sequence[Completion], values: Mapping[str, tuple[float, ...]]
) -> dict[tuple[str, int], float]:
    """(Prompt, training run) → first primary arm minus the second, where both have values."""
    by: dict[tuple[str, str, int], list[float]] = {}
    for c in completions:
        if c.id in values:
            by.setdefault((c.prompt_id, c.arm, c.seed), []).append(float(np.mean(values[c.id])))
    first, second = PRIMARY
    pairs = dict.fromkeys((c.prompt_id, c.seed) for c in completions)
    return {
        (p, run): float(np.mean(by[p, first, run]) - np.mean(by[p, second, run]))
        for p, run in pairs
        if (p, first, run) in by and (p, second, run) in by
    }


def _tables(
    differences: Mapping[tuple[str, int], float], runs: Sequence[int]
) -> dict[str, list[float]]:
    """Prompt → its difference under each of these runs, NaN where it has none."""
    prompts = dict.fromkeys(p for p, run in differences if run in runs)
    return {p: [differences.get((p, run), math.nan) for run in runs] for p in prompts}
