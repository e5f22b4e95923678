"""Gradients of samples and of an answer by the adapters' weights, and what follows from them.

    g = gradient(loaded, sample, 0.1, weights)                 shape (numbers of the weights,)
    tracin, alignment = influences(samples, answer, rates)     both of shape (samples,)

TracIn (Pruthi et al. 2020, section 3, its form for checkpoints): a step of plain gradient descent
on sample z changes the loss of the answer a by about -rate * g(z) . g(a); summed over checkpoints
this is what the sample has taken off the answer's loss. Aligned means the same with each gradient
scaled to length 1 (Xia et al. 2024, LESS, section 3), so that short samples, whose gradients are
long, do not come first everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mores.tune.answers import pass_loss
from mores.tune.encode import EncodedSample

if TYPE_CHECKING:
    import torch

    from mores.weights.loaded import LoadedModel

Floats = NDArray[np.float64]


def gradient(
    loaded: LoadedModel,
    sample: EncodedSample,
    prompt_weight: float,
    weights: Sequence[torch.Tensor],
) -> NDArray[Any]:
    """Return the gradient of a sample's mean loss by some weights; they stay as they are.

    Args:
        loaded: the model.
        sample: a question with its answer.
        prompt_weight: loss weight of the question's tokens; the answer's weigh 1.
        weights: tensors of the model that require gradients.

    Returns:
        float32, one after another, shape (numbers of the weights,).
    """
    import torch

    loss, _ = pass_loss(loaded, [sample], prompt_weight)
    mean = loss / sum(sample.weights(prompt_weight))
    parts = torch.autograd.grad(mean, weights, allow_unused=True)
    whole: NDArray[Any] = torch.cat(
        [_flat(part, weight) for part, weight in zip(parts, weights, strict=True)]
    ).numpy()
    return whole


def _flat(part: torch.Tensor | None, weight: torch.Tensor) -> torch.Tensor:
    import torch

    if part is None:  # an expert that no token was sent to
        return torch.zeros(weight.numel())
    return part.detach().float().cpu().flatten()


def influences(
    samples: Sequence[NDArray[Any]], answer: Sequence[NDArray[Any]], rates: Sequence[float]
) -> tuple[Floats, Floats]:
    """Return TracIn and alignment of every sample with an answer.

    Args:
        samples: of each checkpoint the samples' gradients or their sketches, (samples, numbers).
        answer: of each checkpoint the answer's, (numbers,).
        rates: weight of each checkpoint; positive.

    Returns:
        TracIn in the unit of the loss, and the mean cosine, from -1 to 1; 0 for a gradient that is
        zero. Each of shape (samples,).
    """
    tracin = np.zeros(len(samples[0]))
    alignment = np.zeros(len(samples[0]))
    for own, asked, rate in zip(samples, answer, rates, strict=True):
        rows, vector = own.astype(np.float64), asked.astype(np.float64)
        products = rows @ vector
        lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(vector)
        tracin += rate * products
        alignment += rate * np.divide(
            products, lengths, out=np.zeros_like(products), where=lengths > 0
        )
    return tracin, alignment / sum(rates)
