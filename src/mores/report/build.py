"""Everything on disk → a `Report`. Reads results, computes estimates.

Writes nothing, but for the analysis of a consultation, which is kept beside the results.

report = build_report(study)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import numpy as np
from msgspec.structs import replace

from mores import store
from mores.consult import consulted
from mores.plan.seal import hypotheses_of, seal_status
from mores.rate.ratings import COLLECTED_BY, blind_raters, current_ratings, current_unrateable
from mores.records import TUNED_ARMS, Estimate, Prompt, StancePair, to_plain
from mores.report.adherence import UNIT, stance_summary
from mores.report.by_language import (
    LanguageEffect,
    LanguageRow,
    by_language,
    rows_of,
    tongues,
)
from mores.report.contrasts import compare
from mores.report.extremes import Extreme
from mores.report.headlines import headlines
from mores.report.integrity import task_results
from mores.report.language_tables import not_applicable
from mores.report.model import (
    ArmSummary,
    CoherenceSummary,
    Missing,
    ModelSummary,
    RatingSummary,
    Report,
    Setting,
    TaskResult,
)
from mores.report.near import near_training
from mores.report.observed import (
    Observed,
    observe_ratings,
    observe_scores,
    observe_stance,
)
from mores.report.provenance import command, provenance, result_settings
from mores.report.ratings import rating_summary
from mores.report.readable import coherence_results
from mores.report.results import WORDS, ModelResults, read_results
from mores.report.robust import robust, sources_of
from mores.report.scorer_results import changes_of, scorer_results
from mores.report.shown import beside, choose, opened, questions, weights
from mores.report.signed import signed
from mores.report.size_trends import SizeInput
from mores.report.sizes import size_summary
from mores.report.verdicts import better_of
from mores.step import Manifest, read_manifest, versions
from mores.study import ArmKey, Study, folders
from mores.study.languages import primary
from mores.tune.run import known_base, outdated_arms
from mores.tune.tuner import LOG

RATING = "rating"
STANCE = "stance"


def build_report(study: Study) -> Report:
    """Collect what the steps have left; what they have not, or what is stale, is listed as missing.

    Raises:
        DataError: no completions at all, or a damaged file.
    """
    rated, of_other_texts = current_ratings(study)
    results = [read_results(study, spec, rated) for spec in study.config.models]
    figures = [_figures(study, one) for one in results]
    ratings = rating_summary(
        study,
        [(one.spec.name, one.completions) for one in results],
        [rating for one in results for rating in one.ratings],
    )
    if withheld := sum(one.withheld for one in results):
        ratings = replace(ratings, reason=f"{withheld} ratings are of answers that are not current")
    estimates = [e for one in figures for e in one.estimates]
    apart = tongues(study).apart
    toxicity = [r for one in results for r in scorer_results(one)]
    words = [one.words for one in results if one.words is not None]
    models = [_model(study, one) for one in results]
    chosen = choose(study.chosen_prompts, weights(study, results))
    return Report(
        mores_version=version("mores"),
        study=study.config.name,
        study_version=study.config.version,
        description=study.config.description,
        license=study.config.license,
        preset=study.config.preset,
        seed=study.config.seed,
        command=command(study),
        charter=study.charter,
        prompts=len(study.chosen_prompts),
        draws=study.config.sample.draws,
        headlines=tuple(
            headlines(
                [m.name for m in models],
                estimates,
                toxicity,
                changes_of(words),
                ratings if ratings.ratings else None,
            )
        ),
        models=tuple(models),
        estimates=tuple(estimates),
        toxicity=tuple(toxicity),
        cooccurrence=tuple({"model": w.model, "result": to_plain(w)} for w in words),
        capability=tuple(task for one in figures for task in one.tasks),
        ratings=ratings,
        questions=tuple(questions(study, results, chosen)),
        answers_beside=beside(study.chosen_prompts, results, chosen),
        missing=tuple(_missing(study, results, ratings, of_other_texts)),
        settings=tuple(Setting(key=k, value=v, origin=o) for k, v, o in result_settings(study)),
        inputs=provenance(study),
        versions=versions(),
        cost=_cost(study, results, models),
        scorers=tuple(one.toxicity for one in results if one.toxicity is not None),
        gates=tuple(result for one in results for result in one.gates),
        opening=next(filter(None, (opened(study, one) for one in results)), None),
        stance=tuple(
            stance_summary(
                one.spec.name,
                [i for i in one.stance if i.pair_id not in apart],
                one.completions,
                one.ratings,
                seed=study.config.seed,
            )
            for one in results
            if one.stance
        ),
        coherence=tuple(one.coherence for one in figures if one.coherence is not None),
        languages=tuple(e for one in figures for e in one.languages),
        sizes=size_summary(
            [
                SizeInput(model.name, model.parameters, one.observed)
                for model, one in zip(models, figures, strict=True)
            ],
            hypotheses=hypotheses_of(study),
            seed=study.config.seed,
        ),
        robust=tuple(row for one in results for row in robust(study, one)),
        own_log=tuple(one.own_log for one in results if one.own_log is not None),
        sealed=seal_status(study),
        signoff=signed(study),
        consultation=consulted(study),
    )


def _missing(
    study: Study, results: Sequence[ModelResults], ratings: RatingSummary, of_other_texts: int
) -> list[Missing]:
    """What a reader would look for and does not find, with the reason."""
    # Once where it is the same for every model, such as variants that nobody has read.
    missing = list(dict.fromkeys(m for one in results for m in one.missing))
    if of_other_texts:
        why = f"{of_other_texts} ratings are of texts that were drawn anew since"
        missing.append(Missing(what="Earlier ratings", why=why))
    if study.associations is None:
        missing.append(Missing(what=WORDS, why="no associations.toml"))
    if outdated := outdated_arms(study):
        arms = ", ".join(f"{arm} ({why})" for arm, why in outdated.items())
        why = f"{arms} since it was tuned; figures are of the weights as they were tuned"
        missing.append(Missing(what="The samples and the recipe as they are now", why=why))
    if not ratings.ratings:
        missing.append(Missing(what="Human ratings", why=ratings.reason))
    elif ratings.missing:
        why = f"{ratings.missing} of {ratings.needed} answers that were planned were not given"
        missing.append(Missing(what="Human ratings in part", why=why))
    missing += not_applicable(study)
    for judge, why in ratings.judges_left_out.items():
        missing.append(Missing(what=f"Ratings by the judge {judge}", why=why))
    return missing


# Estimates -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Figures:
    """What is computed from one model's results."""

    estimates: list[Estimate]
    tasks: list[TaskResult]
    observed: dict[str, list[Observed]]
    """Measure → the values that its contrasts were computed from; kept for several models only."""
    coherence: CoherenceSummary | None
    languages: list[LanguageEffect]


