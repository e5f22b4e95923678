"""Requests of the evaluation package → one line an item."""

import gzip
import json

import pytest

from mores import store
from mores.errors import AssetError
from mores.weights.assets import asset_folder
from mores.weights.assets.capability_tasks import ITEMS, convert_capability_tasks, convert_task


def request(doc_id, idx, context, continuation, label, size=2):
    return {
        "request_type": "loglikelihood",
        "doc": {"choices": ["..."] * size},
        "request": {"context": context, "continuation": continuation},
        "idx": idx,
        "doc_id": doc_id,
        "label": label,
    }


def packed(path, requests):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("\n".join(json.dumps(r) for r in requests).encode()))
    return path


CHOICES = [
    request(1, 1, "Q b", " two\u2028", 1),  # out of order, with a Unicode line separator
    request(1, 0, "Q b", " one", 1),
    request(0, 0, "Q a", " x", 0),
    request(0, 1, "Q a", " y", 0),
    request(1_000_000, 0, "Answer:", " x", 0),
    request(1_000_000, 1, "Answer:", " y", 0),
]


def test_choices_are_joined_by_item_and_unconditional_requests_left_out(tmp_path):
    convert_task("piqa", packed(tmp_path / "r.gz", CHOICES), tmp_path / "p.jsonl", expected=2)
    assert [row for _, row in store.read_rows(tmp_path / "p.jsonl")] == [
        {"id": "piqa-0", "context": "Q a", "choices": [" x", " y"], "gold": 0},
        {"id": "piqa-1", "context": "Q b", "choices": [" one", " two\u2028"], "gold": 1},
    ]


def test_last_word_items_keep_the_space_before_the_word(tmp_path):
    source = packed(
        tmp_path / "r.gz", [request(0, 0, "I don't care about", " signs", ["signs"], size=1)]
    )
    convert_task("lambada", source, tmp_path / "l.jsonl", expected=1)
    rows = store.read_rows(tmp_path / "l.jsonl")
    assert rows[0][1] == {"id": "lambada-0", "context": "I don't care about", "target": " signs"}


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        (CHOICES[1:], "item 1: choices are missing"),
        ([request(0, 0, "Q", " x", 0), request(0, 1, "R", " y", 0)], "several contexts"),
        ([request(0, 0, "Q", " x", 4, size=1)], "the right choice 4 does not exist"),
        (CHOICES[2:4], "expected 2 items, found 1"),
        ([{"doc_id": 0}], "KeyError"),
    ],
)
def test_wrong_requests_are_refused(tmp_path, requests, message):
    with pytest.raises(AssetError, match=message):
        convert_task("piqa", packed(tmp_path / "r.gz", requests), tmp_path / "p", expected=2)


def test_a_damaged_archive_and_an_unknown_task_are_refused(tmp_path):
    path = packed(tmp_path / "piqa/rc_0shot/requests.jsonl.gz", CHOICES)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(AssetError, match="cannot be read"):
        convert_capability_tasks([path], tmp_path)
    other = packed(tmp_path / "other/rc_0shot/requests.jsonl.gz", CHOICES)
    with pytest.raises(AssetError, match="found 2"):
        convert_capability_tasks([other], tmp_path)


def test_the_real_tasks_have_the_known_sizes():
    # HellaSwag, PIQA, ARC-Easy: validation sets; LAMBADA: test set (their papers' counts).
    folder = asset_folder("capability-tasks")
    found = {task: len(store.read_rows(folder / f"{task}.jsonl")) for task in ITEMS}
    assert found == {"lambada": 5153, "hellaswag": 10042, "piqa": 1838, "arc_easy": 570}


def test_the_real_tasks_are_well_formed():
    folder = asset_folder("capability-tasks")
    for task in ("piqa", "arc_easy"):
        rows = [row for _, row in store.read_rows(folder / f"{task}.jsonl")]
        assert len({row["id"] for row in rows}) == len(rows)
        assert all(choice.startswith(" ") for row in rows for choice in row["choices"])
        assert all(0 <= row["gold"] < len(row["choices"]) for row in rows)
        assert all(row["context"].endswith("Answer:") for row in rows)
    rows = [row for _, row in store.read_rows(folder / "lambada.jsonl")]
    # One word to guess; the data set's own apostrophes are inside the word.
    assert all(row["target"][0] == " " and len(row["target"].split()) == 1 for row in rows)
