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
import re
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from typing import Any

import msgspec

from mores.errors import StoreError
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
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(getattr(row, name)) for name in COLUMNS] for row in rows)
    return buffer.getvalue().encode("utf-8")


def to_jsonl(rows: Sequence[RatingRow]) -> bytes:
    """Return one JSON object a line, UTF-8, every column in each; nothing is escaped."""
    return msgspec.json.Encoder().encode_lines(rows)


def to_parquet(rows: Sequence[RatingRow]) -> bytes:
    """Return a Parquet file; its types are those that `codebook` gives.

    `at` is a timestamp in UTC to the microsecond (null where it is empty), `groups` a map from
    text to text, `item_flags` a list of texts. An absent value is null.

    Raises:
        StoreError: pyarrow is not installed.
    """
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise StoreError(
            f"Parquet needs the library pyarrow, which could not be loaded: {error}",
            fix="pip install 'mores[parquet]', or take the CSV or JSON Lines file",
        ) from None
    plain = [
        msgspec.to_builtins(row)
        | {"at": datetime.fromisoformat(row.at), "groups": [*row.groups.items()]}
        for row in rows
    ]
    buffer = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(plain, schema=_schema(arrow)), buffer)
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


def _cell(value: Any) -> str:
    if value is None or value in ((), {}):
        return ""
    if isinstance(value, str):
        return escape_cell(value)
    if isinstance(value, (tuple, dict)):
        return escape_cell(json.dumps(value, ensure_ascii=False))
    return json.dumps(value)


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
    revealed = {"completion_id", "model", "arm", "seed", "draw", "media_file"}
    absent = {"value", "seconds", "at", *revealed}
    return arrow.schema(
        [arrow.field(name, types.get(name, text), nullable=name in absent) for name in COLUMNS]
    )
