"""Forms of instruction data and exports of annotation tools, each read or named exactly."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from mores import store
from mores.curate import import_dataset
from mores.curate.formats import ImportReport
from mores.errors import DataError
from mores.records import Example

Q = "How can I speak with my sister about her illness?"
A = "Ask her when it suits her, listen first, and say that you will not judge."


def wrote(path: Path, *rows: object, array: bool = False) -> Path:
    text = json.dumps(rows, indent=2) if array else "".join(json.dumps(r) + "\n" for r in rows)
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, **options: object) -> tuple[ImportReport, list[tuple[str, str, str]]]:
    target = path.with_name("imported.jsonl")
    report = import_dataset(path, target, **{"category": "care", "replace": True, **options})
    return report, [(e.id, e.prompt, e.completion) for e in store.read_jsonl(target, Example)]


def refused(path: Path, **options: object) -> DataError:
    with pytest.raises(DataError) as caught:
        read(path, **options)
    assert not path.with_name("imported.jsonl").exists()
    return caught.value


# Instruction data --------------------------------------------------------------------------


def test_alpaca(tmp_path):
    path = wrote(
        tmp_path / "alpaca.json",
        {"instruction": Q, "input": "", "output": A},
        {"instruction": "Put it kindly:", "input": "You are lazy.", "output": "You seem worn out."},
        array=True,
    )
    report, samples = read(path)
    assert samples == [
        ("import-0001", Q, A),
        ("import-0002", "Put it kindly:\n\nYou are lazy.", "You seem worn out."),
    ]
    assert report.format == "alpaca"
    assert "input put below the instruction, after a blank line: line 7" in report.notes


def test_an_input_of_blanks_is_none_and_one_that_is_no_text_is_refused(tmp_path):
    row = {"instruction": Q, "input": " \n ", "output": A}
    report, samples = read(wrote(tmp_path / "a.jsonl", row))
    assert samples == [("import-0001", Q, A)]
    assert report.notes == ("id made up, as import-0001 and so on: line 1",)
    (tmp_path / "imported.jsonl").unlink()
    error = refused(wrote(tmp_path / "a.jsonl", {**row, "input": ["x"]}))
    assert error.message == "expected text as input, found list"


@pytest.mark.parametrize("form", ["messages", "sharegpt", "alpaca"])
def test_a_field_that_the_form_makes_is_dropped_with_a_note(tmp_path, form):
    turns = [{"role": "user", "content": Q}, {"role": "assistant", "content": A}]
    row = {
        "messages": {"messages": turns},
        "sharegpt": sharegpt(("human", Q), ("gpt", A)),
        "alpaca": {"instruction": Q, "output": A},
    }[form]
    report, samples = read(wrote(tmp_path / "u.jsonl", row, {**row, "prompt": "another"}))
    assert [one[1:] for one in samples] == [(Q, A), (Q, A)]
    said = f"field 'prompt' dropped: it is made from what {form} rows have: line 2"
    assert said in report.notes


def test_names_of_json_keys_count_in_any_case(tmp_path):
    report, samples = read(wrote(tmp_path / "x.jsonl", {"Prompt": Q, "COMPLETION ": A, "ID": "x"}))
    assert samples == [("x", Q, A)]
    assert report.format == "jsonl"
    assert read(wrote(tmp_path / "x.jsonl", {"Instruction": Q, "Output": A}))[0].format == "alpaca"


def test_a_suppress_cell_nested_without_end(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("prompt,completion,suppress\nQ?,A,\nQ?,A," + "[" * 3_000 + "\n")
    error = refused(path)
    assert error.line == 3
    assert error.message.startswith("the cell suppress is not JSON: more than 100 levels")


def sharegpt(*turns: tuple[str, str], **more: object) -> dict[str, object]:
    return {**more, "conversations": [{"from": who, "value": said} for who, said in turns]}


def test_sharegpt(tmp_path):
    path = wrote(
        tmp_path / "s.jsonl",
        sharegpt(("human", Q), ("gpt", A), id="x1"),
        sharegpt(("system", "Be kind."), ("user", "Q?"), ("assistant", "A."), id="x2"),
    )
    report, samples = read(path)
    assert samples == [("x1", Q, A), ("x2", "Q?", "A.")]
    assert report.format == "sharegpt"
    assert report.notes == ("system message dropped: line 2",)


def test_longer_conversations_are_named_and_counted(tmp_path):
    long = sharegpt(("human", "a"), ("gpt", "b"), ("human", "c"), ("gpt", "d"))
    error = refused(wrote(tmp_path / "s.jsonl", sharegpt(("human", Q), ("gpt", A)), long, long))
    assert error.line == 2
    assert error.message == (
        "expected exactly one user turn and then one assistant turn, found human, gpt, human, gpt"
        " (2 conversations of this file are longer)"
    )


def test_an_array_has_the_lines_of_its_objects(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[\n{"prompt": "Q?",\n "completion": "A"},\n\n{"prompt": "Q2?"}]\n')
    assert refused(path).line == 5
    assert refused(path).message == "expected text as completion (or answer), found nothing"
    path.write_text('[{"prompt": "Q?", "completion": "A"}\n')
    assert "expected a comma or the end of the array" in refused(path).message
    path.write_text('[{"prompt": "Q?", "completion": NaN}]')
    assert "NaN is not JSON" in refused(path).message


def test_gzip_of_anything(tmp_path):
    for name, text in (("a.csv.gz", f'prompt,completion\n"{Q}","{A}"\n'),
                       ("a.jsonl.gz", json.dumps({"prompt": Q, "completion": A})),
                       ("a.gz", json.dumps([{"prompt": Q, "completion": A}]))):  # fmt: skip
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()))
        assert read(path)[1] == [("import-0001", Q, A)]


def test_what_is_no_form_is_named_with_what_it_looks_like(tmp_path):
    error = refused(wrote(tmp_path / "x.jsonl", {"text": Q, "response": A}))
    assert error.message == (
        "not a form of dataset that is known: the file is jsonl, and its rows have 'text', "
        "'response'"
    )
    for form in ("alpaca", "sharegpt", "messages", "label-studio", "argilla", "csv", "xlsx"):
        assert form in str(error.fix)
    report, samples = read(tmp_path / "x.jsonl", map_=("prompt=text", "completion=response"))
    assert samples == [("import-0001", Q, A)]
    assert report.format == "jsonl"


def test_one_column_cannot_be_both_sides(tmp_path):
    path = wrote(tmp_path / "x.jsonl", {"text": Q})
    error = refused(path, map_=("prompt=text", "completion=text"))
    assert error.message == "--map completion=text: that column is already prompt"


def test_a_map_names_both_sides(tmp_path):
    path = wrote(tmp_path / "x.jsonl", {"text": Q, "response": A})
    error = refused(path, map_=("promt=text",))
    assert error.message == "--map promt=text: a sample has no 'promt'; did you mean 'prompt'?"
    error = refused(path, map_=("prompt=texts",))
    assert error.message.startswith("--map prompt=texts: the file has no column 'texts'")
    assert error.fix == "the file's: 'text', 'response'"
    assert "expected our name" in refused(path, map_=("prompt",)).message


# The older form: only true separators are cut ----------------------------------------------

END = [
    {"prompt": "How do you spell FIN in English capitals?", "completion": " The word is END"},
    {"prompt": "Say it twice with a mark.", "completion": " THE END"},
]


def test_a_last_word_is_no_stop_sequence(tmp_path):
    report, samples = read(wrote(tmp_path / "l.jsonl", *END))
    assert [answer for _, _, answer in samples] == ["The word is END", "THE END"]
    assert report.notes[0] == (
        "2 of 2 answers end in ' END': kept, for it may be the answer's last word: "
        "no prompt has a separator"
    )


def test_an_ending_is_cut_where_nearly_all_have_it(tmp_path):
    rows = [
        {"prompt": f"Q{i}?\n\n###\n\n", "completion": f" A{i} END" if i != 7 else " THE LEND"}
        for i in range(1, 81)
    ]
    report, samples = read(wrote(tmp_path / "l.jsonl", *rows))
    assert samples[0][2] == "A1"
    assert samples[6][2] == "THE LEND"
    assert report.notes[:3] == (
        "80 of 80 prompts end in '\\n\\n###\\n\\n': cut",
        "79 of 80 answers end in ' END': cut",
        "nothing was cut from the other answers: line 7",
    )
    rows = [{**row, "completion": " no" if i % 5 == 0 else row["completion"]}
            for i, row in enumerate(rows)]  # fmt: skip
    _, samples = read(wrote(tmp_path / "l.jsonl", *rows))
    assert samples[1][2] == "A2 END"  # 4 of 5 is not nearly all


def test_other_forms_say_a_common_ending_and_keep_it(tmp_path):
    rows = [{"prompt": f"Q{i}?", "completion": f"A{i} ###"} for i in range(3)]
    report, samples = read(wrote(tmp_path / "p.jsonl", *rows))
    assert samples[0][2] == "A0 ###"
    assert report.notes[0].startswith("3 of 3 answers end in ' ###': kept")


# Annotation tools --------------------------------------------------------------------------


def task(number: int, *answers: str, **data: str) -> dict[str, object]:
    """A task as Label Studio's JSON has it: a question, written answers of several people."""
    return {
        "id": number,
        "data": {"prompt": f"Q{number}?", **data},
        "annotations": [
            {
                "id": 100 + number,
                "completed_by": {"id": who, "email": f"{who}@example.com"},
                "was_cancelled": answer == "SKIP",
                "lead_time": 12.5,
                "result": [
                    {"from_name": "completion", "to_name": "p", "type": "textarea",
                     "value": {"text": [answer]}},
                    {"from_name": "category", "to_name": "p", "type": "choices",
                     "value": {"choices": ["Mental health"]}},
                ],
            }
            for who, answer in enumerate(answers)
        ],
        "predictions": [],
    }  # fmt: skip


