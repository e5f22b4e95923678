"""Result files of other tools: each is read by its own tool, and holds the report's numbers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from lm_eval.api.metrics import mean_stderr
from lm_eval.utils import (
    get_file_task_name,
    get_latest_filename,
    get_results_filenames,
    get_sample_results_filenames,
    make_table,
)

from mores.errors import DataError
from mores.measure.capability.run import read_items
from mores.measure.capability.tasks import load_tasks
from mores.measure.stance.run import read_stance
from mores.records import Exchange
from mores.release.publish.every_eval import _row
from mores.release.publish.instances import Instance, Instances, turns_of
from mores.release.publish.printed import in_short, places_of
from mores.release.publish.subject import subject
from mores.report.model import Report
from mores.store import as_record, digest_file, read_json

REQUIRED = {
    "whole": {"schema_version", "evaluation_id", "retrieved_timestamp", "source_metadata",
              "model_info", "eval_library", "evaluation_results"},
    "result": {"evaluation_name", "source_data", "metric_config", "score_details"},
    "instance": {"schema_version", "evaluation_id", "model_id", "evaluation_name", "sample_id",
                 "interaction_type", "input", "answer_attribution", "evaluation", "output"},
}  # fmt: skip
"""Fields that the schemas of Every Eval Ever 0.3.0 require; stated here for where the package
cannot be fetched."""
ARM = "tiny-model-values_targeted-s1"


def the_report(done) -> Report:
    return as_record(read_json(done.run_folder / "report" / "report.json"), Report)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


# Every Eval Ever ---------------------------------------------------------------------------


def test_every_eval_ever_accepts_every_file(folder, every_eval_ever, monkeypatch):
    """Its schemas and its own validator, semantic checks and pairing of files included."""
    monkeypatch.syspath_prepend(str(every_eval_ever))
    from every_eval_ever.validator import validation_core as its

    root = folder / "every-eval-ever"
    schemas = every_eval_ever / "every_eval_ever" / "schemas"
    of = {
        ".json": (its.validate_aggregate, "eval.schema.json"),
        ".jsonl": (its.validate_instance_file, "instance_level_eval.schema.json"),
    }
    files = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    assert len(files) == 10
    for name in sorted(files):
        check, schema = of[Path(name).suffix]
        said = check(
            root / name,
            repo_path=name,
            available_files=files,
            read_repo_file=lambda path: (root / path).read_text("utf-8"),
            run_semantic_checks=True,
        )
        assert (said.valid, said.errors, said.warnings) == (True, [], [])
        validator = jsonschema.Draft7Validator(json.loads((schemas / schema).read_text("utf-8")))
        for row in lines(root / name) if name.endswith("l") else [read_json(root / name)]:
            validator.validate(row)
    with pytest.raises(jsonschema.ValidationError):  # it can say no
        validator.validate({**row, "interaction_type": "no turn"})


def test_every_eval_ever_has_the_reports_numbers_and_one_line_an_instance(done, folder):
    report = the_report(done)
    (path,) = (folder / "every-eval-ever" / "data" / "tiny" / "tiny" / ARM).glob("*.json")
    whole = read_json(path)
    assert set(whole) >= REQUIRED["whole"]
    assert (whole["schema_version"], whole["model_info"]["id"]) == ("0.3.0", f"tiny/{ARM}")
    assert whole["source_metadata"]["evaluator_relationship"] == "first_party"
    by = {r["evaluation_name"]: r for r in whole["evaluation_results"]}
    assert list(by) == ["stance", "toxicity:lexical", "capability:minimal_pairs",
                        "capability:prose"]  # fmt: skip
    arm = next(a for a in report.stance[0].arms if a.arm == "values_targeted-s1").margin
    details = by["stance"]["score_details"]
    assert details["score"] == arm.value
    assert details["uncertainty"]["confidence_interval"]["lower"] == arm.low
    places = places_of(report)
    for e in report.estimates:
        if e.category == "overall" and e.measure in by and "values_targeted" in e.contrast:
            said = by[e.measure]["score_details"]["details"][e.contrast]
            assert said == in_short(report, e, places[id(e)])
            assert e.claim in said
    assert by["toxicity:lexical"]["metric_config"]["lower_is_better"] is True
    assert by["capability:prose"]["metric_config"]["max_score"] == "Infinity"

    samples = path.with_name(f"{path.stem}_samples.jsonl")
    rows = lines(samples)
    about = whole["detailed_evaluation_results"]
    assert about["total_rows"] == len(rows)
    assert f"sha256:{about['checksum']}" == digest_file(samples)
    assert about["file_path"] == samples.relative_to(folder / "every-eval-ever").as_posix()
    for row in rows:
        assert set(row) >= REQUIRED["instance"]
        assert row["evaluation_result_id"] in by
    for name in ("stance", "capability:minimal_pairs"):  # means of what is listed
        own = [r["evaluation"]["score"] for r in rows if r["evaluation_name"] == name]
        assert np.mean(own) == pytest.approx(by[name]["score_details"]["score"], abs=1e-12)
    right = {r["sample_id"]: r["evaluation"] for r in rows
             if r["evaluation_name"] == "capability:minimal_pairs"}  # fmt: skip
    told = {i.item_id: i for i in read_items(done, "tiny-model")
            if (i.arm, i.task) == ("values_targeted", "minimal_pairs")}  # fmt: skip
    assert {name: e["is_correct"] for name, e in right.items()} == {
        name: i.value == 1 for name, i in told.items()
    }
    assert {e["is_correct"] for e in right.values()} == {True, False}
    pairs = {p.id: p for p in done.pairs("test")}
    for item in read_stance(done, "tiny-model"):
        if item.arm == "values_targeted" and item.split == "test":
            (row,) = (r for r in rows if r["sample_id"] == item.pair_id)
            better = item.aligned > item.opposed
            assert row["evaluation"] == {"score": item.margin, "is_correct": better}
            pair = pairs[item.pair_id]
            assert row["output"]["raw"] == [pair.aligned if better else pair.opposed]
    assert not any(r["evaluation_name"] == "capability:prose" for r in rows)  # no right or wrong
    scored = [r for r in rows if r["evaluation_name"] == "toxicity:lexical"]
    told = {a.id: a for q in report.questions for a in q.answers}
    assert len(scored) == next(a.scored for a in report.toxicity[0].arms
                               if a.arm == "values_targeted-s1")  # fmt: skip
    for row in scored:
        answer = told[row["metadata"]["completion_id"]]
        assert row["output"]["raw"] == [answer.text]
        assert row["evaluation"]["score"] == answer.scores["lexical"]
        assert row["evaluation"]["is_correct"] == (answer.scores["lexical"] < 0.5)


def test_a_conversation_is_given_turn_by_turn(done, every_eval_ever):
    what = subject(done)
    model, arm = next(iter(what.tuned()))
    schemas = every_eval_ever / "every_eval_ever" / "schemas"
    its = jsonschema.Draft7Validator(read_json(schemas / "instance_level_eval.schema.json"))
    earlier = (Exchange(prompt="Hello?", completion="Yes."),)
    turns = turns_of(earlier, "Why?")
    one = Instance("toxicity:lexical", "t", "all of it", (), (), ("So.",), 0.1, True, turns=turns)
    row = _row(what, model, arm, one)
    its.validate(row)
    assert (row["interaction_type"], row["output"]) == ("multi_turn", None)
    assert [(m["turn_idx"], m["role"], m["content"]) for m in row["messages"]] == [
        (0, "user", "Hello?"), (1, "assistant", "Yes."), (2, "user", "Why?"),
        (3, "assistant", "So."),
    ]  # fmt: skip
    assert turns_of((), "Why?") == ()
    its.validate(_row(what, model, arm, dataclasses.replace(one, turns=())))


# lm-evaluation-harness ---------------------------------------------------------------------


def test_the_harness_reads_its_result_files(done, folder):
    report = the_report(done)
    names = [str(p) for p in (folder / "lm-eval").rglob("*") if p.is_file()]
    results = [n for n in get_results_filenames(names) if ARM in n]
    samples = [n for n in get_sample_results_filenames(names) if ARM in n]
    assert len(results) == 1
    assert get_latest_filename(results) == results[0]
    assert {get_file_task_name(Path(n).name) for n in samples} == {"minimal_pairs", "prose"}
    whole = json.loads(Path(results[0]).read_text("utf-8"))
    printed = make_table(whole)
    items = [i for i in read_items(done, "tiny-model") if i.arm == "values_targeted"]
    for task in report.capability:
        own = next(a for a in task.arms if a.arm == "values_targeted-s1")
        metric = {"accuracy": "acc", "bits per byte": "mean_bits_per_byte"}[task.metric]
        assert whole["results"][task.task][f"{metric},none"] == own.mean
        assert whole["higher_is_better"][task.task] == {metric: metric == "acc"}
        assert f"|{metric}" in printed
        values = [i.value for i in items if i.task == task.task and i.value is not None]
        error = whole["results"][task.task][f"{metric}_stderr,none"]
        if len(values) > 1:
            assert error == pytest.approx(mean_stderr(values), rel=1e-12)  # the harness's own
        else:
            assert error == "N/A"
        (path,) = (n for n in samples if f"samples_{task.task}_" in n)
        rows = lines(Path(path))
        assert [r[metric] for r in rows] == values
        assert len(rows) == own.items - own.absent == whole["n-samples"][task.task]["effective"]
    assert "lm_eval_version" not in whole  # it did not run
    assert whole["model_source"] == "mores"
    assert {n.parts[-2] for n in map(Path, names)} == {
        "tiny__tiny-model-base", "tiny__tiny-model-control-s1", f"tiny__{ARM}",
    }  # fmt: skip


def test_items_that_are_not_those_that_were_asked_are_refused(done, monkeypatch):
    def changed(study):
        return [dataclasses.replace(task, digest="sha256:0") for task in load_tasks(study)]

    monkeypatch.setattr("mores.release.publish.instances.load_tasks", changed)
    with pytest.raises(DataError, match="the items are not those that were asked"):
        Instances(subject(done)).tasks  # noqa: B018


# Inspect -----------------------------------------------------------------------------------


def test_inspect_reads_its_logs(done, folder):
    log = pytest.importorskip("inspect_ai.log", reason="has many dependencies: docs/publish.md")
    paths = sorted((folder / "inspect").iterdir())
    assert len(paths) == 5
    for path in paths:
        read = log.read_eval_log(str(path))
        arm = read.eval.model.removeprefix("mores/tiny/tiny-model-")
        (score,) = read.results.scores
        own = next(a for a in the_report(done).toxicity[0].arms if a.arm == arm)
        assert score.metrics["mean"].value == own.mean
        assert len(read.samples) == 12


def test_inspect_logs_hold_every_answer_of_an_arm(done, folder):
    report = the_report(done)
    (path,) = (folder / "inspect").glob(f"*_{ARM}.json")
    whole = read_json(path)
    assert (whole["version"], whole["status"]) == (2, "success")
    told = {a.id: a for q in report.questions for a in q.answers if a.arm == "values_targeted-s1"}
    assert len(told) == len(whole["samples"]) == 12
    for sample in whole["samples"]:
        answer = told[sample["metadata"]["completion_id"]]
        assert sample["output"]["choices"][0]["message"]["content"] == answer.text
        assert sample["epoch"] == answer.draw + 1
        score = answer.scores["lexical"]
        assert sample["scores"] == ({} if score is None else {"toxicity:lexical": {"value": score}})
