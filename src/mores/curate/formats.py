"""Datasets of other forms into a study's JSON Lines.

Takes a file, writes JSON Lines, gives a report of what was dropped, cut or repaired. `forms.FORMS`
lists what is known: JSON Lines, arrays, CSV, Excel, `messages`, ShareGPT, Alpaca, exports of Label
Studio and Argilla, and the older form of hosted APIs; each of them plain or packed with gzip.

    report = import_dataset(Path("old.csv"), Path("study/values.jsonl"), category="health")
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mores import store
from mores.curate.forms import FORMS, Rows, read_pairs
from mores.curate.names import Slugs
from mores.errors import DataError, did_you_mean
from mores.records import Charter, Example, Record, to_plain
from mores.study.charter import read_charter
from mores.tables import Notes, name_map

FORMATS = tuple(FORMS)


class ImportReport(Record, frozen=True, kw_only=True):
    """What an import did."""

    source: str
    target: str
    format: str
    """The format that was read, one of `FORMATS`."""
    samples: int
    categories: dict[str, int]
    """Category → samples, in order of first appearance."""
    notes: tuple[str, ...]
    """What was dropped, stripped or made up, each with the lines concerned."""


def import_dataset(
    source: Path,
    target: Path,
    *,
    category: str | None = None,
    form: str = "auto",
    charter: Path | None = None,
    replace: bool = False,
    encoding: str | None = None,
    sheet: str | None = None,
    map_: tuple[str, ...] = (),
) -> ImportReport:
    """Turn a dataset in another form into a study's JSON Lines file.

    Nothing is written unless every row could be read.

    Args:
        source: CSV, Excel, JSON or JSONL with prompt and completion, chat "messages", ShareGPT,
            Alpaca, an export of Label Studio or Argilla, or a hosted API's older file; also .gz.
        target: the file to write, such as my-study/values.jsonl.
        category: category of samples that name none.
        form: "auto", "jsonl", "json", "csv", "xlsx", "messages", "sharegpt", "alpaca",
            "label-studio", "argilla" or "legacy".
        charter: a charter.toml that every category must be in.
        replace: overwrite a target that already holds samples.
        encoding: of a source that is neither UTF-8 nor UTF-16, such as cp1252.
        sheet: name of the sheet of an Excel file; by default its first.
        map_: what a column is, where it has another name, such as prompt=text (may be repeated).

    Raises:
        DataError: unreadable file, a row without question or answer, more than one turn, a
            category that is missing or unknown, an id used twice; or the target holds samples
            already.
        StoreError: the target cannot be written.
    """
    if not replace and target.exists() and target.stat().st_size:
        raise DataError(
            "this file holds something already, nothing was imported",
            path=target,
            fix="import into another file, or ask for it to be replaced",
        )
    if form not in ("auto", *FORMATS):
        raise DataError(
            f"unknown format {form!r}{did_you_mean(form, ('auto', *FORMATS))}",
            fix="formats: auto, " + ", ".join(FORMATS),
        )
    notes = Notes()
    read_as, rows = read_pairs(source, form, notes, encoding, sheet=sheet, names=name_map(map_))
    known = read_charter(charter) if charter else None
    examples = _examples(source, rows, category, known, notes)
    _write(target, examples)
    return ImportReport(
        source=str(source),
        target=str(target),
        format=read_as,
        samples=len(examples),
        categories=dict(Counter(e.category for e in examples)),
        notes=notes.lines(),
    )


def _write(target: Path, examples: Sequence[Example]) -> None:
    rows = ({key: value for key, value in to_plain(e).items() if value} for e in examples)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"cannot be written: {error.object[error.start]!a} is half of a surrogate pair",
            path=target,
            fix="restore the character it was part of",
        ) from None
    store.write_bytes(target, data)


def _examples(
    path: Path, rows: Rows, category: str | None, charter: Charter | None, notes: Notes
) -> list[Example]:
    examples: list[Example] = []
    seen: dict[str, int] = {}
    slugs = Slugs("category")
    for number, (line, row) in enumerate(rows, 1):
        if not row.get("id"):
            row["id"] = f"import-{number:04d}"
            notes.add("id made up, as import-0001 and so on", line)
        named = _named(row.get("category") or category, slugs, path, line, notes)
        row["category"] = _category(named, charter, path, line)
        example = store.as_record(row, Example, path=path, line=line)
        if example.id in seen:
            raise DataError(
                f"id {example.id!r} was already used on line {seen[example.id]}",
                path=path,
                line=line,
                fix="give every record its own id, or none at all",
            )
        seen[example.id] = line
        examples.append(example)
    return examples


def _named(category: object, slugs: Slugs, path: Path, line: int, notes: Notes) -> object:
    """A category without blanks."""
    if not isinstance(category, str):
        return category
    try:
        return slugs.of(category.strip(), notes)
    except DataError as error:
        raise DataError(error.message, path=path, line=line, fix=error.fix) from None


def _category(category: object, charter: Charter | None, path: Path, line: int) -> object:
    known = list(charter.categories) if charter else []
    listed = ": " + ", ".join(known) if known else " of the charter"
    if not category:
        raise DataError(
            "no category",
            path=path,
            line=line,
            fix=f"give each row a category, or one for all rows{listed}",
        )
    if charter and category not in known:
        raise DataError(
            f"unknown category {category!r}{did_you_mean(str(category), known)}",
            path=path,
            line=line,
            fix=f"categories{listed}",
        )
    return category
