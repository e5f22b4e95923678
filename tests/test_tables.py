"""One reader of tables: what spreadsheets and other tools write, with the line of each row."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import itertools
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mores.errors import DataError
from mores.tables import DELIMITERS, Notes, form_of, read_table


@pytest.fixture
def file(tmp_path: Path):
    """Write a file and return its path."""

    def write(content: str | bytes, name: str = "t.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refused(path: Path, *args, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        list(read_table(path, *args, **options))
    assert caught.value.path == str(path)
    return caught.value


ONE = [(2, {"a": "1", "b": "x, y; z"})]


# Delimiters ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt", "t"])
@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_the_delimiter_is_found_whatever_the_name(file, delimiter, name):
    path = file(f'a{delimiter}b\n1{delimiter}"x, y; z"\n', name)
    assert list(read_table(path, ["a", "b"])) == ONE
    assert list(read_table(path)) == ONE


def test_the_delimiter_is_the_one_under_which_the_header_has_the_columns_asked_for(file):
    path = file('"n, m, k, l";text;group\n1;one, two;x\n')
    assert list(read_table(path, ["text", "group"])) == [
        (2, {"n, m, k, l": "1", "text": "one, two", "group": "x"})
    ]


@pytest.mark.parametrize("hint", ["sep=;", "SEP=;"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_spreadsheets_separator_line(file, hint, end):
    # Under a comma there would be more columns: the hint counts.
    path = file(f"{hint}{end}a,b,c;d{end}1;2{end}")
    assert list(read_table(path)) == [(3, {"a,b,c": "1", "d": "2"})]


def test_a_separator_line_before_tabs_and_in_utf16(file):
    path = file("sep=\t\r\na\tb\r\n1\tx, y; z\r\n".encode("utf-16"))
    assert list(read_table(path, ["a", "b"])) == [(3, ONE[0][1])]


@pytest.mark.parametrize(
    "hint", ["sep=;;;", "sep=;;", '"sep=;"', '"sep=;";;', '"sep=,";;', "sep=; ", "sep=,;;"]
)
def test_a_separator_line_that_was_saved_again(file, hint):
    # What pads the line to the table's width is the delimiter that is in use now.
    path = file(f"{hint}\r\na,b;c;d\r\n1;2;3\r\n")
    assert list(read_table(path)) == [(3, {"a,b": "1", "c": "2", "d": "3"})]


# Encodings -------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("given", [None, "utf-8", "cp1252"])
def test_a_byte_order_mark_is_believed(file, codec, given):
    if codec == "utf-8" and given == "cp1252":
        return  # no mark: the next test
    path = file("a,b\né\u2028,ß\n".encode(codec))
    assert list(read_table(path, ["a", "b"], encoding=given)) == [(2, {"a": "é\u2028", "b": "ß"})]


def test_big_endian_utf16_with_its_mark(file):
    path = file(b"\xfe\xff" + "a;b\r\né;2\r\n".encode("utf-16-be"))
    assert list(read_table(path)) == [(2, {"a": "é", "b": "2"})]


def test_cp1252_is_refused_with_its_line_and_read_when_named(file):
    # Far behind the first piece that a stream decodes; an en dash is 0x96.
    rows = "".join(f"{i},x\r\n" for i in range(5_000))
    path = file(f"a,b\r\n{rows}caf\xe9,\u2013\r\n".encode("cp1252"))
    error = refused(path)
    assert (error.line, error.message) == (5_002, "expected UTF-8, found the byte 0xe9")
    assert "--encoding cp1252" in error.fix
    *_, last = read_table(path, encoding="cp1252")
    assert last == (5_002, {"a": "café", "b": "\u2013"})


def test_a_byte_that_the_named_encoding_does_not_have(file):
    error = refused(file(b"a,b\n1,\x81\n"), encoding="cp1252")
    assert (error.line, error.message) == (2, "expected cp1252, found the byte 0x81")


@pytest.mark.parametrize("name", ["cp9999", "rot13"])
def test_an_encoding_that_is_none(file, name):
    assert refused(file("a\n1\n"), encoding=name).message == f"unknown encoding {name!r}"


def test_utf16_without_a_mark(file):
    path = file("a,b\r\n1,2\r\n".encode("utf-16-le"))
    error = refused(path)
    assert (error.line, error.message) == (1, "found a NUL character, which no text has")
    assert "--encoding utf-16-le" in error.fix
    assert list(read_table(path, encoding="utf-16-le")) == [(2, {"a": "1", "b": "2"})]
    assert refused(path, encoding="utf-16").message.startswith("cannot be read as utf-16: ")


def test_a_nul_character_in_the_middle(file):
    assert refused(file("a,b\n1,2\n3,\0\n")).line == 3


# Rows ------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_an_editor_counts_them(file, end):
    text = '\n\na,"b\nb"\n1,"x\n\ny"\n\n , \n2,z\n'.replace("\n", end)
    assert list(read_table(file(text))) == [
        (5, {"a": "1", f"b{end}b": f"x{end}{end}y"}),
        (10, {"a": "2", f"b{end}b": "z"}),
    ]


def test_cells_are_text_as_it_stands(file):
    path = file('a,b\n 1 ,"say ""x"""\n"",=1+1\n')
    assert list(read_table(path)) == [
        (2, {"a": " 1 ", "b": 'say "x"'}),
        (3, {"a": "", "b": "=1+1"}),
    ]


