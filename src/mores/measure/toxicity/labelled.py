"""Labelled texts for the validation of a scorer: from CSV, TSV or JSON Lines.

Takes a file and the names of two columns, gives `LabelledText` records. A label
is a number from 0 to 1 that is split at .5 (0 or 1, or a share of raters), true or
false, yes or no, toxic or not toxic, in any case. Anything else is refused with its
line, and so is a file that mixes these: a label that is guessed would validate nothing.

    texts = read_labelled(Path("comments.csv"), text="comment", label="toxic")
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mores.errors import DataError
from mores.records import Record
from mores.tables import read_table

NUMBERS = "numbers from 0 to 1"
WORDS = {
    "true or false": ("true", "false"),
    "yes or no": ("yes", "no"),
    "toxic or not toxic": ("toxic", "not toxic", "non-toxic", "nontoxic", "non toxic"),
}
"""Vocabulary → its word for toxic, and those for not toxic."""
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
    rows: list[LabelledText] = []
    used: dict[str, tuple[Any, int]] = {}
    for line, row in read_table(path, (text, label), encoding=encoding):
        vocabulary, toxic = _label(row[label], path, line)
        used.setdefault(vocabulary, (row[label], line))
        if len(used) > 1:
            found = ", ".join(f"{value!r} on line {at}" for value, at in used.values())
            raise DataError(
                f"labels of two kinds, {' and '.join(used)}: {found}",
                path=path,
                line=line,
                fix="write all labels of a file in one way",
            )
        rows.append(LabelledText(text=_text(row[text], path, line), toxic=toxic))
    return rows


def _text(value: Any, path: Path, line: int) -> str:
    if not isinstance(value, str):
        raise DataError(f"expected a text, found {value!r}", path=path, line=line)
    return value


def _label(value: Any, path: Path, line: int) -> tuple[str, bool]:
    """The vocabulary that a label is of, and whether it says toxic."""
    word = " ".join(str(value).replace("_", " ").lower().split())
    for vocabulary, (toxic, *rest) in WORDS.items():
        if word == toxic or word in rest:
            return vocabulary, word == toxic
    try:
        number = float(word)
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= 1.0:  # also refuses nan
        raise DataError(
            f"expected a label ({NUMBERS}, {', '.join(WORDS)}), found {value!r}",
            path=path,
            line=line,
            fix="leave out rows without a label",
        )
    return NUMBERS, number >= SPLIT
