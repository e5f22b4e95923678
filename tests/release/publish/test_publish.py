"""`mores publish`: what is refused, what is replaced, and that it is the same every time."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from mores import store
from mores.errors import DataError
from mores.release.publish.run import publish
from mores.report.run import report
from mores.study import load_study


def test_every_file_is_listed_with_its_digest(done, folder):
    listed = json.loads((folder / "published.json").read_text())
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {*listed["files"], "published.json"} == there
    assert all(store.digest_file(folder / n) == d for n, d in listed["files"].items())
    assert listed["report"] == store.digest_file(done.run_folder / "report" / "report.json")
    kinds = {name.partition("/")[0] for name in there}
    assert kinds == {"datasets", "every-eval-ever", "inspect", "lm-eval", "models",
                     "published.json"}  # fmt: skip


def test_the_same_report_gives_the_same_bytes(done, folder, tmp_path):
    before = json.loads((folder / "published.json").read_text())
    elsewhere = publish(done, out=tmp_path / "out")
    assert elsewhere.files == before["files"]
    assert publish(done).files == before["files"]  # in place of the old ones


def test_no_machine_is_named(done, folder, tiny_folder):
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_text("utf-8")
            assert str(done.folder) not in text
            assert str(tiny_folder.parent) not in text


def test_a_study_without_a_report_is_refused(tiny_study):
    with pytest.raises(DataError, match="the report has not run") as error:
        publish(load_study(tiny_study))
    assert error.value.fix.startswith("run `mores report")


def test_a_report_of_other_results_is_refused(done):
    page = done.run_folder / "report" / "report.json"
    page.write_text(page.read_text("utf-8").replace("shown", "shawn", 1), "utf-8")
    with pytest.raises(DataError, match=r"the report is not current \(report.json"):
        publish(done)
    report(done)
    changed = done.with_config(replace(done.config, seed=8))
    with pytest.raises(DataError, match="the report is not current"):
        publish(changed)


def test_an_arm_of_other_samples_is_refused(done):
    path = done.folder / "values.jsonl"
    path.write_text(path.read_text("utf-8").replace("number 0", "nr 0"), "utf-8")
    study = load_study(done.folder)
    report(study)
    with pytest.raises(DataError, match="arms are not of the study's samples") as error:
        publish(study)
    assert "tiny-model values_targeted-s1 (dataset changed)" in error.value.message
    assert "control-s1" not in error.value.message


def test_what_it_did_not_write_is_left_alone(done, folder, tmp_path):
    weights = folder / "models" / "tiny-model" / "control-s1" / "adapter.safetensors"
    weights.write_bytes(b"weights")
    with pytest.raises(DataError, match=r"did not write: models/tiny-model/control-s1/adapter"):
        publish(done)
    assert weights.exists()
    foreign = tmp_path / "notes.txt"
    foreign.write_text("mine")
    for out in (tmp_path, foreign):
        with pytest.raises(DataError, match=r"did not write: .*"):
            publish(done, out=out)
    assert foreign.read_text() == "mine"


def test_nothing_half_written_stays(done, folder, monkeypatch):
    before = store.digest_file(folder / "published.json")

    def broken(*_):
        raise DataError("no")

    monkeypatch.setattr("mores.release.publish.run.write_inspect_logs", broken)
    with pytest.raises(DataError, match="no"):
        publish(done)
    assert store.digest_file(folder / "published.json") == before
    assert [p.name for p in folder.parent.iterdir() if p.name.startswith(".published")] == []
