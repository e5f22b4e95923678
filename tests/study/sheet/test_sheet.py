"""A study as a workbook, edited as people do, and back in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from mores import store
from mores.errors import DataError, StoreError
from mores.records import Basis
from mores.study import load_study
from mores.study.merge import Changed, Conflict, FieldChange
from mores.study.parts import PARTS
from mores.study.sheet import export_sheet, import_sheet
from mores.study.sheet.cells import COLUMNS, as_cells, digest_of, from_cells, split_digest, was


@pytest.fixture
def book(tiny_study, tmp_path):
    """The study's workbook, just exported."""
    path = tmp_path / "study.xlsx"
    export_sheet(load_study(tiny_study), path)
    return path


class Edit:
    """Open a workbook, change it, save it."""

    def __init__(self, path):
        self.path, self.book = path, load_workbook(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.book.save(self.path)

    def cell(self, part: str, key: str, column: str):
        sheet = self.book[part]
        names = [c.value for c in sheet[1]]
        row = next(r for r in sheet.iter_rows(min_row=2) if r[0].value == key)
        return row[names.index(column)]

    def put(self, part: str, key: str, **texts: object) -> None:
        for column, text in texts.items():
            self.cell(part, key, column).value = text

    def drop(self, part: str, key: str) -> None:
        self.book[part].delete_rows(self.cell(part, key, self.book[part]["A1"].value).row)


def contents(folder) -> dict[str, bytes]:
    return {form.file: (folder / form.file).read_bytes() for form in PARTS.values()}


def change_file(folder, name: str, key: str, **fields) -> None:
    path = folder / name
    rows = [row for _, row in store.read_rows(path)]
    new = [{**row, **fields} if row["id"] == key else row for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in new), encoding="utf-8")


def change_of(found, part: str):
    return next(p for p in found.parts if p.part == part)


def test_out_and_in_again_changes_nothing(tiny_study, book):
    before = contents(tiny_study)
    found = import_sheet(load_study(tiny_study), book, apply=True)
    assert (found.parts, found.written, found.notes) == ((), (), ())
    assert contents(tiny_study) == before


def test_what_is_in_the_workbook(tiny_study, book):
    opened = load_workbook(book)
    assert opened.sheetnames == ["about", *PARTS, "exported"]
    assert opened["exported"].sheet_state == "veryHidden"
    sheet = opened["values"]
    assert [c.value for c in sheet[1]] == [*COLUMNS["values"], "digest"]
    assert sheet.max_row == 9
    assert sheet.protection.sheet
    assert (sheet["A1"].protection.locked, sheet["A2"].protection.locked) == (True, True)
    assert sheet["C2"].protection.locked is False
    assert sheet.cell(2, 12).protection.locked is True
    assert not sheet.protection.deleteRows  # the format's word for "not forbidden"
    sample = load_study(tiny_study).values.examples[0]
    assert sheet["D2"].value == sample.completion
    assert {c.data_type for row in sheet.iter_rows() for c in row if c.value} == {"s"}


def test_a_workbook_that_is_there_is_not_overwritten(tiny_study, book):
    before = book.read_bytes()
    with pytest.raises(StoreError, match="is there already, and may hold edits"):
        export_sheet(load_study(tiny_study), book)
    assert book.read_bytes() == before
    assert export_sheet(load_study(tiny_study), book, replace=True).rows == {
        "positions": 2, "values": 8, "control": 8, "prompts": 8, "stance": 8,
    }  # fmt: skip
    with pytest.raises(StoreError, match=r"ends in \.xlsx"):
        export_sheet(load_study(tiny_study), book.with_suffix(".xls"))


