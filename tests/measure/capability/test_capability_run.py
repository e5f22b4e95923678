"""The capability step on a study: every arm's items, kept, resumed, redone when due."""

import json
import shutil
from pathlib import Path

import pytest

from mores import step as steps
from mores.errors import DataError, ModelError
from mores.measure.capability import capability
from mores.measure.capability.run import read_items
from mores.measure.capability.score import score_items
from mores.measure.capability.tasks import load_task
from mores.study import folders, load_study
from mores.tune.run import tune
from services import bundled_model

TEXTS = ["time and care", "what is a good way to help", "bread needs flour, water and salt"]


@pytest.fixture
def study(tuned_study: Path):
    return with_tasks(tuned_study)


def with_tasks(folder: Path, *more: str):
    path = folder / "short.jsonl"
    if not path.exists():
        path.write_text("".join(json.dumps({"text": t}) + "\n" for t in TEXTS))
    tasks = f'[{{task="minimal_pairs",items=12}},{{task="{path}",margin=0.05}}]'
    return load_study(folder, overrides=(f"capability.tasks={tasks}", *more))


def folder_of(study) -> Path:
    return folders.model_folder(study, study.config.models[0].name) / "capability"


def test_every_arm_with_weights_of_its_own_answers_every_item(study) -> None:
    rows = capability(study)
    arms = [("base", 0), ("values_targeted", 1), ("control", 1)]
    pairs = [item.id for item in load_task("minimal_pairs", items=12, seed=7).items]
    assert [(r.arm, r.seed, r.task, r.item_id) for r in rows] == [
        (*arm, task, item)
        for arm in arms
        for task, items in (("minimal_pairs", pairs), ("short", ["1", "2", "3"]))
        for item in items
    ]
    assert all(r.value is not None for r in rows)
    assert read_items(study, study.config.models[0].name) == rows


def test_values_are_those_of_the_arms_weights(tiny_study: Path, tiny, tuned_study: Path) -> None:
    from mores.sample.weights import swapped

    study = with_tasks(tuned_study, 'recipe.method="full"', "recipe.learning_rate=0.01")
    folders = {arm.key.arm: arm.folder for arm in tune(study)}
    rows = capability(study)
    task = load_task(study.config.capability.tasks[1].task)
    values = {}
    for arm in ("base", "values_targeted", "control"):
        if arm == "base":
            expected = score_items(tiny, task)
        else:
            with swapped(tiny, folders[arm]):
                expected = score_items(tiny, task)
        own = [r for r in rows if r.arm == arm and r.task == "short"]
        assert [r.value for r in own] == pytest.approx([e.value for e in expected], abs=1e-5)
        values[arm] = tuple(r.value for r in own)
    assert len(set(values.values())) == 3


def test_adapters_equal_peft(tiny_study: Path, tiny_folder: Path, tuned_study: Path) -> None:
    import math

    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    study = with_tasks(tuned_study, "recipe.learning_rate=0.05", "recipe.epochs=4")
    tune(study)
    rows = capability(study)
    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    model_folder = folders.model_folder(study, study.config.models[0].name)
    for arm in ("values_targeted", "control"):
        model = PeftModel.from_pretrained(
            AutoModelForCausalLM.from_pretrained(tiny_folder), model_folder / "tune" / f"{arm}-s1"
        ).eval()
        own = [r for r in rows if r.arm == arm and r.task == "short"]
        for text, row in zip(TEXTS, own, strict=True):
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            with torch.inference_mode():
                logits = model(torch.tensor([[tokenizer.bos_token_id, *ids]])).logits[0]
            steps = logits.double().log_softmax(-1)[torch.arange(len(ids)), torch.tensor(ids)]
            bits = -float(steps.sum()) / math.log(2) / len(text.encode())
            assert row.value == pytest.approx(bits, abs=1e-4)
    first, second = ([r.value for r in rows if r.arm == a] for a in ("values_targeted", "control"))
    assert first != second


def test_facts_for_the_report(study) -> None:
    capability(study)
    manifest = steps.read_manifest(folder_of(study))
    planned = {task: facts.pop("planned") for task, facts in manifest.facts.items()}
    assert manifest.facts == {
        "minimal_pairs": {"metric": "accuracy", "chance": 0.5, "items": 12},
        "short": {"metric": "bits per byte", "chance": None, "items": 3},
    }
    assert [(p["items"], p["margin"]) for p in planned.values()] == [(12, 0.02), (3, 0.05)]
    assert sorted(p.name for p in folder_of(study).iterdir()) == ["items.jsonl", "manifest.json"]


