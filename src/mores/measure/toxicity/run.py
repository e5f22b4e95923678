"""Completions on disk → toxicity scores on disk, each scorer by itself and all side by side.

toxicity(study)                      score what is missing
read_scores(study, model, scorer)
score_step(study, spec, scorer).stale() for readers: are these scores of the answers that are there?
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from mores import store
from mores.errors import MeasureError, ServiceError
from mores.execute import alone
from mores.measure.toxicity import registry
from mores.measure.toxicity.card import ValidationCard
from mores.measure.toxicity.labelled import LabelledText
from mores.measure.toxicity.raw import RAW
from mores.measure.toxicity.result import ToxicitySummary
from mores.measure.toxicity.scorer import (
    ReadingScorer,
    Scorer,
    as_scores,
    read_completions_with,
    takes_prompt,
    unknown_languages,
)
from mores.measure.toxicity.summary import Judged, summarise
from mores.measure.toxicity.validate import validate
from mores.progress import Progress
from mores.records import Prompt, Score, to_plain
from mores.sample.log import LOG, log_prompts, log_step, read_log
from mores.sample.run import SAMPLE, completions_digest, read_completions, sample_step
from mores.sample.varied import VARIANTS, variants_step
from mores.step import Made, Step, read_manifest
from mores.store.lines import iter_records
from mores.study import ModelSpec, Study, folders, slug
from mores.study.files import scorer_files
from mores.study.variants import as_prompt

SCORES = "scores.jsonl"
SUMMARY = "summary.json"
TOXICITY = "toxicity"


def toxicity(
    study: Study, *, scorers: Sequence[str] | None = None, progress: Progress | None = None
) -> list[Score]:
    """Score every completion with every configured scorer; keep raw scores and a summary.

    Args:
        study: with completions.
        scorers: instead of the study's own, which their summary and the report are of.
        progress: where to show how far it is.

    Raises:
        DataError: the completions have not been sampled.
        MeasureError, ModelError, AssetError: a scorer is unknown, cannot be loaded, or has
            something to ask and no key, no address or no service to ask.
    """
    progress = progress or Progress(quiet=True)
    if scorers is not None:
        config = replace(study.config.toxicity, scorers=tuple(scorers))
        study = study.with_config(replace(study.config, toxicity=config))
    every: list[Score] = []
    judged: dict[str, list[Judged]] = {spec.name: [] for spec in study.config.models}
    with alone(study.run_folder):
        for name in study.config.toxicity.scorers:
            judge = scorer_of(study, name, say=progress.say)
            for spec in study.config.models:
                scores = _score_model(study, spec, name, judge, progress)
                every += scores
                for other in (VARIANTS, LOG):
                    if answered(study, spec, other):
                        _score_model(study, spec, name, judge, progress, other)
                threshold = threshold_of(study, name)
                judged[spec.name].append(Judged(name, judge.note, threshold, scores))
        # The summary is of the study's own scorers, which the report shows.
        for spec in study.config.models if scorers is None else ():
            _summarise(study, spec, judged[spec.name], progress)
    return every


def scorer_of(study: Study, name: str, *, say: store.Say | None = None) -> Scorer:
    """Return a scorer with the study's settings for it; relative paths start at the study.

    Raises:
        MeasureError, ModelError, AssetError: see `mores.measure.toxicity.scorer`.
    """
    slugs = [slug(other) for other in study.config.toxicity.scorers]
    if slugs.count(slug(name)) > 1:
        raise MeasureError(
            f"two scorers would keep their scores in the folder {slug(name)!r}",
            where=f"scorer {name!r}",
            fix="name one of them differently",
        )
    options = study.config.toxicity.options_of(name)
    return registry.scorer(name, options=options, base=study.folder, say=say)


def validate_scorer(
    study: Study | None, name: str | None, rows: Sequence[LabelledText], *, source: str
) -> ValidationCard:
    """See how far a scorer can be trusted, on texts that people have labelled.

    Args:
        study: whose settings the scorer has, if any.
        name: the scorer; by default the study's first, or the lexical one.
        rows: labelled texts.
        source: what to call them.

    Raises:
        MeasureError, ModelError, AssetError: see `mores.measure.toxicity.scorer`.
    """
    if study is None:
        judge = registry.scorer(name or registry.BUILT_IN)
    else:
        judge = scorer_of(study, name or study.config.toxicity.scorers[0])
    return validate(judge, rows, source=source)


# One scorer on one model ---------------------------------------------------------------------


def answers_step(study: Study, spec: ModelSpec, of: str) -> Step | None:
    """The step of a model's answers to prompts, variants or a log; None where none were asked."""
    if of == SAMPLE:
        return sample_step(study, spec)
    if of == VARIANTS:
        return variants_step(study, spec)
    log = read_log(study)
    return None if log is None else log_step(study, spec, log)


