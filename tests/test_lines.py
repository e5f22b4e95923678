"""Records one after another: the same as the careful reader's, and the same messages."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from mores import store
from mores.errors import DataError
from mores.records import Rating, Score
from mores.store.lines import iter_records, read_records

LINE = '{"completion_id":"c-%d","rater":"ada","value":3}\n'


def test_equal_to_the_careful_reader(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n\n".join(LINE.strip() % k for k in range(5)).encode())
    assert read_records(path, Rating) == store.read_jsonl(path, Rating)
    assert [r.completion_id for r in read_records(path, Rating)] == [f"c-{k}" for k in range(5)]


@pytest.mark.parametrize(
    "broken",
    [
        b'{"completion_id":"c-9","rater":"ada"}',
        b'{"completion_id":"c-9","rater":"ada","value":7}',
        b'{"completion_id":"c-9","rater":"ada","value":3,"vlaue":3}',
        b'{"completion_id":"c-9","rater":"ada",',
        b"[1]",
        b'{"completion_id":"\xff","rater":"ada","value":3}',
        b'{"completion_id":"c-1","rater":"ada","value":3}',
    ],
)
def test_what_is_wrong_is_said_in_the_same_words(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"".join((LINE % k).encode() for k in range(3)) + broken + b"\n")
    with pytest.raises(DataError) as careful:
        store.read_jsonl(path, Rating, unique="completion_id")
    with pytest.raises(DataError) as quick:
        read_records(path, Rating, unique="completion_id")
    assert str(quick.value) == str(careful.value)
    assert quick.value.line == 4


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_records(tmp_path / "none.jsonl", Rating)
    with pytest.raises(DataError, match="cannot be read"):
        read_records(tmp_path, Rating)


def test_a_broken_line_among_many_is_named_and_nothing_is_held(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with path.open("w") as file:
        file.writelines(LINE % k for k in range(120_000))
        file.write("{\n")
    tracemalloc.start()
    with pytest.raises(DataError) as error:
        for _ in iter_records(path, Rating, unique=None):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (error.value.path, error.value.line) == (str(path), 120_001)
    assert path.stat().st_size > 5_000_000
    assert peak < 1_000_000


def test_written_as_they_come_and_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    store.write_jsonl(path, [{"a": 1}])

    def rows(last: float) -> Iterator[dict[str, float]]:
        yield from ({"a": float(k)} for k in range(1000))
        yield {"a": last}

    with pytest.raises(ValueError, match="not JSON compliant"):
        store.write_jsonl(path, rows(float("nan")))
    assert path.read_text() == '{"a":1}\n'
    assert list(tmp_path.iterdir()) == [path]
    store.write_jsonl(path, rows(0.5))
    assert path.read_text().splitlines()[-1] == '{"a":0.5}'


def test_unique_looks_at_a_field_that_the_record_has(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    score = Score(completion_id="c", scorer="s", version="1", digest="d", attribute="t", value=0.5)
    store.write_jsonl(path, [score, score])
    assert read_records(path, Score) == [score, score]  # no field `id`
    with pytest.raises(DataError, match="completion_id 'c' was already used on line 1"):
        read_records(path, Score, unique="completion_id")
