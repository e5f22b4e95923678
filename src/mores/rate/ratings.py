"""Ratings from a CSV file → ratings of a study. All of them, or none.

The file has a header with ``completion_id``, ``rater`` and ``value`` (1 to 5);
``seconds`` may be given. Everything is checked before anything is kept.

    import_ratings(study, Path("ratings.csv"))
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from mores import layout, store
from mores.errors import DataError, did_you_mean
from mores.rate.csv_file import read_file
from mores.records import Rating, Record, Unrateable
from mores.sample import read_completions
from mores.sample.run import COMPLETIONS, SAMPLE, VALIDATION
from mores.study import Study

R = TypeVar("R", bound=Record)
A = TypeVar("A", Rating, Unrateable)

RATINGS = "ratings.jsonl"
COLLECTED = "collected.jsonl"
"""Ratings from the rating app, written when it is unblinded."""
COLLECTED_BY = "collected.json"
"""Who opened the key, when, and what was found then; `mores report` reads it."""
CANNOT = "cannot.jsonl"
TEXTS = "texts.json"


def import_ratings(study: Study, source: Path) -> list[Rating]:
    """Add ratings from a CSV file to the study.

    A rating that is already there with the same value is left as it is.

    Returns:
        All ratings of the study after the import.

    Raises:
        DataError: a missing, unknown or repeated column, an unknown completion, a value
            that is not 1 to 5, seconds that are none, a rater who rates a completion
            twice; nothing is kept then.
    """
    known = set(_texts(study))
    if not known:
        raise DataError(
            "nothing has been sampled that could be rated: no completions.jsonl",
            path=study.run_folder,
            fix="run `mores sample` first",
        )
    held = {(r.completion_id, r.rater): r for r in _imported(study)}
    collected = {r.rater for r in _read(study, COLLECTED, Rating)}
    fresh: list[str] = []
    for row in read_file(source, "completion_id"):
        rating = row.rating
        if rating.completion_id not in known:
            near = did_you_mean(rating.completion_id, sorted(known))
            raise DataError(
                f"unknown completion {rating.completion_id!r}{near}",
                path=source,
                line=row.line,
                fix="ids are those of sample/completions.jsonl under this preset",
            )
        if rating.rater in collected:
            raise DataError(
                f"the study has the ratings of {rating.rater!r} already, from the rating app",
                path=source,
                line=row.line,
                fix="remove this rater's lines",
            )
        key = (rating.completion_id, rating.rater)
        if key in held and held[key].value != rating.value:
            raise DataError(
                f"rater {rating.rater!r} already gave {rating.completion_id!r} a "
                f"{held[key].value}, the file says {rating.value}",
                path=source,
                line=row.line,
                fix="remove the line, or the earlier import (ratings/ratings.jsonl)",
            )
        fresh.append(rating.completion_id)
        held.setdefault(key, rating)
    texts = _texts(study)
    rated = {**{name: texts[name] for name, _ in held}, **_rated_texts(study)}
    outdated = [name for name in fresh if rated[name] != texts[name]]
    if outdated:
        raise DataError(
            f"{outdated[0]!r} has ratings of a text that was drawn anew since",
            path=layout.ratings_folder(study),
            fix="move that folder away, so that old and new texts are not mixed",
        )
    ratings = list(held.values())
    store.write_json(layout.ratings_folder(study) / TEXTS, rated)
    store.write_jsonl(layout.ratings_folder(study) / RATINGS, ratings)
    return ratings


def current_ratings(study: Study) -> tuple[list[Rating], int]:
    """Return the ratings whose texts are still those that were rated, and how many are not."""
    every = read_ratings(study)
    kept = _of_these_texts(study, every)
    return kept, len(every) - len(kept)


def current_unrateable(study: Study) -> list[Unrateable]:
    """Return the answers "cannot be rated" to texts that are still those of the study."""
    return _of_these_texts(study, read_unrateable(study))


def _of_these_texts(study: Study, answers: list[A]) -> list[A]:
    texts, rated = _texts(study), _rated_texts(study)
    return [
        r
        for r in answers
        if r.completion_id in texts and rated.get(r.completion_id) == texts[r.completion_id]
    ]


def _texts(study: Study) -> dict[str, str]:
    """Digest of every completion's text: test prompts, and validation prompts where sampled."""
    found: dict[str, str] = {}
    for spec in study.config.models:
        for step in (SAMPLE, VALIDATION):
            if (layout.model_folder(study, spec.name) / step / COMPLETIONS).exists():
                rows = read_completions(study, spec.name, step)
                found |= {row.id: store.digest(row.text) for row in rows}
    return found


def _rated_texts(study: Study) -> dict[str, str]:
    path = layout.ratings_folder(study) / TEXTS
    found: dict[str, str] = store.read_json(path) if path.exists() else {}
    return found


def read_ratings(study: Study) -> list[Rating]:
    """Return the study's ratings, imported and collected; none where there are none."""
    return [*_imported(study), *_read(study, COLLECTED, Rating)]


def read_unrateable(study: Study) -> list[Unrateable]:
    """Return the answers "cannot be rated" that the rating app collected."""
    return _read(study, CANNOT, Unrateable)


def keep_collected(
    study: Study, ratings: list[Rating], cannot: list[Unrateable], texts: dict[str, str]
) -> None:
    """Keep what the rating app collected, in place of what it had collected before.

    Args:
        study: the study.
        ratings: every rating that counts, with the completions' own ids.
        cannot: every answer "cannot be rated" that counts.
        texts: completion id → digest of the text that was rated.

    Raises:
        DataError: one of these raters has imported ratings too, so one would count twice.
    """
    refuse_imported(study, {r.rater for r in ratings})
    folder = layout.ratings_folder(study)
    store.write_json(folder / TEXTS, {**_rated_texts(study), **texts})
    store.write_jsonl(folder / CANNOT, cannot)
    store.write_jsonl(folder / COLLECTED, ratings)


def refuse_imported(study: Study, raters: set[str]) -> None:
    """Refuse raters of the app whose ratings were imported from a file too.

    Raises:
        DataError: one of them would count twice.
    """
    twice = sorted(raters & {r.rater for r in _imported(study)})
    if twice:
        raise DataError(
            f"rater {twice[0]!r} is in the rating app and in an imported file",
            path=layout.ratings_folder(study) / RATINGS,
            fix="remove the imported file: the app has these ratings already",
        )


def _imported(study: Study) -> list[Rating]:
    return _read(study, RATINGS, Rating)


def _read(study: Study, name: str, kind: type[R]) -> list[R]:
    path = layout.ratings_folder(study) / name
    return store.read_jsonl(path, kind, unique=None) if path.exists() else []
