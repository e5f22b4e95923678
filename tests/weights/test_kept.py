"""A base model is loaded once for the steps of a command, and never given out changed."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from mores.records import Recipe
from mores.sample.weights import adapted, swapped
from mores.tune.adapters import make_trainable, save_tuned, take_out
from mores.tune.encode import EncodedSample
from mores.tune.loop import fit
from mores.weights import kept as room
from mores.weights.kept import keeping
from mores.weights.load import load
from mores.weights.resolve import resolve

RECIPES = {
    "lora": Recipe(method="lora", epochs=1, batch_size=2, learning_rate=1e-2),
    "full": Recipe(method="full", epochs=1, batch_size=2, learning_rate=1e-2),
}
SAMPLES = [EncodedSample(f"s{i}", tuple(range(5 + i, 25 + i)), 4) for i in range(4)]


@pytest.fixture
def resolved(tiny_folder: Path):
    return resolve(str(tiny_folder))


def weights(loaded) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in loaded.model.named_parameters()}


def test_outside_of_a_command_each_load_is_its_own(resolved) -> None:
    assert load(resolved) is not load(resolved)
    with keeping():
        with keeping():
            first = load(resolved)
        assert load(resolved) is first
        assert load(resolved, plain="for once") is not first
    assert room._slot.loaded is None
    assert load(resolved) is not first


@pytest.mark.parametrize("method", ["lora", "full"])
def test_after_a_training_the_next_arm_begins_with_the_base(resolved, method) -> None:
    with keeping():
        first = load(resolved)
        before = weights(first)
        fit(first, SAMPLES, RECIPES[method], seed=1)
        if method == "lora":
            take_out(first.model)
        again = load(resolved)
        assert (again is first) == (method == "lora")
        assert all(torch.equal(before[n], p) for n, p in weights(again).items())
        assert set(before) == set(weights(again))


def test_adapters_that_are_left_in_are_never_given_out(resolved) -> None:
    with keeping():
        first = load(resolved)
        make_trainable(first, RECIPES["lora"], 1)
        again = load(resolved)
        assert again is not first
        assert not any("lora_" in n for n in weights(again))


def test_a_training_gives_the_same_bytes_on_a_kept_model(resolved, tmp_path: Path) -> None:
    files = []
    with keeping():
        for number in range(2):
            loaded = load(resolved)
            fit(loaded, SAMPLES, RECIPES["lora"], seed=3)
            save_tuned(loaded, RECIPES["lora"], tmp_path / str(number), "tiny")
            take_out(loaded.model)
            files.append((tmp_path / str(number) / "adapter_model.safetensors").read_bytes())
        with adapted(loaded, {"one": tmp_path / "0"}):
            pass
        assert load(resolved) is loaded
    assert files[0] == files[1]


def test_weights_that_were_written_to_are_read_again(resolved, tmp_path: Path) -> None:
    with keeping():
        first = load(resolved)
        tuned = copy.copy(first)
        tuned.model = copy.deepcopy(first.model)
        fit(tuned, SAMPLES, RECIPES["full"], seed=1)
        save_tuned(tuned, RECIPES["full"], tmp_path, "tiny")
        before = weights(first)
        with swapped(first, tmp_path):
            assert load(resolved) is not first
        assert all(torch.equal(before[n], p) for n, p in weights(load(resolved)).items())
