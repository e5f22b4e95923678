"""Datasets of other forms into a study: JSON Lines, CSV, `messages`, and hosted APIs' older one.

Takes a file, writes JSON Lines, gives a report of what was dropped or repaired.

    jsonl      {"prompt": ..., "completion": ...} a line, with id, category, author ...
    csv        a header with prompt and completion (or question and answer); any that
               `tables.read_table` reads
    messages   {"messages": [{"role": "user", ...}, {"role": "assistant", ...}]} a line
    legacy     jsonl whose prompts end in a separator and whose completions start with a blank

    report = import_dataset(Path("old.csv"), Path("study/values.jsonl"), category="health")
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mores import store
from mores.curate.forms import Notes, Rows, read_pairs
from mores.errors import DataError, did_you_mean
from mores.records import Charter, Example, Record, to_plain
from mores.study.charter import read_charter

FORMATS = ("jsonl", "csv", "messages", "legacy")


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
) -> ImportReport:
    """Turn a dataset in another form into a study's JSON Lines file.

    Nothing is written unless every row could be read.

    Args:
        source: CSV, JSONL with prompt/completion, chat "messages", or a hosted API's file.
        target: the file to write, such as my-study/values.jsonl.
        category: category of samples that name none.
        form: "auto", "jsonl", "csv", "messages" or "legacy".
        charter: a charter.toml that every category must be in.
        replace: overwrite a target that already holds samples.
        encoding: of a source that is neither UTF-8 nor UTF-16, such as cp1252.

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
    read_as, rows = read_pairs(source, form, notes, encoding)
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
    for number, (line, row) in enumerate(rows, 1):
        if not row.get("id"):
            row["id"] = f"import-{number:04d}"
            notes.add("id made up, as import-0001 and so on", line)
        row["category"] = _category(row.get("category"), category, charter, path, line)
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


def _category(
    named: object, given: str | None, charter: Charter | None, path: Path, line: int
) -> object:
    category = named or given
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
