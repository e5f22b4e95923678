"""Several low-rank adapters on one base model, each for its own rows of a pass.

    with routed([("values_targeted", 0, 3), ("control", 3, 6)], 8):
        loaded.hidden(ids, layout)   # units 0 to 2, 3 to 5, and 6 to 7 on the base

A unit is whatever the caller counts: tokens of a flat row, or rows of a batch. A linear layer sees
all units with the same number of tokens each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch

from mores.errors import ModelError

Slice = tuple[str, int, int]
"""Weights' name, first and one-past-last unit that uses them."""


@dataclass(frozen=True)
class _Routes:
    slices: Sequence[Slice] = ()
    units: int = 0
    everyone: str = ""


_nothing = _Routes()
_routes: ContextVar[_Routes] = ContextVar("routes", default=_nothing)


@contextmanager
def _set(routes: _Routes) -> Iterator[None]:
    token = _routes.set(routes)
    try:
        yield
    finally:
        _routes.reset(token)


@contextmanager
def routed(slices: Sequence[Slice], units: int) -> Iterator[None]:
    """Say which of a pass's units use which adapter; units that are not named use the base."""
    with _set(_Routes(slices, units)):
        yield


@contextmanager
def all_routed(name: str) -> Iterator[None]:
    """Let every row of every pass use one adapter."""
    with _set(_Routes(everyone=name)):
        yield


class AdaptedLinear(torch.nn.Module):
    """A linear layer with several low-rank adapters, each for its own rows."""

    def __init__(self, base: torch.nn.Module) -> None:
        super().__init__()
        self.base = base
        self.down: dict[str, torch.Tensor] = {}
        self.up: dict[str, torch.Tensor] = {}

    def add(self, name: str, down: torch.Tensor, up: torch.Tensor, scale: float) -> None:
        """Add an adapter: ``down`` (rank, in), ``up`` (out, rank)."""
        weight = next(self.base.parameters())
        # Quantised weights are whole numbers; what goes through the layer is not.
        dtype = weight.dtype if weight.is_floating_point() else torch.get_default_dtype()
        self.down[name] = down.to(weight.device, dtype).T.contiguous()
        self.up[name] = (up.to(weight.device, dtype) * scale).T.contiguous()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the layer to (..., in); rows count along all leading dimensions together."""
        y: torch.Tensor = self.base(x)
        rows_in = x.reshape(-1, x.shape[-1])
        rows_out = y.view(-1, y.shape[-1])
        for name, first, last in self._slices(len(rows_in)):
            if name in self.down:
                low = rows_in[first:last].to(self.down[name].dtype) @ self.down[name]
                rows_out[first:last].addmm_(low.to(y.dtype), self.up[name].to(y.dtype))
        return y

    def _slices(self, rows: int) -> Iterator[Slice]:
        """Slices of this layer's rows: each unit has the same number of them, side by side."""
        routes = _routes.get()
        if routes.everyone:
            yield routes.everyone, 0, rows
        if not routes.slices:
            return
        each, rest = divmod(rows, routes.units)
        if rest:
            raise ModelError(f"{rows} rows in a layer do not divide among {routes.units} units")
        for name, first, last in routes.slices:
            yield name, first * each, last * each


def contiguous_slices(names: Sequence[str], sizes: Sequence[int]) -> list[Slice]:
    """Merge neighbours with the same weights: names and unit counts → slices."""
    slices: list[Slice] = []
    at = 0
    for name, size in zip(names, sizes, strict=True):
        if slices and slices[-1][0] == name:
            slices[-1] = (name, slices[-1][1], at + size)
        else:
            slices.append((name, at, at + size))
        at += size
    return slices