def test_changes_are_shown_first_and_written_when_they_are_approved(tiny_study, book):
    with Edit(book) as edit:
        edit.put("values", "v-00", reviewer="R", accepted="2026-11-27")
        edit.drop("values", "v-01")
        edit.put("positions", "care", accountable="Lead", title="Care!")
        edit.put("prompts", "t-0", presets="all, new")
        edit.book["stance"].append(
            ["s-new", "care", "Why?", "Because.", "Not so.", "validation"]
        )  # no digest: a new row
    before = contents(tiny_study)
    found = import_sheet(load_study(tiny_study), book)
    assert contents(tiny_study) == before
    assert (found.applied, found.written) == (False, ())
    values = change_of(found, "values")
    assert (values.file, values.added, values.removed, values.conflicts) == (
        "values.jsonl", (), ("v-01",), ()
    )  # fmt: skip
    assert values.changed == (
        Changed(
            id="v-00",
            fields=(
                FieldChange(field="reviewer", before="", after="R"),
                FieldChange(field="accepted", before="", after="2026-11-27"),
            ),
        ),
    )
    assert [row["id"] for row in change_of(found, "stance").added] == ["s-new"]
    found = import_sheet(load_study(tiny_study), book, apply=True)
    assert set(found.written) == {"values.jsonl", "charter.toml", "prompts.jsonl", "stance.jsonl"}
    study = load_study(tiny_study)
    assert [e.id for e in study.values.examples] == ["v-00", *(f"v-0{n}" for n in range(2, 8))]
    assert (study.values.examples[0].reviewer, study.values.examples[0].accepted) == (
        "R", "2026-11-27"
    )  # fmt: skip
    assert (study.charter.positions[0].accountable.who, study.charter.positions[0].title) == (
        "Lead", "Care!"
    )  # fmt: skip
    assert study.prompts[0].presets == ("all", "new")
    assert study.stance[-1].opposed == "Not so."
    assert contents(tiny_study)["control.jsonl"] == before["control.jsonl"]
    again = import_sheet(load_study(tiny_study), book, apply=True)  # the same workbook once more
    assert (again.parts, again.written) == ((), ())


def test_what_changed_on_both_sides_is_named_and_left(tiny_study, book):
    with Edit(book) as edit:
        edit.put("values", "v-00", prompt="Theirs?", why="theirs")
        edit.put("values", "v-02", prompt="Both the same?")
        edit.put("values", "v-04", completion="Theirs.")
        edit.drop("values", "v-06")
        edit.drop("values", "v-07")
    change_file(tiny_study, "values.jsonl", "v-00", prompt="Ours?", author="ours")
    change_file(tiny_study, "values.jsonl", "v-02", prompt="Both the same?")
    change_file(tiny_study, "values.jsonl", "v-06", prompt="Changed here?")
    found = import_sheet(load_study(tiny_study), book, apply=True)
    values = change_of(found, "values")
    first, second = values.conflicts
    assert first == Conflict(id="v-00", field="prompt", base=None, theirs="Theirs?", ours="Ours?")
    assert (second.id, second.field, second.theirs) == ("v-06", "", None)
    assert second.ours["prompt"] == "Changed here?"
    assert values.removed == ("v-07",)
    rows = {e.id: e for e in load_study(tiny_study).values.examples}
    assert (rows["v-00"].prompt, rows["v-00"].why, rows["v-00"].author) == (
        "Ours?", "theirs", "ours"
    )  # fmt: skip
    assert (rows["v-04"].completion, rows["v-06"].prompt) == ("Theirs.", "Changed here?")
    assert rows["v-02"].prompt == "Both the same?"
    assert "v-07" not in rows


def test_what_was_added_and_removed_in_the_files_meanwhile_stays_so(tiny_study, book):
    path = tiny_study / "values.jsonl"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    new = {**json.loads(lines[0]), "id": "v-later", "prompt": "Later?"}
    path.write_text("".join(lines[1:]) + json.dumps(new) + "\n", encoding="utf-8")
    before = contents(tiny_study)
    found = import_sheet(load_study(tiny_study), book, apply=True)
    assert found.parts == ()
    assert contents(tiny_study) == before
    with Edit(book) as edit:
        edit.put("values", "v-00", prompt="Changed though it is gone?")
    (part,) = import_sheet(load_study(tiny_study), book, apply=True).parts
    assert [(c.id, c.field, c.ours) for c in part.conflicts] == [("v-00", "", None)]
    assert contents(tiny_study) == before


def test_rows_and_columns_in_another_order_are_no_change(tiny_study, book):
    opened = load_workbook(book)
    for part in PARTS:
        rows = [[c.value for c in row] for row in opened[part].iter_rows()]
        opened[part].delete_rows(1, len(rows))
        for row in (rows[0], *reversed(rows[1:])):
            opened[part].append(list(reversed(row)))
    opened.save(book)
    assert import_sheet(load_study(tiny_study), book).parts == ()


def test_a_copied_row_with_an_id_of_its_own_is_new(tiny_study, book):
    with Edit(book) as edit:
        sheet = edit.book["values"]
        for name in ("v-a", "v-b"):
            sheet.append([name, *[c.value for c in sheet[2]][1:]])
    (part,) = import_sheet(load_study(tiny_study), book).parts
    assert [row["id"] for row in part.added] == ["v-a", "v-b"]
    assert (part.removed, part.changed, part.conflicts) == ((), (), ())


