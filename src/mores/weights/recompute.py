"""Layers that keep nothing of a pass but what went in, and run again when gradients come back.

One more forward pass, so about a third more arithmetic (Chen et al. 2016), for a fraction of the
memory, and the same numbers.

    recompute(loaded)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mores.weights.attention import _current
from mores.weights.loaded import LoadedModel


def decoder_layers(loaded: LoadedModel) -> list[Any]:
    """Return the decoder's layers in order; empty where it has no such list."""
    import torch

    count = loaded.model.config.get_text_config().num_hidden_layers
    lists = (m for m in loaded.decoder.modules() if isinstance(m, torch.nn.ModuleList))
    return next((list(m) for m in lists if len(m) == count), [])


def recompute(loaded: LoadedModel) -> None:
    """Let every layer of a model run again on the way back; safe to call twice."""
    for layer in decoder_layers(loaded):
        if "forward" not in vars(layer):
            layer.forward = _twice(layer.forward)


def _twice(forward: Callable[..., Any]) -> Callable[..., Any]:
    import torch
    from torch.utils.checkpoint import checkpoint

    def run(*args: Any, **kwargs: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*args, **kwargs)
        again = _in_this_pass(forward)
        # There is no dropout whose random numbers would have to be kept.
        return checkpoint(again, *args, use_reentrant=False, preserve_rng_state=False, **kwargs)

    return run


def _in_this_pass(run: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function run later as if in the attention context that it is called in now."""
    now = _current[-1:]

    def again(*args: Any, **kwargs: Any) -> Any:
        _current.extend(now)
        try:
            return run(*args, **kwargs)
        finally:
            del _current[len(_current) - len(now) :]

    return again