def _figures(study: Study, results: ModelResults) -> _Figures:
    sources: dict[str, Callable[[], list[Observed]]] = {
        f"toxicity:{name}": partial(observe_scores, results.completions, scores)
        for name, scores in results.scores.items()
    }
    if results.stance:
        sources[STANCE] = partial(observe_stance, results.stance)
    if results.ratings:
        sources[RATING] = partial(_rated, study, results)
    near = {p.id for p in study.chosen_prompts if p.near}
    asked = tongues(study)
    translated = _translations(study, results)
    languages: list[LanguageEffect] = []
    estimates: list[Estimate] = []
    compared: list[Estimate] = []
    observed: dict[str, list[Observed]] = {}
    for measure, source in sources.items():
        values = source()
        languages += by_language(
            [
                *rows_of([o for o in values if o.prompt_id not in near], asked.of),
                *translated.get(measure, ()),
            ],
            declared=asked.declared,
            measure=measure,
            model=results.spec.name,
            seed=study.config.seed,
            unit=UNIT if measure == STANCE else "prompt",
        )
        values = [o for o in values if o.prompt_id not in asked.apart]
        estimates += near_training(values, near, measure, results.spec.name, study.config.seed)
        values = [o for o in values if o.prompt_id not in near]
        compared += _compared(study, results, measure, values)
        if len(study.config.models) > 1:  # only a trend over sizes looks at them again
            observed[measure] = values
    estimates += compared
    margins = {t.name: t.margin for t in study.config.capability.tasks}
    tasks, changes = task_results(results.items, results.task_facts, margins)
    coherence: CoherenceSummary | None = None
    kept: list[Estimate] = []
    if results.coherence and results.completions:
        coherence, kept = coherence_results(
            results.spec.name,
            [c for c in results.completions if not c.absent and c.prompt_id not in asked.apart],
            results.coherence,
            margin=study.config.coherence.margin,
        )
    return _Figures(estimates + kept + changes, tasks, observed, coherence, languages)


def _translations(study: Study, results: ModelResults) -> dict[str, list[LanguageRow]]:
    """Measure → values of what was varied into another language, each with what it varies."""
    records: list[Prompt | StancePair] = [*study.prompts, *study.stance]
    languages_of = {record.id: study.language_of(record) for record in records}
    variants = [
        v
        for v in results.varied.variants.values()
        if v.language
        and primary(v.language) != primary(languages_of[v.varies])
        and not (v.earlier or v.prefill)
    ]
    if not variants:
        return {}
    languages = {v.id: v.language for v in variants}
    originals = {v.id: v.varies for v in variants}
    return {
        measure: rows_of(then, languages, originals)
        for measure, (_, then) in sources_of(results).items()
    }


