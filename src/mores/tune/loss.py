"""Weighted cross-entropy straight from hidden states, without a full logits matrix.

With a vocabulary of 49,152 the logits of 1,000 tokens take 200 MB, and as much
again for their gradient. Here they are made a block at a time; each block's
gradient is taken at once and only its products with the output weights are kept.

    total, losses = head_loss(loaded.head, states, targets, weights)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from mores.weights.product import product

if TYPE_CHECKING:
    from mores.weights.head import Head

BLOCK = 256
"""Positions whose logits exist at the same time."""


class _WeightedCrossEntropy(torch.autograd.Function):
    """Sum over positions of weight times negative log-likelihood, in nats."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        output: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor,
        cap: float | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        needs_hidden, needs_output = ctx.needs_input_grad[:2]
        exact = torch.promote_types(hidden.dtype, torch.float32)
        losses = torch.empty(len(targets), dtype=exact, device=hidden.device)
        d_hidden = torch.empty_like(hidden) if needs_hidden else None
        d_output = torch.zeros_like(output) if needs_output else None
        for start in range(0, len(targets), BLOCK):
            part = slice(start, start + BLOCK)
            logits = product(hidden[part], output).to(exact)
            if cap is not None:
                logits = logits.div_(cap).tanh_()
                slope = 1.0 - logits.square()  # of c * tanh(x / c)
                logits.mul_(cap)
            picked = logits.gather(-1, targets[part, None])
            # log-sum-exp by hand: in place, and its exponentials are the gradient's too.
            peak = logits.amax(-1, keepdim=True)
            gradient = logits.sub_(peak).exp_()
            mass = gradient.sum(-1, keepdim=True)
            losses[part] = (peak + mass.log() - picked)[:, 0]
            if d_hidden is None and d_output is None:
                continue
            # d(loss)/d(logits) = weight * (softmax - one-hot)
            weight = weights[part, None]
            gradient.mul_(weight / mass)
            gradient.scatter_add_(-1, targets[part, None], -weight.to(exact))
            if cap is not None:
                gradient.mul_(slope)
            gradient = gradient.to(hidden.dtype)
            if d_hidden is not None:
                d_hidden[part] = product(gradient, output.T)
            if d_output is not None:
                d_output.addmm_(gradient.T, hidden[part])
        ctx.save_for_backward(d_hidden, d_output)
        ctx.mark_non_differentiable(losses)
        return (losses * weights).sum(), losses

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        d_hidden, d_output = ctx.saved_tensors
        scale = grads[0]
        return (
            None if d_hidden is None else d_hidden * scale.to(d_hidden.dtype),
            None if d_output is None else d_output * scale.to(d_output.dtype),
            None,
            None,
            None,
        )


def weighted_loss(
    hidden: torch.Tensor,
    output: torch.Tensor,
    targets: torch.Tensor,
    weights: torch.Tensor,
    cap: float | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the weighted sum of losses, and each position's loss without gradient.

    Args:
        hidden: final hidden states, shape (positions, width).
        output: weights of the output layer, shape (vocabulary, width).
        targets: token id to predict at each position, shape (positions,).
        weights: loss weight of each position, shape (positions,).
        cap: logits x become cap * tanh(x / cap), where given.

    Returns:
        A scalar in nats with gradients towards ``hidden`` and ``output``, and losses of shape
        (positions,) in nats.
    """
    total, losses = _WeightedCrossEntropy.apply(hidden, output, targets, weights, cap)  # type: ignore[no-untyped-call]
    return total, losses


def head_loss(
    head: Head, states: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the loss of a model's final states, whatever its output layer is; see `weighted_loss`.

    Args:
        head: what makes logits of states.
        states: final states, shape (positions, width); logits where the head has no layer.
        targets: token id to predict at each position, shape (positions,).
        weights: loss weight of each position, shape (positions,).
    """
    output = head.weight
    if output is None:
        losses = torch.nn.functional.cross_entropy(states.float(), targets, reduction="none")
        return (losses * weights).sum(), losses.detach()
    if head.bias is not None:  # one more column, that every state has a 1 for
        states = torch.cat([states, states.new_ones(len(states), 1)], 1)
        output = torch.cat([output, head.bias[:, None]], 1)
    return weighted_loss(states * head.scale, output, targets, weights, head.cap)