def answered(study: Study, spec: ModelSpec, of: str) -> bool:
    """Whether such answers are there and current."""
    step = answers_step(study, spec, of)
    return step is not None and step.stale() is None


def score_step(
    study: Study, spec: ModelSpec, name: str, judge: Scorer | None = None, of: str = SAMPLE
) -> Step:
    """What one scorer's scores of one model are made from.

    Args:
        study: as it is now.
        spec: one of its models.
        name: the scorer, as the study names it: by that name its scores are found.
        judge: the scorer itself; readers do without, and its digest is then not compared.
        of: which answers: ``sample``, or ``variants`` or ``log``, which must be there.
    """
    sampled = answers_step(study, spec, of)
    assert sampled is not None
    folder = scores_folder(study, spec.name, name, of)
    inputs: dict[str, str | None] = {
        "completions": completions_digest(sampled),
        "scorer": None,
        **scorer_files(study, name),
    }
    manifest = read_manifest(folder)
    config = dict(manifest.config) if manifest else {}
    if judge is None:
        inputs["prompts"] = None
        inputs["languages"] = None
    else:
        inputs["scorer"] = judge.digest
        config = {"scorer": judge.name, "version": judge.version}
        questions = _questions(study, of)
        if foreign := unknown_languages(judge, _languages(study, questions)):
            inputs["languages"] = store.digest(foreign)
        if takes_prompt(judge):
            inputs["prompts"] = store.digest(_asked(questions))
        if isinstance(judge, ReadingScorer):
            config["reads"] = judge.settings
    config["options"] = _options(study, name)
    return Step(
        TOXICITY,
        folder,
        inputs=inputs,
        config=config,
        seed=study.config.seed,
        label=f"toxicity {name}",
        log=study.run_folder,
        rests_on=(sampled,),
    )


def _options(study: Study, name: str) -> dict[str, object]:
    """Settings that decide a scorer's values; thresholds belong to the summary."""
    options = to_plain(study.config.toxicity.options_of(name))
    return {k: v for k, v in options.items() if k not in ("threshold", "timeout", "key_env")}


def _questions(study: Study, of: str) -> dict[str, Prompt]:
    """Id → what was asked: the study's prompts, their variants, or those of a log."""
    prompts = {p.id: p for p in study.prompts}
    if of == SAMPLE:
        return prompts
    if of == LOG:
        log = read_log(study)
        return {} if log is None else {p.id: p for p in log_prompts(log)}
    variants = (v for v in study.variants if v.varies in prompts)
    return {v.id: as_prompt(v, prompts[v.varies]) for v in variants}


def _asked(questions: Mapping[str, Prompt]) -> dict[str, str]:
    """Id → text, for scorers that read it too."""
    return {name: prompt.asked for name, prompt in questions.items()}


def _languages(study: Study, questions: Mapping[str, Prompt]) -> dict[str, str]:
    return {name: study.language_of(prompt) for name, prompt in questions.items()}


def _score_model(
    study: Study,
    spec: ModelSpec,
    name: str,
    judge: Scorer,
    progress: Progress,
    of: str = SAMPLE,
) -> list[Score]:
    completions = read_completions(study, spec.name, of)
    questions = _questions(study, of)
    prompts = _asked(questions) if takes_prompt(judge) else None
    step = score_step(study, spec, name, judge, of)
    step.warn(progress.say)

    def score() -> Made:
        task = progress.task(f"toxicity {judge.name}", len(completions), "texts")
        readings = read_completions_with(
            completions,
            judge,
            prompts=prompts,
            languages=_languages(study, questions),
            raw=step.folder / RAW,
            advance=task.advance,
        )
        task.finish()
        scores = as_scores(completions, readings, judge)
        store.write_jsonl(step.folder / SCORES, scores)
        absent = sum(s.value is None for s in scores)
        facts = {"scored": len(scores) - absent, "absent": absent}
        if unanswered := sum(reading.again for reading in readings):
            facts["unanswered"] = unanswered
        progress.say(f"toxicity: {len(scores) - absent} of {len(scores)} scored by {judge.name}")
        return Made([SCORES], facts=facts, timing={"model": spec.name})

    step.run(score, say=progress.say, because=_unanswered(step, judge, progress))
    return list(iter_scores(study, spec.name, name, of))


