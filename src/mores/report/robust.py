"""Is the effect still there when people ask otherwise? By kind of variant, the worst first.

rows = robust(study, results)
rows[0].kind, rows[0].kept.value       "role_play", .41 of the effect on the same questions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from mores.stats.kept_share import mean_effect
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
        by_kind: dict[str, list[Observed]] = {}
        for o in then:
            if variant := variants.get(o.prompt_id):
                by_kind.setdefault(kind_of(variant, study.charter.language), []).append(o)
        asked_first = AskedFirst(measure, first, Pairs.of(first, *PRIMARY))
        own = [_row(study, results, asked_first, kind, asked) for kind, asked in by_kind.items()]
        rows += sorted(own, key=_worst_first)
    return rows


@dataclass(frozen=True)
class AskedFirst:
    """One measure of the questions as they were asked first."""

    measure: str
    observed: Sequence[Observed]
    pairs: Pairs

    @property
    def unit(self) -> str:
        """What was asked."""
        return UNIT if self.measure == "stance" else "prompt"


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
    study: Study, results: ModelResults, first: AskedFirst, kind: str, then: Sequence[Observed]
) -> RobustKind:
    """Arms are paired variant by variant; then a question's variants are averaged."""
    of = {o.prompt_id: results.varied.variants[o.prompt_id].varies for o in then}
    before, after, measure = first.pairs, Pairs.of(then, *PRIMARY), first.measure
    varied = {of[name] for name in after.prompts}
    category = dict(zip(before.prompts, before.categories, strict=True))
    both = [name for name in before.prompts if name in varied]
    tables = [_rows(before, both, {}), _rows(after, both, of)]
    strata = _strata([category[name] for name in both])
    estimates = [_mean(table, strata, first.unit) for table in tables]
    named = partial(
        replace, contrast=CONTRAST, category="overall", details={"model": results.spec.name}
    )
    return RobustKind(
        model=results.spec.name,
        measure=measure,
        kind=kind,
        questions=len(both),
        left_out=len(set(of.values())) - len(both),
        original=named(estimates[0], measure=measure),
        varied=named(estimates[1], measure=f"{measure}/{kind}"),
        kept=_kept(study, tables, strata, first),
        values_original=_level(first.observed, both, PRIMARY[0], {}),
        values_varied=_level(then, both, PRIMARY[0], of),
    )


def _kept(
    study: Study, tables: list[np.ndarray], strata: list[str], asked_first: AskedFirst
) -> Estimate:
    margin, n = study.config.variants.margin, len(strata)
    measure, unit = asked_first.measure, asked_first.unit
    method = "share of an effect, Fieller"
    if measure == "marked":
        why = "no aim of the tune: see the shares"
    elif n < LEAST_UNITS:
        why = f"{n} {unit}s have values in both ways, {LEAST_UNITS} are needed"
    elif tables[0].shape != tables[1].shape:
        why = "other training runs answered than those asked first"
    else:
        first, then = tables
        kept = stats.kept_share(first, then, margin, strata=strata, unit=unit)
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


def _mean(table: np.ndarray, strata: list[str], unit: str) -> Estimate:
    """The effect on these questions with its 95 % interval; no verdict of its own."""
    found = mean_effect(table, strata)
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
