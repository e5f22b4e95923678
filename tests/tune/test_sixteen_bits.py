"""Training with a base in bfloat16: what is trained keeps 32 bits, so that small steps count."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mores.records import Recipe
from mores.study import load_study
from mores.tune.adapters import make_trainable
from mores.tune.lora import _LowRank
from mores.tune.run import tune
from mores.weights.load import load
from mores.weights.resolve import resolve


def test_adapters_beside_a_bfloat16_base_have_32_bits(tiny_folder: Path) -> None:
    loaded = load(resolve(str(tiny_folder)), dtype="bfloat16")
    trained = make_trainable(loaded, Recipe(lora_rank=4, lora_alpha=8), 1)
    assert {p.dtype for p in trained.values()} == {torch.float32}
    base = {p.dtype for n, p in loaded.model.named_parameters() if n not in trained}
    assert base == {torch.bfloat16}


def test_the_low_rank_pass_gives_gradients_in_the_adapters_own_digits() -> None:
    generator = torch.Generator().manual_seed(0)
    x, weight, down, up = (
        torch.randn(shape, generator=generator) for shape in ((5, 8), (6, 8), (2, 8), (6, 2))
    )
    exact = [t.double().requires_grad_() for t in (down, up)]
    y = x.double() @ weight.double().T + 0.5 * (x.double() @ exact[0].T) @ exact[1].T
    y.square().sum().backward()
    own = [t.clone().requires_grad_() for t in (down, up)]
    half = _LowRank.apply(x.bfloat16(), weight.bfloat16(), None, *own, 0.5)
    assert half.dtype == torch.bfloat16
    half.float().square().sum().backward()
    for mine, theirs in zip(own, exact, strict=True):
        assert mine.grad is not None
        assert mine.grad.dtype == torch.float32
        # Eight binary digits a factor, some of them multiplied: a few hundredths.
        scale = float(theirs.grad.abs().max())
        assert float((mine.grad - theirs.grad).abs().max()) < 0.05 * scale


@pytest.mark.parametrize("method", ["lora", "full"])
def test_steps_below_the_last_digit_are_not_lost(tiny_study: Path, method: str) -> None:
    """At a rate of 1e-5 a step is smaller than a bfloat16's last digit for most weights."""
    settings = (
        f'recipe.method="{method}"',
        "recipe.learning_rate=1e-5",
        'recipe.schedule="constant"',
        "recipe.warmup=0.0",
        "recipe.anchor=0.0",
        'arms=["base", "values_targeted"]',
    )
    found = {}
    for dtype in ("float32", "bfloat16"):
        study = load_study(tiny_study, overrides=(*settings, f'recipe.dtype="{dtype}"'))
        (arm,) = tune(study)
        name = "model.safetensors" if method == "full" else "adapter_model.safetensors"
        found[dtype] = {n: t.float() for n, t in load_file(arm.folder / name).items()}
        assert {t.dtype for t in load_file(arm.folder / name).values()} == {torch.float32}
    start = load(resolve(str(study.config.models[0].name)))
    if method == "full":
        before = dict(start.model.named_parameters())
    else:
        make_trainable(start, study.config.recipe, 1)
        before = {
            f"base_model.model.{n}".replace(".default.", "."): p
            for n, p in start.model.named_parameters()
            if ".lora_" in n
        }
    moved = {
        dtype: torch.cat(
            [
                (t - before[n].detach()).flatten()
                for n, t in sorted(tensors.items())
                if "lora_A" not in n  # moves by what the other half has moved: noise at first
            ]
        )
        for dtype, tensors in found.items()
    }
    exact, half = moved["float32"], moved["bfloat16"]
    assert float((half == 0).float().mean()) <= float((exact == 0).float().mean()) + 0.01
    # Adam moves by the gradient's sign at first: most signs agree.
    cosine = torch.nn.functional.cosine_similarity(exact, half, dim=0)
    assert cosine > 0.9
