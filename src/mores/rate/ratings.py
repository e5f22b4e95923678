"""Ratings from a file → ratings of a study. All of them, or none.

The file has the columns ``completion_id``, ``rater`` and ``value`` (1 to 5);
``seconds`` may be given. Everything is checked before anything is kept.

    add_ratings(study, Path("ratings.csv"))
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from mores import store
from mores.errors import DataError, did_you_mean
from mores.rate.judge_names import refuse_judged_model
from mores.rate.rating_file import Reading, read_file
from mores.records import Rating, Record, Unrateable
from mores.sample import read_completions
from mores.sample.grid import COMPLETIONS
from mores.sample.media import output_digest
from mores.sample.run import SAMPLE, VALIDATION
from mores.store.lines import read_records
from mores.study import Study, folders
from mores.tables import Notes

R = TypeVar("R", bound=Record)
A = TypeVar("A", Rating, Unrateable)

RATINGS = "ratings.jsonl"
JUDGES = "judges.jsonl"
"""Ratings by language models, each under its name."""
GROUPS = "groups.json"
"""Declared groups that are large enough: question → answer → raters."""
COLLECTED = "collected.jsonl"
"""Ratings from the rating app, written when it is unblinded."""
COLLECTED_BY = "collected.json"
"""Who opened the key, when, and what was found then; `mores report` reads it."""
CANNOT = "cannot.jsonl"
TEXTS = "texts.json"
JUDGES_ABSENT = "judges_absent.jsonl"
"""Answers that a language model gave no rating, each with the reason."""
JUDGED_TEXTS = "judges_texts.json"
"""Judge → completion → digest of the text that it read. Apart from `TEXTS`: that a judge read a
text anew must not make people's ratings of an older one current."""


def add_ratings(
    study: Study,
    source: Path,
    judge: str | None = None,
    reading: Reading | None = None,
    notes: Notes | None = None,
) -> list[Rating]:
    """Add ratings from a file (`rating_file.read_file` says which) to the study.

    A rating that is already there with the same value is left as it is.

    Args:
        study: the study.
        source: the file.
        judge: name of the language model that gave these ratings. They are kept apart from
            those of people, under this name, and are never counted among them.
        reading: encoding, sheet and names of columns.
        notes: takes what was renamed and left out.

    Returns:
        All imported ratings of that kind after the import.

    Raises:
        DataError: a missing or repeated column, an unknown completion, a value
            that is not 1 to 5, seconds that are none, a rater who rates a completion
            twice, a judge with the name of a judged model or of a person; nothing is kept then.
    """
    if judge is not None:
        refuse_judge(study, judge)
    known = _texts(study)
    if not known:
        raise DataError(
            "nothing has been sampled that could be rated: no completions.jsonl",
            path=study.run_folder,
            fix="run `mores sample` first",
        )
    name = RATINGS if judge is None else JUDGES
    held = {(r.completion_id, r.rater): r for r in _read(study, name, Rating)}
    others = {r.rater for r in _read(study, COLLECTED, Rating)}
    judges = {r.rater for r in _read(study, JUDGES, Rating)} if judge is None else set()
    fresh: list[str] = []
    for row in read_file(source, "completion_id", reading or Reading(), notes or Notes(), judge):
        why = _refusal(row.rating, known, others, judges, held)
        if why is not None:
            raise DataError(why[0], path=source, line=row.line, fix=why[1])
        fresh.append(row.rating.completion_id)
        held.setdefault((row.rating.completion_id, row.rating.rater), row.rating)
    rated = {**{one: known[one] for one, _ in held if one in known}, **_rated_texts(study)}
    own = _judged_texts(study).get(judge or "", {})
    outdated = [one for one in fresh if own.get(one, rated[one]) != known[one]]
    if outdated:
        raise DataError(
            f"{outdated[0]!r} has ratings of a text that was drawn anew since",
            path=folders.ratings_folder(study),
            fix="move that folder away, so that old and new texts are not mixed",
        )
    ratings = list(held.values())
    store.write_json(folders.ratings_folder(study) / TEXTS, rated)
    store.write_jsonl(folders.ratings_folder(study) / name, ratings)
    return ratings


def _refusal(
    rating: Rating,
    known: dict[str, str],
    collected: set[str],
    judges: set[str],
    held: dict[tuple[str, str], Rating],
) -> tuple[str, str] | None:
    """Say why a rating cannot be kept, and what to do; None where it can."""
    if rating.completion_id not in known:
        near = did_you_mean(rating.completion_id, sorted(known))
        return (
            f"unknown completion {rating.completion_id!r}{near}",
            "ids are those of sample/completions.jsonl under this preset",
        )
    if rating.rater in collected:
        return (
            f"the study has the ratings of {rating.rater!r} already, from the rating app",
            "remove this rater's lines",
        )
    if rating.rater in judges:
        return (
            f"{rating.rater!r} is a language model's name in this study, not a person's",
            "import them with --judge, or give the person another name",
        )
    before = held.get((rating.completion_id, rating.rater))
    if before is not None and before.value != rating.value:
        said = f"already gave {rating.completion_id!r} a {before.value}"
        return (
            f"rater {rating.rater!r} {said}, the file says {rating.value}",
            "remove the line, or the earlier import (ratings/*.jsonl)",
        )
    return None


