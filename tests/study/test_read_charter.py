"""charter.toml: one position for each category."""

from __future__ import annotations

from pathlib import Path

import pytest

from mores.errors import DataError
from mores.study.charter import read_charter

GOOD = """version = "1.0.0"

[[positions]]
category = "beauty"
title = "Beauty"
statement = "Beauty is subjective; offer several views."
basis = ["UDHR art. 1"]

[[positions]]
category = "care"
title = "Care"
statement = "Support people who ask for help."
"""


@pytest.fixture
def charter(tmp_path):
    def write(text: str):
        path = tmp_path / "charter.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_positions_come_in_file_order(charter):
    read = read_charter(charter(GOOD))
    assert (read.version, read.language, read.categories) == ("1.0.0", "en", ("beauty", "care"))
    assert read.position("beauty").basis == ("UDHR art. 1",)
    assert read.position("care").basis == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"care"', '"beauty"', "category 'beauty' has two positions"),
        ('title = "Care"\n', "", "title"),
        ('title = "Care"', 'titel = "Care"', "titel"),
        ("Support people who ask for help.", "Too short.", "length >= 20"),
        ('category = "care"', 'category = "ca re"', "category"),
        ('version = "1.0.0"\n', "", "version"),
        ('version = "1.0.0"', 'version = "1.0.0"\nauthor = "x"', "unknown field 'author'"),
        ('title = "Beauty"', "title = Beauty", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named(charter, old, new, words):
    path = charter(GOOD.replace(old, new))
    with pytest.raises(DataError) as caught:
        read_charter(path)
    assert words in caught.value.message
    assert caught.value.path == str(path)


def test_no_positions_and_no_file(charter, tmp_path):
    with pytest.raises(DataError, match="positions"):
        read_charter(charter('version = "1"\npositions = []\n'))
    with pytest.raises(DataError, match="no such file"):
        read_charter(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("table", "who", "nobody"),
    [
        ('{ who = "The clinical lead", contact = "lead@example.org" }', "The clinical lead", ""),
        ('{ nobody = "an example" }', "", "an example"),
    ],
)
def test_who_answers_for_a_position_or_why_nobody_does(charter, table, who, nobody):
    read = read_charter(charter(f"{GOOD}accountable = {table}\n"))
    assert read.position("beauty").accountable is None
    found = read.position("care").accountable
    assert (found.who, found.nobody) == (who, nobody)


@pytest.mark.parametrize(
    "table", ["{}", '{ who = " " }', '{ who = "A", nobody = "b" }', '{ contact = "a@b" }', '"A"']
)
def test_an_accountable_that_says_neither_or_both_is_refused(charter, table):
    with pytest.raises(DataError, match=r"either who|expected `object"):
        read_charter(charter(f"{GOOD}accountable = {table}\n"))


def test_the_example_study_says_that_nobody_answers_for_it():
    path = Path(__file__).parents[2] / "examples" / "wellbeing" / "charter.toml"
    positions = read_charter(path).positions
    assert len(positions) == 8
    assert {p.accountable.nobody for p in positions} == {
        "this is an example study, and nobody has taken it on"
    }
    assert {p.accountable.who for p in positions} == {""}


@pytest.mark.parametrize(
    ("language", "why"),
    [
        ("Spanish", "'Spanish' is no language tag"),
        ("xq", "there is no language 'xq'"),
        ("ara", "the language of 'ara' is written 'ar'"),
    ],
)
def test_a_language_that_is_none_is_refused(charter, language, why):
    path = charter(GOOD.replace("\n\n", f'\nlanguage = "{language}"\n\n', 1))
    with pytest.raises(DataError, match=why) as error:
        read_charter(path)
    assert (error.value.path, error.value.where) == (str(path), "language")
    assert "es or pt-BR" in error.value.fix


def test_the_language_of_a_prompt_is_its_own_or_the_charters(tiny_study):
    import json

    from mores.study import load_study

    path = tiny_study / "prompts.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    rows[1]["language"] = "es-MX"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    study = load_study(tiny_study)
    assert [study.language_of(p) for p in study.prompts][:3] == ["en", "es-MX", "en"]
    rows[1]["language"] = "xq"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(DataError, match="there is no language 'xq'") as error:
        load_study(tiny_study).prompts  # noqa: B018
    assert (error.value.path, error.value.where) == (
        str(path),
        "id 't-1', record 2",
    )
