"""Products with frozen weights, through the library that is fastest where they run.

    y = product(x, weight, bias)     # as torch.nn.functional.linear
    quicken(model)                   # its linear layers from now on go that way

On a CPU in float32 torch asks MKL for a linear layer. oneDNN, which torch carries as well, makes
the same product from the same weights; results differ by rounding alone. Which is faster depends on
who made the processor (docs/speed.md): oneDNN by 10 to 80 % on AMD's, MKL by 10 to 60 % on Intel's,
where few rows meet many weights, as in decoding. The maker decides, not a stopwatch, so that the
same machine gives the same bytes again.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import linear


def made_by_intel(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this machine's processor is Intel's, on which MKL holds nothing back."""
    try:
        with cpuinfo.open(encoding="utf-8", errors="replace") as file:
            said = file.read(1024)  # of the first core, of which there may be hundreds
    except OSError:  # not Linux
        said = platform.processor()
    return "GenuineIntel" in said


ONEDNN: Any = None if made_by_intel() else getattr(torch.ops.mkldnn, "_linear_pointwise", None)
"""oneDNN's linear layer; None where torch's own way is faster, or torch was built without it."""


def product(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """Return x W' + b, without gradients on the way that is fast.

    Args:
        x: shape (..., in).
        weight: shape (out, in), in any layout.
        bias: shape (out,).

    Returns:
        Shape (..., out).
    """
    if not _suits(x, weight):
        return linear(x, weight, bias)
    y: torch.Tensor = ONEDNN(x, weight, bias, "none", [], "")
    return y


def _suits(x: torch.Tensor, weight: torch.Tensor) -> bool:
    """Whether oneDNN is asked: plain float32 tensors on a CPU that hold anything."""
    return (
        ONEDNN is not None
        and x.dtype == weight.dtype == torch.float32
        and x.device.type == "cpu"
        and x.numel() > 0
        and torch._C._has_mkldnn  # noqa: SLF001 - what `torch.backends.mkldnn` asks, at each layer
        and not torch.is_autocast_enabled("cpu")
    )


class _Frozen(torch.autograd.Function):
    """A product whose gradient goes to x alone: dx = dy W."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        ctx.save_for_backward(weight)
        return product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        (weight,) = ctx.saved_tensors
        return product(grads[0], weight.T), None, None


class Quick(torch.nn.Linear):
    """A linear layer whose products go through `product` while its weights are frozen."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the layer to (..., in)."""
        if not torch.is_grad_enabled():
            return product(x, self.weight, self.bias)
        if self.weight.requires_grad or (self.bias is not None and self.bias.requires_grad):
            return super().forward(x)
        y: torch.Tensor = _Frozen.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return y


def quicken(model: torch.nn.Module) -> None:
    """Let every plain linear layer of a model be a `Quick` one; its weights stay where they are."""
    for layer in model.modules():
        if type(layer) is torch.nn.Linear:
            layer.__class__ = Quick
