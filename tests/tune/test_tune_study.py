"""tune(study): which files come out, when it runs again, and what a kill leaves."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from mores import step as steps
from mores import store
from mores.errors import DataError, TuneError
from mores.progress import Progress
from mores.study import folders, load_study
from mores.study.arms import ArmKey
from mores.tune import loop
from mores.tune.here import sparkline
from mores.tune.run import tune

LORA_FILES = [
    "adapter_config.json",
    "adapter_model.safetensors",
    "log.jsonl",
    "probe.jsonl",
    "manifest.json",
]


class Heard(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def run(folder: Path, *overrides: str) -> tuple[list, list[str]]:
    heard = Heard()
    arms = tune(load_study(folder, overrides=overrides), progress=heard)
    return arms, heard.lines


def content(folder: Path) -> dict[str, bytes]:
    """Every file below runs, by name, but for the timings."""
    runs = folder / "runs"
    return {
        str(p.relative_to(runs)): p.read_bytes()
        for p in sorted(runs.rglob("*"))
        if p.is_file() and p.name not in {steps.TIMINGS, ".lock"}
    }


def test_the_files_of_lora_arms(tiny_study):
    arms, lines = run(tiny_study)
    assert [a.key for a in arms] == [ArmKey("values_targeted", 1), ArmKey("control", 1)]
    study = load_study(tiny_study)
    for arm in arms:
        assert arm.folder == folders.tune_folder(study, study.config.models[0].name, arm.key)
        assert sorted(p.name for p in arm.folder.iterdir()) == sorted(LORA_FILES)
        manifest = steps.read_manifest(arm.folder)
        assert sorted(manifest.outputs) == LORA_FILES[:-1]
        assert steps.damaged(arm.folder, manifest) is None
        assert (manifest.step, manifest.seed) == ("tune", 1)
        assert manifest.facts["tokens"] == sum(row["tokens"] for row in arm.log)
        assert [row["step"] for row in arm.log] == list(range(1, 7))  # 8 samples by 3, twice
        assert (arm.ref.arm, arm.ref.seed) == (arm.key.arm, 1)
        assert study.run_folder / arm.ref.location == arm.folder
        assert arm.ref.digest == store.digest(manifest.outputs)
    assert arms[0].ref.digest != arms[1].ref.digest
    said = "\n".join(lines)
    assert "sample v-00:" in said  # what is trained is shown before
    assert "sample c-00:" in said
    assert "6 steps" in said
    timings = [row for _, row in store.read_rows(study.run_folder / steps.TIMINGS)]
    assert [row["step"].split()[-1] for row in timings] == ["values_targeted-s1", "control-s1"]
    assert all(row["tokens_per_second"] >= 0 for row in timings)


def test_the_files_of_full_arms(tiny_study, tiny_folder):
    arms, _ = run(tiny_study, "recipe.method=full", "train_seeds=[1, 2]")
    assert [a.key.name for a in arms] == [
        "values_targeted-s1",
        "values_targeted-s2",
        "control-s1",
        "control-s2",
    ]
    own = load_file(tiny_folder / "model.safetensors")
    for arm in arms:
        names = {p.name for p in arm.folder.iterdir()}
        assert names == {
            "chat_template.jinja",
            "config.json",
            "log.jsonl",
            "manifest.json",
            "model.safetensors",
            "probe.jsonl",
            "tokenizer.json",
            "tokenizer_config.json",
        }
        weights = load_file(arm.folder / "model.safetensors")
        assert {n: w.shape for n, w in weights.items()} == {n: w.shape for n, w in own.items()}
        assert steps.read_manifest(arm.folder).facts["parameters"] == sum(
            w.numel() for w in weights.values()
        )
    assert len({a.ref.digest for a in arms}) == 4


def test_only_tuned_arms_of_the_study_are_tuned(tiny_study):
    arms, _ = run(tiny_study, 'arms=["base", "prompted", "control"]')
    assert [a.key.name for a in arms] == ["control-s1"]
    assert run(tiny_study, 'arms=["base"]')[0] == []


def test_the_second_call_does_nothing(tiny_study, monkeypatch):
    first, _ = run(tiny_study)
    before = content(tiny_study)
    times = {p: p.stat().st_mtime_ns for p in (tiny_study / "runs").rglob("*")}
    monkeypatch.setattr("mores.tune.here.train", lambda *args: pytest.fail("it trained again"))
    second, lines = run(tiny_study)
    assert second == first
    assert lines == [
        "tune values_targeted-s1: done before, nothing changed",
        "tune control-s1: done before, nothing changed",
    ]
    assert content(tiny_study) == before
    assert {p: p.stat().st_mtime_ns for p in (tiny_study / "runs").rglob("*")} == times


def test_a_run_that_kept_checkpoints_is_whole_afterwards(tiny_study, monkeypatch):
    """Any run longer than half a minute: its checkpoint must not count as an output."""
    alone, _ = run(shutil.copytree(tiny_study, tiny_study.parent / "alone"))
    saved = keep_checkpoints(monkeypatch)
    arms, _ = run(tiny_study)
    assert len(saved) == 12
    assert [a.ref for a in arms] == [a.ref for a in alone]
    assert content(tiny_study) == content(tiny_study.parent / "alone")
    _, lines = run(tiny_study)
    assert all("done before" in line for line in lines)


def keep_checkpoints(monkeypatch) -> list[int]:
    """Save after every step; return a list that grows with each."""
    saved: list[int] = []
    original = loop.save_checkpoint

    def always(self, progress, best):
        saved.append(progress.step)
        original(self.folder, self.run, self.trainable, self.optimizer, progress, best)

    monkeypatch.setattr(loop._Saver, "maybe", always)
    return saved


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("recipe.epochs=1", "configuration changed: recipe"),
        ("recipe.prompt_weight=0.5", "configuration changed: recipe"),
    ],
)
def test_a_changed_recipe_trains_again(tiny_study, override, reason):
    before = run(tiny_study)[0]
    after, lines = run(tiny_study, override)
    assert f"tune values_targeted-s1: {reason}" in lines
    assert f"tune control-s1: {reason}" in lines
    assert all(a.ref.digest != b.ref.digest for a, b in zip(after, before, strict=True))
    assert [a.ref for a in run(tiny_study)[0]] == [b.ref for b in before]  # and back again


def test_another_method_leaves_nothing_of_the_first(tiny_study):
    run(tiny_study)
    arms, _ = run(tiny_study, "recipe.method=full")
    names = {p.name for p in arms[0].folder.iterdir()}
    assert "model.safetensors" in names
    assert not names & {"adapter_config.json", "adapter_model.safetensors"}


def test_a_changed_sample_retrains_its_arm_alone(tiny_study):
    run(tiny_study)
    path = tiny_study / "control.jsonl"
    path.write_text(path.read_text().replace("number 3 in", "number three in"))
    _, lines = run(tiny_study)
    assert "tune values_targeted-s1: done before, nothing changed" in lines
    assert "tune control-s1: dataset changed" in lines


def test_another_base_model_retrains(tiny_study, tiny_folder, tmp_path):
    base = shutil.copytree(tiny_folder, tmp_path / "base")
    toml = tiny_study / "study.toml"
    toml.write_text(toml.read_text().replace(f'"{tiny_folder.name}"', f'"{base}"'))
    run(tiny_study)
    weights = load_file(base / "model.safetensors")
    weights["model.norm.weight"] *= 1.01
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    assert "tune control-s1: model changed" in run(tiny_study)[1]


@pytest.mark.parametrize("name", LORA_FILES[:-1])
def test_tampered_results_are_noticed_and_made_again(tiny_study, name):
    arms, _ = run(tiny_study)
    before = content(tiny_study)
    path = arms[0].folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    again, lines = run(tiny_study)
    assert f"tune values_targeted-s1: {name} was changed since it was made" in lines
    assert "tune control-s1: done before, nothing changed" in lines
    assert again == arms
    assert content(tiny_study) == before


def test_a_deleted_result_is_made_again(tiny_study):
    arms, _ = run(tiny_study)
    before = content(tiny_study)
    (arms[1].folder / "adapter_model.safetensors").unlink()
    _, lines = run(tiny_study)
    assert "tune control-s1: adapter_model.safetensors is missing" in lines
    assert content(tiny_study) == before


def test_held_out_samples_and_the_best_epoch_are_facts(tiny_study):
    arms, _ = run(tiny_study, "recipe.held_out=0.25", "recipe.early_stopping=1")
    for arm in arms:
        facts = steps.read_manifest(arm.folder).facts
        assert len(facts["held_out"]) == 2
        assert facts["best_epoch"] in (1, 2)
        measured = {r["epoch"]: r["held_out_loss"] for r in arm.log if "held_out_loss" in r}
        assert min(measured, key=measured.get) == facts["best_epoch"]
    # the same places in both sets, so that the arms differ in nothing but their text
    held = [steps.read_manifest(a.folder).facts["held_out"] for a in arms]
    assert [i[2:] for i in held[0]] == [i[2:] for i in held[1]]


def test_a_sample_too_long_is_refused_and_leaves_no_manifest(tiny_study):
    path = tiny_study / "values.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[4]["completion"] = "flour " * 900
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match="'v-04'"):
        run(tiny_study)
    assert not list((tiny_study / "runs").rglob("manifest.json"))


def test_a_run_that_diverges_leaves_no_manifest(tiny_study, monkeypatch):
    original = loop._update

    def diverge(*args):
        row = original(*args)
        if args[-1] == 3:
            raise TuneError("the gradient is no longer a number at step 4")
        return row

    monkeypatch.setattr(loop, "_update", diverge)
    with pytest.raises(TuneError):
        run(tiny_study)
    assert not list((tiny_study / "runs").rglob("manifest.json"))


# Kills -----------------------------------------------------------------------------------


class Killed(BaseException):
    """Ends the process at a chosen line; nothing in mores catches it."""


@pytest.mark.parametrize("where", ["weights", "log", "manifest", "checkpoint", "timing"])
@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_kill_between_the_files_at_the_end_leaves_no_trace(
    tiny_study, monkeypatch, where, method
):
    """The run dies right before it writes or removes the named thing."""
    overrides = (f"recipe.method={method}", "recipe.epochs=1")
    alone = shutil.copytree(tiny_study, tiny_study.parent / "alone")
    run(alone, *overrides)

    def die(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        keep_checkpoints(patch)
        if where == "weights":
            patch.setattr("mores.tune.adapters.save_weights", die)
        elif where == "log":
            patch.setattr(store, "write_jsonl", die)
        elif where == "manifest":
            patch.setattr(steps, "write_manifest", die)
        elif where == "checkpoint":
            unlink = Path.unlink

            def but_not_the_checkpoint(path, **kwargs):
                if path.name == "checkpoint.safetensors":
                    raise Killed
                unlink(path, **kwargs)

            patch.setattr(Path, "unlink", but_not_the_checkpoint)
        else:
            patch.setattr(steps, "log_timing", die)
        with pytest.raises(Killed):
            run(tiny_study, *overrides)
    run(tiny_study, *overrides)
    assert content(tiny_study) == content(alone)


KILL = """
import os, signal, sys
from pathlib import Path
import torch
from mores.weights import machine
from mores.study import load_study
from mores.tune import loop, run

