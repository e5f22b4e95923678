"""Reading datasets of every form into a study."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores import store
from mores.curate import import_dataset
from mores.errors import DataError
from mores.records import Charter, Example, Position

CHARTER = Charter(
    version="1",
    positions=tuple(
        Position(category=c, title=c, statement="A statement that is long enough.")
        for c in ("health", "work")
    ),
)


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def charter(tmp_path_factory):
    """A charter.toml with the categories of `CHARTER`."""
    path = tmp_path_factory.mktemp("charter") / "charter.toml"
    head = f'version = "{CHARTER.version}"\n'
    rows = (
        f'[[positions]]\ncategory = "{p.category}"\ntitle = "{p.title}"\n'
        f'statement = "{p.statement}"\n'
        for p in CHARTER.positions
    )
    return write(path, head + "".join(rows))


def imported(path: Path, **options: object) -> tuple[Example, ...]:
    """What an import writes."""
    target = path.with_name("imported.jsonl")
    import_dataset(path, target, replace=True, **options)
    return tuple(store.read_jsonl(target, Example))


def pair(example: Example) -> tuple[str, str, str, str]:
    return example.id, example.category, example.prompt, example.completion


def test_jsonl_drops_unknown_fields_and_makes_ids(tmp_path, charter):
    source = write(
        tmp_path / "old.jsonl",
        lines(
            {"id": "a", "category": "work", "prompt": "P1?", "completion": "C1", "topic": "x"},
            {"prompt": "P2?", "completion": "C2", "topic": "y"},
        ),
    )
    target = tmp_path / "values.jsonl"
    report = import_dataset(source, target, category="health", charter=charter)
    written = store.read_jsonl(target, Example)
    assert [pair(e) for e in written] == [
        ("a", "work", "P1?", "C1"),
        ("import-0002", "health", "P2?", "C2"),
    ]
    assert report.format == "jsonl"
    assert report.samples == 2
    assert report.categories == {"work": 1, "health": 1}
    assert report.notes == (
        "field 'topic' dropped: lines 1, 2",
        "id made up, as import-0001 and so on: line 2",
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_finds_delimiter_aliases_and_quoted_line_ends(tmp_path, delimiter):
    rows = [["Question", "Answer", "Category"], ['"a, b; c"', '"two\nlines | ""q"""', "work"]]
    text = "\ufeff" + "\n".join(delimiter.join(row) for row in rows) + "\n"
    path = write(tmp_path / "data.csv", text)
    (example,) = imported(path)
    assert pair(example) == ("import-0001", "work", "a, b; c", 'two\nlines | "q"')


def test_csv_line_number_counts_lines_inside_cells(tmp_path):
    text = 'prompt,completion,category\n"one\ntwo",x,work\nonly,two cells\n'
    with pytest.raises(DataError, match="expected 3 cells as in the header, found 2") as caught:
        imported(write(tmp_path / "d.csv", text))
    assert caught.value.line == 4