def test_a_new_position_with_samples_of_it(tiny_study, book):
    with Edit(book) as edit:
        statement = "Say what is known of the weather and no more."
        basis = "A book\nA treaty [binding]"
        edit.book["positions"].append(["weather", "Weather", statement, "", basis, "", "", "none"])
        edit.put("values", "v-00", category="weather")
    import_sheet(load_study(tiny_study), book, apply=True)
    study = load_study(tiny_study)
    position = study.charter.position("weather")
    assert position.basis == ("A book", Basis(source="A treaty", force="binding"))
    assert position.accountable.nobody == "none"
    assert study.values.examples[0].category == "weather"


def test_without_its_hidden_sheet_nothing_counts_as_removed(tiny_study, book):
    with Edit(book) as edit:
        del edit.book["exported"]
        del edit.book["stance"]
        edit.drop("values", "v-01")
        edit.put("values", "v-00", why="w")
    found = import_sheet(load_study(tiny_study), book)
    assert found.notes == (
        "the sheet 'stance' is not in the workbook: nothing of it changes",
        "the hidden sheet is gone: rows that are not there count as not looked at",
    )
    (part,) = found.parts
    assert (part.removed, [c.id for c in part.changed]) == ((), ["v-00"])


def spoil(edit: Edit, what: str) -> None:
    sheet = edit.book["values"]
    if what == "merged":
        sheet.merge_cells("C2:C3")
    elif what == "renamed column":
        sheet["C1"].value = "promt"
    elif what == "missing column":
        sheet.delete_cols(5)
    elif what == "two columns":
        sheet["D1"].value = "prompt"
    elif what == "beside":
        sheet["Z3"].value = "note"
    elif what == "renamed sheet":
        sheet.title = "value"
    elif what == "other study":
        edit.book["exported"]["B2"].value = "another"
    elif what == "two ids":
        sheet["A3"].value = "v-00"
    elif what == "no id":
        sheet["A3"].value = None
    elif what == "digest":
        sheet.cell(2, 12).value = "abc"
    else:
        column, _, value = what.partition(" ")
        edit.put("values", "v-01", **{column: value})


@pytest.mark.parametrize(
    ("what", "place", "words"),
    [
        ("prompt =1+1", "sheet 'values', cell C3", "a formula; formulas are not evaluated here"),
        ("merged", "sheet 'values', cells C2:C3", "merged cells"),
        ("renamed column", "sheet 'values', cell C1", "'promt'; did you mean 'prompt'?"),
        ("missing column", "sheet 'values'", "the column 'why' is missing"),
        ("two columns", "sheet 'values', cell C1", "the column 'prompt' is there twice"),
        ("beside", "sheet 'values', cell Z3", "a text in a column without a name"),
        ("renamed sheet", "sheet 'value'", "unknown sheet; did you mean 'values'?"),
        ("other study", "", "was exported from the study 'another', not from 'tiny'"),
        ("two ids", "sheet 'values', cell A3", "id 'v-00' is also in sheet 'values', cell A2"),
        ("no id", "sheet 'values', cell A3", "no id"),
        ("digest", "sheet 'values', cell L2", "not a digest that mores wrote"),
        ("prompt ", "sheet 'values', cell C3", "length >= 1"),
        ("category cares", "sheet 'values', cell B3", "'cares'; did you mean 'care'?"),
        ("accepted yesterday", "sheet 'values', cell H3", "a day, such as 2026-11-27"),
        ("suppress M101", "sheet 'values', cell K3", "a rule and its reason on each line"),
        ("prompt #REF!", "sheet 'values', cell C3", "the cell holds the error #REF!"),
    ],
)
def test_what_is_wrong_is_named_by_sheet_and_cell_and_nothing_is_written(
    tiny_study, book, what, place, words
):
    with Edit(book) as edit:
        edit.put("control", "c-00", prompt="Changed?")  # in order, and yet not written
        spoil(edit, what)
    before = contents(tiny_study)
    with pytest.raises(DataError) as caught:
        import_sheet(load_study(tiny_study), book, apply=True)
    assert words in caught.value.message
    assert (caught.value.where or "") == place
    assert caught.value.path == str(book)
    assert contents(tiny_study) == before


def test_no_set_is_emptied(tiny_study, book):
    with Edit(book) as edit:
        edit.book["control"].delete_rows(2, 8)
    with pytest.raises(DataError, match=r"control.jsonl: nothing would be left"):
        import_sheet(load_study(tiny_study), book)