@pytest.mark.parametrize(
    ("row", "count"), [("1", 1), ("1,2,", 3), ("1,2,3", 3)], ids=["few", "one blank more", "many"]
)
def test_a_row_with_other_cells_than_the_header(file, row, count):
    error = refused(file(f'a,b\n"x\ny",2\n{row}\n'))
    assert error.message == f"expected 2 cells as in the header, found {count}"
    assert error.line == 4


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a,b\n1,2\n3,"4\n5,6\n', 3),  # never closed: where the row begins
        ('a,b\n1,"2"x\n', 2),
        ('a,"b\n1,2\n', 1),
    ],
)
def test_quotes_that_are_wrong(file, text, line):
    error = refused(file(text))
    assert error.message.startswith("not valid CSV: ")
    assert error.line == line


def test_a_cell_longer_than_python_allows_by_itself(file):
    csv.field_size_limit(131_072)
    path = file(f"a,b\n{'x' * 300_000},2\n")
    ((line, row),) = read_table(path)
    assert (line, len(row["a"])) == (2, 300_000)


@pytest.mark.parametrize("text", ["", "\n\r\n", "sep=;\n", "\ufeff"])
def test_an_empty_file(file, text):
    assert refused(file(text)).message == "the file is empty"


@pytest.mark.parametrize(
    ("text", "name"), [("a,b\n", "t.csv"), ("a,b\n,\n\n", "t.csv"), ("\n", "t.jsonl")]
)
def test_no_rows(file, text, name):
    assert refused(file(text, name)).message == "no rows"


def test_no_file_and_a_folder(tmp_path):
    assert refused(tmp_path / "none.csv").message == "no such file"
    assert refused(tmp_path / "none").message == "no such file"
    assert "cannot be read" in refused(tmp_path).message


