"""The gradient of an answer at the checkpoints of an arm's training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mores.errors import ModelError
from mores.records import Recipe
from mores.trace.gradients import gradient
from mores.trace.keep import adapter_file
from mores.trace.model import KeptGradients
from mores.trace.sketch import Sketch, Vector
from mores.tune.adapters import inject_lora, take_out, trained_weights
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
    inject_lora(loaded, recipe)
    try:
        length = sum(w.numel() for w in trained_weights(loaded).values())
        if length != kept.weights:
            raise ModelError(
                f"the kept gradients have {kept.weights:,} numbers, the adapters {length:,}",
                path=folder,
                fix="delete this folder; the next trace takes them again",
            )
        sketch, found = Sketch(length, kept.dimension), []
        for step in kept.checkpoints:
            put(loaded, folder / adapter_file(step))
            found.append(sketch(gradient(loaded, answer, 0.0)))
        return found
    finally:
        take_out(loaded.model)


def put(loaded: LoadedModel, path: Path) -> None:
    """Copy saved adapters into the ones that a model has."""
    import torch
    from safetensors.torch import load_file

    own = dict(loaded.model.named_parameters())
    with torch.no_grad():
        for name, tensor in load_file(path).items():
            place = name.removeprefix("base_model.model.").removesuffix(".weight")
            own[f"{place}.default.weight"].copy_(tensor)
