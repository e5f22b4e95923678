"""What is saved can be read by other tools, and gives the same logits there."""

from __future__ import annotations

import errno
import json
import stat

import msgspec
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from mores.errors import DataError, ModelError, StoreError
from mores.tune.adapters import make_trainable, read_adapter, save_tuned
from mores.tune.loop import fit
from mores.weights.attention import Layout
from mores.weights.load import load
from mores.weights.resolve import resolve

IDS = torch.tensor([0, 17, 45, 60, 33, 90, 120, 8, 260, 300])


def tuned(fresh, samples, recipe, method):
    loaded = fresh()
    recipe = msgspec.structs.replace(recipe, method=method, learning_rate=0.01)
    fit(loaded, samples, recipe, seed=1)
    return loaded, recipe


@torch.no_grad()
def ours(loaded) -> torch.Tensor:
    return loaded.logits(loaded.hidden(IDS, Layout.of([len(IDS)])))


@torch.no_grad()
def theirs(model) -> torch.Tensor:
    return model.eval()(input_ids=IDS[None], use_cache=False).logits[0]


def base_model(folder):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder)


def test_an_adapter_loads_in_peft_with_the_same_logits(
    fresh, samples, recipe, tmp_path, tiny_folder
):
    from peft import PeftModel

    loaded, recipe = tuned(fresh, samples, recipe, "lora")
    digests = save_tuned(loaded, recipe, tmp_path, str(tiny_folder))
    assert sorted(digests) == ["adapter_config.json", "adapter_model.safetensors"]
    before = theirs(base_model(tiny_folder))
    model = PeftModel.from_pretrained(base_model(tiny_folder), tmp_path)
    torch.testing.assert_close(theirs(model), ours(loaded), atol=1e-5, rtol=1e-5)
    assert (theirs(model) - before).abs().max() > 0.05
    merged = model.merge_and_unload()
    torch.testing.assert_close(theirs(merged), ours(loaded), atol=1e-4, rtol=1e-4)


def test_an_adapter_says_what_it_is(fresh, samples, recipe, tmp_path):
    loaded, recipe = tuned(fresh, samples, recipe, "lora")
    save_tuned(loaded, recipe, tmp_path, "org/base")
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert (config["peft_type"], config["r"], config["lora_alpha"]) == ("LORA", 4, 8)
    assert config["base_model_name_or_path"] == "org/base"
    assert config["target_modules"] == [
        "down_proj",
        "gate_proj",
        "k_proj",
        "o_proj",
        "q_proj",
        "up_proj",
        "v_proj",
    ]
    weights, scale = read_adapter(tmp_path)
    assert scale == 8 / 4
    assert len(weights) == 2 * 7 * 2
    assert all(name.startswith("base_model.model.model.layers.") for name in weights)
    assert not any("default" in name for name in weights)


def test_a_full_tuning_is_a_model_folder(fresh, samples, recipe, tmp_path):
    from transformers import AutoTokenizer

    loaded, recipe = tuned(fresh, samples, recipe, "full")
    digests = save_tuned(loaded, recipe, tmp_path, "base")
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(digests)
    assert sorted(digests) == sorted(p.name for p in tmp_path.iterdir())
    model = base_model(tmp_path)
    assert model.config._attn_implementation == "sdpa"  # nothing of ours is left in its config
    torch.testing.assert_close(theirs(model), ours(loaded), atol=1e-5, rtol=1e-5)
    again = load(resolve(str(tmp_path)))
    assert torch.equal(ours(again), ours(loaded))
    text = "what is a good way"
    assert AutoTokenizer.from_pretrained(tmp_path)(text) == loaded.tokenizer(text)
    assert "lm_head.weight" not in load_file(tmp_path / "model.safetensors")  # tied, kept once


