"""A step runs where something changed, is kept where nothing did, and says why."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mores import step as steps
from mores import store
from mores.errors import DataError
from mores.step import Made, Manifest, Step


def manifest(**changes) -> Manifest:
    fields = {
        "step": "tune",
        "inputs": {"model": "m", "data": "d"},
        "outputs": {},
        "config": {"a": 1, "b": [1, 2]},
        "seed": 1,
        "versions": {},
    }
    return Manifest(**{**fields, **changes})


def test_a_manifest_is_read_back_and_absent_where_the_step_is_not_done(tmp_path):
    assert steps.read_manifest(tmp_path) is None
    steps.write_manifest(tmp_path, manifest())
    assert steps.read_manifest(tmp_path) == manifest()


def test_a_manifest_of_another_form_is_a_data_error(tmp_path):
    (tmp_path / "manifest.json").write_text('{"step": "tune", "colour": 1}')
    with pytest.raises(DataError, match="colour"):
        steps.read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("inputs", "config", "reason"),
    [
        ({"model": "m", "data": "d"}, {"b": [1, 2], "a": 1}, None),
        ({"model": "m", "data": "e"}, {"a": 1, "b": [1, 2]}, "data changed"),
        ({"model": "m", "data": "d", "new": "n"}, {"a": 1, "b": [1, 2]}, "new changed"),
        ({"model": "m", "data": "d"}, {"a": 2, "b": [1, 2]}, "configuration changed: a"),
        ({"model": "m", "data": "d"}, {"a": 1, "b": [2, 1]}, "configuration changed: b"),
        ({"model": "m", "data": "d"}, {"a": 1}, "configuration changed: fewer settings"),
        ({"model": "m", "data": "d"}, {"a": 1, "b": [1, 2], "c": 0}, "configuration changed: c"),
    ],
)
def test_stale_says_what_changed(inputs, config, reason):
    assert steps.stale(manifest(), inputs, config) == reason


def test_stale_without_a_manifest_is_not_done_yet():
    assert steps.stale(None, {}, {}) == "not done yet"


def test_a_step_made_from_more_than_it_would_be_now_is_stale():
    assert steps.stale(manifest(), {"model": "m"}, manifest().config) is not None


def test_damaged_names_the_first_output_that_differs(tmp_path):
    (tmp_path / "a").write_text("a")
    outputs = {"a": store.digest_bytes(b"a"), "b": store.digest_bytes(b"b")}
    assert steps.damaged(tmp_path, manifest(outputs=outputs)) == "b is missing"
    (tmp_path / "b").write_text("b")
    assert steps.damaged(tmp_path, manifest(outputs=outputs)) is None
    (tmp_path / "a").write_text("c")
    assert steps.damaged(tmp_path, manifest(outputs=outputs)) == "a was changed since it was made"


def test_versions_name_python_and_the_libraries_that_decide_numbers():
    found = steps.versions()
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"mores", "torch", "transformers", "peft", "numpy", "scipy"} <= set(found)


WRITES = """
import sys, time
from pathlib import Path
from mores import store
folder = Path(sys.argv[1])
with store.held(folder / ".timings.lock", "busy", fix="wait", seconds=10):
    print("held", flush=True)
    time.sleep(0.5)
    with (folder / "timings.jsonl").open("a") as file:
        file.write('{"step": "another"}\\n')
