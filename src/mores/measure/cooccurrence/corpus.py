"""Any corpus with a group for each text → associations of each group.

    result = analyse_file(Path("texts.csv"), text="text", group="group")

The same counting and tests as for completions, without arms: documents are
exchanged between all groups, since no stem ties them to one another.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mores.errors import DataError, MeasureError
from mores.measure.cooccurrence.analyse import stream
from mores.measure.cooccurrence.associate import Settings, associate
from mores.measure.cooccurrence.result import TopicAssociations
from mores.tables import read_table

MOST_GROUPS = 50


def analyse_file(
    texts: Path,
    *,
    text: str,
    group: str,
    min_count: int = 10,
    permutations: int = 1000,
    seed: int = 2021,
    encoding: str | None = None,
) -> TopicAssociations:
    """Analyse a CSV or JSON Lines file (`tables.read_table` says which are understood).

    Args:
        texts: the file.
        text: name of the column (field) that holds the texts.
        group: name of the column that says which group a text is about.
        min_count: words with fewer occurrences are not tested.
        permutations: random deals of documents to groups.
        seed: of the permutations.
        encoding: of the file, such as ``cp1252``; by default UTF-8, or what its mark says.

    Raises:
        DataError: the file or a column is missing, or a text or group is not a string.
        MeasureError: fewer than two groups, or more than 50.
    """
    documents, groups = read_columns(texts, text=text, group=group, encoding=encoding)
    order = sorted(set(groups))
    if not 2 <= len(order) <= MOST_GROUPS:
        raise MeasureError(
            f"expected 2 to {MOST_GROUPS} groups, found {len(order):,}",
            fix="name the column that says which group a text is about",
        )
    settings = Settings(min_count=min_count, permutations=permutations)
    rng = stream(seed, "corpus", texts.stem)
    return associate(documents, groups, order=order, settings=settings, rng=rng, topic=texts.stem)


def read_columns(
    path: Path, *, text: str, group: str, encoding: str | None = None
) -> tuple[list[str], list[str]]:
    """Read two columns of a CSV or JSON Lines file.

    Raises:
        DataError: no such file or column (with a suggestion), a group left empty, or a
            value that is not a string; with the line.
    """
    texts: list[str] = []
    groups: list[str] = []
    for line, row in read_table(path, (text, group), encoding=encoding):
        texts.append(_value(row, text, path, line, empty=True))
        groups.append(_value(row, group, path, line, empty=False))
    return texts, groups


def _value(row: dict[str, Any], name: str, path: Path, line: int, *, empty: bool) -> str:
    value = row[name]
    if isinstance(value, int | float) and not isinstance(value, bool) and not empty:
        return json.dumps(value)  # groups may be numbered
    if not isinstance(value, str):
        kind = "nothing" if value is None else type(value).__name__
        raise DataError(f"expected text in {name!r}, found {kind}", path=path, line=line)
    if not empty and not value.strip():
        raise DataError(
            f"{name!r} is empty",
            path=path,
            line=line,
            fix="say which group the text is about, or drop the row",
        )
    return value if empty else value.strip()
