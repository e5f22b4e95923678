"""Labelled texts for the validation of a scorer: from CSV, TSV or JSON Lines.

Takes a file and the names of two columns, gives `LabelledText` records. A label
is 0 or 1, true or false, yes or no, or a number from 0 to 1 that is split at .5
(such as a share of raters); anything else is refused with its line, for a label
that is guessed would validate nothing.

    texts = read_labelled(Path("comments.csv"), text="comment", label="toxic")
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import DataError, did_you_mean
from mores.records import Record

_WORDS = {"true": True, "yes": True, "false": False, "no": False}
SPLIT = 0.5
"""Numbers from here on count as toxic."""


class LabelledText(Record, frozen=True, kw_only=True):
    """A text and what people said of it."""

    text: str
    toxic: bool


def read_labelled(path: Path, *, text: str, label: str) -> list[LabelledText]:
    """Read a labelled file; ``.csv`` and ``.tsv`` have a header, all else is JSON Lines.

    Args:
        path: the file.
        text: name of the column (or key) with the text.
        label: name of the column (or key) with the label.

    Raises:
        DataError: no such file or column, a label that is none, no rows (with the line).
    """
    rows = _table(path) if path.suffix.lower() in (".csv", ".tsv") else iter(store.read_rows(path))
    texts = [
        LabelledText(
            text=_text(_cell(row, text, path, line), path, line),
            toxic=_label(_cell(row, label, path, line), path, line),
        )
        for line, row in rows
    ]
    if not texts:
        raise DataError("no rows", path=path, fix="give a file with at least one labelled text")
    return texts


def _table(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # the default refuses long comments
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    # newline="": a quoted field may hold line breaks of either kind.
    reader = csv.reader(io.StringIO(store.read_text(path), newline=""), delimiter=delimiter)
    try:
        header = next(reader, None)
        line = reader.line_num + 1
        for row in reader:
            if row and header is not None:
                if len(row) != len(header):
                    raise DataError(
                        f"expected {len(header)} fields, found {len(row)}",
                        path=path,
                        line=line,
                        fix="put a field that holds the separator in double quotes",
                    )
                yield line, dict(zip(header, row, strict=True))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"not valid CSV: {error}", path=path, line=reader.line_num) from None


def _cell(row: dict[str, Any], name: str, path: Path, line: int) -> Any:
    if name not in row:
        raise DataError(
            f"no column {name!r}{did_you_mean(name, list(row))}",
            path=path,
            line=line,
            fix="columns: " + ", ".join(repr(key) for key in row),
        )
    return row[name]


def _text(value: Any, path: Path, line: int) -> str:
    if not isinstance(value, str):
        raise DataError(f"expected a text, found {value!r}", path=path, line=line)
    return value


def _label(value: Any, path: Path, line: int) -> bool:
    word = str(value).strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    try:
        number = float(word)
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= 1.0:  # also refuses nan
        raise DataError(
            f"expected a label (0 or 1, true or false, yes or no, or a number from 0 to 1), "
            f"found {value!r}",
            path=path,
            line=line,
            fix="leave out rows without a label",
        )
    return number >= SPLIT