def test_what_is_no_workbook(tiny_study, tmp_path):
    path = tmp_path / "study.xlsx"
    path.write_bytes(b"PK\x03\x04 no")
    with pytest.raises(DataError, match="cannot be read"):
        import_sheet(load_study(tiny_study), path)
    Workbook().save(path)
    found = import_sheet(load_study(tiny_study), path)
    assert len(found.notes) == 6  # five sheets and the hidden one
    assert found.parts == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\x07b", "prompt holds U+0007, which no workbook can hold"),
        ("a\ufffeb", "prompt holds U+FFFE"),
        ("a" * 32_768, "prompt holds 32,768 characters, and a cell at most 32,767"),
    ],
)
def test_what_a_workbook_cannot_hold(tiny_study, tmp_path, text, words):
    change_file(tiny_study, "values.jsonl", "v-00", prompt=text)
    path = tmp_path / "study.xlsx"
    with pytest.raises(DataError) as caught:
        export_sheet(load_study(tiny_study), path)
    assert words in caught.value.message
    assert caught.value.where == "id 'v-00'"
    assert not path.exists()


@pytest.mark.parametrize(
    "start", ["=1+1", "+1", "-1", "@x", "\t=1", "'=1", "''-", " =1", "＝1", "_x000D_", "-_x0041_"]
)
def test_no_text_is_a_formula_and_each_comes_back(tiny_study, tmp_path, start):
    change_file(tiny_study, "values.jsonl", "v-00", prompt=start, completion=f"a\n{start}")
    path = tmp_path / "study.xlsx"
    export_sheet(load_study(tiny_study), path)
    cell = load_workbook(path)["values"]["C2"]
    guard = "" if start[0] == "_" else "'"
    assert (cell.value, cell.data_type, cell.quotePrefix) == (guard + start, "s", True)
    assert load_workbook(path)["values"]["D2"].value == f"a\n{start}"
    assert import_sheet(load_study(tiny_study), path).parts == ()
    with Edit(path) as edit:
        edit.put("values", "v-00", why="seen")
    (part,) = import_sheet(load_study(tiny_study), path, apply=True).parts
    assert [f.field for c in part.changed for f in c.fields] == ["why"]
    assert load_study(tiny_study).values.examples[0].prompt == start


plain = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cs", "Cc", "Cn"), include_characters="\n\t\r"
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=25)
@given(plain, plain, plain)
def test_any_text_survives_the_way_out_and_in(tmp_path_factory, one, other, why):
    folder = tmp_path_factory.mktemp("any")
    (folder / "study.toml").write_text('name = "any"\n[[models]]\nname = "none"\n')
    statement = json.dumps("A statement of twenty letters.")
    (folder / "charter.toml").write_text(
        f'version = "1"\n[[positions]]\ncategory = "c"\ntitle = "C"\nstatement = {statement}\n'
    )
    row = {"id": "a", "category": "c", "prompt": one, "completion": other, "why": why,
           "suppress": {"M101": why}}  # fmt: skip
    for name in ("values", "control"):
        store.write_jsonl(folder / f"{name}.jsonl", [row])
    prompt = {"id": "p", "category": "c", "text": other, "split": "test"}
    store.write_jsonl(folder / "prompts.jsonl", [prompt])
    path = folder / "any.xlsx"
    export_sheet(load_study(folder), path)
    assert import_sheet(load_study(folder), path).parts == ()


@given(st.dictionaries(st.sampled_from(COLUMNS["values"]), plain))
def test_changed_cells_make_the_row_and_others_stay_as_they_are(changes):
    row = {
        "id": "a", "category": "c", "prompt": "p\r\nq", "completion": "x", "author": "",
        "reviewer": "", "license": "", "source": "", "why": "", "accepted": "",
        "suppress": {"M101": "two\nlines"},
    }  # fmt: skip
    before = as_cells("values", row)
    assert before["suppress"] == "M101: two lines"
    texts = {c: t for c, t in changes.items() if c != "suppress"}
    fresh = from_cells("values", {**before, **texts}, row, before)
    assert fresh == {**row, **{c: t for c, t in texts.items() if t != before[c]}}


def test_digests_of_cells():
    cells = as_cells(
        "stance", {**dict.fromkeys(COLUMNS["stance"], "x"), "suppress": {}, "earlier": ()}
    )
    digest = digest_of("stance", cells)
    assert digest.startswith("1:2d711642b726")  # sha256 of "x"
    assert digest.endswith("e3b0c44298fc")  # and of nothing
    split = split_digest("stance", digest)
    assert was(split["prompt"], "y", "x") == "x"
    assert was(split["suppress"], "x") is None
    for wrong in ("", "1:", digest[2:], digest[:-1], digest + "0", "2" + digest[1:]):
        assert split_digest("stance", wrong) is None
