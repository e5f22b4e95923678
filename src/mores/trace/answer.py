"""The gradient of an answer at the checkpoints of an arm's training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from mores.errors import ModelError
from mores.records import Recipe
from mores.trace.gradients import gradient
from mores.trace.keep import adapter_file
from mores.trace.model import KeptGradients
from mores.trace.sketch import Sketch, Vector
from mores.tune.encode import EncodedSample

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel


def answer_gradients(
    loaded: LoadedModel, recipe: Recipe, folder: Path, kept: KeptGradients, answer: EncodedSample
) -> list[Vector]:
    """Return the sketch of an answer's gradient at each checkpoint; the base is put back.

    The loss is that of the answer's tokens alone.

    Args:
        loaded: the base model.
        recipe: that the arm was tuned with.
        folder: of the checkpoints' adapters.
        kept: what the samples' gradients were taken with.
        answer: the question with the answer.

    Raises:
        ModelError: the adapters do not fit the model.
    """
    from safetensors.torch import load_file

    sketch, found = Sketch(kept.weights, kept.dimension), []
    scale = recipe.lora_alpha / recipe.lora_rank
    for step in kept.checkpoints:
        path = folder / adapter_file(step)
        with put(loaded, load_file(path), scale) as weights:
            length = sum(w.numel() for w in weights)
            if length != kept.weights:
                raise ModelError(
                    f"expected adapters of {kept.weights:,} numbers on this model's layers, "
                    f"found {length:,}",
                    path=path,
                    fix="they belong to another base model; delete this folder and trace again",
                )
            found.append(sketch(gradient(loaded, answer, 0.0, weights)))
    return found


@contextmanager
def put(
    loaded: LoadedModel, adapter: Mapping[str, torch.Tensor], scale: float
) -> Iterator[list[torch.Tensor]]:
    """Put an adapter beside a model's layers for the time of a block, without PEFT's wrappers.

    Making those takes longer than an answer's gradient.

    Args:
        loaded: the base model.
        adapter: weights by the names of PEFT's files.
        scale: alpha / rank.

    Yields:
        The tensors to take gradients by, in the order that they have in training.
    """
    from mores.tune.adapters import put_layer

    layers = {n: m for n, m in loaded.model.named_modules() if _name(n, "A") in adapter}
    weights: list[torch.Tensor] = []
    try:
        for path, base in layers.items():
            down, up = (
                adapter[_name(path, part)].to(loaded.device).requires_grad_() for part in "AB"
            )
            put_layer(loaded.model, path, _Beside(base, down, up, scale))
            weights += [down, up]
        yield weights
    finally:
        for path, base in layers.items():
            put_layer(loaded.model, path, base)


class _Beside(torch.nn.Module):
    """A linear layer of any kind, and a low-rank product beside it."""

    def __init__(
        self, base: torch.nn.Module, down: torch.Tensor, up: torch.Tensor, scale: float
    ) -> None:
        super().__init__()
        self.base, self.scale = base, scale
        self.low = (down, up)  # in a tuple: no parameters of the model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        down, up = self.low
        y: torch.Tensor = self.base(x)
        low = (x.to(down.dtype) @ down.T) @ up.T
        return y + (self.scale * low).to(y.dtype)


def _name(path: str, part: str) -> str:
    return f"base_model.model.{path}.lora_{part}.weight"