machine.set_threads = lambda *_: 1
torch.set_num_threads(1)
save, count = loop.save_checkpoint, [0]

def always(self, progress, best):
    save(self.folder, self.run, self.trainable, self.optimizer, progress, best)
    count[0] += 1
    if count[0] == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

loop._Saver.maybe = always
run.tune(load_study(Path(sys.argv[1])))
"""


def test_a_real_kill_in_the_middle_of_an_arm_and_a_rerun_give_the_same_bytes(
    tiny_study, monkeypatch
):
    """kill -9 in step 4 of the second arm, after its checkpoint."""
    alone = shutil.copytree(tiny_study, tiny_study.parent / "alone")
    run(alone)
    done = subprocess.run(
        [sys.executable, "-c", KILL, str(tiny_study), str(6 + 4)], capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    left = content(tiny_study)
    assert [n.split("/")[-2:] for n in left if n.endswith("checkpoint.safetensors")] == [
        ["control-s1", "checkpoint.safetensors"]
    ]
    steps = []
    original = loop._update
    monkeypatch.setattr(loop, "_update", lambda *a: steps.append(a[-1]) or original(*a))
    run(tiny_study)
    assert steps == [4, 5]  # nothing that was saved was done again
    assert content(tiny_study) == content(alone)


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([1.0], "▁"),
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
        ([2.0, 2.0], "▁▁"),
        ([7.0, 0.0], "█▁"),
    ],
)
def test_a_series_as_one_line(values, drawn):
    assert sparkline(values) == drawn


def test_a_long_series_is_thinned_out():
    assert len(sparkline([float(i) for i in range(1000)])) <= 60