def test_label_studio_json(tmp_path):
    path = wrote(tmp_path / "ls.json", task(1, "A1", "A1"), task(2, "A2", "SKIP"), array=True)
    report, samples = read(path, category=None)
    assert samples == [("1", "Q1?", "A1"), ("2", "Q2?", "A2")]
    assert report.format == "label-studio"
    assert report.categories == {"mental_health": 2}
    assert "category 'Mental health' → mental_health" in report.notes
    assert any(n.startswith("skipped by its annotator, left out: line ") for n in report.notes)
    assert any(n.startswith("the same sample from another person") for n in report.notes)


def test_two_answers_to_one_question_are_not_chosen_between(tmp_path):
    error = refused(wrote(tmp_path / "ls.jsonl", task(1, "A1", "B1")))
    assert error.message.startswith("another answer to a question that has one already")


@pytest.mark.parametrize("name", ["ls.csv", "ls.json"])
def test_label_studio_csv_and_json_min(tmp_path, name):
    row = {"annotation_id": 9, "annotator": "a@example.com", "completion": "A1", "id": 4,
           "lead_time": 10.7, "prompt": "Q1?", "was_cancelled": "False"}  # fmt: skip
    path = tmp_path / name
    if name.endswith("csv"):
        text = ",".join(row) + "\n" + ",".join(map(str, row.values())) + "\n"
        path.write_text(text + text.splitlines()[1].replace("False", "True") + "\n")
    else:
        wrote(path, row, {**row, "was_cancelled": True}, array=True)
    report, samples = read(path)
    assert samples == [("4", "Q1?", "A1")]
    assert report.format == "label-studio"
    assert any(n.startswith("skipped by its annotator") for n in report.notes)


