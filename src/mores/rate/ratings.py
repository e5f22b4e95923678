"""Ratings from a CSV file → ratings of a study. All of them, or none.

The file has a header with ``completion_id``, ``rater`` and ``value`` (1 to 5);
``seconds`` may be given. Everything is checked before anything is kept.

    import_ratings(study, Path("ratings.csv"))
"""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

from mores import layout, store
from mores.errors import DataError, did_you_mean
from mores.records import Rating
from mores.sample import read_completions
from mores.study import Study

RATINGS = "ratings.jsonl"
TEXTS = "texts.json"
COLUMNS = ("completion_id", "rater", "value", "seconds")


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
    known = {row.id for spec in study.config.models for row in read_completions(study, spec.name)}
    held = {(r.completion_id, r.rater): r for r in read_ratings(study)}
    fresh: dict[tuple[str, str], int] = {}
    for line, row in _rows(source):
        rating = _rating(row, source, line)
        if rating.completion_id not in known:
            near = did_you_mean(rating.completion_id, sorted(known))
            raise DataError(
                f"unknown completion {rating.completion_id!r}{near}",
                path=source,
                line=line,
                fix="ids are those of sample/completions.jsonl under this preset",
            )
        key = (rating.completion_id, rating.rater)
        if key in fresh:
            raise DataError(
                f"rater {rating.rater!r} rates {rating.completion_id!r} twice "
                f"(also on line {fresh[key]})",
                path=source,
                line=line,
                fix="keep one of the two",
            )
        if key in held and held[key].value != rating.value:
            raise DataError(
                f"rater {rating.rater!r} already gave {rating.completion_id!r} a "
                f"{held[key].value}, the file says {rating.value}",
                path=source,
                line=line,
                fix="remove the line, or the earlier import (ratings/ratings.jsonl)",
            )
        fresh[key] = line
        held.setdefault(key, rating)
    texts = _texts(study)
    rated = {**{name: texts[name] for name, _ in held}, **_rated_texts(study)}
    outdated = [name for name, _ in fresh if rated[name] != texts[name]]
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
    texts, rated = _texts(study), _rated_texts(study)
    every = read_ratings(study)
    kept = [
        r
        for r in every
        if r.completion_id in texts and rated.get(r.completion_id) == texts[r.completion_id]
    ]
    return kept, len(every) - len(kept)


def _texts(study: Study) -> dict[str, str]:
    """Digest of every completion's text."""
    return {
        row.id: store.digest(row.text)
        for spec in study.config.models
        for row in read_completions(study, spec.name)
    }


def _rated_texts(study: Study) -> dict[str, str]:
    path = layout.ratings_folder(study) / TEXTS
    found: dict[str, str] = store.read_json(path) if path.exists() else {}
    return found


def read_ratings(study: Study) -> list[Rating]:
    """Return the study's ratings; none where none were imported."""
    path = layout.ratings_folder(study) / RATINGS
    return store.read_jsonl(path, Rating, unique=None) if path.exists() else []


def _rows(source: Path) -> list[tuple[int, dict[str, str]]]:
    """Rows with the line that each begins on."""
    text = store.read_text(source)
    reader = csv.reader(io.StringIO(text, newline=""), dialect=_dialect(text))
    header: list[str] = []
    rows = []
    line = 1
    try:
        for cells in reader:
            if not header:
                header = _header(cells, source)
            elif any(cell.strip() for cell in cells):
                rows.append((line, _row(header, cells, source, line)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"not valid CSV: {error}",
            path=source,
            line=line,
            fix='close every quote; a cell that holds one writes it twice: ""',
        ) from None
    if not header:
        raise DataError("the file is empty", path=source)
    if not rows:
        raise DataError("no ratings below the header", path=source)
    return rows


def _header(cells: list[str], source: Path) -> list[str]:
    header = [name.strip() for name in cells]
    found = {
        "missing": [name for name in COLUMNS[:3] if name not in header],
        "unknown": [name for name in header if name not in COLUMNS],
        "twice": sorted({name for name in header if header.count(name) > 1}),
    }
    for what, names in found.items():
        if names:
            raise DataError(
                f"columns: {what} {', '.join(names)}",
                path=source,
                line=1,
                fix=f"expected {', '.join(COLUMNS)}",
            )
    return header


def _row(header: list[str], cells: list[str], source: Path, line: int) -> dict[str, str]:
    if len(cells) != len(header):
        raise DataError(f"expected {len(header)} cells, found {len(cells)}", path=source, line=line)
    return dict(zip(header, map(str.strip, cells), strict=True))


def _dialect(text: str) -> type[csv.Dialect]:
    class Found(csv.excel):
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        strict = True

    return Found


def _rating(row: dict[str, str], source: Path, line: int) -> Rating:
    value, seconds = row["value"], row.get("seconds", "")
    if value not in ("1", "2", "3", "4", "5"):
        raise DataError(
            f"value: expected a whole number from 1 to 5, found {value!r}",
            path=source,
            line=line,
            fix="leave out what could not be rated; absent is not a number",
        )
    try:
        taken = float(seconds) if seconds else None
    except ValueError:
        taken = math.nan
    if taken is not None and not 0.0 <= taken < math.inf:
        raise DataError(
            f"seconds: expected a number from 0 on, found {seconds!r}", path=source, line=line
        )
    plain = {
        "completion_id": row["completion_id"],
        "rater": row["rater"],
        "value": int(value),
        "seconds": taken,
    }
    return store.as_record(plain, Rating, path=source, line=line)
