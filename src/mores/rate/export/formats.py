r"""Answers of raters → the owner's files: CSV, JSON Lines and Parquet with the same columns.

Takes `RatingRow` records and gives bytes; the columns are the record's fields, in its order.
JSON Lines and Parquet hold every text exactly. In CSV a text that a spreadsheet could take for
a formula gets an apostrophe in front of it, which `plain_cell` takes away again.

    Path("ratings.csv").write_bytes(to_csv(rows))
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import msgspec

from mores.errors import DataError, StoreError
from mores.rate.model import RatingRow

COLUMNS: tuple[str, ...] = RatingRow.__struct_fields__

# What programs skip before they look for a formula: space, quotes, control and format characters.
_SKIPPED = (
    "\"'`‘’“”«»\x00-\x08\x0e-\x1f\x7f-\x9f "
    "\u00a0\u00ad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
)
_BREAKS = "\t\n\v\f\r"
# = + - @, each also in full-width, small and raised form, and the minus sign proper.
_FORMULA = r"=+\-@\u2212\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u207b\u207c"
# A separator inside a text begins a new cell where a program splits at ; or tab, not at commas.
_DANGER = (
    rf"(?:\A(?=[{_SKIPPED}{_BREAKS}]*[{_FORMULA}]|[{_SKIPPED}]*[{_BREAKS}])"
    rf"|(?<=[;{_BREAKS}])(?=[{_SKIPPED}]*[{_FORMULA}]))"
)
_ESCAPE = re.compile(_DANGER)
_UNESCAPE = re.compile(_DANGER.replace("(?=", "'(?="))


def to_csv(rows: Sequence[RatingRow]) -> bytes:
    """Return CSV after RFC 4180: UTF-8 without a byte order mark, commas, CRLF, a header.

    What is absent is an empty cell. Booleans are ``true`` and ``false``; `item_flags` and
    `groups` are JSON in their cell, or empty. Texts are escaped by `escape_cell`, numbers
    never are.

    Raises:
        DataError: seconds that are no number, a text that is not valid Unicode.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in row.values()] for row in map(_plain, rows))
    return buffer.getvalue().encode("utf-8")


def to_jsonl(rows: Sequence[RatingRow]) -> bytes:
    """Return one JSON object a line, UTF-8, every column in each; nothing is escaped.

    Raises:
        DataError: seconds that are no number, a text that is not valid Unicode.
    """
    lines = [json.dumps(_plain(r), ensure_ascii=False, separators=(",", ":")) for r in rows]
    return "".join(line + "\n" for line in lines).encode("utf-8")


def to_parquet(rows: Sequence[RatingRow]) -> bytes:
    """Return a Parquet file; its types are those that `codebook` gives.

    `at` is a timestamp in UTC to the microsecond (null where it is empty), `groups` a map from
    text to text, `item_flags` a list of texts. An absent value is null.

    Raises:
        StoreError: pyarrow is not installed.
        DataError: a time that is not ISO 8601, seconds that are no number, a text that is
            not valid Unicode, a number beyond 64 bits.
    """
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise StoreError(
            f"Parquet needs the library pyarrow, which could not be loaded: {error}",
            fix="pip install 'mores[parquet]', or take the CSV or JSON Lines file",
        ) from None
    plain = [_plain(row) | {"at": _time(row), "groups": list(row.groups.items())} for row in rows]
    buffer = io.BytesIO()
    try:
        table = arrow.Table.from_pylist(plain, schema=_schema(arrow))
    except (OverflowError, arrow.ArrowInvalid) as error:
        raise DataError(
            f"a value does not fit its Parquet column: {error}",
            fix="numbers have at most 64 bits; take JSON Lines where they are larger",
        ) from None
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def escape_cell(text: str) -> str:
    r"""Return the text so that no spreadsheet runs it.

    An apostrophe goes in front of a text that begins with ``= + - @`` (full-width forms too),
    also after spaces, quotes and invisible characters, or with a tab or a line break; and in
    front of ``= + - @`` after a semicolon, a tab or a line break further on, because programs
    that separate at these see a new cell there. Takes time linear in the text's length.
    Source: OWASP, "CSV Injection".

    >>> escape_cell("=1+1"), escape_cell("3 - 2"), escape_cell("no;=A1")
    ("'=1+1", '3 - 2', "no;'=A1")
    """
    return _ESCAPE.sub("'", text)


def plain_cell(cell: str) -> str:
    """Return the text that `escape_cell` was given: the exact inverse."""
    return _UNESCAPE.sub("", cell)


def where(row: RatingRow) -> str:
    """Name a row in a message: rater, item and revision."""
    return f"rater {row.rater!r}, item {row.item_id!r}, revision {row.revision}"


def _plain(row: RatingRow) -> dict[str, Any]:
    """The row as JSON values, once it is known that every format can hold them."""
    if row.seconds is not None and not 0.0 <= row.seconds < math.inf:
        raise DataError(
            f"seconds: expected a number from 0 on or none, found {row.seconds}", where=where(row)
        )
    plain: dict[str, Any] = msgspec.to_builtins(row)
    plain["item_flags"] = list(row.item_flags)
    try:
        "".join(_texts(row)).encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"a text holds half of a surrogate pair ({error.object[error.start]!r})",
            where=ascii(where(row)),
            fix="replace that character; it stands for nothing",
        ) from None
    return plain


def _texts(row: RatingRow) -> list[str]:
    fields = [getattr(row, name) for name in COLUMNS]
    plain = [value for value in fields if isinstance(value, str)]
    return [*plain, *row.item_flags, *row.groups, *row.groups.values()]


def _cell(value: Any) -> str:
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, str):
        return escape_cell(value)
    if isinstance(value, (list, dict)):
        return escape_cell(json.dumps(value, ensure_ascii=False))
    return json.dumps(value)


def _time(row: RatingRow) -> datetime | None:
    if not row.at:
        return None
    try:
        moment = datetime.fromisoformat(row.at)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise DataError(
            f"at: expected a time in ISO 8601, found {row.at!r}",
            where=where(row),
            fix="for example 2026-11-22T20:28:00Z",
        ) from None


def _schema(arrow: Any) -> Any:
    text, whole, truth = arrow.string(), arrow.int64(), arrow.bool_()
    types = {
        "revision": whole,
        "current": truth,
        "counted": truth,
        "value": arrow.int8(),
        "flagged": truth,
        "seconds": arrow.float64(),
        "at": arrow.timestamp("us", tz="UTC"),
        "item_flags": arrow.list_(text),
        "groups": arrow.map_(text, text),
        "seed": whole,
        "draw": whole,
    }
    absent = {"value", "seconds", "at", "completion_id", "model", "arm", "seed", "draw"}
    return arrow.schema(
        [arrow.field(name, types.get(name, text), nullable=name in absent) for name in COLUMNS]
    )
