"""An interrupted run ends in the same bits as one that was left alone."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import msgspec
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mores.tune import loop
from mores.tune.checkpoint import CHECKPOINT, Progress, load_checkpoint, save_checkpoint
from mores.tune.loop import fit, run_digest


class Stop(BaseException):
    """Stands for Ctrl-C."""


@pytest.fixture(autouse=True)
def save_every_step(monkeypatch):
    """A clock that stands still, so that no save ever seems to cost too much."""
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: 0.0))


def state(loaded, result) -> dict:
    return {
        "weights": {n: p.detach().clone() for n, p in loaded.model.named_parameters()},
        "log": result.log,
        "rest": (result.held_out, result.best_epoch, result.stopped_early),
    }


def assert_same(found: dict, expected: dict) -> None:
    assert found["log"] == expected["log"]
    assert found["rest"] == expected["rest"]
    assert list(found["weights"]) == list(expected["weights"])
    for name, tensor in expected["weights"].items():
        assert torch.equal(found["weights"][name], tensor), name


def interrupt(fresh, samples, recipe, folder, step) -> None:
    def stop(done, steps, row):
        if done == step:
            raise Stop

    with pytest.raises(Stop):
        fit(fresh(), samples, recipe, seed=3, folder=folder, on_step=stop, checkpoint_seconds=0)


# A rate so high that the held-out loss soon rises.
EARLY = {"held_out": 0.25, "early_stopping": 1, "learning_rate": 0.3, "schedule": "constant"}
RECIPES = {
    "lora": {"method": "lora"},
    "full": {"method": "full"},
    "lora, early stopping": {"method": "lora", **EARLY},
    "full, early stopping": {"method": "full", **EARLY},
    "full, decay, warm-up": {"method": "full", "weight_decay": 0.1, "warmup": 0.6},
}


@pytest.mark.parametrize("name", RECIPES)
def test_interrupted_equals_uninterrupted_bit_for_bit(fresh, samples, recipe, tmp_path, name):
    recipe = msgspec.structs.replace(recipe, epochs=4, **RECIPES[name])
    loaded = fresh()
    alone = fit(loaded, samples, recipe, seed=3)
    expected = state(loaded, alone)
    steps = len(alone.log)
    assert steps >= 4
    for at in (2, steps // 2 + 1, steps):
        folder = tmp_path / str(at)
        interrupt(fresh, samples, recipe, folder, at)
        loaded = fresh()
        result = fit(loaded, samples, recipe, seed=3, folder=folder, checkpoint_seconds=0)
        # it went on from the step before the one that was interrupted
        assert result.tokens == sum(row["tokens"] for row in alone.log[at - 1 :])
        assert_same(state(loaded, result), expected)


@pytest.mark.parametrize("name", [name for name in RECIPES if "early" in name])
def test_early_stopping_is_met_in_the_runs_above(fresh, samples, recipe, name):
    """The comparison says something only if a worse epoch came after the best one."""
    recipe = msgspec.structs.replace(recipe, epochs=4, **RECIPES[name])
    result = fit(fresh(), samples, recipe, seed=3)
    assert result.stopped_early
    assert result.best_epoch < result.log[-1]["epoch"]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_several_interruptions_change_nothing_either(fresh, samples, recipe, tmp_path, method):
    recipe = msgspec.structs.replace(recipe, method=method, epochs=3)
    loaded = fresh()
    expected = state(loaded, fit(loaded, samples, recipe, seed=3))
    for at in (2, 3, 6, 7):
        interrupt(fresh, samples, recipe, tmp_path, at)
    loaded = fresh()
    result = fit(loaded, samples, recipe, seed=3, folder=tmp_path, checkpoint_seconds=0)
    assert len(result.log) == 9
    assert result.tokens < sum(row["tokens"] for row in result.log) / 2
    assert_same(state(loaded, result), expected)


def test_a_finished_run_called_again_only_reads(fresh, samples, recipe, tmp_path):
    loaded = fresh()
    expected = state(
        loaded, fit(loaded, samples, recipe, seed=3, folder=tmp_path, checkpoint_seconds=0)
    )
    loaded = fresh()
    result = fit(loaded, samples, recipe, seed=3, folder=tmp_path)
    assert result.tokens == 0
    assert_same(state(loaded, result), expected)


def test_without_a_folder_nothing_is_kept(fresh, samples, recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit(fresh(), samples, recipe, seed=3, checkpoint_seconds=0)
    assert list(tmp_path.iterdir()) == []


# Which checkpoints are used --------------------------------------------------------------


def change_samples(loaded, samples, recipe, seed):
    return loaded, samples[::-1], recipe, seed


def change_recipe(loaded, samples, recipe, seed):
    return loaded, samples, msgspec.structs.replace(recipe, clip_norm=0.9), seed


def change_seed(loaded, samples, recipe, seed):
    return loaded, samples, recipe, seed + 1


def change_base(loaded, samples, recipe, seed):
    loaded.digest = "sha256:other"
    return loaded, samples, recipe, seed


@pytest.mark.parametrize("change", [change_samples, change_recipe, change_seed, change_base])
def test_a_checkpoint_of_another_run_is_ignored(fresh, samples, recipe, tmp_path, change):
    interrupt(fresh, samples, recipe, tmp_path, 4)
    loaded, other, recipe_, seed = change(fresh(), samples, recipe, 3)
    assert run_digest(loaded, other, recipe_, seed) != run_digest(fresh(), samples, recipe, 3)
    found = fit(loaded, other, recipe_, seed=seed, folder=tmp_path)
    again = fresh()
    expected = fit(again, other, recipe_, seed=seed)
    assert found.tokens == expected.tokens > 0
    assert_same(state(loaded, found), state(again, expected))


@pytest.mark.parametrize("damage", ["empty", "cut", "header", "text"])
def test_a_damaged_checkpoint_is_ignored(fresh, samples, recipe, tmp_path, damage):
    interrupt(fresh, samples, recipe, tmp_path, 4)
    path = tmp_path / CHECKPOINT
    data = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "cut": data[: len(data) // 2],
            "header": b"\xff" * 16 + data[16:],
            "text": b"not a checkpoint at all",
        }[damage]
    )
    loaded, again = fresh(), fresh()
    result = fit(loaded, samples, recipe, seed=3, folder=tmp_path)
    expected = fit(again, samples, recipe, seed=3)
    assert result.tokens == expected.tokens
    assert_same(state(loaded, result), state(again, expected))


def test_a_file_without_our_metadata_is_ignored(tmp_path):
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.AdamW([weight])
    save_file({"weight.w": torch.zeros(2)}, tmp_path / CHECKPOINT)
    progress, best = load_checkpoint(tmp_path, "run", {"w": weight}, optimizer)
    assert (progress, best) == (Progress(), None)
    assert weight.tolist() == [1.0, 1.0]


def test_a_checkpoint_holds_all_that_goes_on(tmp_path):
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = torch.optim.AdamW([weight], lr=0.1)
    weight.grad = torch.tensor([0.5, 0.25])
    optimizer.step()
    before = weight.detach().clone()
    progress = Progress(
        step=7, log=[{"loss": 0.1, "p": None}], best_loss=0.3, best_epoch=2, stopped_early=True
    )
    save_checkpoint(
        tmp_path, "run", {"w": weight}, optimizer, progress, {"w": torch.tensor([3.0, 4.0])}
    )
    with safe_open(tmp_path / CHECKPOINT, framework="pt") as file:
        assert set(file.keys()) == {"weight.w", "exp_avg.w", "exp_avg_sq.w", "best.w"}
    other = torch.nn.Parameter(torch.zeros(2))
    fresh_optimizer = torch.optim.AdamW([other], lr=0.1)
    found, best = load_checkpoint(tmp_path, "run", {"w": other}, fresh_optimizer)
    assert found == progress
    assert best["w"].tolist() == [3.0, 4.0]
    assert torch.equal(other, before)
    kept = fresh_optimizer.state[other]
    # AdamW after one step from zero: (1 - .9) g and (1 - .999) g^2
    assert kept["exp_avg"].tolist() == pytest.approx([0.05, 0.025])
    assert kept["exp_avg_sq"].tolist() == pytest.approx([0.00025, 0.0000625])
    assert kept["step"] == 7.0


def test_saves_cost_at_most_a_twentieth_of_the_time(tmp_path, monkeypatch):
    """A save of 1 s is followed by at least 20 s without one, whatever was asked for."""
    now = [0.0]
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    saved = []

    def save(*args):
        saved.append(now[0])
        now[0] += 1.0

    monkeypatch.setattr(loop, "save_checkpoint", save)
    saver = loop._Saver(tmp_path, "run", {}, None, 2.0)
    for second in range(1, 60):
        now[0] = max(now[0], float(second))
        saver.maybe(Progress(), None)
    assert saved[0] == 2.0
    assert all(b - a >= 21.0 for a, b in pairwise(saved))
    assert len(saved) == 3
