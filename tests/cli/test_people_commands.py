"""`mores sign`, `signatures`, `unsign` and `sheet`, as people type them."""

from __future__ import annotations

import json
import sys

import pytest
from openpyxl import load_workbook

from mores import cli


@pytest.fixture
def run(monkeypatch, capsys):
    def command(*words: object):
        monkeypatch.setattr(sys, "argv", ["mores", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


ADA = ("--as", "Ada", "--role", "clinician")


def test_sign_look_and_take_back(run, tiny_study):
    code, out, _ = run("sign", tiny_study, "values:care", *ADA, "--checked", "a", "--checked", "b")
    assert code == 0
    assert out.splitlines() == [
        "signed  values:v-00", "signed  values:v-02", "signed  values:v-04", "signed  values:v-06",
        f"4 lines added to {tiny_study / 'signatures.jsonl'}",
    ]  # fmt: skip
    first = json.loads((tiny_study / "signatures.jsonl").read_text("utf-8").splitlines()[0])
    assert first["checked"] == ["a", "b"]
    code, out, _ = run("signatures", tiny_study)
    assert code == 0
    assert out.splitlines()[:2] == [
        "0 of 2 positions signed",
        "4 of 8 samples signed by 1 person (1 clinician)",
    ]
    assert "\nunsigned: positions:care, positions:beauty, values:v-01, values:v-03" in out
    code, out, _ = run("signatures", tiny_study, "v-00")
    assert out.splitlines()[-4:-2] == [
        "values:v-00  signed  what is a good way to help number 0 in values?",
        f"  {first['date'][:10]} Ada (clinician): accept",
    ]
    code, out, _ = run("unsign", tiny_study, "v-00", "--as", "Ada", "--reason", "misread")
    assert out.splitlines()[0] == "withdrawn  values:v-00"
    assert out.splitlines()[1] == f"1 line added to {tiny_study / 'signatures.jsonl'}"


def test_a_faulty_line_ends_with_1_and_a_wrong_name_with_2(run, tiny_study):
    run("sign", tiny_study, "rating", *ADA, "--checked", "a")
    code, _, err = run("sign", tiny_study, "v-000", *ADA, "--checked", "a")
    assert code == 2
    assert "did you mean 'v-0" in err
    assert run("sign", tiny_study, "v-00", *ADA)[0] == 2  # nothing checked
    run("sign", tiny_study, "v-00", *ADA, "--checked", "a")
    path = tiny_study / "signatures.jsonl"
    path.write_text(path.read_text("utf-8").replace("Ada", "Eve"), encoding="utf-8")
    code, out, _ = run("signatures", tiny_study)
    assert code == 1
    assert "signatures.jsonl:1 Eve on values:v-00: the line was changed since it was signed" in out


def test_signatures_as_json(run, tiny_study):
    run("sign", tiny_study, "values", *ADA, "--checked", "a")
    code, out, _ = run("signatures", tiny_study, "positions", "v-01", "--json")
    result = json.loads(out)["result"]
    assert code == 0
    assert [t["what"] for t in result["things"]] == [
        "positions:care", "positions:beauty", "values:v-01"
    ]  # fmt: skip
    assert result["counts"][1]["line"] == "8 of 8 samples signed by 1 person (1 clinician)"


def test_a_workbook_out_and_in(run, tiny_study, tmp_path):
    book = tmp_path / "study.xlsx"
    code, out, _ = run("sheet", "export", tiny_study, book)
    assert code == 0
    assert out.splitlines() == [
        f"wrote {book}: 2 positions, 8 values, 8 control, 8 prompts, 8 stance",
        "",
        f"back:  mores sheet import {tiny_study} {book}",
    ]
    assert run("sheet", "import", tiny_study, book) == (0, "nothing to change\n", "")
    opened = load_workbook(book)
    opened["values"]["G2"].value = "R"
    opened["values"]["C3"].value = "Theirs?"
    opened.save(book)
    code, out, _ = run("sheet", "import", tiny_study, book)
    assert code == 0
    assert out.splitlines() == [
        "values.jsonl: 0 added, 0 removed, 2 changed, 0 changed on both sides",
        "  ~ v-00 reviewer: '' → 'R'",
        "  ~ v-01 prompt: 'what is a good way to help number 1 in values?' → 'Theirs?'",
        "nothing was written; --apply does it",
    ]
    path = tiny_study / "values.jsonl"
    path.write_text(path.read_text("utf-8").replace("number 1 in", "nr 1 in"), encoding="utf-8")
    code, out, err = run("sheet", "import", tiny_study, book, "--apply")
    assert code == 1
    assert out.splitlines() == [
        "values.jsonl: 0 added, 0 removed, 1 changed, 1 changed on both sides",
        "  ~ v-00 reviewer: '' → 'R'",
        "  ! v-01 prompt: file 'what is a good way to help nr 1 in values?', workbook 'Theirs?'",
        f"wrote {path}",
    ]
    assert err == "1 left as the files have it: settle it there, and export anew\n"
    assert '"reviewer": "R"' in path.read_text("utf-8").splitlines()[0]