def test_a_pipe_is_refused_rather_than_read_in_part(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe").message == "a pipe, and a table is opened more than once"


# Columns ---------------------------------------------------------------------------------


def test_names_count_without_case_and_blanks_and_are_keyed_as_asked_for(file):
    path = file(" COMMENT ,toxic,More\nx,1,y\n")
    assert list(read_table(path, ["Comment", "Toxic"])) == [
        (2, {"Comment": "x", "Toxic": "1", "more": "y"})
    ]


@pytest.mark.parametrize("header", ["Prompt,Answer", "QUESTION,completion"])
def test_one_of_several_names(file, header):
    groups = (("prompt", "question"), ("completion", "answer"))
    ((_, row),) = read_table(file(f"{header}\nq,a\n"), groups)
    assert row == dict(zip(header.lower().split(","), "qa", strict=True))


@pytest.mark.parametrize(
    ("header", "needed", "others", "message", "fix"),
    [
        ("tex,b", ["text"], None, "no column 'text'; did you mean 'tex'?", "columns: 'tex'"),
        ("a,b", [("p", "q"), "r"], None, "no column 'p' or 'q', no column 'r'", "columns: 'a'"),
        ("a,b,A ", ["a"], None, "the column 'a' occurs twice", "rename one of them"),
        (" , ", ["a"], None, "no column 'a'", "columns: none"),
    ],
)  # fmt: skip
def test_columns_that_are_wrong(file, header, needed, others, message, fix):
    error = refused(file(f"sep=,\n{header}\n1,2,3\n"), needed, others=others)
    assert error.message.startswith(message)
    assert error.fix.startswith(fix)
    assert error.line == 2


def test_two_names_asked_for_that_are_one_column(file):
    error = refused(file("text,b\n1,2\n"), ["text", "Text"])
    assert error.message == "no column 'text'; did you mean 'Text'?"


def test_other_columns_are_left_out_and_said(file):
    notes = Notes()
    path = file("a,arm,bode\n1,2,3\n")
    assert list(read_table(path, ["a"], others=["body"], notes=notes)) == [(2, {"a": "1"})]
    assert notes.lines() == (
        "column 'arm' not used",
        "column 'bode' not used; did you mean 'body'?",
    )


def test_a_column_is_found_by_what_the_user_says_or_by_another_tools_name(file):
    path = file("sep=;\nAnnotator;Rating;value\nr1;4;x\n")
    notes = Notes()
    rows = read_table(
        path,
        ["rater", "value"],
        names={"value": "rating"},
        aliases={"rater": ("annotator", "user_id")},
        notes=notes,
    )
    assert list(rows) == [(3, {"rater": "r1", "value": "4"})]
    assert notes.lines() == (
        "column 'value' not used: value is read from another, as told",
        "rater is read from the column 'annotator'",
    )
    error = refused(path, ["rater"], names={"rater": "judge"})
    assert error.message == "--map rater=judge: the file has no column 'judge'"
    assert error.fix == "ours: rater; the file's: 'Annotator', 'Rating', 'value'"
    error = refused(path, ["rater"], names={"ratr": "rating"})
    assert error.message == "--map ratr=rating: no column is called 'ratr'; did you mean 'rater'?"
    error = refused(path, ["rater"], aliases={"rater": ("annotator", "value")})
    assert (error.line, error.message) == (2, "'Annotator', 'value' could each be 'rater'")


def test_columns_without_a_name_are_left_out(file):
    # The index that data frames write, and a delimiter at the end of each line.
    path = file(",a,b,\n0,1,2,\n1,3,4,\n")
    assert list(read_table(path, ["a"], others=["b"])) == [
        (2, {"a": "1", "b": "2"}),
        (3, {"a": "3", "b": "4"}),
    ]


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.xlsx"])
def test_what_is_in_a_column_without_a_name_is_said(file, name, tmp_path):
    if name == "t.csv":
        path = file(",a, \n,1,\nx,2,\n,3,y\n", name)
    elif name == "t.jsonl":
        path = file('{"a": "1"}\n{"a": "2", "": "x"}\n{"a": "3", "": 0}\n'
                    .replace("{", "\n{", 1), name)  # fmt: skip
    else:
        path = workbook(tmp_path / name, ("s", [[None, "a", None], [None, 1], ["x", 2],
                                                [None, 3, "y"]]))  # fmt: skip
    notes = Notes()
    rows = list(read_table(path, ["a"], notes=notes))
    assert rows == [(2, {"a": "1"}), (3, {"a": "2"}), (4, {"a": "3"})]
    assert notes.lines() == ("a column without a name not used: lines 3, 4",)


def test_one_column_is_not_two_of_ours(file):
    names = {"a": "x", "b": "X "}
    error = refused(file("x,y\n1,2\n"), ["a", "b"], names=names)
    assert (error.line, error.message) == (1, "--map b=X : that column is already a")
    path = file('{"x": 1, "X": 2}\n', "t.jsonl")
    assert list(read_table(path, names={"a": "x", "b": "X"})) == [(1, {"a": 1, "b": 2})]


def test_a_map_without_names_of_ours_lists_the_files_only(file):
    assert refused(file("x,y\n1,2\n"), names={"a": "z"}).fix == "the file's: 'x', 'y'"


def test_what_is_no_table_is_quoted_in_part(file):
    assert len(str(refused(file("word" * 100_000), ["text"]))) < 500


# JSON Lines ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("a.jsonl", "a,b\n", "jsonl"),
        ("a.NDJSON", "a,b\n", "jsonl"),
        ("a.json", "a,b\n", "jsonl"),
        ("a.CSV", "{\n", "csv"),
        ("a.tsv", "{\n", "csv"),
        ("a.txt", '\ufeff\n {"a": 1}\n', "jsonl"),
        ("a", "[1]\n", "jsonl"),
        ("a", "a;b\n", "csv"),
        ("a", "", "csv"),
    ],
)
def test_the_form_by_name_or_first_character(file, name, text, form):
    assert form_of(file(text, name)) == form


