"""Labelled texts from CSV, TSV and JSON Lines."""

import pytest

from mores.errors import DataError
from mores.measure.toxicity import LabelledText, read_labelled


def file(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8"))
    return path


def labels(path):
    return [row.toxic for row in read_labelled(path, text="t", label="y")]


def test_csv_with_line_breaks_quotes_and_a_byte_order_mark(tmp_path):
    path = file(tmp_path, "a.csv", '\ufefft,y\r\n"one\r\ntwo, ""three""",1\r\n\r\nfour,0\r\n')
    assert read_labelled(path, text="t", label="y") == [
        LabelledText(text='one\r\ntwo, "three"', toxic=True),
        LabelledText(text="four", toxic=False),
    ]


@pytest.mark.parametrize(
    ("words", "toxic"),
    [
        (["0", "1", "0.5", "0.49", "1.0", "1e-3"], [False, True, True, False, True, False]),
        (["true", "False", "TRUE "], [True, False, True]),
        ([" YES ", "no"], [True, False]),
        (
            ["Toxic", "Not Toxic", "NOT_TOXIC", "non-toxic", "nontoxic", " toxic"],
            [True, False, False, False, False, True],
        ),
    ],
)
def test_all_forms_of_a_label(tmp_path, words, toxic):
    path = file(tmp_path, "a.csv", "t,y\n" + "".join(f"x,{word}\n" for word in words))
    assert labels(path) == toxic


@pytest.mark.parametrize(("first", "second"), [("1", "yes"), ("True", "no"), ("Toxic", "0.2")])
def test_labels_of_two_kinds_are_refused_with_what_was_found(tmp_path, first, second):
    path = file(tmp_path, "a.csv", f"t,y\na,{first}\nb,{first}\nc,{second}\n")
    with pytest.raises(DataError, match="labels of two kinds") as caught:
        labels(path)
    assert caught.value.line == 4
    assert f"'{first}' on line 2, '{second}' on line 4" in caught.value.message


def test_tsv_and_json_lines(tmp_path):
    assert labels(file(tmp_path, "a.tsv", 't\ty\n"a,b"\t1\n')) == [True]
    rows = '{"t": "a", "y": 1}\n{"t": "b", "y": 0}\n\n{"t": "c", "y": 0.7}\n'
    assert labels(file(tmp_path, "a.jsonl", rows)) == [True, False, True]
    rows = '{"t": "a", "y": true}\n{"t": "b", "y": false}\n'
    assert labels(file(tmp_path, "b.jsonl", rows)) == [True, False]


def test_the_header_in_any_case_semicolons_and_a_named_encoding(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("ID; Comment ;Toxic\r\n1;na\xefve, no;1\r\n".encode("cp1252"))
    assert read_labelled(path, text="comment", label="toxic", encoding="cp1252") == [
        LabelledText(text="na\xefve, no", toxic=True)
    ]


def test_a_very_long_field_is_read(tmp_path):
    path = file(tmp_path, "a.csv", f"t,y\n{'a' * 200_000},1\n")
    assert len(read_labelled(path, text="t", label="y")[0].text) == 200_000


@pytest.mark.parametrize("label", ["-1", "2", "", "maybe", "nan", "inf", "hate"])
def test_anything_else_is_refused_with_its_line(tmp_path, label):
    # The second record begins on line 4: the first holds a line break.
    path = file(tmp_path, "a.csv", f't,y\n"a\nb",1\nc,{label}\n')
    with pytest.raises(DataError, match=f"found '{label}'") as caught:
        labels(path)
    assert caught.value.line == 4


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "t,yy\na,1\n", "no column 'y'; did you mean 'yy'"),
        ("a.csv", "t,y\na,b,1\n", "expected 2 cells as in the header, found 3"),
        ("a.csv", "t,y\n", "no rows"),
        ("a.csv", "", "the file is empty"),
        ("a.csv", 't,y\n"a,1\n', "not valid CSV"),
        ("a.jsonl", '{"t": 3, "y": 1}\n', "expected a text, found 3"),
        ("a.jsonl", '{"t": "a", "y": null}\n', "expected a label"),
        ("a.jsonl", '{"t": "a"}\n', "no column 'y'"),
        ("a.jsonl", "t,y\n", "not valid JSON"),
    ],
)
def test_wrong_files_are_refused(tmp_path, name, text, message):
    with pytest.raises(DataError, match=message):
        labels(file(tmp_path, name, text))


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        labels(tmp_path / "gone.csv")
