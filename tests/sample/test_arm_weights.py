"""One base in memory for all arms: what is put in place is taken out again, bit for bit."""

from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import load_file, save_file

from mores.errors import ModelError
from mores.sample.weights import adapted, arm_in_place, swapped
from mores.weights.attention import Layout
from mores.weights.routing import AdaptedLinear, contiguous_slices, routed


def snapshot(tiny) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in tiny.model.named_parameters()}


def unchanged(tiny, before: dict[str, torch.Tensor]) -> bool:
    now = dict(tiny.model.named_parameters())
    return now.keys() == before.keys() and all(torch.equal(now[n], before[n]) for n in now)


@pytest.fixture
def full(tiny, tmp_path: Path) -> Path:
    """A full tuning: every base weight changed."""
    generator = torch.Generator().manual_seed(3)
    weights = {
        n: (p.detach() + 0.1 * torch.randn(p.shape, generator=generator)).contiguous()
        for n, p in tiny.model.named_parameters()
    }
    save_file(weights, tmp_path / "model.safetensors")
    return tmp_path


def logits(tiny) -> torch.Tensor:
    ids = torch.tensor([9, 20, 31, 42])
    with torch.inference_mode():
        return tiny.logits(tiny.hidden(ids, Layout.of([4])))


def test_swapped_runs_the_tuning_and_restores_the_base(tiny, full: Path) -> None:
    before, base = snapshot(tiny), logits(tiny)
    with swapped(tiny, full):
        inside = snapshot(tiny)
        assert not torch.equal(logits(tiny), base)
    assert all(torch.equal(inside[n], w) for n, w in load_file(full / "model.safetensors").items())
    assert unchanged(tiny, before)
    assert torch.equal(logits(tiny), base)


def test_swapped_restores_after_an_exception(tiny, full: Path) -> None:
    before = snapshot(tiny)
    with pytest.raises(KeyboardInterrupt), swapped(tiny, full):
        raise KeyboardInterrupt
    assert unchanged(tiny, before)


def test_swapped_refuses_other_names(tiny, full: Path) -> None:
    before = snapshot(tiny)
    weights = load_file(full / "model.safetensors")
    weights["odd"] = weights.pop("model.norm.weight")
    save_file(weights, full / "model.safetensors")
    with pytest.raises(ModelError, match=r"do not fit .*odd"), swapped(tiny, full):
        pass
    assert unchanged(tiny, before)


@pytest.mark.parametrize("shape", [(1,), (32, 32), (7,)])
def test_swapped_refuses_other_shapes(tiny, full: Path, shape: tuple[int, ...]) -> None:
    # (1,) would be broadcast over the whole weight without a word.
    before = snapshot(tiny)
    weights = load_file(full / "model.safetensors")
    assert weights["model.norm.weight"].shape == (32,)
    weights["model.norm.weight"] = torch.ones(shape)
    save_file(weights, full / "model.safetensors")
    with pytest.raises(ModelError, match=r"model\.norm\.weight"), swapped(tiny, full):
        pass
    assert unchanged(tiny, before)


def test_adapted_equals_peft_and_leaves_no_trace(tiny, adapters, peft_models) -> None:
    before, base = snapshot(tiny), logits(tiny)
    for name, folder in adapters.items():
        with adapted(tiny, {name: folder}), routed([(name, 0, 4)], 4):
            adapted_logits = logits(tiny)
        with torch.inference_mode():
            expected = peft_models[name](torch.tensor([[9, 20, 31, 42]])).logits[0]
        torch.testing.assert_close(adapted_logits, expected, rtol=1e-4, atol=1e-5)
        assert float((adapted_logits - base).abs().max()) > 0.1
    assert unchanged(tiny, before)
    assert not any(isinstance(m, AdaptedLinear) for m in tiny.model.modules())
    assert torch.equal(logits(tiny), base)


def test_adapted_without_slices_is_the_base(tiny, adapters) -> None:
    base = logits(tiny)
    with adapted(tiny, adapters):
        assert torch.equal(logits(tiny), base)
        with routed([("base", 0, 4)], 4):
            assert torch.equal(logits(tiny), base)


