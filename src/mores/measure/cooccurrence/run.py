"""The stems' completions on disk → which words go with which groups, on disk.

cooccurrence(study)
words_step(study, spec).stale()     for readers: is the result of the stems that are there?
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mores import store
from mores.errors import AssetError
from mores.execute import alone
from mores.measure.cooccurrence.analyse import analyse
from mores.measure.cooccurrence.result import CooccurrenceResult
from mores.measure.cooccurrence.sentiment import vader_lexicon
from mores.progress import Progress
from mores.records import Completion, to_plain
from mores.sample.run import STEMS, completions_digest, read_completions, sample_step
from mores.step import Made, Step
from mores.study import Associations, ModelSpec, Study, folders
from mores.study.languages import is_english, unspaced

RESULT = "result.json"
COOCCURRENCE = "cooccurrence"
METHOD = "2: z by likelihood ratio, thresholds by group, English texts for sentiment"
"""Changes whenever the same texts may get other numbers."""

ENGLISH_LEXICON = "its lexicon is English, the study is not"
NO_BLANKS = "no blanks stand between words, and so they cannot be counted"
NO_STEMS = "a chat service continues no plain text, so there are no stems"


def cooccurrence(study: Study, *, progress: Progress | None = None) -> list[CooccurrenceResult]:
    """Find the words that go with groups in every model's stems; nothing where there are none.

    Args:
        study: with sampled stems.
        progress: where to show how far it is.

    Raises:
        DataError: the stems have not been sampled.
    """
    progress = progress or Progress(quiet=True)
    if study.associations is None or not study.config.cooccurrence.samples_per_stem:
        return []
    if unspaced(study.charter.language):
        progress.say(f"cooccurrence: not measured in {study.charter.language}: {NO_BLANKS}")
        return []
    with alone(study.run_folder):
        return [
            _associate(study, spec, study.associations, progress)
            for spec in study.config.models
            if spec.continues
        ]


def words_step(study: Study, spec: ModelSpec, lexicon: str | None = None) -> Step:
    """What a model's associations are made from; the study has stems.

    Args:
        study: as it is now.
        spec: one of its models.
        lexicon: digest of the sentiment lexicon; readers do without, and it is then not compared.
    """
    sampled = sample_step(study, spec, STEMS)
    return Step(
        COOCCURRENCE,
        folders.model_folder(study, spec.name) / COOCCURRENCE,
        inputs={
            "completions": completions_digest(sampled),
            "associations": store.digest(study.associations),
            "lexicon": lexicon,
            "method": METHOD,
        },
        config={
            COOCCURRENCE: to_plain(study.config.cooccurrence),
            "seed": study.config.seed,
        },
        seed=study.config.seed,
        log=study.run_folder,
        rests_on=(sampled,),
    )


def _associate(
    study: Study, spec: ModelSpec, associations: Associations, progress: Progress
) -> CooccurrenceResult:
    rows = read_completions(study, spec.name, STEMS)
    lexicon = _lexicon(study, progress)
    step = words_step(study, spec, store.digest(lexicon))
    step.warn(progress.say)

    def compare() -> Made:
        result = analyse(
            _by_arm(study, rows),
            associations,
            study.config.cooccurrence,
            lexicon=lexicon,
            seed=study.config.seed,
        )
        store.write_json(step.folder / RESULT, result)
        for change in result.changes:
            many = "unknown how many" if change.shown is None else change.shown
            contrast = f"{change.arm} - {change.reference}"
            progress.say(f"cooccurrence: {change.topic}, {contrast}: {many} words changed, shown")
        return Made([RESULT], timing={"model": spec.name})

    step.run(compare, say=progress.say)
    return _read(step.folder / RESULT)


def _lexicon(study: Study, progress: Progress) -> dict[str, float] | None:
    """The words' ratings, or None where they cannot be had or know nothing of the language."""
    if not is_english(study.charter.language):
        progress.say(f"cooccurrence: no sentiment, {ENGLISH_LEXICON}")
        return None
    try:
        return vader_lexicon()
    except AssetError as error:
        progress.say(f"cooccurrence: no sentiment, {error.message}")
        return None


def _by_arm(study: Study, rows: Sequence[Completion]) -> dict[str, list[Completion]]:
    """Stem completions by arm; of several training seeds, the first stands for all."""
    first = study.config.train_seeds[0]
    by_arm: dict[str, list[Completion]] = {}
    for row in rows:
        if row.seed in (0, first):
            by_arm.setdefault(row.arm, []).append(row)
    return by_arm


def read_cooccurrence(study: Study, model: str) -> CooccurrenceResult | None:
    """Return a model's result, or None where the measure has not been taken."""
    path = folders.model_folder(study, model) / COOCCURRENCE / RESULT
    return _read(path) if path.exists() else None


def _read(path: Path) -> CooccurrenceResult:
    return store.as_record(store.read_json(path), CooccurrenceResult, path=path)
