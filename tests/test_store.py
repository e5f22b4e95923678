"""Files are whole or old, and what is wrong in them is named with its line."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores import store
from mores.errors import DataError, StoreError
from mores.records import Example, Record, Score

ROW = {"id": "v-1", "category": "care", "prompt": "Why?", "completion": "Because."}


def lines(*rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def refused(path: Path, content: str | bytes, kind=Example) -> DataError:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError) as caught:
        store.read_jsonl(path, kind)
    assert caught.value.path == str(path)
    return caught.value


# Digests ---------------------------------------------------------------------------------


def test_digests_are_sha256():
    # FIPS 180-2, appendix B.1: SHA-256 of "abc".
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert store.digest_bytes(b"abc") == f"sha256:{known}"


def test_digest_of_a_file_is_that_of_its_bytes(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"x" * 3_000_000)
    assert store.digest_file(path) == "sha256:" + hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_digest_does_not_depend_on_key_order_but_on_values_and_list_order():
    assert store.digest({"a": 1, "b": {"c": 2, "d": 3}}) == store.digest(
        {"b": {"d": 3, "c": 2}, "a": 1}
    )
    assert store.digest({"a": 1}) != store.digest({"a": 2})
    assert store.digest([1, 2]) != store.digest([2, 1])
    # sha256 of the bytes {"a":1}
    assert store.digest({"a": 1}) == store.digest_bytes(b'{"a":1}')


def test_digest_of_a_record_is_that_of_its_fields():
    example = msgspec.convert(ROW, Example)
    assert store.digest(example) == store.digest_bytes(msgspec.json.encode(example))


# Reading ---------------------------------------------------------------------------------


def test_records_come_in_file_order_and_blank_lines_are_skipped(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(lines(ROW) + "\n  \n" + lines({**ROW, "id": "v-0"}), encoding="utf-8")
    assert [r.id for r in store.read_jsonl(path, Example)] == ["v-1", "v-0"]
    assert [number for number, _ in store.read_rows(path)] == [1, 4]


def test_broken_json_is_named_with_line_and_column(tmp_path):
    error = refused(tmp_path / "a.jsonl", lines(ROW) + '{"id": "v-2", }\n')
    assert error.line == 2
    assert "not valid JSON" in error.message
    assert "at column" in error.message
    assert error.fix


def test_an_unknown_field_is_named_with_line_id_and_the_nearest_known_one(tmp_path):
    error = refused(tmp_path / "a.jsonl", lines(ROW, {**ROW, "id": "v-2", "promt": "x"}))
    assert error.line == 2
    assert error.message == "unknown field 'promt'; did you mean 'prompt'?"
    assert "v-2" in error.where
    assert "completion" in error.fix


def test_a_missing_field_is_named(tmp_path):
    row = {k: v for k, v in ROW.items() if k != "completion"}
    error = refused(tmp_path / "a.jsonl", lines(row))
    assert (error.line, error.message) == (1, "missing field `completion`")


def test_a_repeated_id_is_named_with_both_lines(tmp_path):
    error = refused(tmp_path / "a.jsonl", lines(ROW, {**ROW, "id": "v-2"}, ROW))
    assert (error.line, error.message) == (3, "id 'v-1' was already used on line 1")


def test_a_wrong_type_is_named_with_its_field(tmp_path):
    error = refused(tmp_path / "a.jsonl", lines({**ROW, "prompt": 7}))
    assert (error.line, error.message) == (1, "expected `str`, found `int` in field `prompt`")


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_are_not_json_are_refused(tmp_path, constant):
    error = refused(tmp_path / "a.jsonl", lines(ROW) + f'{{"id": {constant}}}\n')
    assert error.line == 2
    assert f"{constant} is not JSON" in error.message


def test_a_number_too_large_to_be_one_is_refused(tmp_path):
    row = lines({"completion_id": "c", "scorer": "s", "version": "1", "digest": "d"})
    row = row.replace("}", ', "attribute": "a", "value": 1e999}')
    assert refused(tmp_path / "a.jsonl", row, Score).line == 1


def test_half_of_a_surrogate_pair_is_refused(tmp_path):
    # A legal JSON escape, but no text: it could neither be tokenised nor written again.
    row = lines({**ROW, "id": "v-2"}).replace("Why?", "\\ud83d")
    assert refused(tmp_path / "a.jsonl", lines(ROW) + row).line == 2


@pytest.mark.parametrize(("row", "found"), [("[1]", "list"), ('"x"', "str"), ("null", "NoneType")])
def test_a_line_that_is_no_object_is_refused(tmp_path, row, found):
    error = refused(tmp_path / "a.jsonl", row + "\n")
    assert (error.line, error.message) == (1, f"expected a JSON object, found {found}")


def test_a_file_that_is_not_utf8_is_named_with_line_and_byte(tmp_path):
    error = refused(tmp_path / "a.jsonl", lines(ROW).encode() + b'{"id": "caf\xe9"}\n')
    assert error.line == 2
    assert "0xe9" in error.message
    assert "UTF-8" in error.fix


def test_byte_order_mark_and_windows_line_ends_are_fine(tmp_path):
    path = tmp_path / "a.jsonl"
    text = lines(ROW, {**ROW, "id": "v-2"}).replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert [r.id for r in store.read_jsonl(path, Example)] == ["v-1", "v-2"]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_other_line_separators_inside_a_string_do_not_end_the_line(tmp_path, separator):
    path = tmp_path / "a.jsonl"
    row = {**ROW, "prompt": f"one{separator}two"}
    store.write_jsonl(path, [msgspec.convert(row, Example)])
    with path.open("ab") as file:
        file.write(b"{\n")
    with pytest.raises(DataError) as caught:
        store.read_jsonl(path, Example)
    assert caught.value.line == 2  # counted as the reader's editor counts
    path.write_bytes(path.read_bytes()[:-2])
    assert store.read_jsonl(path, Example)[0].prompt == row["prompt"]


def test_missing_files_and_folders_are_data_errors(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        store.read_text(tmp_path / "none")
    with pytest.raises(DataError, match="cannot be read"):
        store.read_text(tmp_path)


def test_broken_json_and_toml_files_name_the_line(tmp_path):
    path = tmp_path / "a"
    path.write_text('{\n "a": ,\n}')
    with pytest.raises(DataError) as caught:
        store.read_json(path)
    assert caught.value.line == 2
    path.write_text("a = 1\nb = = 2\n")
    with pytest.raises(DataError, match="line 2"):
        store.read_toml(path)


def test_without_a_unique_field_ids_may_repeat(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(lines(ROW, ROW))
    assert len(store.read_jsonl(path, Example, unique=None)) == 2


# Writing ---------------------------------------------------------------------------------


def only_file(folder: Path) -> str:
    (path,) = folder.iterdir()
    return path.name


def test_a_write_replaces_the_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "sub" / "a.txt"
    store.write_text(path, "old")
    store.write_text(path, "new ü")
    assert path.read_bytes() == b"new \xc3\xbc"
    assert only_file(path.parent) == "a.txt"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "disk is full: free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission"),
        (errno.EIO, "nothing was changed"),
    ],
)
def test_a_refused_write_leaves_the_old_file_and_says_what_to_do(
    tmp_path, monkeypatch, code, words
):
    path = tmp_path / "a.txt"
    store.write_text(path, "old")

    def refuse(_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(store.os, "fsync", refuse)
    with pytest.raises(StoreError) as caught:
        store.write_text(path, "new")
    assert words in caught.value.fix
    assert caught.value.path == str(path)
    assert os.strerror(code) in caught.value.message
    assert path.read_text() == "old"
    assert only_file(tmp_path) == "a.txt"


def test_a_disk_that_fills_up_half_way_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fill_the_disk():
        with store.replacing(path) as temporary:
            temporary.write_bytes(b"half of the n")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreError, match="disk is full"):
        fill_the_disk()
    assert path.read_bytes() == b"old"
    assert only_file(tmp_path) == "a.bin"


def test_any_other_failure_leaves_the_old_file_too(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"old")

    def broken():
        yield {"id": 1}
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        store.write_jsonl(path, broken())
    assert path.read_bytes() == b"old"
    assert only_file(tmp_path) == "a.jsonl"


def test_a_folder_in_the_way_is_a_store_error(tmp_path):
    (tmp_path / "a").write_text("a file")
    with pytest.raises(StoreError):
        store.write_text(tmp_path / "a" / "b", "x")


def test_json_is_indented_readable_and_ends_with_a_line_end(tmp_path):
    store.write_json(tmp_path / "a.json", {"name": "ü", "list": [1]})
    assert (tmp_path / "a.json").read_text("utf-8") == (
        '{\n  "name": "ü",\n  "list": [\n    1\n  ]\n}\n'
    )


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_nan_is_refused_in_json(tmp_path, number):
    with pytest.raises(ValueError, match="JSON compliant"):
        store.write_json(tmp_path / "a.json", {"x": number})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_nan_is_refused_in_jsonl_and_never_becomes_null(tmp_path, number):
    score = Score(
        completion_id="c", scorer="s", version="1", digest="d", attribute="a", value=number
    )
    with pytest.raises(ValueError):  # noqa: PT011 - refused is what counts
        store.write_jsonl(tmp_path / "a.jsonl", [score])


TEXT = st.text(st.characters(codec="utf-8"), min_size=1)
EXAMPLES = st.builds(
    Example,
    id=st.from_regex(r"[^\s\x00-\x1f]{1,20}", fullmatch=True),
    category=st.just("care"),
    prompt=TEXT,
    completion=TEXT,
    suppress=st.dictionaries(TEXT, TEXT, max_size=2),
)


@given(st.lists(EXAMPLES, max_size=5, unique_by=lambda e: e.id))
def test_what_is_written_is_read_back(tmp_path, examples):
    path = tmp_path / "a.jsonl"
    store.write_jsonl(path, examples)
    assert store.read_jsonl(path, Example) == examples
    data = path.read_bytes()
    store.write_jsonl(path, store.read_jsonl(path, Example))
    assert path.read_bytes() == data


class _Number(Record, frozen=True, kw_only=True):
    id: str
    value: float


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_back_to_the_last_bit(tmp_path, number):
    store.write_jsonl(tmp_path / "a.jsonl", [_Number(id="x", value=number)])
    (back,) = store.read_jsonl(tmp_path / "a.jsonl", _Number)
    assert back.value.hex() == number.hex()


# Lock and cache --------------------------------------------------------------------------

TAKE = """
import sys
from pathlib import Path
from mores import store
from mores.errors import StoreError
try:
    with store.lock(Path(sys.argv[1])):
        print("held", flush=True)
        if len(sys.argv) > 2:
            sys.stdin.read()
