"""Datasets in and out: JSON Lines, CSV, `messages`, and the older format of hosted APIs.

Takes a file, gives a `Dataset` and notes on what was dropped or repaired.

    jsonl      {"prompt": ..., "completion": ...} a line, with id, category, author ...
    csv        a header with prompt and completion (or question and answer); any that
               `tables.read_table` reads
    messages   {"messages": [{"role": "user", ...}, {"role": "assistant", ...}]} a line
    legacy     jsonl whose prompts end in a separator and whose completions start with a blank

    report = import_dataset(Path("old.csv"), Path("study/values.jsonl"), category="health")
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mores import store
from mores.curate.forms import LEGACY_SEPARATOR, LEGACY_STOP, Notes, read_pairs
from mores.errors import DataError, did_you_mean
from mores.records import Charter, Dataset, Example, Record, to_plain
from mores.study.charter import read_charter

FORMATS = ("jsonl", "csv", "messages", "legacy")
COLUMNS = ("id", "category", "prompt", "completion", "author", "reviewer", "license", "source")


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


def read_examples(
    path: Path,
    *,
    category: str | None = None,
    fmt: str = "auto",
    charter: Charter | None = None,
    encoding: str | None = None,
) -> Dataset:
    """Read samples of any supported format; `import_dataset` also says what was dropped.

    Args:
        path: the file.
        category: category of the samples that give none.
        fmt: ``auto`` or one of `FORMATS`.
        charter: if given, every category must be one of its own.
        encoding: of the file, such as ``cp1252``; by default UTF-8, or what its mark says.

    Raises:
        DataError: unreadable file, a row without question or answer, more than
            one turn, a category that is missing or unknown, an id used twice.
    """
    return _read(path, category, fmt, charter, encoding)[0]


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
        DataError: see `read_examples`; or the target holds samples already.
        StoreError: the target cannot be written.
    """
    if not replace and target.exists() and target.stat().st_size:
        raise DataError(
            "this file holds something already, nothing was imported",
            path=target,
            fix="import into another file, or ask for it to be replaced",
        )
    known = read_charter(charter) if charter else None
    dataset, read_as, notes = _read(source, category, form, known, encoding)
    write_examples(dataset, target, "jsonl")
    return ImportReport(
        source=str(source),
        target=str(target),
        format=read_as,
        samples=len(dataset.examples),
        categories=dict(Counter(e.category for e in dataset.examples)),
        notes=notes.lines(),
    )


def write_examples(dataset: Dataset, path: Path, fmt: str = "jsonl") -> None:
    """Write a dataset, atomically.

    ``jsonl`` and ``csv`` keep everything; ``messages`` and ``legacy`` are what
    hosted APIs take and hold questions and answers only.

    Raises:
        DataError: unknown format, or text that no file can hold (half a surrogate pair).
        StoreError: the file cannot be written.
    """
    _known_format(fmt, FORMATS)
    text = _WRITERS[fmt](dataset.examples)
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"cannot be written: {error.object[error.start]!a} is half of a surrogate pair",
            path=path,
            fix="`mores check` (M102) says in which sample",
        ) from None
    store.write_bytes(path, data)


def _read(
    path: Path, category: str | None, fmt: str, charter: Charter | None, encoding: str | None
) -> tuple[Dataset, str, Notes]:
    _known_format(fmt, ("auto", *FORMATS))
    notes = Notes()
    form, rows = read_pairs(path, fmt, notes, encoding)
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
    return Dataset(name=path.stem, examples=tuple(examples)), form, notes


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


def _known_format(fmt: str, known: tuple[str, ...]) -> None:
    if fmt not in known:
        raise DataError(
            f"unknown format {fmt!r}{did_you_mean(fmt, known)}", fix="formats: " + ", ".join(known)
        )


# Writers -----------------------------------------------------------------------------------


def _jsonl(examples: Sequence[Example]) -> str:
    rows = ({key: value for key, value in to_plain(e).items() if value} for e in examples)
    return _lines(rows)


def _csv(examples: Sequence[Example]) -> str:
    suppressing = any(e.suppress for e in examples)
    columns = (*COLUMNS, "suppress") if suppressing else COLUMNS
    file = io.StringIO(newline="")
    writer = csv.writer(file)  # RFC 4180: line ends are CR LF, a cell with either is quoted
    writer.writerow(columns)
    for example in examples:
        row = to_plain(example)
        row["suppress"] = json.dumps(example.suppress, ensure_ascii=False)
        writer.writerow([row[column] for column in columns])
    return file.getvalue()


def _messages(examples: Sequence[Example]) -> str:
    return _lines(
        {
            "messages": [
                {"role": "user", "content": e.prompt},
                {"role": "assistant", "content": e.completion},
            ]
        }
        for e in examples
    )


def _legacy(examples: Sequence[Example]) -> str:
    return _lines(
        {
            "prompt": e.prompt + LEGACY_SEPARATOR,
            "completion": f" {e.completion}{LEGACY_STOP}",
        }
        for e in examples
    )


def _lines(rows: Any) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


_WRITERS: dict[str, Callable[[Sequence[Example]], str]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "messages": _messages,
    "legacy": _legacy,
}
