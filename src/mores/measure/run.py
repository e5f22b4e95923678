"""Completions on disk → toxicity scores and co-occurrence results on disk.

measure_toxicity(study)
measure_cooccurrence(study)
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec

from mores import layout, store
from mores.arms import slug
from mores.errors import AssetError, DataError
from mores.measure.cooccurrence import CooccurrenceResult
from mores.progress import Progress
from mores.records import Completion, Manifest, Score
from mores.sample import read_completions
from mores.sample.run import COMPLETIONS
from mores.study import ModelSpec, Study

RESULT = "result.json"


def measure_toxicity(study: Study, *, progress: Progress | None = None) -> list[Score]:
    """Score every completion with every configured scorer; keep the raw scores.

    Raises:
        DataError: the completions have not been sampled.
        MeasureError, ModelError, AssetError: a scorer is unknown or cannot be loaded.
    """
    from mores.measure.toxicity import scorer

    progress = progress or Progress(quiet=True)
    found: list[Score] = []
    for name in study.config.toxicity.scorers:
        judge = scorer(name)
        for spec in study.config.models:
            found += _score_model(study, spec, judge, progress)
    return found


def _score_model(study: Study, spec: ModelSpec, judge: Any, progress: Progress) -> list[Score]:
    from mores.measure.toxicity import score_completions

    folder = scores_folder(study, spec.name, judge.name)
    completions = read_completions(study, spec.name)
    inputs = {"completions": _completions_digest(study, spec, "sample"), "scorer": judge.digest}
    config = {"scorer": judge.name, "version": judge.version}
    path = folder / "scores.jsonl"
    if not _needed(folder, inputs, config, f"toxicity {judge.name}", progress):
        return store.read_jsonl(path, Score, unique="completion_id")
    start = time.perf_counter()
    scores = score_completions(completions, judge)
    store.write_jsonl(path, scores)
    absent = sum(s.value is None for s in scores)
    facts = {"scored": len(scores) - absent, "absent": absent}
    _finish(study, folder, "toxicity", path, inputs, config, facts)
    _log(study, f"toxicity {spec.name} {judge.name}", start)
    progress.say(f"toxicity: {len(scores) - absent} of {len(scores)} scored by {judge.name}")
    return scores


def scores_folder(study: Study, model: str, scorer: str) -> Path:
    """Where one scorer's scores of one model are kept."""
    return layout.model_folder(study, model) / "toxicity" / slug(scorer)


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
    folder = layout.model_folder(study, spec.name) / "cooccurrence"
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
    path = layout.model_folder(study, model) / "cooccurrence" / RESULT
    if not path.exists():
        return None
    return store.as_record(store.read_json(path), CooccurrenceResult, path=path)


def _completions_digest(study: Study, spec: ModelSpec, step: str) -> str:
    path = layout.model_folder(study, spec.name) / step / COMPLETIONS
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
    why = layout.outdated(folder, inputs, config)
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
        versions=store.versions(),
        facts=facts,
    )
    store.write_manifest(folder, manifest)


def _log(study: Study, step: str, start: float) -> None:
    store.log_timing(study.run_folder, step, time.perf_counter() - start)
