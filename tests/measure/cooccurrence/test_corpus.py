import json

import pytest

from mores.errors import DataError, MeasureError
from mores.measure.cooccurrence.corpus import analyse_file, read_columns


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_with_quotes_and_line_breaks(tmp_path):
    path = write(tmp_path, "a.csv", 'id,text,who\n1,"one, two\nthree",x\n2,,y \n')
    assert read_columns(path, text="text", group="who") == (["one, two\nthree", ""], ["x", "y"])


def test_tsv_and_jsonl(tmp_path):
    tsv = write(tmp_path, "a.tsv", "text\twho\none\tx\n")
    assert read_columns(tsv, text="text", group="who") == (["one"], ["x"])
    rows = [{"text": "one", "who": 3}, {"text": "two", "who": "x", "more": None}]
    jsonl = write(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    assert read_columns(jsonl, text="text", group="who") == (["one", "two"], ["3", "x"])


@pytest.mark.parametrize(
    ("name", "content", "line", "message"),
    [
        ("a.csv", "texts,who\none,x\n", 1, "no column 'text'; did you mean 'texts'"),
        ("a.csv", "text,who\none,x\ntwo,\n", 3, "'who' is empty"),
        ("a.csv", "text,who\none\n", 2, "expected 2 cells as in the header, found 1"),
        ("a.csv", 'text,who\n"one,x\n', 2, "not valid CSV"),
        ("a.csv", "", None, "the file is empty"),
        ("a.csv", "text,who\n", None, "no rows"),
        ("a.jsonl", '{"text": "a", "who": "x"}\n{"text": "b"}\n', 2, "no column 'who'"),
        ("a.jsonl", '{"text": null, "who": "x"}\n', 1, "expected text in 'text', found nothing"),
        ("a.jsonl", '{"text": "a", "who": true}\n', 1, "expected text in 'who', found bool"),
        ("a.txt", "one\n", 1, "no column 'text', no column 'who'"),
    ],
)
def test_bad_files_say_what_and_where(tmp_path, name, content, line, message):
    path = write(tmp_path, name, content)
    with pytest.raises(DataError, match=message) as caught:
        read_columns(path, text="text", group="who")
    assert caught.value.line == line
    assert caught.value.path == str(path)


def test_another_encoding_is_read_when_it_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("Text;Who\r\ncaf\xe9, tea;x\r\n".encode("cp1252"))
    assert read_columns(path, text="text", group="who", encoding="cp1252") == (
        ["caf\xe9, tea"],
        ["x"],
    )


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_columns(tmp_path / "a.csv", text="text", group="who")


def table(tmp_path):
    lines = [f"the nurse number {'abc'[i % 3]} smiled,f" for i in range(30)]
    lines += [f"the clerk number {'abc'[i % 3]} smiled,m" for i in range(30)]
    return write(tmp_path, "people.csv", "\n".join(["text,group", *lines]))


def test_file_from_end_to_end(tmp_path):
    found = analyse_file(table(tmp_path), text="text", group="group", permutations=99)
    assert (found.topic, found.reason) == ("people", "")
    assert found.vocabulary == 8  # the nurse clerk number a b c smiled
    assert [(t.group, t.term, t.p_family) for t in found.terms] == [
        ("f", "nurse", 0.01),
        ("m", "clerk", 0.01),
    ]
    assert "30 texts a group" in found.note


def test_too_few_permutations_show_nothing(tmp_path):
    found = analyse_file(table(tmp_path), text="text", group="group", permutations=9)
    assert found.shown is None  # of 9 deals no p can be below .1
    assert "9 permutations are too few" in found.note


@pytest.mark.parametrize("groups", [["x"] * 60, [str(i) for i in range(60)]])
def test_a_column_that_names_no_groups(tmp_path, groups):
    path = write(tmp_path, "a.csv", "\n".join(["text,who", *(f"one two,{g}" for g in groups)]))
    with pytest.raises(MeasureError, match="expected 2 to 50 groups"):
        analyse_file(path, text="text", group="who")
