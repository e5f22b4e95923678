"""The loss of answers: each token's negative log-likelihood, weighted, over the sum of weights.

row = accumulate(loaded, batch, 0.1, 512)    # adds the gradients of one step
loss = mean_loss(loaded, held_out)           # nats a token, no gradient
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mores.tune.batches import micro_batches
from mores.tune.encode import EncodedSample
from mores.tune.group import ALONE, Group
from mores.weights.attention import Layout

if TYPE_CHECKING:
    import torch

    from mores.weights.loaded import LoadedModel


def accumulate(
    loaded: LoadedModel,
    batch: Sequence[EncodedSample],
    prompt_weight: float,
    micro_tokens: int,
    group: Group = ALONE,
) -> dict[str, Any]:
    """Add the gradient of one step's samples, cut into forward passes that fit.

    Args:
        loaded: the model in training.
        batch: the samples of the step, the same in every process.
        prompt_weight: loss weight of prompt tokens.
        micro_tokens: most tokens of a pass; a longer sample gets one of its own.
        group: the processes that share the step.

    Returns:
        loss and prompt_loss, in nats a token, without weights; tokens.
    """
    total_weight = sum(sum(s.weights(prompt_weight)) for s in batch)
    sums = np.zeros(4)
    for part, counts in group.passes([s.size for s in batch], micro_tokens):
        loss, counted = pass_loss(loaded, [batch[i] for i in part], prompt_weight)
        (loss / total_weight if counts else 0.0 * loss).backward()  # type: ignore[no-untyped-call]
        sums += counted if counts else 0.0
    prompt_sum, prompt_count, answer_sum, answer_count = np.sum(group.together([sums]), axis=0)
    return {
        "loss": float(answer_sum / answer_count),
        "prompt_loss": float(prompt_sum / prompt_count) if prompt_count else None,
        "tokens": sum(s.size for s in batch),
    }


def pass_loss(
    loaded: LoadedModel, samples: Sequence[EncodedSample], prompt_weight: float
) -> tuple[torch.Tensor, np.ndarray[Any, Any]]:
    """Forward one flat row of samples.

    Returns:
        The weighted sum of losses (nats), and (prompt loss sum, prompt tokens, answer loss sum,
        answer tokens).
    """
    import torch

    from mores.tune.loss import head_loss

    ids = torch.tensor([i for s in samples for i in s.ids])
    hidden = loaded.hidden(ids, Layout.of([s.size for s in samples]))
    # The state at token t predicts token t + 1, so sources sit one place before their targets.
    sources, targets, weights, is_answer = [], [], [], []
    at = 0
    for sample in samples:
        of_sample = sample.weights(prompt_weight)
        for t in range(1, sample.size):
            answer = t >= sample.prompt_length
            if of_sample[t] > 0.0 or answer:
                sources.append(at + t - 1)
                targets.append(sample.ids[t])
                weights.append(of_sample[t])
                is_answer.append(answer)
        at += sample.size
    device = hidden.device
    loss, losses = head_loss(
        loaded.head,
        hidden[torch.tensor(sources, device=device)],
        torch.tensor(targets, device=device),
        torch.tensor(weights, device=device),
    )
    answer_mask = np.array(is_answer)
    each = losses.cpu().double().numpy()
    counted = np.array(
        [each[~answer_mask].sum(), (~answer_mask).sum(), each[answer_mask].sum(), answer_mask.sum()]
    )
    return loss, counted


def mean_loss(
    loaded: LoadedModel, samples: Sequence[EncodedSample], micro_tokens: int = 1024
) -> float:
    """Mean loss of answer tokens in nats, over all samples together."""
    import torch

    sums = np.zeros(4)
    with torch.no_grad():
        for part in micro_batches([s.size for s in samples], micro_tokens):
            sums += pass_loss(loaded, [samples[i] for i in part], 0.0)[1]
    return float(sums[2] / sums[3])