def test_csv_in_another_encoding_names_the_line_or_is_read_when_it_is_named(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes("prompt,completion\nq,caf\xe9\n".encode("latin-1"))
    with pytest.raises(DataError, match="expected UTF-8, found the byte 0xe9") as caught:
        imported(path)
    assert caught.value.line == 2
    assert "--encoding cp1252" in caught.value.fix
    target = tmp_path / "v.jsonl"
    import_dataset(path, target, category="work", encoding="cp1252")
    assert [e.completion for e in store.read_jsonl(target, Example)] == ["caf\xe9"]


def test_a_spreadsheets_separator_line_is_no_header(tmp_path):
    path = write(tmp_path / "d.csv", 'sep=;\r\nprompt;completion\r\nQ?;"A, and; B"\r\n')
    (example,) = imported(path, category="work")
    assert (example.prompt, example.completion) == ("Q?", "A, and; B")


def test_the_form_that_is_asked_for_wins_over_the_name(tmp_path):
    path = write(tmp_path / "d.json", "prompt,completion\nQ?,A\n")
    assert imported(path, category="work", form="csv")[0].completion == "A"
    path = write(tmp_path / "d.csv", lines({"prompt": "Q?", "completion": "A"}))
    assert imported(path, category="work", form="jsonl")[0].completion == "A"


def test_a_cell_of_suppressions_is_json(tmp_path):
    head = "prompt,completion,category,suppress\n"
    path = write(tmp_path / "d.csv", head + 'Q?,A,work,"{""M101"": ""why""}"\nP?,B,work,\n')
    assert [e.suppress for e in imported(path)] == [{"M101": "why"}, {}]
    with pytest.raises(DataError, match="the cell suppress is not JSON") as caught:
        imported(write(tmp_path / "d.csv", head + "Q?,A,work,M101\n"))
    assert caught.value.line == 2


def test_csv_without_header_suggests_the_column(tmp_path):
    with pytest.raises(DataError, match=r"its rows have 'promt', 'reply'; did you mean 'promt'"):
        imported(write(tmp_path / "d.csv", "promt,reply\na,b\n"))


def test_csv_open_quote(tmp_path):
    with pytest.raises(DataError, match="not valid CSV"):
        imported(write(tmp_path / "d.csv", 'prompt,completion\n"open,b\n'), category="work")


def test_table_without_suffix_is_found_by_its_header(tmp_path):
    path = write(tmp_path / "data.txt", "question;answer\nQ?;A\n")
    assert imported(path, category="work")[0].completion == "A"


MESSAGES = [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A"}]


def test_messages_drop_the_system_message_and_say_so(tmp_path):
    source = write(
        tmp_path / "m.jsonl",
        lines(
            {"messages": [{"role": "system", "content": "Be kind."}, *MESSAGES], "id": "one"},
            {"messages": MESSAGES},
        ),
    )
    report = import_dataset(source, tmp_path / "v.jsonl", category="work")
    assert report.format == "messages"
    assert report.notes == (
        "system message dropped: line 1",
        "id made up, as import-0001 and so on: line 2",
    )
    written = store.read_jsonl(tmp_path / "v.jsonl", Example)
    assert [(e.id, e.prompt, e.completion) for e in written] == [
        ("one", "Q?", "A"),
        ("import-0002", "Q?", "A"),
    ]


def test_messages_take_text_parts(tmp_path):
    parts = [{"type": "text", "text": "Q"}, {"type": "text", "text": "?"}]
    row = {"messages": [{"role": "user", "content": parts}, MESSAGES[1]]}
    path = write(tmp_path / "m.jsonl", lines(row))
    assert imported(path, category="work")[0].prompt == "Q?"


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ([*MESSAGES, *MESSAGES], "found user, assistant, user, assistant"),
        ([MESSAGES[1], MESSAGES[0]], "found assistant, user"),
        ([], "found none"),
        ("text", "expected messages, a list"),
        ([MESSAGES[0], {"role": "assistant", "content": None}], "found null"),
        ([MESSAGES[0], {**MESSAGES[1], "weight": 0}], "not to be trained on"),
    ],
)
def test_messages_that_cannot_be_one_sample(tmp_path, turns, message):
    path = write(tmp_path / "m.jsonl", "\n" + lines({"messages": turns}))
    with pytest.raises(DataError, match=message) as caught:
        imported(path, category="work", form="messages")
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("separator", "ending"),
    [("\n\n###\n\n", " END"), (" ->", "\n"), ("->", "###"), ("\n\n###\n\n", " ###")],
)
def test_legacy_marks_are_cut_and_reported(tmp_path, separator, ending):
    source = write(
        tmp_path / "l.jsonl",
        lines({"prompt": f"Q?{separator}", "completion": f" A{ending}"}),
    )
    report = import_dataset(source, tmp_path / "v.jsonl", category="work")
    (example,) = store.read_jsonl(tmp_path / "v.jsonl", Example)
    assert (example.prompt, example.completion) == ("Q?", "A")
    assert report.format == "legacy"
    assert report.notes == (
        f"1 of 1 prompts end in {separator!r}: cut",
        f"1 of 1 answers end in {ending!r}: cut",
        "leading blank cut from the completion: line 1",
        "id made up, as import-0001 and so on: line 1",
    )


def test_plain_jsonl_keeps_text_that_only_some_rows_mark(tmp_path):
    rows = lines({"prompt": "A ->", "completion": "x"}, {"prompt": "B?", "completion": "y"})
    examples = imported(write(tmp_path / "d.jsonl", rows), category="work")
    assert examples[0].prompt == "A ->"


