"""Completions on disk → toxicity scores and co-occurrence results on disk.

measure_toxicity(study)
measure_cooccurrence(study)
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mores import step as steps
from mores import store
from mores.errors import AssetError, DataError, MeasureError
from mores.measure.cooccurrence import CooccurrenceResult
from mores.progress import Progress
from mores.records import Completion, Manifest, Score
from mores.sample import read_completions
from mores.sample.run import COMPLETIONS
from mores.study import ModelSpec, Study, folders
from mores.study.arms import slug

if TYPE_CHECKING:
    from mores.measure.toxicity import Scorer
    from mores.measure.toxicity.result import ToxicitySummary
    from mores.measure.toxicity.summary import Judged

RESULT = "result.json"
SUMMARY = "summary.json"


def measure_toxicity(study: Study, *, progress: Progress | None = None) -> list[Score]:
    """Score every completion with every configured scorer; keep raw scores and a summary.

    Raises:
        DataError: the completions have not been sampled.
        MeasureError, ModelError, AssetError: a scorer is unknown, cannot be loaded, or has
            something to ask and no key, no address or no service to ask.
    """
    progress = progress or Progress(quiet=True)
    found: list[Score] = []
    judged: dict[str, list[Judged]] = {spec.name: [] for spec in study.config.models}
    for name in study.config.toxicity.scorers:
        judge = scorer_of(study, name, say=progress.say)
        for spec in study.config.models:
            scores = _score_model(study, spec, name, judge, progress)
            found += scores
            judged[spec.name].append(_judged(study, name, judge, scores))
    for spec in study.config.models:
        _summarise(study, spec, judged[spec.name], progress)
    return found


def scorer_of(study: Study, name: str, *, say: store.Say | None = None) -> Scorer:
    """Return a scorer with the study's settings for it; relative paths start at the study.

    Raises:
        MeasureError, ModelError, AssetError: see `mores.measure.toxicity.scorer`.
    """
    from mores.measure.toxicity import scorer

    folders = [slug(other) for other in study.config.toxicity.scorers]
    if folders.count(slug(name)) > 1:
        raise MeasureError(
            f"two scorers would keep their scores in the folder {slug(name)!r}",
            where=f"scorer {name!r}",
            fix="name one of them differently",
        )
    options = study.config.toxicity.options_of(name)
    return scorer(name, options=options, base=study.folder, say=say)


def _judged(study: Study, name: str, judge: Scorer, scores: list[Score]) -> Judged:
    from mores.measure.toxicity.summary import Judged

    own = study.config.toxicity.options_of(name).threshold
    threshold = study.config.toxicity.threshold if own is None else own
    return Judged(scorer=name, note=judge.note, threshold=threshold, scores=scores)


def _score_model(
    study: Study, spec: ModelSpec, name: str, judge: Scorer, progress: Progress
) -> list[Score]:
    from mores.measure.toxicity.raw import RAW
    from mores.measure.toxicity.scorer import as_scores, read_completions_with, takes_prompt

    # The study's name of the scorer, not the scorer's own: by that one the scores are found.
    folder = scores_folder(study, spec.name, name)
    completions = read_completions(study, spec.name)
    prompts = {p.id: p.text for p in study.prompts} if takes_prompt(judge) else None
    inputs, config = _scorer_inputs(study, spec, judge, prompts)
    path = folder / "scores.jsonl"
    if not _must_score(folder, inputs, config, judge, progress):
        return store.read_jsonl(path, Score, unique="completion_id")
    start = time.perf_counter()
    task = progress.task(f"toxicity {judge.name}", len(completions), "texts")
    readings = read_completions_with(
        completions, judge, prompts=prompts, raw=folder / RAW, advance=task.advance
    )
    task.finish()
    scores = as_scores(completions, readings, judge)
    store.write_jsonl(path, scores)
    absent = sum(s.value is None for s in scores)
    facts = {"scored": len(scores) - absent, "absent": absent}
    if unanswered := sum(reading.again for reading in readings):
        facts["unanswered"] = unanswered
    _finish(study, folder, "toxicity", path, inputs, config, facts)
    _log(study, f"toxicity {spec.name} {judge.name}", start)
    progress.say(f"toxicity: {len(scores) - absent} of {len(scores)} scored by {judge.name}")
    return scores


def _scorer_inputs(
    study: Study, spec: ModelSpec, judge: Scorer, prompts: dict[str, str] | None
) -> tuple[dict[str, str], dict[str, Any]]:
    from mores.measure.toxicity.scorer import ReadingScorer

    inputs = {"completions": _completions_digest(study, spec, "sample"), "scorer": judge.digest}
    if prompts is not None:
        inputs["prompts"] = store.digest(prompts)
    config: dict[str, Any] = {"scorer": judge.name, "version": judge.version}
    if isinstance(judge, ReadingScorer):
        config["reads"] = judge.settings
    return inputs, config


def _must_score(
    folder: Path,
    inputs: dict[str, str],
    config: dict[str, Any],
    judge: Scorer,
    progress: Progress,
) -> bool:
    """Whether there is something to do: nothing done, something changed, or left unanswered."""
    from mores.measure.toxicity.scorer import ReadingScorer

    step = f"toxicity {judge.name}"
    why = folders.outdated(folder, inputs, config)
    manifest = steps.read_manifest(folder)
    unanswered = manifest.facts.get("unanswered", 0) if manifest is not None else 0
    if why is None and unanswered and isinstance(judge, ReadingScorer):
        why = f"{unanswered} texts had no answer and are asked again"
        try:
            judge.ready()
        except MeasureError as error:
            # What was done stays usable: a study must not fail for a service that has ended.
            progress.say(f"{step}: {unanswered} texts stay without an answer: {error.message}")
            return False
    progress.say(f"{step}: {why or 'done before, nothing changed'}")
    return why is not None


def _summarise(study: Study, spec: ModelSpec, judged: list[Judged], progress: Progress) -> None:
    """Write the scorers side by side, where something changed."""
    from mores.measure.toxicity.summary import summarise

    if not any(one.scores for one in judged):
        return
    folder = folders.model_folder(study, spec.name) / "toxicity"
    inputs = {"completions": _completions_digest(study, spec, "sample")}
    inputs |= {one.scorer: store.digest(list(one.scores)) for one in judged}
    config = {
        "thresholds": {one.scorer: one.threshold for one in judged},
        "notes": {one.scorer: one.note for one in judged},
        "seed": study.config.seed,
    }
    if folders.outdated(folder, inputs, config) is None:
        return
    path = folder / SUMMARY
    completions = read_completions(study, spec.name)
    summary = summarise(spec.name, completions, judged, seed=study.config.seed)
    store.write_json(path, summary)
    _finish(study, folder, "toxicity summary", path, inputs, config, {})
    for warning in summary.warnings:
        progress.say(f"toxicity: {warning}")


def read_toxicity_summary(study: Study, model: str) -> ToxicitySummary | None:
    """Return a model's scorers side by side, or None where nothing has been scored.

    Raises:
        DataError: the file is damaged.
    """
    from mores.measure.toxicity.summary import read_summary_file

    return read_summary_file(folders.model_folder(study, model) / "toxicity" / SUMMARY)


def scores_folder(study: Study, model: str, scorer: str) -> Path:
    """Where one scorer's scores of one model are kept."""
    return folders.model_folder(study, model) / "toxicity" / slug(scorer)