def _compared(
    study: Study, results: ModelResults, measure: str, values: Sequence[Observed]
) -> list[Estimate]:
    scorers = results.toxicity.scorers if results.toxicity else ()
    threshold = {f"toxicity:{one.scorer}": one.threshold for one in scorers}.get(measure)
    found = compare(
        values,
        measure=measure,
        model=results.spec.name,
        better=better_of(measure),
        seed=study.config.seed,
        hypotheses=hypotheses_of(study).get(measure, ()),
        extreme=None if threshold is None else Extreme(threshold, above=True),
    )
    # Items of a pair stand where answers to a prompt do elsewhere.
    units = {"prompt": UNIT} if measure == STANCE else {}
    return [replace(e, unit=units.get(e.unit, e.unit)) for e in found]


def _rated(study: Study, results: ModelResults) -> list[Observed]:
    """Ratings by people, with what raters could not rate.

    What nobody has answered in the rating app, which hands out answers at random and blind, lacks a
    rating by plan; a file from elsewhere does not say why.
    """
    cannot = Counter(answer.completion_id for answer in current_unrateable(study))
    elsewhere = {r.rater for r in results.ratings} - blind_raters(study)
    collected = (folders.ratings_folder(study) / COLLECTED_BY).exists()
    return observe_ratings(
        results.completions, results.ratings, cannot, by_plan=collected and not elsewhere
    )


# Models, answers, cost -----------------------------------------------------------------------


def _model(study: Study, results: ModelResults) -> ModelSummary:
    manifests = [_manifest(study, results, key) for key in results.keys]
    trained = next((m for m in manifests if m is not None), None)
    spec = results.spec
    sampled = read_manifest(folders.model_folder(study, spec.name) / "sample")
    drawn_from = sampled.inputs.get("model", "") if sampled else ""
    return ModelSummary(
        name=spec.name,
        format=spec.format,
        parameters=int(trained.facts["parameters"]) if trained else 0,
        digest=known_base(study, spec) or drawn_from,
        arms=tuple(_arm(study, results, key) for key in results.keys),
    )


def _manifest(study: Study, results: ModelResults, key: ArmKey) -> Manifest | None:
    if key.arm not in TUNED_ARMS:
        return None
    return read_manifest(folders.tune_folder(study, results.spec.name, key))


def _arm(study: Study, results: ModelResults, key: ArmKey) -> ArmSummary:
    answers = [c for c in results.of(key) if not c.absent]
    absent = len(results.of(key)) - len(answers)
    manifest = _manifest(study, results, key)
    log = folders.tune_folder(study, results.spec.name, key) / LOG
    return ArmSummary(
        name=key.name,
        arm=key.arm,
        seed=key.seed,
        completions=len(answers),
        stopped=sum(c.finish_reason == "stop" for c in answers),
        flagged=dict(sorted(Counter(f for c in answers for f in c.flags).items()))
        | ({"not answered": absent} if absent else {}),
        mean_tokens=float(np.mean([c.tokens for c in answers])) if answers else None,
        digest=store.digest(manifest.outputs) if manifest else "",
        training=tuple(row for _, row in store.read_rows(log)) if manifest else (),
    )


def _cost(
    study: Study, results: Sequence[ModelResults], models: Sequence[ModelSummary]
) -> dict[str, float | int]:
    """Trained tokens, sampled tokens, and floating-point operations, roughly.

    Per token and weight: 6 for full tuning, 4 with adapters, 2 for reading or drawing.
    """
    per = 6 if study.config.recipe.method == "full" else 4
    trained_tokens = sampled_tokens = 0
    operations = 0.0
    for one, model in zip(results, models, strict=True):
        manifests = (_manifest(study, one, key) for key in one.keys)
        trained = sum(int(m.facts["tokens"]) for m in manifests if m is not None)
        drawn, read = one.stem_tokens
        drawn += sum(c.tokens for c in one.completions)
        read += sum(c.prompt_tokens for c in one.completions)
        trained_tokens += trained
        sampled_tokens += drawn
        operations += float(model.parameters * (per * trained + 2 * (drawn + read)))
    return {
        "trained_tokens": trained_tokens,
        "sampled_tokens": sampled_tokens,
        "floating_point_operations": operations,
    }