def test_json_lines_keep_types_and_lines(file):
    path = file('\n{"a": 1, "B": [null]}\n\n{"a": "x"}\n', "t.jsonl")
    assert list(read_table(path, ["a"])) == [(2, {"a": 1, "B": [None]}), (4, {"a": "x"})]
    assert refused(path, ["a", "B"]).line == 4
    notes = Notes()
    assert next(read_table(path, ["a"], others=["c"], notes=notes)) == (2, {"a": 1})
    assert notes.lines() == ("column 'B' not used",)


def test_json_names_count_without_case_where_none_is_the_same_exactly(file):
    path = file('{"A": 1, "B": 2}\n{"a": 3, "A": 4}\n', "t.jsonl")
    assert list(read_table(path, ["a"])) == [(1, {"a": 1, "B": 2}), (2, {"a": 3, "A": 4})]


def test_a_file_of_one_object_over_several_lines(file):
    path = file('\n{\n "a": 1,\n "b": [\n{"c": 2}]\n}\n\n', "t.json")
    assert list(read_table(path, ["a"])) == [(2, {"a": 1, "b": [{"c": 2}]})]
    error = refused(file('{\n "a": 1\n}\n{\n "a": 2\n}\n', "t.json"), ["a"])
    assert (error.line, error.message) == (
        4,
        "an object over several lines, and something after it",
    )
    error = refused(file('{\n "a": ]\n}\n', "t.json"), ["a"])
    assert error.message.startswith("not valid JSON: ")
    assert refused(file('{"a": 1} x\n', "t.json"), ["a"]).message.endswith(
        "Extra data at column 10"
    )


@pytest.mark.parametrize("text", ['{"data": [{"a": 1}]}', '{"data":\n[{"a": 1}], "n": 1}'])
def test_rows_inside_an_object_are_named(file, text):
    error = refused(file(text, "t.json"), ["a"])
    assert (error.line, error.message) == (1, "the rows are a list inside an object, under 'data'")
    # A key that a row may have, and a file of more such objects, are rows.
    assert list(read_table(file('{"data": [{"b": 1}]}', "t.json"), told_by=["data"]))
    assert list(read_table(file('{"x": [{}]}\n{"x": [{}]}', "t.json"), told_by=["data"]))


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}\n', '[{"a": 1, "a": 2}]'])
def test_a_key_that_occurs_twice_is_refused(file, text):
    error = refused(file(text, "t.json"), ["a"])
    assert (error.line, error.message.split(" at")[0]) == (
        1,
        "not valid JSON: the key 'a' occurs twice in one object",
    )


@pytest.mark.parametrize("text", ['{{"a": {}}}\n', '[{{"a": {}}}]'])
def test_nesting_without_end_is_refused_in_words(file, text):
    path = file(text.format("[" * 3_000 + "]" * 3_000), "t.json")
    assert "more than 100 levels" in refused(path, ["a"]).message


def test_json_lines_in_utf16_or_a_named_encoding(file):
    marked = file('{"a": "é"}\r\n'.encode("utf-16"), "t.jsonl")
    assert list(read_table(marked)) == [(1, {"a": "é"})]
    named = file('{"a": "é"}\n'.encode("cp1252"), "t.txt")
    assert list(read_table(named, encoding="cp1252")) == [(1, {"a": "é"})]


def test_the_form_can_be_said(file):
    assert list(read_table(file("a\n1\n", "t.json"), form="csv")) == [(2, {"a": "1"})]
    assert list(read_table(file('{"a": 1}\n', "t.csv"), form="jsonl")) == [(1, {"a": 1})]


# Packed files and workbooks -----------------------------------------------------------------


def test_a_packed_file_is_read_as_what_is_in_it(file):
    assert list(read_table(file(gzip.compress(b"a,b\n1,2\n"), "t.csv.gz"))) == [
        (2, {"a": "1", "b": "2"})
    ]
    assert list(read_table(file(gzip.compress(b'[{"a": 1}]'), "t.json.gz"))) == [(1, {"a": 1})]
    utf16 = gzip.compress("a\né\n".encode("utf-16"))
    assert list(read_table(file(utf16, "t"))) == [(2, {"a": "é"})]


