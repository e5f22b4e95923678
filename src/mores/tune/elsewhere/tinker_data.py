"""Our loss in Tinker's terms, and what of a recipe has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mores.records import Recipe
from mores.tune.encode import EncodedSample

LORA_ALPHA = 32
"""Tinker's own; its settings of an adapter have no such number."""


def not_honoured(recipe: Recipe) -> list[str]:
    """What Tinker cannot do of a recipe, in words."""
    lines = []
    if recipe.method == "full":
        lines.append(
            f"recipe.method = full: adapters of rank {recipe.lora_rank} are trained instead"
        )
    if recipe.lora_alpha != LORA_ALPHA:
        lines.append(f"recipe.lora_alpha = {recipe.lora_alpha}: the host's own, {LORA_ALPHA}")
    if recipe.anchor:
        lines.append(f"recipe.anchor = {recipe.anchor:g}: nothing holds the model to base")
    if recipe.held_out:
        lines.append(
            f"recipe.held_out = {recipe.held_out:g}: all samples are trained on, for all epochs"
        )
    if recipe.dtype != "auto":
        lines.append(f"recipe.dtype = {recipe.dtype}: the host's own")
    return lines


def data_of(samples: Sequence[EncodedSample], prompt_weight: float) -> tuple[list[Any], float]:
    """Return samples as Tinker takes them, and the sum of their weights.

    The host adds up weighted losses. Our loss is divided by the sum of the step's weights, so the
    weights that are sent are: then gradients are ours, and so is the norm at which they are cut.

    Args:
        samples: those of one optimiser step.
        prompt_weight: loss weight of prompt tokens; completion tokens weigh 1.
    """
    from tinker import types

    weights = [sample.weights(prompt_weight) for sample in samples]
    total = sum(map(sum, weights))
    return [
        types.Datum(
            model_input=types.ModelInput.from_ints(list(sample.ids[:-1])),
            loss_fn_inputs={
                "target_tokens": list(sample.ids[1:]),
                "weights": [w / total for w in own[1:]],
            },
        )
        for sample, own in zip(samples, weights, strict=True)
    ], total


def answer_loss(samples: Sequence[EncodedSample], logprobs: Sequence[Sequence[float]]) -> float:
    """Mean loss of answer tokens in nats.

    Args:
        samples: those of one optimiser step.
        logprobs: of each sample's tokens after its first, in nats.
    """
    answers = [
        own[sample.prompt_length - 1 : sample.size - 1]
        for sample, own in zip(samples, logprobs, strict=True)
    ]
    return -sum(map(sum, answers)) / sum(map(len, answers))
