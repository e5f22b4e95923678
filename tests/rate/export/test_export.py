import csv
import io
import json
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.errors import StoreError
from mores.rate.export.formats import COLUMNS, escape_cell, plain_cell, to_csv, to_jsonl, to_parquet
from mores.rate.model import CANNOT_REASONS, SKIP_REASONS, RatingRow


def row(**changes):
    plain = {
        "item_id": "i1",
        "kind": "study",
        "category": "abuse",
        "rater": "r1",
        "revision": 1,
        "current": True,
        "counted": True,
        "answer": "rate",
        "value": 4,
        "at": "2026-11-22T20:28:00.000Z",
    }
    return RatingRow(**plain | changes)


def cells(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))


def parquet(data):
    import pyarrow.parquet as pq

    return pq.read_table(io.BytesIO(data))


# No lone surrogates: no file in UTF-8 can hold them, and no form brings them.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(
    st.sampled_from("=+-@＝＋－＠−;,\t\r\n\v\x00\"'“ ﻿a1"), max_size=12
)
moments = st.datetimes(timezones=st.just(UTC))
rows = st.lists(
    st.builds(
        RatingRow,
        item_id=texts,
        kind=st.sampled_from(["study", "gold", "practice"]),
        category=texts,
        rater=texts,
        revision=st.integers(1, 9),
        current=st.booleans(),
        counted=st.booleans(),
        answer=st.sampled_from(["rate", "cannot", "skip", "withdraw"]),
        value=st.none() | st.integers(1, 5),
        reason=st.sampled_from(["", *SKIP_REASONS, *CANNOT_REASONS]),
        flagged=st.booleans(),
        remark=texts,
        seconds=st.none() | st.floats(0, 1e9),
        at=moments.map(datetime.isoformat),
        item_flags=st.lists(texts, max_size=2).map(tuple),
        groups=st.dictionaries(texts, texts, max_size=2),
        completion_id=st.none() | texts.filter(bool),
        model=st.none() | texts.filter(bool),
        arm=st.none() | st.sampled_from(["base", "control"]),
        seed=st.none() | st.integers(0, 2**63 - 1),
        draw=st.none() | st.integers(0, 99),
        media=st.sampled_from(["", "image", "audio", "video"]),
        media_file=st.none() | texts.filter(bool),
    ),
    max_size=4,
)


def test_csv_byte_for_byte():
    """Written by hand after RFC 4180: CRLF, doubled quotes, no byte order mark."""
    data = to_csv(
        [
            row(
                remark='He said "=1", twice\nover',
                seconds=12.5,
                item_flags=("names-itself",),
                groups={"age": "18-29"},
            ),
            row(answer="skip", value=None, counted=False, reason="upsetting", flagged=True),
        ]
    )
    assert data == (
        b"item_id,kind,category,rater,revision,current,counted,answer,value,reason,flagged,"
        b"remark,seconds,at,item_flags,groups,completion_id,model,arm,seed,draw,"
        b"media,media_file\r\n"
        b'i1,study,abuse,r1,1,true,true,rate,4,,false,"He said ""=1"", twice\nover",12.5,'
        b'2026-11-22T20:28:00.000Z,"[""names-itself""]","{""age"": ""18-29""}",,,,,,,\r\n'
        b"i1,study,abuse,r1,1,true,false,skip,,upsetting,true,,,2026-11-22T20:28:00.000Z,,,,,,,"
        b",,\r\n"
    )


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49 170", "'+49 170"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\nx", "'\nx"),
        ("  =1", "'  =1"),
        ('"=1', "'\"=1"),
        ("'=1", "''=1"),
        ("“ =1", "'“ =1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("\x00=1", "'\x00=1"),
        ("\u200b\u202e=1", "'\u200b\u202e=1"),
        ("＝1", "'＝1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠A", "'＠A"),
        ("−1", "'−1"),
        # A program that separates at semicolons or tabs begins a new cell inside the text.
        ("no;=A1", "no;'=A1"),
        ("no\t =A1", "no\t' =A1"),
        ("list:\n- one\n- two", "list:\n'- one\n'- two"),
        # Left as they are.
        ("", ""),
        ("a=b", "a=b"),
        ("3 - 2", "3 - 2"),
        ("it's", "it's"),
        ("'tis", "'tis"),
        ("a;b", "a;b"),
        ('{"q": "=1"}', '{"q": "=1"}'),
    ],
)
def test_formulas_get_an_apostrophe_and_nothing_else_does(text, cell):
    assert escape_cell(text) == cell
    assert plain_cell(cell) == text


