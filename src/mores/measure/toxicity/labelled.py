"""Labelled texts for the validation of a scorer: from CSV, TSV or JSON Lines.

Takes a file and the names of two columns, gives `LabelledText` records. A label
is 0 or 1, true or false, yes or no, or a number from 0 to 1 that is split at .5
(such as a share of raters); anything else is refused with its line, for a label
that is guessed would validate nothing.

    texts = read_labelled(Path("comments.csv"), text="comment", label="toxic")
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mores.errors import DataError
from mores.records import Record
from mores.tables import read_table

_WORDS = {"true": True, "yes": True, "false": False, "no": False}
SPLIT = 0.5
"""Numbers from here on count as toxic."""


class LabelledText(Record, frozen=True, kw_only=True):
    """A text and what people said of it."""

    text: str
    toxic: bool


def read_labelled(
    path: Path, *, text: str, label: str, encoding: str | None = None
) -> list[LabelledText]:
    """Read a labelled file, CSV or JSON Lines (`tables.read_table` says which are understood).

    Args:
        path: the file.
        text: name of the column (or key) with the text.
        label: name of the column (or key) with the label.
        encoding: of the file, such as ``cp1252``; by default UTF-8, or what its mark says.

    Raises:
        DataError: no such file or column, a label that is none, no rows (with the line).
    """
    return [
        LabelledText(text=_text(row[text], path, line), toxic=_label(row[label], path, line))
        for line, row in read_table(path, (text, label), encoding=encoding)
    ]


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