"""


def test_a_line_of_time_waits_for_that_of_a_task_elsewhere(tmp_path):
    words = [sys.executable, "-c", WRITES, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        steps.log_timing(tmp_path, "mine", 1.0)
    rows = store.read_rows(tmp_path / "timings.jsonl")
    assert [row["step"] for _, row in rows] == ["another", "mine"]


def test_timings_are_appended(tmp_path):
    steps.log_timing(tmp_path / "new", "tune", 1.23456, tokens=3)
    steps.log_timing(tmp_path / "new", "sample", 2.0)
    rows = [row for _, row in store.read_rows(tmp_path / "new" / "timings.jsonl")]
    assert [(r["step"], r["seconds"], r.get("tokens")) for r in rows] == [
        ("tune", 1.235, 3),
        ("sample", 2.0, None),
    ]


# The envelope ----------------------------------------------------------------------------


def a_step(folder, **changes) -> Step:
    fields = {"inputs": {"data": "d"}, "config": {"a": 1}, "seed": 3, "label": "count m"}
    return Step("count", folder, **{**fields, **changes})


def made_by(folder, text="1"):
    def make() -> Made:
        store.write_text(folder / "out", text)
        return Made(["out"], facts={"n": 1}, timing={"tokens": 5})

    return make


def refuse() -> Made:
    raise AssertionError("a current step must not run")


def test_a_step_runs_once_writes_what_it_rests_on_and_is_then_kept(tmp_path):
    said: list[str] = []
    folder = tmp_path / "count"
    first = a_step(folder, log=tmp_path).run(made_by(folder), say=said.append)
    kept = a_step(folder, log=tmp_path).run(refuse, say=said.append)
    assert kept == first == steps.read_manifest(folder)
    assert first.outputs == {"out": store.digest_bytes(b"1")}
    assert (first.step, first.inputs, first.config) == ("count", {"data": "d"}, {"a": 1})
    assert (first.seed, first.facts) == (3, {"n": 1})
    assert said == ["count m: not done yet", "count m: done before, nothing changed"]
    (row,) = [row for _, row in store.read_rows(tmp_path / "timings.jsonl")]
    assert (row["step"], row["tokens"]) == ("count m", 5)


def test_a_step_that_fails_leaves_no_mark_of_being_complete(tmp_path):
    def fail() -> Made:
        store.write_text(tmp_path / "out", "half")
        raise DataError("no")

    with pytest.raises(DataError):
        a_step(tmp_path).run(fail, say=lambda line: None)
    assert a_step(tmp_path).why() == "not done yet"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"inputs": {"data": "e"}}, "data changed"),
        ({"config": {"a": 2}}, "configuration changed: a"),
        ({"inputs": {"data": None}}, None),  # not looked at, so not compared
    ],
)
def test_a_step_says_why_it_would_run_again(tmp_path, changes, why):
    a_step(tmp_path).run(made_by(tmp_path), say=lambda line: None)
    assert a_step(tmp_path, **changes).why() == why


def test_a_step_can_be_run_again_for_a_reason_of_its_own(tmp_path):
    said: list[str] = []
    a_step(tmp_path).run(made_by(tmp_path), say=said.append)
    a_step(tmp_path).run(made_by(tmp_path, "2"), say=said.append, because="2 had no answer")
    assert (tmp_path / "out").read_text() == "2"
    assert said[1] == "count m: 2 had no answer"


def test_what_rests_on_something_stale_is_stale_and_says_through_what(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    earlier = a_step(first, label="first")
    earlier.run(made_by(first), say=lambda line: None)

    def later(**changes) -> Step:
        under = a_step(first, label="first", **changes)
        return a_step(second, inputs={"first": under.digest()}, rests_on=(under,))

    assert later().stale() == "has not run"
    later().run(made_by(second), say=lambda line: None)
    assert later().stale() is None
    assert later(inputs={"data": "e"}).stale() == (
        "rests on `first`, which is not current (data changed): run it again"
    )
    earlier.run(made_by(first, "2"), say=lambda line: None, because="again")
    assert later().stale() == "is not current (first changed): run it again"


def test_a_changed_output_makes_its_step_stale(tmp_path):
    a_step(tmp_path).run(made_by(tmp_path), say=lambda line: None)
    (tmp_path / "out").write_text("edited")
    assert a_step(tmp_path).stale() == (
        "is not current (out was changed since it was made): run it again"
    )


def test_the_digest_of_a_step_that_is_not_there_is_absent(tmp_path):
    assert a_step(tmp_path).digest() == "absent"