def add_judgements(
    study: Study, judge: str, ratings: Sequence[Rating], absent: Sequence[Unrateable]
) -> None:
    """Keep what a language model said now, in place of what it had said of these completions.

    Args:
        study: the study.
        judge: its name.
        ratings: those that it gave, of texts as they are now.
        absent: completions that it was asked about and gave none.

    Raises:
        DataError: a judge with the name of a judged model or of a person; a damaged file.
    """
    refuse_judge(study, judge)
    known = _texts(study)
    now = {r.completion_id for r in ratings} | {r.completion_id for r in absent}
    folder = folders.ratings_folder(study)
    texts = _judged_texts(study)
    texts[judge] = {**texts.get(judge, {}), **{one: known[one] for one in sorted(now)}}
    # Texts last: until then what is new counts as being of other texts.
    for name, rows in (
        (JUDGES, [*_others(_read(study, JUDGES, Rating), judge, now), *ratings]),
        (JUDGES_ABSENT, [*_others(_read(study, JUDGES_ABSENT, Unrateable), judge, now), *absent]),
    ):
        store.write_jsonl(folder / name, rows)
    store.write_json(folder / JUDGED_TEXTS, texts)


def _others(rows: list[A], judge: str, now: set[str]) -> list[A]:
    return [row for row in rows if row.rater != judge or row.completion_id not in now]


def refuse_judge(study: Study, judge: str) -> None:
    """Refuse a judge without a name, with that of a judged model, or with that of a person.

    Raises:
        DataError: says which.
    """
    if not judge.strip():
        raise DataError("the judge has no name", fix="--judge NAME: the model and its version")
    refuse_judged_model(study, judge)
    if judge in {r.rater for r in read_ratings(study)}:
        raise DataError(
            f"{judge!r} is a person's name in this study",
            fix="name the judge after its model and version",
        )


def current_judgements(study: Study) -> dict[str, list[Rating]]:
    """Return each language model's ratings of texts that are still those of the study."""
    return _by_judge(study, JUDGES, Rating)


def current_unjudged(study: Study) -> dict[str, list[Unrateable]]:
    """Return what each language model gave no rating, of texts that are still the study's."""
    return _by_judge(study, JUDGES_ABSENT, Unrateable)


def _by_judge(study: Study, name: str, kind: type[A]) -> dict[str, list[A]]:
    texts, rated, judged = _texts(study), _rated_texts(study), _judged_texts(study)
    by_judge: dict[str, list[A]] = {}
    rows: list[A] = _read(study, name, kind)
    for one in rows:
        read = judged.get(one.rater, {}).get(one.completion_id, rated.get(one.completion_id))
        if one.completion_id in texts and read == texts[one.completion_id]:
            by_judge.setdefault(one.rater, []).append(one)
    return by_judge


def current_ratings(study: Study) -> tuple[list[Rating], int]:
    """Return the ratings whose texts are still those that were rated, and how many are not."""
    every = read_ratings(study)
    kept = _of_these_texts(study, every)
    return kept, len(every) - len(kept)


def current_unrateable(study: Study) -> list[Unrateable]:
    """Return the answers "cannot be rated" to texts that are still those of the study."""
    return _of_these_texts(study, _read(study, CANNOT, Unrateable))


def _of_these_texts(study: Study, answers: list[A]) -> list[A]:
    texts, rated = _texts(study), _rated_texts(study)
    return [
        r
        for r in answers
        if r.completion_id in texts and rated.get(r.completion_id) == texts[r.completion_id]
    ]


def _texts(study: Study) -> dict[str, str]:
    """Digest of every completion's text: test prompts, and validation prompts where sampled."""
    digests: dict[str, str] = {}
    for spec in study.config.models:
        for step in (SAMPLE, VALIDATION):
            if (folders.model_folder(study, spec.name) / step / COMPLETIONS).exists():
                rows = read_completions(study, spec.name, step)
                digests |= {row.id: output_digest(row) for row in rows if not row.absent}
    return digests


def _rated_texts(study: Study) -> dict[str, str]:
    path = folders.ratings_folder(study) / TEXTS
    digests: dict[str, str] = store.read_json(path) if path.exists() else {}
    return digests


def _judged_texts(study: Study) -> dict[str, dict[str, str]]:
    path = folders.ratings_folder(study) / JUDGED_TEXTS
    digests: dict[str, dict[str, str]] = store.read_json(path) if path.exists() else {}
    return digests


def blind_raters(study: Study) -> set[str]:
    """Return the raters who rated blind items: in the rating app, or in a file of its item ids.

    Ratings imported by completion id name the arm in that id, so nobody can vouch for them.
    """
    return {r.rater for r in _read(study, COLLECTED, Rating)}


def read_ratings(study: Study) -> list[Rating]:
    """Return the study's ratings, imported and collected; none where there are none."""
    return [*_read(study, RATINGS, Rating), *_read(study, COLLECTED, Rating)]


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
    folder = folders.ratings_folder(study)
    store.write_json(folder / TEXTS, {**_rated_texts(study), **texts})
    store.write_jsonl(folder / CANNOT, cannot)
    store.write_jsonl(folder / COLLECTED, ratings)


def refuse_imported(study: Study, raters: set[str]) -> None:
    """Refuse raters of the app whose ratings were imported from a file too.

    Raises:
        DataError: one of them would count twice.
    """
    twice = sorted(raters & {r.rater for r in _read(study, RATINGS, Rating)})
    if twice:
        raise DataError(
            f"rater {twice[0]!r} is in the rating app and in an imported file",
            path=folders.ratings_folder(study) / RATINGS,
            fix="remove the imported file: the app has these ratings already",
        )


def _read(study: Study, name: str, kind: type[R]) -> list[R]:
    path = folders.ratings_folder(study) / name
    return read_records(path, kind, unique=None) if path.exists() else []
