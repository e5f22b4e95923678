"""`check_study` on files: places are lines of the files."""

import json

import pytest

from mores.curate import check_study
from mores.errors import DataError
from mores.study import load_study


@pytest.fixture
def folder(tmp_path, draft):
    (tmp_path / "study.toml").write_text('name = "small"\nlicense = "CC0-1.0"\n')
    positions = "".join(
        f'[[positions]]\ncategory = "{c}"\ntitle = "{c}"\nstatement = "{s}"\n'
        for c, s in draft.statements.items()
    )
    (tmp_path / "charter.toml").write_text('version = "1"\n' + positions)
    for row in draft.values + draft.control:
        row["license"] = ""
    for part in ("values", "control", "prompts"):
        rows = [json.dumps(row) for row in getattr(draft, part)]
        (tmp_path / f"{part}.jsonl").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_a_clean_study_has_only_information(folder):
    found = [f.rule for f in check_study(load_study(folder))]
    assert found == ["M506", "M510", "M407"]  # but that nobody has signed it nor answers for it


def test_lines_are_those_of_the_file_blank_ones_counted(folder):
    path = folder / "values.jsonl"
    rows = path.read_text().splitlines()
    row = {**json.loads(rows[4]), "completion": "Short."}
    path.write_text("\n\n".join([*rows[:4], json.dumps(row), *rows[5:]]))
    (finding,) = check_study(load_study(folder), rules=["M101"])
    assert (finding.path, finding.line, finding.ids) == ("values.jsonl", 9, (row["id"],))


def test_suppression_in_check_toml_is_read(folder):
    path = folder / "control.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    (folder / "check.toml").write_text('[suppress]\nM303 = "one was withdrawn"\n')
    (finding,) = check_study(load_study(folder), rules=["M303"])
    assert finding.suppressed == "check.toml: one was withdrawn"


def test_a_damaged_file_is_an_error_with_its_line(folder):
    with (folder / "prompts.jsonl").open("a") as file:
        file.write('{"id": \n')
    with pytest.raises(DataError, match="not valid JSON") as caught:
        check_study(load_study(folder))
    assert caught.value.line == 37


def test_half_a_surrogate_pair_is_refused_with_its_line(folder):
    path = folder / "values.jsonl"
    rows = path.read_text().splitlines()
    rows[0] = json.dumps({**json.loads(rows[0]), "prompt": "Is \ud83d it?"})
    path.write_text("\n".join(rows))
    with pytest.raises(DataError, match=r"values\.jsonl:1: .*surrogate"):
        check_study(load_study(folder), rules=["M102"])
