"""One base model in memory serves every arm.

LoRA arms are applied row by row inside one batch: each linear layer adds the
low-rank product of the arm that a row belongs to. Full tunings are copied over
the base weights in place, and the base is restored afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from mores.errors import ModelError
from mores.tune.adapters import FULL_WEIGHTS, read_adapter

if TYPE_CHECKING:
    from mores.weights.load import LoadedModel

Slice = tuple[str, int, int]
"""Weights' name, first and one-past-last row (or token) that uses them."""

_routes: ContextVar[Sequence[Slice]] = ContextVar("routes", default=())
_EVERY_ROW = 1 << 40


@contextmanager
def routed(slices: Sequence[Slice]) -> Iterator[None]:
    """Say which rows use which adapter in the passes of this block; rows not named use the base."""
    token = _routes.set(slices)
    try:
        yield
    finally:
        _routes.reset(token)


class AdaptedLinear(torch.nn.Module):
    """A linear layer with several low-rank adapters, each for its own rows."""

    def __init__(self, base: torch.nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.down: dict[str, torch.Tensor] = {}
        self.up: dict[str, torch.Tensor] = {}

    def add(self, name: str, down: torch.Tensor, up: torch.Tensor, scale: float) -> None:
        """Add an adapter: ``down`` (rank, in), ``up`` (out, rank)."""
        weight = self.base.weight
        self.down[name] = down.to(weight.device, weight.dtype).T.contiguous()
        self.up[name] = (up.to(weight.device, weight.dtype) * scale).T.contiguous()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the layer to (..., in); rows count along all leading dimensions together."""
        y: torch.Tensor = self.base(x)
        rows_in = x.reshape(-1, x.shape[-1])
        rows_out = y.view(-1, y.shape[-1])
        for name, first, last in _routes.get():
            if name in self.down:
                rows_out[first:last].addmm_(rows_in[first:last] @ self.down[name], self.up[name])
        return y


@contextmanager
def adapted(loaded: LoadedModel, adapters: Mapping[str, Path]) -> Iterator[None]:
    """Install LoRA adapters for the time of a block; `routed` says which rows use them.

    Args:
        loaded: the base model.
        adapters: weights' name → folder of the adapter.

    Raises:
        ModelError: an adapter does not fit the model.
    """
    installed: dict[str, AdaptedLinear] = {}
    try:
        for name, folder in adapters.items():
            weights, scale = read_adapter(folder)
            for key in sorted(k for k in weights if k.endswith(".lora_A.weight")):
                path = key.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
                layer = installed.get(path) or _install(loaded.model, path, folder)
                installed[path] = layer
                down, up = weights[key], weights[key.replace("lora_A", "lora_B")]
                _check_shapes(layer.base, down, up, path, folder)
                layer.add(name, down, up, scale)
        yield
    finally:
        for path, layer in installed.items():
            _replace(loaded.model, path, layer.base)


def _install(model: Any, path: str, folder: Path) -> AdaptedLinear:
    try:
        base = model.get_submodule(path)
    except AttributeError:
        raise ModelError(
            f"the adapter has weights for {path!r}, which this model does not have",
            path=folder,
            fix="it belongs to another base model; tune again",
        ) from None
    layer = AdaptedLinear(base)
    _replace(model, path, layer)
    return layer


def _check_shapes(
    base: torch.nn.Linear, down: torch.Tensor, up: torch.Tensor, path: str, folder: Path
) -> None:
    found = (up.shape[0], down.shape[1])
    if found != (base.out_features, base.in_features) or up.shape[1] != down.shape[0]:
        raise ModelError(
            f"the adapter's weights for {path!r} are {found[0]} x {found[1]}, "
            f"this model's {base.out_features} x {base.in_features}",
            path=folder,
            fix="it belongs to another base model; tune again",
        )


def _replace(model: Any, path: str, module: torch.nn.Module) -> None:
    parent, _, last = path.rpartition(".")
    setattr(model.get_submodule(parent) if parent else model, last, module)


@contextmanager
def swapped(loaded: LoadedModel, folder: Path) -> Iterator[None]:
    """Run a full tuning in the base model's memory, then put the base weights back.

    Raises:
        ModelError: names or shapes differ from the base model's.
    """
    from safetensors.torch import load_file

    tuned = load_file(folder / FULL_WEIGHTS)
    own = dict(loaded.model.named_parameters())
    odd = sorted(set(tuned) ^ set(own)) or [n for n in own if tuned[n].shape != own[n].shape]
    if odd:
        raise ModelError(
            f"the tuned weights do not fit {loaded.name}: {', '.join(odd[:3])}",
            path=folder,
            fix="they belong to another base model; tune again",
        )
    with torch.no_grad():
        for name, parameter in own.items():
            # Exchange, so that only one tensor is held twice at any time.
            kept = parameter.detach().clone()
            parameter.copy_(tuned[name])
            tuned[name] = kept
    try:
        yield
    finally:
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(tuned[name])


@contextmanager
def weights_in_place(
    loaded: LoadedModel, tuned: Mapping[str, Path], names: set[str]
) -> Iterator[None]:
    """Put the weights of these arms in place: adapters side by side, or one full tuning.

    Args:
        loaded: the base model.
        tuned: arm's name → folder of its weights.
        names: what is wanted; ``base`` needs nothing.
    """
    names = names - {"base"}
    full = [name for name in names if (tuned[name] / FULL_WEIGHTS).exists()]
    if full:
        with swapped(loaded, tuned[full[0]]):
            yield
    else:
        with adapted(loaded, {name: tuned[name] for name in sorted(names)}):
            yield


@contextmanager
def arm_in_place(loaded: LoadedModel, tuned: Mapping[str, Path], name: str) -> Iterator[None]:
    """Put one arm's weights in place for every row of every pass."""
    with weights_in_place(loaded, tuned, {name}), routed([(name, 0, _EVERY_ROW)]):
        yield


def contiguous_slices(names: Sequence[str], sizes: Sequence[int]) -> list[Slice]:
    """Merge neighbours with the same weights: names and token counts → slices."""
    slices: list[Slice] = []
    at = 0
    for name, size in zip(names, sizes, strict=True):
        if slices and slices[-1][0] == name:
            slices[-1] = (name, slices[-1][1], at + size)
        else:
            slices.append((name, at, at + size))
        at += size
    return slices