def test_a_packed_file_that_is_damaged_or_too_large(file, monkeypatch):
    whole = gzip.compress(b"a,b\n" + b"1,2\n" * 10_000)
    assert refused(file(whole[:-20], "t.csv.gz")).message.startswith("damaged gzip")
    monkeypatch.setattr("mores.tables.opened.LARGEST", 2**15)
    assert refused(file(whole, "t.csv.gz")).message == "more than 0 MiB once unpacked"


def workbook(path: Path, *sheets: tuple[str, list[list[object]]]) -> Path:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_is_read_as_the_csv_of_its_first_sheet(tmp_path):
    day = dt.date(2026, 11, 26)
    path = workbook(
        tmp_path / "t.xlsx",
        ("one", [["A ", "b", None, "c"], [4.0, "x"], [], [2.5, True, None, day]]),
        ("two", [["a"], ["other"]]),
    )
    notes = Notes()
    assert list(read_table(path, ["a"], notes=notes)) == [
        (2, {"a": "4", "b": "x", "c": ""}),
        (4, {"a": "2.5", "b": "true", "c": "2026-11-26T00:00:00"}),
    ]
    assert notes.lines() == ("the first sheet was read, 'one'; not read: 'two' (--sheet)",)
    assert list(read_table(path, ["a"], sheet="two")) == [(2, {"a": "other"})]
    assert refused(path, sheet="tow").message == "no sheet 'tow'; did you mean 'two'?"


def test_a_formula_without_a_saved_value_and_an_error_are_refused_in_words(tmp_path):
    path = workbook(tmp_path / "t.xlsx", ("s", [["a", "b"], ["x", "=1+1"]]))
    error = refused(path)
    assert (error.line, error.message) == (2, "a formula without a saved value")
    assert error.where == "sheet 's', cell B2"
    path = workbook(tmp_path / "e.xlsx", ("s", [["a", "b"], ["x", "#REF!"]]))
    assert refused(path).message == "the cell holds the error #REF!"


def test_workbooks_that_cannot_be_read_are_named(file, tmp_path, monkeypatch):
    assert (
        "before 2007 (.xls)" in refused(file(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "t.xls")).message
    )
    assert "cannot be read" in refused(file("a,b\n", "t.xlsx")).message
    assert "only a workbook" in refused(file("a\n1\n"), sheet="x").message
    path = workbook(tmp_path / "t.xlsx", ("s", [["a"], ["x"]]))
    monkeypatch.setattr("mores.tables.xlsx_rows.LARGEST", 1000)
    assert "once unpacked" in refused(path).message


# Size ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "head", "row"),
    [("t.csv", "a,b\n", "1,{}\n"), ("t.jsonl", "", '{{"a": 1, "b": "{}"}}\n')],
)
def test_only_the_row_in_hand_is_kept(file, name, head, row):
    path = file(head + "".join(row.format("x" * 100) for _ in range(20_000)), name)
    assert path.stat().st_size > 2_000_000
    tracemalloc.start()
    count = sum(1 for _ in read_table(path, ["a", "b"]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 300_000


def test_a_fault_is_told_when_it_is_reached(file):
    rows = read_table(file("a,b\n1,2\n3\n"))
    assert list(itertools.islice(rows, 1)) == [(2, {"a": "1", "b": "2"})]
    with pytest.raises(DataError):
        next(rows)


# Round trip ------------------------------------------------------------------------------

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", DELIMITERS)
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=5))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_the_writer_writes_is_read_back(file, codec, delimiter, rows):
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter)
    lines = []
    writer.writerow("abc")
    for row in rows:
        # An editor's lines: each of CR LF, CR and LF ends one.
        text = buffer.getvalue().replace("\r\n", "\n").replace("\r", "\n")
        lines.append(text.count("\n") + 1)
        writer.writerow(row)
    expected = [
        (line, dict(zip("abc", row, strict=True)))
        for line, row in zip(lines, rows, strict=True)
        if any(cell.strip() for cell in row)
    ]
    path = file(buffer.getvalue().encode(codec))
    if expected:
        assert list(read_table(path, ["a", "b", "c"])) == expected
    else:
        assert refused(path).message == "no rows"
