"""Two processes that share every step give what one process gives."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file
from sharded_cases import CASES, HANDED_OVER, RECIPE, TEXTS, Stop, run

from mores.errors import ModelError
from mores.tune.adapters import ADAPTER_WEIGHTS, FULL_WEIGHTS
from mores.tune.batches import steps_per_epoch
from mores.tune.sharded.ranks import Ranks


@pytest.fixture(scope="module")
def models(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from architectures import write

    folder = tmp_path_factory.mktemp("sharded-models")
    shutil.copytree(tiny_folder, folder / "tiny-model")
    write(tiny_folder, folder / "mixtral", "mixtral")
    return folder


@pytest.fixture(scope="module")
def by_two(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes made of all cases, started once."""
    out = tmp_path_factory.mktemp("by-two")
    with pytest.raises(Stop):
        run(models, "lora", out, checkpoints=out / "begun by one", stop_at=HANDED_OVER)
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    cases = Path(__file__).with_name("sharded_cases.py")
    told = subprocess.run(
        [sys.executable, "-m", *launcher, str(cases), str(models), str(out)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert told.returncode == 0, told.stderr[-5000:]
    return out


def gap(one: Path, two: Path) -> float:
    """Largest difference of any weight."""
    name = FULL_WEIGHTS if (one / FULL_WEIGHTS).exists() else ADAPTER_WEIGHTS
    a, b = load_file(one / name), load_file(two / name)
    assert sorted(a) == sorted(b)
    return max(float((a[n].float() - b[n].float()).abs().max()) for n in a)


def assert_rows(found, expected, within=1e-5) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert sorted(one) == sorted(other)
        assert one == pytest.approx(other, abs=within, rel=within)


MOST = {
    "held out": 1e-5,  # its learning rate is 27 times that of the others
    # AdamW's first steps are the sign of the gradient, and rounding to 8 bits decides some signs.
    "bfloat16": 1e-1,
}
"""Largest difference of a weight."""


@pytest.mark.parametrize("name", CASES)
def test_the_weights_and_the_log_of_two_processes_are_those_of_one(by_two, models, tmp_path, name):
    _, result = run(models, name, tmp_path)
    first, second = json.loads((by_two / f"{name}.json").read_text())
    assert_rows(first["log"], result.log, 5e-2 if name == "bfloat16" else 1e-5)
    assert first["log"] == second["log"]
    assert gap(tmp_path, by_two / name) <= MOST.get(name, 1e-6)
    assert first["rest"] == [
        result.held_out,
        result.best_epoch,
        result.stopped_early,
        result.trained,
    ]
    assert len(result.log) == (3 if name == "held out" else 6)


@pytest.mark.parametrize("name", CASES)
def test_each_process_holds_half_of_every_layer(by_two, name):
    """Of the base; adapters, embeddings and the last norm are whole in both."""
    both = json.loads((by_two / f"{name}.json").read_text())
    for told in both:
        assert all(kind.startswith("FSDP") for kind in told["kinds"])
        assert told["held"] == pytest.approx(told["whole"] / 2, rel=0.01)
    assert sum(told["held"] for told in both) == both[0]["whole"]


def test_early_stopping_and_the_sharing_out_of_five_over_two_are_met(by_two):
    """The comparisons above say something only if these cases occur."""
    first, _ = json.loads((by_two / "held out.json").read_text())
    _, best_epoch, stopped_early, _ = first["rest"]
    assert (best_epoch, stopped_early) == (2, True)
    assert steps_per_epoch(len(TEXTS), RECIPE.batch_size) == 2  # five samples, then one


def test_one_process_goes_on_where_two_were_broken_off_and_the_other_way_round(
    by_two, models, tmp_path
):
    _, whole = run(models, "lora", tmp_path / "whole")
    checkpoints = tmp_path / "checkpoints"
    shutil.copytree(by_two / "begun by two", checkpoints)
    _, result = run(models, "lora", tmp_path / "ended", checkpoints=checkpoints)
    assert 0 < result.tokens < whole.tokens
    assert_rows(result.log, whole.log)
    assert gap(tmp_path / "ended", tmp_path / "whole") <= 1e-6
    log, tokens = json.loads((by_two / "ended by two.json").read_text())
    assert 0 < tokens < whole.tokens
    assert_rows(log, whole.log)
    assert gap(by_two / "ended by two", tmp_path / "whole") <= 1e-6


def test_short_of_memory_the_processes_load_one_after_another(by_two):
    assert json.loads((by_two / "in turn.json").read_text()) == [True, True]
    assert gap(by_two / "in turn", by_two / "lora") == 0.0


# What cannot be divided ------------------------------------------------------------------


def quantised(loaded) -> None:
    loaded.quantised = "bitsandbytes"


def shared(loaded) -> None:
    layers = loaded.decoder.layers
    layers[1] = layers[0]


def no_list(loaded) -> None:
    loaded.model.config.num_hidden_layers = 7


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (quantised, "bitsandbytes weights are not divided"),
        (shared, "its layers share weights"),
        (no_list, "its decoder has no list of layers"),
    ],
)
def test_what_cannot_be_divided_is_refused(tiny, change, why):
    change(tiny)
    with pytest.raises(ModelError, match=f"LlamaForCausalLM .*: {why}") as told:
        object.__new__(Ranks).spread(tiny)
    assert told.value.fix == 'set tuner = "torch"'