def test_digests_leave_out_the_manifest_and_the_checkpoint(fresh, recipe, tmp_path):
    """The checkpoint goes at the end of a run; a manifest that names it would never be whole."""
    from mores.tune.adapters import make_trainable

    loaded = fresh()
    recipe = msgspec.structs.replace(recipe, method="lora")
    make_trainable(loaded, recipe, 1)
    for name in ("manifest.json", "checkpoint.safetensors", "log.jsonl"):
        (tmp_path / name).write_text("{}")
    assert sorted(save_tuned(loaded, recipe, tmp_path, "base")) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]


def test_weights_can_be_read_by_whoever_may_read_the_folder(fresh, samples, recipe, tmp_path):
    loaded, recipe = tuned(fresh, samples, recipe, "lora")
    save_tuned(loaded, recipe, tmp_path, "base")
    modes = {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    (tmp_path / "usual").touch()
    assert modes == {stat.S_IMODE((tmp_path / "usual").stat().st_mode)}


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_full_disk_is_a_store_error_and_leaves_the_old_weights(
    fresh, samples, recipe, tmp_path, monkeypatch, method
):
    loaded, recipe = tuned(fresh, samples, recipe, method)
    save_tuned(loaded, recipe, tmp_path, "base")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full(tensors, path, metadata=None):
        path.write_bytes(b"half")
        raise SafetensorError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        )

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(StoreError, match="disk is full") as caught:
        save_tuned(loaded, recipe, tmp_path, "base")
    assert "model.safetensors" in caught.value.path
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_disk_full_while_the_configuration_is_written(
    fresh, samples, recipe, tmp_path, monkeypatch
):
    loaded, recipe = tuned(fresh, samples, recipe, "full")

    def full(folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(loaded.model.config, "save_pretrained", full, raising=False)
    with pytest.raises(StoreError, match="disk is full"):
        save_tuned(loaded, recipe, tmp_path, "base")


def test_a_real_limit_of_the_system_is_a_store_error(tmp_path):
    """Not simulated: a process that may write no more than 64 KiB into a file."""
    resource = pytest.importorskip("resource")
    from mores.weights.weights_file import save_weights

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, hard))
    try:
        with pytest.raises(StoreError, match="File too large"):
            save_weights(tmp_path / "w.safetensors", {"a": torch.zeros(100_000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_other_errors_of_safetensors_keep_their_name(tmp_path):
    from mores.weights.weights_file import system_errors

    def fail():
        with system_errors():
            raise SafetensorError("something else")

    with pytest.raises(SafetensorError, match="something else"):
        fail()


def test_a_missing_or_damaged_adapter(fresh, samples, recipe, tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_adapter(tmp_path)
    loaded, recipe = tuned(fresh, samples, recipe, "lora")
    save_tuned(loaded, recipe, tmp_path, "base")
    path = tmp_path / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ModelError, match="cannot be read") as caught:
        read_adapter(tmp_path)
    assert "tune again" in caught.value.fix
    path.unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        read_adapter(tmp_path)


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("model.layers.0.mlp.gate", True),
        ("model.layers.0.mlp.gate.wg", True),
        ("model.layers.1.mlp.shared_expert_gate", True),
        ("model.layers.1.moe.router.layer", True),
        ("model.layers.1.mlp.gate_proj", False),
        ("model.layers.1.mlp.experts.3.up_proj", False),
    ],
)
def test_routers_are_known_by_any_part_of_their_names(name, left):
    from mores.tune.reach import _routes

    assert _routes(name) is left


def test_what_does_not_run_with_adapters_is_refused_before_training(fresh, recipe, monkeypatch):
    loaded = fresh()
    true, calls = loaded.hidden, []

    def failing(*given):
        calls.append(given)
        if len(calls) > 1:  # the first finds out which layers are reached
            raise RuntimeError("sizes differ")
        return true(*given)

    monkeypatch.setattr(loaded, "hidden", failing)
    with pytest.raises(ModelError, match="does not run with LoRA adapters: sizes differ"):
        make_trainable(loaded, msgspec.structs.replace(recipe, method="lora"), 1)
