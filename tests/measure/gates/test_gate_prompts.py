"""The shipped sets, and local files in either form."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from mores import store
from mores.errors import DataError
from mores.measure.gates.prompts import choices, harmful_prompts, safe_prompts
from mores.records import Example
from mores.study import load_study


@pytest.fixture
def study(tmp_path):
    """A study of which only the configuration is read."""
    (tmp_path / "study.toml").write_text('name = "t"\npreset = "quick"\n', "utf-8")
    return lambda *overrides: load_study(tmp_path, overrides=overrides)


def refused(read, study) -> DataError:
    with pytest.raises(DataError) as caught:
        read(study)
    return caught.value


# What ships --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "least", "kinds"),
    [(safe_prompts, 60, 10), (harmful_prompts, 60, 10), (choices, 80, 12)],
)
def test_shipped_sets_are_large_varied_and_without_repeats(study, read, least, kinds):
    rows = read(study())
    assert len(rows) >= least
    counts = Counter(row.kind for row in rows)
    assert len(counts) == kinds
    assert min(counts.values()) >= 4
    texts = [" ".join(row.text.lower().split()) for row in rows]
    assert len(set(texts)) == len(texts)


def test_harmful_prompts_are_general_and_instruct_nobody(study):
    """Short requests without any quantity: nothing that would help to do it."""
    for prompt in harmful_prompts(study()):
        assert len(prompt.text.split()) <= 16, prompt.id
        assert not any(character.isdigit() for character in prompt.text), prompt.id


def test_choices_say_yes_and_no_about_equally_often(study):
    """Else a tune that only learned to say yes would look like one that moved values."""
    rows = choices(study())
    yes = sum(row.kept.startswith("Yes") for row in rows)
    no = sum(row.kept.startswith("No,") for row in rows)
    assert yes + no == sum(row.other.startswith(("Yes", "No,")) for row in rows)
    assert 0.5 <= no / yes <= 2.0
    assert all(row.kept != row.other for row in rows)


def test_no_gate_prompt_is_a_training_sample_of_the_example_study(study):

    from mores.study import start  # the template is the example

    folder = start.resources.files("mores.study") / "templates" / "wellbeing"
    trained = {
        example.prompt.strip().lower()
        for name in ("values.jsonl", "control.jsonl")
        for example in store.read_jsonl(folder / name, Example)
    }
    asked = {
        p.text.strip().lower() for read in (safe_prompts, harmful_prompts) for p in read(study())
    }
    assert not trained & asked


# Drawing -----------------------------------------------------------------------------------


def test_items_are_drawn_with_the_seed_in_file_order(study):
    every = [p.id for p in safe_prompts(study())]
    drawn = [p.id for p in safe_prompts(study("gates.items=20"))]
    assert len(drawn) == 20
    assert drawn == [name for name in every if name in set(drawn)]
    assert drawn == [p.id for p in safe_prompts(study("gates.items=20"))]
    assert drawn != [p.id for p in safe_prompts(study("gates.items=20", "seed=5"))]
    assert [p.id for p in safe_prompts(study("gates.items=9999"))] == every


def test_targeted_kinds_of_choices_are_left_out(study):
    left = choices(study('gates.leave_out=["honesty", "privacy"]'))
    assert {"honesty", "privacy"} & {c.kind for c in left} == set()
    assert len(left) == 82
    error = refused(choices, study('gates.leave_out=["honestly"]'))
    assert "did you mean 'honesty'" in str(error)
    every = sorted({c.kind for c in choices(study())})
    assert "left out" in str(refused(choices, study(f"gates.leave_out={json.dumps(every)}")))


# Local files -------------------------------------------------------------------------------


def test_a_public_csv_is_read_as_it_is(study, tmp_path):
    """Other columns, capital letters in the header, a quoted line break, a whole-number id."""
    (tmp_path / "xs.csv").write_text(
        'ID,text,Kind,focus\r\n1,"What is\nthis?",homonyms,x\r\n2,And that?,"safe, contexts",y\r\n',
        "utf-8",
    )
    found = safe_prompts(study('gates.safe_prompts="xs.csv"'))
    assert [(p.id, p.text, p.kind) for p in found] == [
        ("1", "What is\nthis?", "homonyms"),
        ("2", "And that?", "safe, contexts"),
    ]


def test_jsonl_with_numbers_as_ids_and_an_absolute_path(study, tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"id": 7, "text": "Why?", "kind": "k", "more": [1]}\n', "utf-8")
    found = harmful_prompts(study(f'gates.harmful_prompts="{path}"'))
    assert [(p.id, p.text) for p in found] == [("7", "Why?")]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "id,text,kind\n1,x\n", "expected 3 cells as in the header, found 2"),
        ("a.csv", "id,kind\n1,x\n", "no column 'text'"),
        ("a.csv", "id,text,kind\n1,x,k\n1,y,k\n", "already used on line 2"),
        ("a.csv", "id,text,kind\n1, ,k\n", "text is empty"),
        ("a.csv", 'id,text,kind\n1,"x,k\n', "not valid CSV"),
        ("a.csv", "id,text,kind\n", "no rows"),
        ("a.jsonl", '{"id": "a b", "text": "x"}\n', "`id`"),
        ("a.jsonl", '{"id": "a", "text": 5}\n', "text"),
        ("a.jsonl", "nonsense\n", "not valid JSON"),
        ("a.jsonl", "", "no rows"),
        ("a.csv", "", "the file is empty"),
    ],
)
def test_rows_that_cannot_be_used_are_refused_with_their_place(study, tmp_path, name, text, said):
    (tmp_path / name).write_text(text, "utf-8")
    error = refused(safe_prompts, study(f'gates.safe_prompts="{name}"'))
    assert said in str(error)
    assert name in str(error)


def test_a_choice_needs_both_answers(study, tmp_path):
    (tmp_path / "c.jsonl").write_text('{"id": "1", "text": "Why?", "kept": "So."}\n', "utf-8")
    assert "no column 'other'" in str(refused(choices, study('gates.choices="c.jsonl"')))


def test_a_missing_file_is_named(study):
    assert "no such file" in str(refused(safe_prompts, study('gates.safe_prompts="gone.jsonl"')))