def test_twice_is_done_before(study, spoken) -> None:
    first = capability(study)
    assert capability(study, progress=spoken) == first
    assert spoken.lines == ["capability: done before, nothing changed"]


def test_what_makes_it_due_again(tuned_study: Path, study, spoken) -> None:
    capability(study)
    # Another seed draws other items of the first task.
    capability(with_tasks(tuned_study, "seed=8"), progress=spoken)
    assert spoken.lines[0] == "capability: task minimal_pairs changed"
    capability(study)
    (tuned_study / "short.jsonl").write_text('{"text": "other"}\n')
    spoken.lines.clear()
    capability(study, progress=spoken)
    assert spoken.lines[0] == "capability: task short changed"
    path = folder_of(study) / "items.jsonl"
    path.write_text(path.read_text().replace('"value":1.0', '"value":0.0', 1))
    spoken.lines.clear()
    capability(study, progress=spoken)
    assert spoken.lines[0] == "capability: items.jsonl was changed since it was made"


def test_interrupted_and_run_again(study, monkeypatch: pytest.MonkeyPatch) -> None:
    capability(study)
    expected = {p.name: p.read_bytes() for p in folder_of(study).iterdir()}
    shutil.rmtree(folder_of(study))
    calls: list[str] = []

    def stop(at: int):
        def scored(loaded, task, **more):
            calls.append(task.name)
            if len(calls) == at:
                raise KeyboardInterrupt
            return score_items(loaded, task, **more)

        return scored

    monkeypatch.setattr("mores.measure.capability.score.score_items", stop(4))
    with pytest.raises(KeyboardInterrupt):
        capability(study)
    assert not (folder_of(study) / "items.jsonl").exists()
    calls.clear()
    monkeypatch.setattr("mores.measure.capability.score.score_items", stop(-1))
    capability(study)
    assert calls == ["short", "minimal_pairs", "short"]  # three of six were kept
    assert {p.name: p.read_bytes() for p in folder_of(study).iterdir()} == expected


def test_leftovers_of_a_kill_are_cleared(study) -> None:
    parts = folder_of(study) / "parts"
    parts.mkdir(parents=True)
    (parts / ".x.jsonl.123.tmp").write_text("half")
    capability(study)
    assert not parts.exists()


def test_no_tasks_no_items(tuned_study: Path) -> None:
    study = load_study(tuned_study, overrides=("capability.tasks=[]",))
    assert capability(study) == []
    assert not folder_of(study).exists()


def test_an_arm_that_was_not_tuned(study) -> None:
    shutil.rmtree(folders.model_folder(study, study.config.models[0].name) / "tune" / "control-s1")
    with pytest.raises(ModelError, match="control-s1 has not been tuned"):
        capability(study)


def test_reading_before_measuring(study) -> None:
    with pytest.raises(DataError, match=r"items\.jsonl"):
        read_items(study, study.config.models[0].name)


def test_two_tasks_of_one_name_are_refused(tuned_study: Path) -> None:
    # Results go by name; the second would overwrite the first's facts and margin.
    path = tuned_study / "prose.jsonl"
    path.write_text('{"text": "other"}\n')
    tasks = f'[{{task="prose"}},{{task="{path}"}}]'
    with pytest.raises(DataError, match="two capability tasks are called 'prose'"):
        capability(load_study(tuned_study, overrides=(f"capability.tasks={tasks}",)))


@pytest.mark.real_model
def test_the_bundled_model_knows_grammar() -> None:
    from dataclasses import replace

    from mores.weights.load import load

    loaded = load(bundled_model())
    values = [r.value for r in score_items(loaded, load_task("minimal_pairs", items=80, seed=1))]
    assert None not in values
    # Of all 240 the model gets 88.7 %. By guessing, .70 of 80 has a chance of 2 in 10,000.
    assert sum(values) / 80 > 0.70

    lambada = load_task("lambada")
    results = score_items(loaded, replace(lambada, items=lambada.items[:20]))
    assert {r.value for r in results} == {0.0, 1.0}  # some right, by chance none would be
    assert all(r.logprob < 0 for r in results)
