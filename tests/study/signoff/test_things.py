"""What can be signed, how it is named, and which changes its digest sees."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores import store
from mores.errors import StudyError
from mores.study import load_study
from mores.study.signoff import chosen, things
from mores.study.signoff.things import layout, prose


@pytest.fixture
def study(tiny_study):
    (tiny_study / "rating.toml").write_text('version = "1"\nconsent = """You may\nstop."""\n')
    return tiny_study


def digests(folder):
    return {thing.what: thing.digest for thing in things(load_study(folder))}


def changed(folder, name: str, edit) -> list[str]:
    """What differs after a file was edited; the file is then put back."""
    path, before = folder / name, digests(folder)
    text = path.read_text("utf-8")
    path.write_text(edit(text), encoding="utf-8")
    after = digests(folder)
    path.write_text(text, encoding="utf-8")
    return sorted(what for what in before | after if before.get(what) != after.get(what))


def row(text: str, **fields) -> str:
    """The first line of a file with other fields."""
    first, _, rest = text.partition("\n")
    return json.dumps({**json.loads(first), **fields}) + "\n" + rest


def test_every_kind_is_there_in_order(study):
    found = things(load_study(study))
    assert Counter(t.kind for t in found) == {
        "positions": 2, "values": 8, "control": 8, "prompts": 2, "stance": 2, "rating": 1,
    }  # fmt: skip
    assert [t.what for t in found if t.kind in ("positions", "prompts", "stance", "rating")] == [
        "positions:care", "positions:beauty", "prompts:all", "prompts:validation",
        "stance:test", "stance:validation", "rating",
    ]  # fmt: skip
    assert len({t.digest for t in found}) == len(found)
    (study / "rating.toml").unlink()
    assert "rating" not in digests(study)


def test_a_digest_is_the_canonical_json_of_what_is_said(study):
    found = {t.what: t for t in things(load_study(study))}
    position = load_study(study).charter.positions[0]
    said = ["care", position.title, position.statement, position.why, []]
    content = store.digest_bytes(json.dumps(said, separators=(",", ":")).encode())
    assert found["positions:care"].content == content
    whole = store.digest_bytes(f'["positions:care","{content}",""]'.encode())
    assert found["positions:care"].digest == whole
    sample = load_study(study).values.examples[0]
    content = store.digest([sample.id, sample.category, sample.prompt, sample.completion, ""])
    under = store.digest(load_study(study).charter.position(sample.category).statement)
    assert found[f"values:{sample.id}"].digest == store.digest(
        [f"values:{sample.id}", content, under]
    )


def test_a_change_is_seen_where_it_is(study):
    assert changed(study, "values.jsonl", lambda t: row(t, completion="Other.")) == ["values:v-00"]
    assert changed(study, "values.jsonl", lambda t: row(t, why="Other.")) == ["values:v-00"]
    assert changed(study, "control.jsonl", lambda t: row(t, prompt="Why?")) == ["control:c-00"]
    assert changed(study, "rating.toml", lambda t: t.replace("may", "must")) == ["rating"]
    assert changed(study, "stance.jsonl", lambda t: row(t, opposed="Other.")) == ["stance:test"]


def test_a_statement_takes_its_samples_and_pairs_with_it_and_nothing_else(study):
    care = load_study(study).charter.position("care")
    own = [f"values:{e.id}" for e in load_study(study).values.examples if e.category == "care"]
    assert len(own) == 4
    found = changed(
        study, "charter.toml", lambda t: t.replace(care.statement, "Never " + care.statement)
    )
    assert found == sorted(["positions:care", "stance:test", "stance:validation", *own])
    titled = changed(study, "charter.toml", lambda t: t.replace(care.title, care.title + "!"))
    assert titled == ["positions:care"]


@pytest.mark.parametrize(
    "fields",
    [
        {"author": "X"}, {"reviewer": "X"}, {"accepted": "2026-11-27"}, {"license": "MIT"},
        {"source": "X"}, {"suppress": {"M101": "short"}},
    ],
)  # fmt: skip
def test_what_is_about_a_sample_is_not_in_it(study, fields):
    assert changed(study, "values.jsonl", lambda t: row(t, **fields)) == []


def test_how_a_file_is_written_is_not_what_it_says(study):
    def turned(text: str) -> str:
        lines = [json.dumps(dict(reversed(json.loads(r).items()))) for r in text.splitlines()]
        return "\n\n".join(reversed(lines)) + "\n"

    for name in ("values.jsonl", "control.jsonl", "prompts.jsonl", "stance.jsonl"):
        assert changed(study, name, turned) == [], name
    care = load_study(study).charter.position("care").statement
    wrapped = '"""\n' + care.replace(" ", "\n  ", 1) + '"""'
    quoted = json.dumps(care)
    assert changed(study, "charter.toml", lambda t: "# why\n" + t.replace(quoted, wrapped)) == []
    who = 'accountable = { who = "A" }\n'
    assert changed(study, "charter.toml", lambda t: t.rstrip() + "\n" + who) == []
    assert changed(study, "rating.toml", lambda t: "# note\n" + t.replace("may\n", "may ")) == []


@pytest.mark.parametrize(
    ("text", "as_prose", "as_layout"),
    [
        ("a  b\u00a0c ", "a b c", "a b c"),
        ("a\r\nb", "a b", "a\nb"),
        ("a\n \nb", "a\n\nb", "a\n\nb"),
        ("\n\na\n", "a", "a"),
        ("e\u0301", "\u00e9", "\u00e9"),
        ("if x:\n    y  =  1\n\tz", "if x: y = 1 z", "if x:\n    y = 1\n\tz"),
        ("a\n\n\n\nb", "a\n\nb", "a\n\n\n\nb"),
        ("", "", ""),
    ],
)
def test_what_counts_of_blanks(text, as_prose, as_layout):
    assert (prose(text), layout(text)) == (as_prose, as_layout)


@given(st.text())
def test_folding_twice_is_folding_once_and_loses_no_letter(text):
    for fold in (prose, layout):
        once = fold(text)
        assert fold(once) == once
        assert "".join(once.split()) == "".join(prose(text).split())


def test_names_of_one_of_all_and_of_a_category(study):
    known = things(load_study(study))

    def named(*wanted: str) -> list[str]:
        return [thing.what for thing in chosen(known, wanted)]

    assert named("values:v-00") == named("v-00") == ["values:v-00"]
    assert len(named("values")) == 8
    assert named("values:care", "v-00", "values") == named("values:care", "values")
    assert named("rating", "positions:care") == ["rating", "positions:care"]
    assert named("care") == ["positions:care"]
    assert named() == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("v-000", "did you mean 'v-0"),
        ("valuse", "did you mean 'values'"),
        ("values:cares", "did you mean 'values:care'"),
        ("values:", "did you mean 'values"),
        ("prompts:confirm", "nothing called 'prompts:confirm'"),
        ("", "nothing called ''"),
    ],
)
def test_a_name_of_nothing(study, name, words):
    with pytest.raises(StudyError, match=words):
        chosen(things(load_study(study)), [name])


def test_an_id_of_two_things(study):
    path = study / "control.jsonl"
    path.write_text(row(path.read_text("utf-8"), id="v-00"), encoding="utf-8")
    known = things(load_study(study))
    with pytest.raises(StudyError, match="'v-00' could be values:v-00 or control:v-00"):
        chosen(known, ["v-00"])
    assert len(chosen(known, ["control:v-00"])) == 1
