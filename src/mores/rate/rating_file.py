"""A file of ratings → its rows, each checked, with the line that it begins on.

Its columns are that of the ids, ``rater`` and ``value`` (1 to 5); ``seconds`` may be given, others
are left out and named. A language model's file has no ``rater``: its name is given apart. Exports
of Label Studio and Argilla are read as they are.

    rows = read_file(Path("ratings.csv"), "completion_id", Reading(), Notes())
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from msgspec.structs import replace as struct

from mores import store
from mores.curate.names import Slugs
from mores.errors import DataError
from mores.records import Rating
from mores.tables import Notes, read_table
from mores.tables.exports import ARGILLA, LABEL_STUDIO

IDS = ("completion_id", "item_id")
ALIASES = {
    "rater": ("annotator", "user_id"),
    "value": ("rating",),
    "seconds": ("lead_time",),
}
"""Our column → its names in exports of Label Studio and Argilla."""
OWN = (*IDS, "rater", "seconds", "annotator", "annotation_id", "id", "lead_time")
"""Columns of a flat export that are no answers, though a number may be in them."""
VALUE = re.compile(r"[1-5](\.0+)?")
"""Tools that hold numbers as floats write 4.0."""


@dataclass(frozen=True)
class Reading:
    """How the user says that a file is to be read."""

    encoding: str | None = None
    """Such as ``cp1252``; None: UTF-8, or what its mark says."""
    sheet: str | None = None
    """Of a workbook; None: the first."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Our name of a column → the file's."""


@dataclass(frozen=True)
class FileRow:
    """One line of the file."""

    line: int
    rating: Rating
    """Its `completion_id` is whatever the id's column holds."""


def id_column(source: Path, reading: Reading) -> str:
    """Say whether a file names completions or blind items: ``completion_id`` or ``item_id``.

    Raises:
        DataError: its first row cannot be read (see `read_table`), or it has both.
    """
    wanted = {ours: theirs for ours, theirs in reading.names.items() if ours in IDS}
    known = (*IDS, *ALIASES)
    _, row = next(
        read_table(
            source,
            others=known,
            encoding=reading.encoding,
            sheet=reading.sheet,
            names=wanted,
        )
    )
    there = [name for name in IDS if name in row]
    if len(there) > 1:
        raise DataError(
            "both completion_id and item_id: is it of completions, or of blind items?",
            path=source,
            line=1,
            fix="leave one of the two columns out",
        )
    return there[0] if there else IDS[0]


def read_file(
    source: Path,
    column: str,
    reading: Reading,
    notes: Notes,
    judge: str | None = None,
) -> list[FileRow]:
    """Read and check every line.

    Args:
        source: the file: CSV, JSON, Excel, or an export of an annotation tool.
        column: name of the column of ids.
        reading: encoding, sheet and names of columns.
        notes: takes which columns were renamed or left out, and what was not a rating.
        judge: name of the language model that rated; the file then has no column ``rater``.

    Raises:
        DataError: what `read_table` raises, a value that is not 1 to 5, seconds that are none,
            a rater who rates the same id twice.
    """
    needed = (column, *(() if judge else ("rater",)), "value")
    table = read_table(
        source,
        needed,
        others=("seconds", "rater"),
        encoding=reading.encoding,
        sheet=reading.sheet,
        names=reading.names,
        aliases=ALIASES,
        answered=tuple(ALIASES),
        notes=notes,
    )
    slugs = Slugs("rater")
    rows: list[FileRow] = []
    for line, row in table:
        if judge and "rater" in row:
            raise DataError(
                "the file says who rated, and --judge says that a language model did",
                path=source,
                line=line,
                fix="leave the column out, or import without --judge",
            )
        cells = {"rater": judge or "", **row}
        if notes.form in (LABEL_STUDIO, ARGILLA) and cells.get("value") in (None, "", []):
            notes.add("no value given, left out", line)
            continue
        rows.append(FileRow(line, _rating(cells, column, source, line, slugs, notes)))
    if notes.flat and "value" not in reading.names:
        _refuse_doubt(source, reading)
    if judge:
        rows = [replace(row, rating=struct(row.rating, kind="judge")) for row in rows]
    _refuse_twice(rows, source)
    return rows


def _refuse_doubt(source: Path, reading: Reading) -> None:
    """Refuse a flat export of which two columns could be the person's rating."""
    table = read_table(source, encoding=reading.encoding, sheet=reading.sheet)
    own = {*OWN, *(theirs.strip().lower() for theirs in reading.names.values())}
    cells: dict[str, list[str]] = {}
    for _, row in table:
        for name, cell in row.items():
            if cell not in (None, "", []):
                cells.setdefault(name, []).append(str(cell).strip())
    could = [
        name
        for name, filled in cells.items()
        if name.lower() in ("value", *ALIASES["value"])
        or (name.lower() not in own and all(VALUE.fullmatch(cell) for cell in filled))
    ]
    if len(could) > 1:
        raise DataError(
            "this export does not tell what a person gave from what the task had, and "
            f"{' and '.join(map(repr, could))} could each be the rating",
            path=source,
            fix=f"say which: --map value={could[-1]}, or export as JSON",
        )


def _refuse_twice(rows: list[FileRow], source: Path) -> None:
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row.rating.completion_id, row.rating.rater)
        if key in seen:
            raise DataError(
                f"rater {key[1]!r} rates {key[0]!r} twice (also on line {seen[key]})",
                path=source,
                line=row.line,
                fix="keep one of the two",
            )
        seen[key] = row.line


def _rating(
    cells: dict[str, Any], column: str, source: Path, line: int, slugs: Slugs, notes: Notes
) -> Rating:
    row = {name: "" if cell is None else str(cell).strip() for name, cell in cells.items()}
    value, seconds = row["value"], row.get("seconds", "")
    if not VALUE.fullmatch(value):
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
    for name in (column, "rater"):
        if not row[name] or isinstance(cells[name], list | dict):
            found = type(cells[name]).__name__ if row[name] else "nothing"
            raise DataError(
                f"{name}: expected a name, found {found}",
                path=source,
                line=line,
                fix="give each row the id of what was rated, and each person a name or a number",
            )
    if re.fullmatch(r"\d+\.0+", row["rater"]):  # a number that a tool holds as a float
        row["rater"] = row["rater"].partition(".")[0]
        notes.say("raters' numbers taken as whole: '1.0' is the rater 1")
    try:
        rater = slugs.of(row["rater"], notes)
    except DataError as error:
        raise DataError(error.message, path=source, line=line, fix=error.fix) from None
    plain = {
        "completion_id": row[column],
        "rater": rater,
        "value": int(value[0]),
        "seconds": taken,
    }
    return store.as_record(plain, Rating, path=source, line=line)
