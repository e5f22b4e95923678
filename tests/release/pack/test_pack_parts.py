"""Labels of people, what stands for texts, records by name, chains of logs, files of a study."""

from __future__ import annotations

import hashlib

import pytest

from mores import store
from mores.release.pack.chain import Chain, Link, broken
from mores.release.pack.lines import MOST, differing, named_lines
from mores.release.pack.people import labels, labels_of
from mores.release.pack.texts import brief, without
from mores.step import judging
from mores.store import standing_for
from mores.study import load_study
from mores.tune.run import outdated_arms
from mores.web.audit import FIRST


def test_labels_sort_as_the_names_do():
    names = [f"rater {chr(97 + n)}" for n in range(12)]
    given = labels("r", [*reversed(names), *names])
    assert [given[name] for name in names] == [f"r{n:02d}" for n in range(1, 13)]
    assert labels("p", ["b", "a"]) == {"a": "p1", "b": "p2"}
    assert labels("p", []) == {}


def test_a_sheet_of_labels_keeps_what_was_labelled(tmp_path):
    path = tmp_path / "gate_labels.csv"
    path.write_text("labelled by,label,id,answer,gate,question\nAda,yes,3f,So.,refusal,Why?\n")
    assert labels_of(path).decode() == ("id,gate,question,answer,label\n3f,refusal,Why?,So.,yes\n")
    assert labels_of(path, without=("question", "answer")).decode() == (
        "id,gate,label\n3f,refusal,yes\n"
    )
    assert labels_of(tmp_path / "none.csv") == b""


def test_what_stands_for_a_text_is_its_digest_and_length():
    # Of the JSON string, quotes included: as the whole study counts texts.
    digest = hashlib.sha256(b'"Be kind."').hexdigest()
    assert brief("Be kind.") == f"sha256:{digest} (8 characters)"
    assert brief("") == ""
    row = {"id": "text", "text": "x", "base": {"question": ["q", ""], "n": 1}, "prompt_tokens": 3}
    assert without(row) == {
        "id": "text",
        "text": brief("x"),
        "base": {"question": [brief("q"), ""], "n": 1},
        "prompt_tokens": 3,
    }


def test_records_that_were_changed_added_or_removed_are_named(tmp_path):
    path = tmp_path / "ratings.jsonl"
    rows = [{"completion_id": f"c{n}", "rater": "r1", "value": 3} for n in range(4)]
    store.write_jsonl(path, rows)
    packed = named_lines(path)
    assert packed[0].split(" ", 1)[1] == "c0 r1"
    assert differing("f", path, packed) == []
    changed = [rows[0] | {"value": 5}, rows[2], rows[3], rows[3] | {"rater": "r2"}]
    store.write_jsonl(path, changed)
    assert {(d.where, d.found) for d in differing("f", path, packed)} == {
        ("record 'c0 r1'", "changed"),
        ("record 'c1 r1'", "removed"),
        ("record 'c3 r2'", "added"),
    }
    store.write_jsonl(path, rows[::-1])
    assert [d.found for d in differing("f", path, packed)] == ["in another order"]
    path.write_bytes(b"\xff\n[1]\n" * 30)
    assert len(differing("f", path, packed)) <= MOST + 1


def test_a_chain_is_followed_to_its_head():
    links = tuple(
        Link(number=n, action="x", previous=f"{n - 1}" if n > 1 else FIRST, hash=f"{n}")
        for n in (1, 2, 3)
    )
    assert broken(Chain(app="rating", head="3", links=links)) == ""
    assert broken(Chain(app="rating", head=FIRST, links=())) == ""
    assert broken(Chain(app="rating", head="2", links=links)) == "its head is not its last entry"
    assert broken(Chain(app="rating", head="3", links=links[1:])) == (
        "entry 1 does not follow the one before"
    )


def test_a_file_counts_as_the_one_that_it_stands_for_while_it_does(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x")
    own = store.digest_bytes(b"x")
    with standing_for({path: "sha256:1"}):
        assert store.digest_file(path) == "sha256:1"
        assert store.digest_file(tmp_path / "." / "a") == "sha256:1"
        with standing_for({tmp_path / "b": "sha256:2"}):
            assert store.digest_file(path) == "sha256:1"
    assert store.digest_file(path) == own
    with pytest.raises(KeyError), standing_for({path: "sha256:1"}):
        raise KeyError
    assert store.digest_file(path) == own


def test_what_was_judged_of_a_step_is_taken_and_the_rest_is_noted(tuned_study):
    folder = tuned_study / "runs/quick/tiny-model/tune/control-s1"
    study = load_study(tuned_study, overrides=("recipe.epochs=1",))
    assert list(outdated_arms(study)) == [
        "tiny-model values_targeted-s1",
        "tiny-model control-s1",
    ]
    with judging({folder.resolve(): None}) as known:
        assert list(outdated_arms(study)) == ["tiny-model values_targeted-s1"]
    other = folder.with_name("values_targeted-s1").resolve()
    assert known[folder.resolve()] is None
    assert "recipe" in str(known[other])
    assert len(outdated_arms(study)) == 2  # and nothing of it stays