def test_adapted_is_removed_after_an_exception(tiny, adapters) -> None:
    before = snapshot(tiny)
    with pytest.raises(RuntimeError, match="stop"), adapted(tiny, adapters):
        raise RuntimeError("stop")
    assert unchanged(tiny, before)
    assert not any(isinstance(m, AdaptedLinear) for m in tiny.model.modules())


def test_a_route_ends_with_its_block(tiny, adapters) -> None:
    (name, folder), *_ = adapters.items()
    base = logits(tiny)
    with adapted(tiny, {name: folder}):
        with routed([(name, 0, 4)], 4):
            assert not torch.equal(logits(tiny), base)
        assert torch.equal(logits(tiny), base)


def copy_adapter(source: Path, target: Path, change) -> Path:
    target.mkdir()
    (target / "adapter_config.json").write_bytes((source / "adapter_config.json").read_bytes())
    weights = change(load_file(source / "adapter_model.safetensors"))
    save_file(weights, target / "adapter_model.safetensors")
    return target


def run_with(tiny, folder: Path) -> None:
    with adapted(tiny, {"control-s1": folder}), routed([("control-s1", 0, 4)], 4):
        logits(tiny)


def test_an_adapter_of_another_model_is_refused(tiny, adapters, tmp_path: Path) -> None:
    before = snapshot(tiny)
    source = adapters["control-s1"]

    def deeper(weights):
        return {k.replace("layers.1.", "layers.9."): v for k, v in weights.items()}

    def wider(weights):
        return {
            k: torch.zeros(v.shape[0], 48) if "0.self_attn.q_proj.lora_A" in k else v
            for k, v in weights.items()
        }

    for name, change in (("deeper", deeper), ("wider", wider)):
        folder = copy_adapter(source, tmp_path / name, change)
        with pytest.raises(ModelError, match="another base model"):
            run_with(tiny, folder)
        assert unchanged(tiny, before)
        assert not any(isinstance(m, AdaptedLinear) for m in tiny.model.modules())


def test_contiguous_slices_by_hand() -> None:
    assert contiguous_slices([], []) == []
    assert contiguous_slices(["a", "a", "b"], [3, 2, 4]) == [("a", 0, 5), ("b", 5, 9)]
    assert contiguous_slices(["a", "b", "a"], [1, 1, 1]) == [("a", 0, 1), ("b", 1, 2), ("a", 2, 3)]


def test_adapters_of_experts_are_not_rounded_into_the_weights(tiny_folder, tmp_path) -> None:
    """In 16 bits a small change of a large weight is lost when added to it: it runs beside it."""
    from architectures import write
    from mores.tune.adapters import save_tuned
    from mores.tune.loop import fit
    from mores.weights.load import load
    from mores.weights.resolve import resolve
    from test_architectures import ARM, RECIPE, ours, samples, tokens

    folder = write(tiny_folder, tmp_path / "moe", "qwen3_moe")
    trained = load(resolve(str(folder)))
    fit(trained, samples(), msgspec.structs.replace(RECIPE, learning_rate=1e-4), seed=1)
    save_tuned(trained, RECIPE, tmp_path / "adapter", "tiny")
    loaded = load(resolve(str(folder)), dtype="bfloat16")
    before = {n: p.clone() for n, p in loaded.model.named_parameters()}
    with arm_in_place(loaded, {ARM.weights: tmp_path / "adapter"}, ARM.weights):
        assert ours(loaded, tokens(9, 1)).dtype == torch.bfloat16
        kept = {n.replace(".base_layer", ""): p for n, p in loaded.model.named_parameters()}
        assert all(torch.equal(before[n], kept[n]) for n in before)
        ups = [p for n, p in kept.items() if "lora_B" in n]
        assert ups
        assert all(p.abs().max() > 0 for p in ups)
    assert {n for n, _ in loaded.model.named_parameters()} == set(before)