@given(texts)
def test_escaping_can_be_undone_and_leaves_no_formula(text):
    cell = escape_cell(text)
    assert plain_cell(cell) == text
    # An independent statement of the rule, by stripping.
    skipped = " \"'“\ufeff\x00"
    first = cell.split("\n")[0]
    assert not first.lstrip(" \ufeff\x00").startswith(("=", "+", "-", "@", "\t", "\r", "＝", "−"))
    for part in cell.replace("\t", ";").replace("\n", ";").replace("\r", ";").split(";"):
        bare = part.lstrip(skipped)
        if bare[:1] in tuple("=+-@＝＋－＠−"):
            assert part.startswith("'")


def test_numbers_stay_numbers():
    """A column that is a number is never escaped, even where it begins with a minus."""
    [_, found] = cells(to_csv([row(seed=-1, draw=0, seconds=0.0)]))
    assert found[COLUMNS.index("seed")] == "-1"
    assert found[COLUMNS.index("draw")] == "0"
    assert found[COLUMNS.index("seconds")] == "0.0"


@given(rows)
def test_csv_round_trip(given_rows):
    header, *found = cells(to_csv(given_rows))
    assert tuple(header) == COLUMNS == RatingRow.__struct_fields__
    back = []
    for line in found:
        text = dict(zip(COLUMNS, map(plain_cell, line), strict=True))
        raw = dict(zip(COLUMNS, line, strict=True))
        for name in ("revision", "value", "seconds", "seed", "draw", "current", "counted"):
            text[name] = json.loads(raw[name]) if raw[name] else None
        text["flagged"] = json.loads(raw["flagged"])
        text["item_flags"] = tuple(json.loads(text["item_flags"] or "[]"))
        text["groups"] = json.loads(text["groups"] or "{}")
        for name in ("completion_id", "model", "arm", "media_file"):
            text[name] = text[name] or None
        back.append(RatingRow(**text))
    assert back == given_rows


@given(rows)
def test_jsonl_round_trip(given_rows):
    data = to_jsonl(given_rows)
    # Split at line feeds only: texts may hold other line ends, JSON escapes the line feed.
    lines = data.decode("utf-8").split("\n")
    assert lines.pop() == ""
    found = [json.loads(line) for line in lines]
    assert all(tuple(one) == COLUMNS for one in found)
    back = [RatingRow(**one | {"item_flags": tuple(one["item_flags"])}) for one in found]
    assert back == given_rows


@given(rows)
def test_parquet_round_trip(given_rows):
    table = parquet(to_parquet(given_rows))
    assert tuple(table.column_names) == COLUMNS
    back = [
        RatingRow(
            **one
            | {
                "item_flags": tuple(one["item_flags"]),
                "groups": dict(one["groups"]),
                "at": one["at"].isoformat(),
            }
        )
        for one in table.to_pylist()
    ]
    assert back == given_rows


def test_parquet_types_hold_without_rows():
    import pyarrow as pa

    schema = parquet(to_parquet([])).schema
    assert schema.field("value").type == pa.int8()
    assert schema.field("value").nullable
    assert schema.field("revision").type == pa.int64()
    assert not schema.field("revision").nullable
    assert schema.field("counted").type == pa.bool_()
    assert schema.field("seconds").type == pa.float64()
    assert schema.field("at").type == pa.timestamp("us", tz="UTC")
    assert pa.types.is_map(schema.field("groups").type)
    assert schema.field("seed").type == pa.int64()


def test_parquet_times_are_utc():
    assert parquet(to_parquet([row(at="2026-11-22T20:28:00.500Z")])).column("at").to_pylist() == [
        datetime(2026, 11, 22, 20, 28, 0, 500000, tzinfo=UTC)
    ]


@pytest.mark.parametrize("write", [to_csv, to_jsonl, to_parquet])
def test_the_same_rows_give_the_same_bytes(write):
    given_rows = [row(), row(item_id="i2", value=1)]
    assert write(given_rows) == write(list(given_rows))


def test_without_pyarrow_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(StoreError, match=r"pip install 'mores\[parquet\]'"):
        to_parquet([row()])


def test_a_megabyte_of_separators_is_escaped_in_one_pass():
    """No backtracking: each break is looked at once. (Quadratic time would not end here.)"""
    text = "\n;'" * 400_000 + "=1"
    assert plain_cell(escape_cell(text)) == text