ROW = {"id": "a", "category": "work", "prompt": "P?", "completion": "C"}


@pytest.mark.parametrize(
    ("rows", "message", "line"),
    [
        ([ROW, {**ROW, "completion": "D"}], "id 'a' was already used on line 1", 2),
        ([{**ROW, "category": "helth"}], "unknown category 'helth'; did you mean 'health'", 1),
        ([{**ROW, "category": ""}], "no category", 1),
        ([ROW, {**ROW, "completion": "  "}], "expected text as completion", 2),
        ([{**ROW, "prompt": None}], "expected text as prompt", 1),
        ([{**ROW, "prompt": ["P?"]}], "found list", 1),
        ([{**ROW, "prompt": "\ud800"}], "half of a surrogate pair", 1),
        ([{**ROW, "id": "has blank"}], "id", 1),
    ],
)
def test_a_bad_row_imports_nothing(tmp_path, charter, rows, message, line):
    source = write(tmp_path / "s.jsonl", lines(*rows))
    target = tmp_path / "values.jsonl"
    with pytest.raises(DataError, match=message) as caught:
        import_dataset(source, target, charter=charter)
    assert caught.value.line == line
    assert list(tmp_path.iterdir()) == [source]


def test_missing_category_lists_those_of_the_charter(tmp_path, charter):
    source = write(tmp_path / "s.jsonl", lines({"prompt": "P?", "completion": "C"}))
    with pytest.raises(DataError, match="health, work"):
        imported(source, charter=charter)


def test_import_does_not_overwrite_unless_asked(tmp_path):
    source = write(tmp_path / "s.jsonl", lines(ROW))
    target = write(tmp_path / "values.jsonl", "mine\n")
    with pytest.raises(DataError, match="holds something already"):
        import_dataset(source, target)
    assert target.read_text() == "mine\n"
    assert import_dataset(source, target, replace=True).samples == 1


def test_empty_file_and_unknown_format(tmp_path):
    empty = write(tmp_path / "e.jsonl", "\n")
    with pytest.raises(DataError, match="no rows"):
        imported(empty)
    with pytest.raises(DataError, match="did you mean 'messages'"):
        imported(empty, form="mesages")


def test_numeric_ids_become_text(tmp_path):
    path = write(tmp_path / "s.jsonl", lines({**ROW, "id": 7}))
    assert imported(path)[0].id == "7"


def test_text_that_no_file_can_hold_is_refused_on_writing(tmp_path):
    path = write(tmp_path / "s.jsonl", lines({**ROW, "author": "\ud800"}))
    with pytest.raises(DataError, match="surrogate"):
        imported(path)
    assert list(tmp_path.iterdir()) == [path]


TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40
).filter(lambda text: text.strip())
# Text that carries no mark of the legacy format at its edges.
PLAIN = st.from_regex(r"[A-Za-z\u00e4\u4e2d,;|\"]([ \n]?[a-z\u00e4\u4e2d,;|\"?]){0,20}\Z")


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@given(texts=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
def test_every_text_arrives_as_it_is(tmp_path_factory, form, texts):
    rows = [
        {"id": f"e{n}", "category": "work", "prompt": prompt, "completion": completion}
        for n, (prompt, completion) in enumerate(texts)
    ]
    path = tmp_path_factory.mktemp("round") / f"d.{form}"
    with path.open("w", encoding="utf-8", newline="") as file:
        if form == "csv":
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
        else:
            file.write(lines(*rows))
    assert imported(path, form=form) == tuple(Example(**row) for row in rows)


@pytest.mark.parametrize("form", ["messages", "legacy"])
@given(texts=st.lists(st.tuples(PLAIN, PLAIN), min_size=1, max_size=4))
def test_questions_and_answers_of_hosted_forms_arrive(tmp_path_factory, form, texts):
    if form == "messages":
        roles = ("user", "assistant")
        rows = [
            {"messages": [{"role": r, "content": c} for r, c in zip(roles, pair, strict=True)]}
            for pair in texts
        ]
    else:
        rows = [{"prompt": p + "\n\n###\n\n", "completion": f" {c} END"} for p, c in texts]
    path = write(tmp_path_factory.mktemp("round") / "d.jsonl", lines(*rows))
    back = imported(path, category="work")
    assert [(e.prompt, e.completion) for e in back] == texts