except StoreError as error:
    print(error.message, "|", error.fix)
"""


def take(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", TAKE, str(folder)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_second_process_is_refused_while_the_first_holds_the_folder(tmp_path):
    with store.lock(tmp_path):
        assert take(tmp_path) == (
            "another mores process is at work here | "
            "wait for it, or stop it; the lock goes with the process"
        )
    assert take(tmp_path) == "held"


def test_a_killed_process_frees_the_folder(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", TAKE, str(tmp_path), "wait"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError), store.lock(tmp_path):
            pass
        holder.kill()
        holder.wait()
        with store.lock(tmp_path):
            pass


def test_who_holds_the_folder_may_take_it_again_and_keeps_it_until_the_end(tmp_path):
    with store.lock(tmp_path):
        with store.lock(tmp_path):
            pass
        assert take(tmp_path).startswith("another mores process is at work here")
    assert take(tmp_path) == "held"


def test_the_lock_is_freed_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), store.lock(tmp_path):
        raise RuntimeError
    with store.lock(tmp_path):
        pass


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("MORES_CACHE", str(tmp_path / "own"))
    assert store.cache_folder() == tmp_path / "own"
    monkeypatch.delenv("MORES_CACHE")
    assert store.cache_folder() == tmp_path / "xdg" / "mores"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store.cache_folder() == tmp_path / ".cache" / "mores"