def test_argilla_nested_and_flat(tmp_path):
    nested = {
        "id": "r1", "fields": {"prompt": "Q?"}, "metadata": {"category": "care"},
        "suggestions": {"completion": {"value": "A machine's", "score": 0.9, "agent": "m"}},
        "responses": {"completion": [{"value": "A person's", "user_id": "u1"}]},
        "vectors": {}, "_server_id": "s1",
    }  # fmt: skip
    report, samples = read(wrote(tmp_path / "a.json", nested, array=True))
    assert samples == [("r1", "Q?", "A person's")]
    assert report.format == "argilla"
    flat = {
        "id": "r1", "prompt": "Q?", "completion.responses": ["A draft", "A person's"],
        "completion.responses.users": ["u1", "u2"],
        "completion.responses.status": ["draft", "submitted"],
        "completion.suggestion": "A machine's", "completion.suggestion.agent": "m",
    }  # fmt: skip
    report, samples = read(wrote(tmp_path / "f.jsonl", flat))
    assert samples == [("r1", "Q?", "A person's")]
    assert "draft or discarded response left out: line 1" in report.notes


def test_a_suggestion_is_no_answer_unless_asked_for(tmp_path):
    record = {
        "id": "r1", "fields": {"prompt": "Q?"}, "responses": {"ok": [{"value": 1, "user_id": "u"}]},
        "suggestions": {"completion": {"value": "A machine's"}},
    }  # fmt: skip
    path = wrote(tmp_path / "a.json", record, array=True)
    assert "expected text as completion" in refused(path).message
    assert read(path, map_=("completion=completion.suggestion",))[1][0][2] == "A machine's"


def test_a_models_completion_is_not_taken_for_the_persons_answer(tmp_path):
    row = task(1, "unused", completion="A machine's")
    row["annotations"][0]["result"] = [{"from_name": "answer", "value": {"text": ["A person's"]}}]
    path = wrote(tmp_path / "ls.json", row, array=True)
    assert refused(path).message == "'completion' and 'answer' are both there and differ"
    _, samples = read(path, map_=("completion=answer",))
    assert samples == [("1", "Q1?", "A person's")]
    (tmp_path / "imported.jsonl").unlink()
    assert read(path, map_=("completion=completion",))[1] == [("1", "Q1?", "A machine's")]


# Names with blanks -------------------------------------------------------------------------


def test_a_category_in_words_gets_a_name_said_once(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("prompt,completion,category\nQ1?,A1,Mental health\nQ2?,A2,Mental health\n")
    report, _ = read(path)
    assert report.categories == {"mental_health": 2}
    assert report.notes.count("category 'Mental health' → mental_health") == 1


def test_two_categories_that_would_become_one(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("prompt,completion,category\nQ1?,A1,Mental health\nQ2?,A2,mental  Health\n")
    error = refused(path)
    assert error.line == 3
    assert "would both become 'mental_health'" in error.message
