"""Tasks of the harness in a study: every arm, beside ours, kept and reported the same way."""

import json
from pathlib import Path

import pytest
from harness_files import rows, write_task

from mores import step as steps
from mores.measure.capability import capability
from mores.study import folders, load_study


@pytest.fixture
def study(tuned_study: Path):
    """One task twice: asked by the harness, and the same texts as a file of ours."""
    path = write_task(tuned_study, "choice")
    own = tuned_study / "own.jsonl"
    own.write_text(
        "".join(json.dumps(as_ours(i, row)) + "\n" for i, row in enumerate(rows("choice")))
    )
    tasks = f'[{{task="harness:{path}",margin=0.1}},{{task="{own}"}}]'
    return load_study(tuned_study, overrides=(f"capability.tasks={tasks}",))


def as_ours(number: int, row: dict) -> dict:
    return {
        "id": str(number),
        "context": f"Question: {row['question']}\nAnswer:",
        "choices": [f" {c}" for c in row["choices"]],
        "gold": row["gold"],
    }


def test_every_arm_is_asked_and_agrees_with_ours(study) -> None:
    items = capability(study)
    by = {(i.task, i.arm, i.item_id): i for i in items}
    arms = ("base", "values_targeted", "control")
    assert len(items) == 2 * len(arms) * len(rows("choice"))
    for arm in arms:
        for number in range(len(rows("choice"))):
            harness, own = (by[task, arm, str(number)] for task in ("choice", "own"))
            assert harness.logprob == pytest.approx(own.logprob, abs=1e-4)
    sums = {
        arm: tuple(i.logprob for i in items if (i.task, i.arm) == ("choice", arm)) for arm in arms
    }
    assert len(set(sums.values())) == len(arms)


def test_facts_and_what_is_said_before(study, spoken) -> None:
    capability(study, progress=spoken)
    folder = folders.model_folder(study, study.config.models[0].name) / "capability"
    facts = steps.read_manifest(folder).facts["choice"]
    assert facts["harness"]["metric"] == "acc,none"
    assert facts["harness"]["parts"] == {"local_choice": "Yaml"}
    assert facts["planned"]["items"] == 14
    assert facts["planned"]["margin"] == 0.1
    said = [line for line in spoken.lines if line.startswith("  choice: 14 items, margin 0.1;")]
    assert len(said) == 1
    assert "are needed" in said[0]
    spoken.lines.clear()
    capability(study, progress=spoken)
    assert spoken.lines == ["capability: done before, nothing changed"]


def test_the_verdict_takes_them(study) -> None:
    from mores.report.integrity import task_results

    items = capability(study)
    folder = folders.model_folder(study, study.config.models[0].name) / "capability"
    facts = steps.read_manifest(folder).facts
    results, estimates = task_results(items, facts, {"choice": 0.1, "own": 0.02})
    assert [r.task for r in results] == ["choice", "own"]
    assert {e.measure for e in estimates} == {"capability:choice", "capability:own"}
