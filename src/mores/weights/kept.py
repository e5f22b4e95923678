"""One base model kept in memory between the steps of a command, so that it is loaded once.

    with keeping():
        load(resolved)   # reads the files
        load(resolved)   # the same model, if it is still as it was loaded

Whoever changes a model puts it back (adapters are taken out, weights restored). One that was not
put back, to the last tensor, is not given out again: the files are read anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mores.weights.loaded import LoadedModel


@dataclass
class _Slot:
    depth: int = 0
    key: Any = None
    loaded: LoadedModel | None = None
    state: Any = None

    def empty(self) -> None:
        self.key = self.loaded = self.state = None


_slot = _Slot()


@contextmanager
def keeping() -> Iterator[None]:
    """Keep the model that was loaded last until the outermost of these blocks ends."""
    _slot.depth += 1
    try:
        yield
    finally:
        _slot.depth -= 1
        if not _slot.depth:
            _slot.empty()


def kept(key: Any) -> LoadedModel | None:
    """Return the model that was kept under this key; where there is none, let go of any other.

    That one goes first, so that two do not lie in memory together.
    """
    if _slot.loaded is None:
        return None
    if _slot.key == key and _state(_slot.loaded.model) == _slot.state:
        return _slot.loaded
    _slot.empty()
    return None


def keep(key: Any, loaded: LoadedModel) -> None:
    """Keep a model inside `keeping`, as it is now."""
    if _slot.depth:
        _slot.key, _slot.loaded, _slot.state = key, loaded, _state(loaded.model)


def _state(model: Any) -> Any:
    """What tells whether modules or tensors were changed, without reading them.

    torch counts how often each tensor was written to in place; only a fused optimiser's steps are
    not counted, but it trains none that is frozen, as all are when they are loaded.
    """
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return (
        [(name, type(module), module.training) for name, module in model.named_modules()],
        [
            (name, tensor.data_ptr(), tensor._version, tensor.requires_grad)  # noqa: SLF001
            for name, tensor in tensors
        ],
    )
