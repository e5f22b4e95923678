"""The low-rank forward and backward pass of one linear layer, without extra passes over memory.

PEFT makes, names and draws the adapters. Its forward multiplies and adds whole
activations for each of them; on a CPU these passes cost as much as a quarter of
the matrix products. Here the low-rank product is accumulated into the layer's
output, and its gradient into the input's, by the product itself.

    y  = x W' + b + s (x A') B'
    dx = dy W + s (dy B) A,   dA = s (dy B)' x,   dB = s dy' (x A')

Where the base is in 16 bits, adapters and their moments are kept in 32: a step of the optimiser is
often smaller than the last digit of a bfloat16, and would be lost.
"""

from __future__ import annotations

from typing import Any

import torch

from mores.weights.product import Quick, product


class _LowRank(torch.autograd.Function):
    """A frozen linear layer plus a trained low-rank product."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        down: torch.Tensor,
        up: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        kept = down.dtype
        # Adapters may be kept in more digits than the base computes in.
        down, up = down.to(x.dtype), up.to(x.dtype)
        rows = x.reshape(-1, x.shape[-1])
        inner = rows @ down.T
        # Not a view, since some architectures add to it in place.
        y = product(x, weight, bias)
        y.view(-1, y.shape[-1]).addmm_(inner, up.T, alpha=scale)
        ctx.save_for_backward(rows, weight, down, up, inner)
        ctx.scale, ctx.shape, ctx.kept = scale, x.shape, kept
        return y

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        rows, weight, down, up, inner = ctx.saved_tensors
        dy = grads[0].reshape(-1, grads[0].shape[-1])
        d_inner = dy @ up
        dx = None
        if ctx.needs_input_grad[0]:
            dx = product(dy, weight.T)
            dx.addmm_(d_inner, down, alpha=ctx.scale)
            dx = dx.view(ctx.shape)
        d_down = (d_inner.T @ rows).mul_(ctx.scale)
        d_up = (dy.T @ inner).mul_(ctx.scale)
        return dx, None, None, d_down.to(ctx.kept), d_up.to(ctx.kept), None


def fuse(layer: Any) -> None:
    """Give one of PEFT's adapted linear layers the pass above; its parameters stay PEFT's.

    Layers of another kind (transposed as in GPT-2, or quantised) keep PEFT's own.
    """
    base = layer.base_layer
    if type(base) not in (torch.nn.Linear, Quick):
        return
    scale = float(layer.scaling["default"])
    for low in (layer.lora_A["default"], layer.lora_B["default"]):
        low.to(torch.promote_types(low.weight.dtype, torch.float32))

    def forward(x: torch.Tensor) -> torch.Tensor:
        # Looked up each time: sharded weights are put together only while a layer runs.
        down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
        y: torch.Tensor = _LowRank.apply(x, base.weight, base.bias, down, up, scale)  # type: ignore[no-untyped-call]
        return y

    layer.forward = forward
