"""Our bridge against the harness's own command line: equal to the last digit."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness_files import FORMS, write_task

from mores.measure.capability.harness import BATCH, score_harness
from mores.measure.capability.tasks import load_task

# The command line itself, several times in one process: starting one takes most of the time. Left
# out are three things that touch no value and take minutes: bootstrapped error bars of aggregates,
# the description of the machine, and the list of the tasks that the harness ships.
PROGRAM = """
import json, sys
import lm_eval.evaluator, lm_eval.evaluator_utils, lm_eval.tasks._index
from lm_eval.__main__ import cli_evaluate
lm_eval.evaluator_utils.stderr_for_metric = lambda **_: None
lm_eval.evaluator.add_env_info = lambda results: None
lm_eval.tasks._index.TaskIndex.build = lambda self, paths, **_: {}
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["lm_eval", *arguments]
    cli_evaluate()
"""
DRAWN = {"seed": 3, "items": 5}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tasks")
    return {form: write_task(folder, form) for form in FORMS}


@pytest.fixture(scope="module")
def told(tasks: dict[str, Path], tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory):
    """What the command line wrote: run → (aggregates, samples)."""
    out = tmp_path_factory.mktemp("out")
    drawn = load_task(f"harness:{tasks['choice']}", **DRAWN).drawn
    more = {"drawn": ["--samples", json.dumps(drawn)], "shown": ["--num_fewshot", "2"]}
    runs = {**tasks, "drawn": tasks["choice"], "shown": tasks["choice"]}
    calls = [
        [
            *("run", "--model", "hf", "--model_args", f"pretrained={tiny_folder},dtype=float32"),
            *("--tasks", str(path), "--device", "cpu", "--batch_size", str(BATCH)),
            *("--log_samples", "--output_path", str(out / run)),
            *more.get(run, []),
        ]
        for run, path in runs.items()
    ]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(calls)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {run: read(out / run) for run in runs}


def read(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    (results,) = folder.rglob("results_*.json")
    (samples,) = folder.rglob("samples_*.jsonl")
    (aggregate,) = json.loads(results.read_text())["results"].values()
    found = [json.loads(line) for line in samples.read_text().splitlines()]
    return aggregate, sorted(found, key=lambda sample: sample["doc_id"])


@pytest.mark.parametrize(
    ("run", "form", "metric", "how"),
    [
        ("choice", "choice", "acc", {}),
        ("choice", "choice", "acc_norm", {}),
        ("drawn", "choice", "acc", DRAWN),
        ("shown", "choice", "acc", {"shots": 2}),
        ("last_word", "last_word", "acc", {}),
        ("answer", "answer", "exact_match", {}),
    ],
)
def test_every_item_and_the_mean(told, tasks, tiny, run, form, metric, how) -> None:
    task = load_task(f"harness:{tasks[form]}", metric=metric, **how)
    results = score_harness(tiny, task)
    aggregate, samples = told[run]
    assert [r.item_id for r in results] == [str(s["doc_id"]) for s in samples]
    assert [r.value for r in results] == [float(s[metric]) for s in samples]
    values = [r.value for r in results]
    assert sum(values) / len(values) == aggregate[f"{metric},none"]
    if form != "answer":
        right = [
            float(s["filtered_resps"][int(s["target"]) if form == "choice" else 0][0])
            for s in samples
        ]
        assert [r.logprob for r in results] == right
        assert all(p < 0 for p in right)


def test_bits_per_byte(told, tasks, tiny) -> None:
    results = score_harness(tiny, load_task(f"harness:{tasks['prose']}"))
    aggregate, samples = told["prose"]
    pairs = [(float(ll), int(size)) for ll, size in (s["bits_per_byte"] for s in samples)]
    assert [r.logprob for r in results] == [float(s["filtered_resps"][0]) for s in samples]
    assert [r.value for r in results] == [-ll / (size * math.log(2)) for ll, size in pairs]
    # The harness weighs by bytes; items are paired one by one, so ours is kept by item.
    total = -sum(ll for ll, _ in pairs) / sum(size for _, size in pairs) / math.log(2)
    assert aggregate["bits_per_byte,none"] == pytest.approx(total, rel=1e-12)


def test_examples_are_shown(tasks) -> None:
    plain, shown = (load_task(f"harness:{tasks['choice']}", shots=n) for n in (0, 2))
    assert plain.items[0].context.count("Question:") == 1
    assert shown.items[0].context.count("Question:") == 3
    assert plain.digest != shown.digest
    assert shown.facts["shots"] == 2