def _unanswered(step: Step, judge: Scorer, progress: Progress) -> str | None:
    """Why current scores are taken again: some texts had no answer, and there is one to ask."""
    left = step.manifest.facts.get("unanswered", 0) if step.manifest else 0
    if not left or not isinstance(judge, ReadingScorer) or step.why():
        return None
    try:
        judge.ready()
    except (MeasureError, ServiceError) as error:
        # What was done stays usable: a study must not fail for a service that has ended.
        progress.say(f"{step.label}: {left} texts stay without an answer: {error.message}")
        return None
    return f"{left} texts had no answer and are asked again"


def scores_folder(study: Study, model: str, scorer: str, of: str = SAMPLE) -> Path:
    """Where one scorer's scores of one model are kept: of its answers, or of those to variants."""
    own = folders.model_folder(study, model) / TOXICITY
    return own / slug(scorer) if of == SAMPLE else own / slug(scorer) / of


def read_scores(study: Study, model: str, scorer: str) -> list[Score]:
    """Return all scores of one scorer; see `iter_scores`."""
    return list(iter_scores(study, model, scorer))


def iter_scores(study: Study, model: str, scorer: str, of: str = SAMPLE) -> Iterator[Score]:
    """Read one scorer's scores one after another.

    Raises:
        DataError: the measure has not been taken.
    """
    path = scores_folder(study, model, scorer, of) / SCORES
    return map(_shared, iter_records(path, Score, unique="completion_id"))


def _shared(score: Score) -> Score:
    """A score whose texts are kept once for all scores: of a million, a quarter of the memory."""
    return Score(
        completion_id=sys.intern(score.completion_id),
        scorer=sys.intern(score.scorer),
        version=sys.intern(score.version),
        digest=sys.intern(score.digest),
        attribute=sys.intern(score.attribute),
        value=score.value,
        reason=sys.intern(score.reason),
    )


# All scorers of one model --------------------------------------------------------------------


def summary_step(study: Study, spec: ModelSpec, judged: Sequence[Judged] | None = None) -> Step:
    """What a model's scorers side by side are made from; readers do without ``judged``."""
    config = study.config.toxicity
    notes = {one.scorer: store.digest(one.note) for one in judged or ()}
    under = tuple(score_step(study, spec, name) for name in config.scorers)
    return Step(
        f"{TOXICITY} summary",
        folders.model_folder(study, spec.name) / TOXICITY,
        inputs={
            **{
                f"scores {name}": step.digest()
                for name, step in zip(config.scorers, under, strict=True)
            },
            **{f"note {name}": notes.get(name) for name in config.scorers},
        },
        config={"thresholds": {name: threshold_of(study, name) for name in config.scorers}},
        seed=study.config.seed,
        rests_on=under,
    )


def threshold_of(study: Study, name: str) -> float:
    """From which score on a scorer's texts are marked: its own threshold, or that of all."""
    threshold = study.config.toxicity.options_of(name).threshold
    return study.config.toxicity.threshold if threshold is None else threshold


def _summarise(study: Study, spec: ModelSpec, judged: list[Judged], progress: Progress) -> None:
    """Write the scorers side by side, where something changed."""
    if not any(one.scores for one in judged):
        return
    step = summary_step(study, spec, judged)

    def compare() -> Made:
        completions = read_completions(study, spec.name)
        summary = summarise(spec.name, completions, judged, seed=study.config.seed)
        store.write_json(step.folder / SUMMARY, summary)
        for warning in summary.warnings:
            progress.say(f"toxicity: {warning}")
        return Made([SUMMARY])

    step.run(compare, say=progress.say)


def read_toxicity_summary(study: Study, model: str) -> ToxicitySummary | None:
    """Return a model's scorers side by side, or None where nothing has been scored.

    Raises:
        DataError: the file is damaged.
    """
    path = folders.model_folder(study, model) / TOXICITY / SUMMARY
    if not path.exists():
        return None
    return store.as_record(store.read_json(path), ToxicitySummary, path=path)