def read_scores(study: Study, model: str, scorer: str) -> list[Score]:
    """Return one scorer's scores.

    Raises:
        DataError: the measure has not been taken.
    """
    path = scores_folder(study, model, scorer) / "scores.jsonl"
    return store.read_jsonl(path, Score, unique="completion_id")


def measure_cooccurrence(
    study: Study, *, progress: Progress | None = None
) -> list[CooccurrenceResult]:
    """Analyse the stems' completions of every model; nothing where the study has no stems.

    Raises:
        DataError: the stems have not been sampled.
    """
    progress = progress or Progress(quiet=True)
    if study.associations is None or not study.config.cooccurrence.samples_per_stem:
        return []
    return [_associate_model(study, spec, progress) for spec in study.config.models]


def _associate_model(study: Study, spec: ModelSpec, progress: Progress) -> CooccurrenceResult:
    from mores.measure.cooccurrence import analyse, vader_lexicon

    assert study.associations is not None
    folder = folders.model_folder(study, spec.name) / "cooccurrence"
    inputs = {
        "completions": _completions_digest(study, spec, "stems"),
        "associations": store.digest(study.associations),
    }
    settings = study.config.cooccurrence
    config = {"cooccurrence": msgspec.to_builtins(settings), "seed": study.config.seed}
    path = folder / RESULT
    if not _needed(folder, inputs, config, "cooccurrence", progress):
        return store.as_record(store.read_json(path), CooccurrenceResult, path=path)
    start = time.perf_counter()
    try:
        lexicon = vader_lexicon()
    except AssetError as error:
        progress.say(f"cooccurrence: no sentiment, {error.message}")
        lexicon = None
    result = analyse(
        _by_arm(study, read_completions(study, spec.name, "stems")),
        study.associations,
        settings,
        lexicon=lexicon,
        seed=study.config.seed,
    )
    store.write_json(path, result)
    _finish(study, folder, "cooccurrence", path, inputs, config, {})
    _log(study, f"cooccurrence {spec.name}", start)
    shown = sum(change.shown or 0 for change in result.changes)
    progress.say(f"cooccurrence: {shown} changed associations shown")
    return result


def _by_arm(study: Study, rows: list[Completion]) -> dict[str, list[Completion]]:
    """Stem completions by arm; of several training seeds, the first stands for all."""
    first = study.config.train_seeds[0]
    by_arm: dict[str, list[Completion]] = {}
    for row in rows:
        if row.seed in (0, first):
            by_arm.setdefault(row.arm, []).append(row)
    return by_arm


def read_cooccurrence(study: Study, model: str) -> CooccurrenceResult | None:
    """Return a model's result, or None where the measure has not been taken."""
    path = folders.model_folder(study, model) / "cooccurrence" / RESULT
    if not path.exists():
        return None
    return store.as_record(store.read_json(path), CooccurrenceResult, path=path)


def _completions_digest(study: Study, spec: ModelSpec, step: str) -> str:
    path = folders.model_folder(study, spec.name) / step / COMPLETIONS
    if not path.exists():
        raise DataError(
            "nothing has been sampled here yet",
            path=path,
            fix=f"run `mores sample {study.folder}` first, or `mores run` for all steps",
        )
    return store.digest_file(path)


def _needed(
    folder: Path, inputs: dict[str, str], config: dict[str, Any], step: str, progress: Progress
) -> bool:
    why = folders.outdated(folder, inputs, config)
    progress.say(f"{step}: {why or 'done before, nothing changed'}")
    return why is not None


def _finish(
    study: Study,
    folder: Path,
    step: str,
    path: Path,
    inputs: dict[str, str],
    config: dict[str, Any],
    facts: dict[str, Any],
) -> None:
    manifest = Manifest(
        step=step,
        inputs=inputs,
        outputs={path.name: store.digest_file(path)},
        config=config,
        seed=study.config.seed,
        versions=steps.versions(),
        facts=facts,
    )
    steps.write_manifest(folder, manifest)


def _log(study: Study, step: str, start: float) -> None:
    steps.log_timing(study.run_folder, step, time.perf_counter() - start)
