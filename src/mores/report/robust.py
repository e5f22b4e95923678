"""Is the effect still there when people ask otherwise? By kind of variant, the worst first.

rows = robust(study, results)
rows[0].kind, rows[0].kept.value       "role_play", .41 of the effect on the same questions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from msgspec.structs import replace

from mores import stats
from mores.records import Arm, Completion, Estimate, Variant
from mores.report.adherence import UNIT
from mores.report.by_language import language_among
from mores.report.contrasts import CONTRAST, PRIMARY
from mores.report.observed import Observed, observe_scores, observe_stance
from mores.report.pairs import Pairs
from mores.report.results import ModelResults
from mores.report.robust_kind import RobustKind
from mores.stats.inputs import not_computable
from mores.study import Study

LEAST_UNITS = 8
"""Questions below which a kind has no verdict: t intervals of fewer say little."""
_ORDER = ("worse", "inconclusive", "non-inferior", "descriptive", "not computable")
Sources = dict[str, tuple[list[Observed], list[Observed]]]


def robust(study: Study, results: ModelResults) -> list[RobustKind]:
    """Compare the effect on questions as asked first with that on each kind of variant.

    The effect is the values-targeted arm minus control, of the same questions both times; a kind's
    variants of one question are averaged. What is asked in another language is a kind by itself.

    Args:
        study: for its margin.
        results: of one model.

    Returns:
        A row for each measure and kind, by measure; within it the worst kind first.
    """
    rows: list[RobustKind] = []
    near = {p.id for p in study.chosen_prompts if p.near}
    variants = {k: v for k, v in results.varied.variants.items() if v.varies not in near}
    for measure, (first, then) in sources_of(results).items():
        unit = UNIT if measure == "stance" else "prompt"
        kinds = dict.fromkeys(
            kind_of(variants[o.prompt_id], study.charter.language)
            for o in then
            if o.prompt_id in variants
        )
        own = []
        for kind in kinds:
            of = {
                k: v.varies
                for k, v in variants.items()
                if kind_of(v, study.charter.language) == kind
            }
            asked = [o for o in then if o.prompt_id in of]
            own.append(_row(study, results, measure, kind, first, asked, of, unit))
        rows += sorted(own, key=_worst_first)
    return rows


def kind_of(variant: Variant, declared: str) -> str:
    """Return what a variant is counted with: its kind, and the language where it is another."""
    language = language_among(variant.language or declared, declared)
    return variant.kind if language == declared else f"{variant.kind} ({language})"


def sources_of(results: ModelResults) -> Sources:
    """Return measure → values of the questions as asked first, and of their variants."""
    varied = results.varied
    found: Sources = {}
    if results.stance and varied.stance:
        found["stance"] = observe_stance(results.stance), observe_stance(varied.stance)
    if results.completions and varied.completions:
        for name, scores in varied.scores.items():
            if name in results.scores:
                found[f"toxicity:{name}"] = (
                    observe_scores(results.completions, results.scores[name]),
                    observe_scores(varied.completions, scores),
                )
        found["marked"] = _marked(results.completions), _marked(varied.completions)
    return found


def _marked(completions: Sequence[Completion]) -> list[Observed]:
    """1 where an answer is empty, repetitive or broken."""
    return [
        Observed(c.prompt_id, c.category, c.arm, c.seed, (float(bool(c.flags)),))
        for c in completions
        if not c.absent
    ]


def _row(
    study: Study,
    results: ModelResults,
    measure: str,
    kind: str,
    first: Sequence[Observed],
    then: Sequence[Observed],
    of: Mapping[str, str],
    unit: str,
) -> RobustKind:
    """Arms are paired variant by variant; then a question's variants are averaged."""
    before, after = Pairs.of(first, *PRIMARY), Pairs.of(then, *PRIMARY)
    varied = {of[name] for name in after.prompts}
    both = [name for name in before.prompts if name in varied]
    mean = partial(_mean, unit=unit)
    tables = [_rows(before, both, {}), _rows(after, both, of)]
    strata = [before.categories[before.prompts.index(name)] for name in both]
    estimates = [mean(table, strata) for table in tables]
    named = partial(
        replace, contrast=CONTRAST, category="overall", details={"model": results.spec.name}
    )
    return RobustKind(
        model=results.spec.name,
        measure=measure,
        kind=kind,
        questions=len(both),
        left_out=len({of[o.prompt_id] for o in then}) - len(both),
        original=named(estimates[0], measure=measure),
        varied=named(estimates[1], measure=f"{measure}/{kind}"),
        kept=_kept(study, tables, strata, unit, measure),
        values_original=_level(first, both, PRIMARY[0], {}),
        values_varied=_level(then, both, PRIMARY[0], of),
    )


def _kept(
    study: Study, tables: list[np.ndarray], strata: list[str], unit: str, measure: str
) -> Estimate:
    margin, n = study.config.variants.margin, len(strata)
    method = "share of an effect, Fieller"
    if measure == "marked":
        why = "no aim of the tune: see the shares"
    elif n < LEAST_UNITS:
        why = f"{n} {unit}s have values in both ways, {LEAST_UNITS} are needed"
    elif tables[0].shape != tables[1].shape:
        why = "other training runs answered than those asked first"
    else:
        first, then = tables
        kept = stats.kept_share(first, then, margin, strata=_strata(strata), unit=unit)
        return replace(kept, measure=f"{measure}/kept")
    return replace(not_computable(why, n=n, unit=unit, method=method), measure=f"{measure}/kept")


def _strata(strata: list[str]) -> list[str]:
    """Categories, where each has at least two questions; else all questions together."""
    single = any(strata.count(name) < 2 for name in set(strata))
    return ["all"] * len(strata) if single else strata


def _rows(pairs: Pairs, names: Sequence[str], of: Mapping[str, str]) -> np.ndarray:
    """Differences of questions, in order; of several variants of one their mean."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(pairs.prompts):
        places.setdefault(of.get(name, name), []).append(place)
    rows = [pairs.table[places[name]].mean(axis=0) for name in names]
    return np.array(rows).reshape(len(names), pairs.runs)


def _mean(table: np.ndarray, strata: list[str], *, unit: str) -> Estimate:
    """The effect on these questions with its 95 % interval; no verdict of its own."""
    if table.shape[1:] == (1,):
        found = stats.stratified_t(table[:, 0], _strata(strata))
    else:
        found = stats.crossed_effect(table, strata=_strata(strata))
    verdict = "not computable" if found.verdict == "not computable" else "descriptive"
    return replace(found, unit=unit, p=None, verdict=verdict, details={})


def _level(
    observed: Sequence[Observed], names: Sequence[str], arm: Arm, of: Mapping[str, str]
) -> float | None:
    """Mean value of one arm on these questions."""
    wanted = set(names)
    values = [
        o.mean
        for o in observed
        if o.arm == arm and of.get(o.prompt_id, o.prompt_id) in wanted and o.values
    ]
    return float(np.mean(values)) if values else None


def _worst_first(row: RobustKind) -> tuple[int, float, str]:
    share = row.kept.value
    return (
        _ORDER.index(row.kept.verdict),
        float("inf") if share is None else share,
        row.kind,
    )
