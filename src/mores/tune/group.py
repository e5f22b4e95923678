"""The processes that tune one arm together: here, this one alone.

What several processes must do otherwise is all in this list (`mores.tune.sharded.ranks`): who reads
which samples, what is added up, and where a tensor is put together again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from mores import store
from mores.tune.batches import micro_batches, shares

if TYPE_CHECKING:
    import torch

    from mores.weights.loaded import LoadedModel
    from mores.weights.resolve import ResolvedModel

T = TypeVar("T")


class Group:
    """One process; a subclass is one process of several, which call everything in one order."""

    rank = 0
    """0: the process that writes files and speaks."""
    size = 1

    def load(self, resolved: ResolvedModel, dtype: str, say: store.Say) -> LoadedModel:
        """Load the base model; see `mores.weights.load.load` for what it raises."""
        from mores.weights.load import load

        return load(resolved, dtype=dtype, say=say)

    def spread(self, loaded: LoadedModel) -> None:
        """Divide the weights of a model, which is otherwise ready for training."""

    def passes(self, sizes: Sequence[int], limit: int) -> list[tuple[list[int], bool]]:
        """Cut one step into this process's forward passes; every process has as many.

        Args:
            sizes: tokens of each sample of the step, the same in every process.
            limit: most tokens of a pass.

        Returns:
            Indices into ``sizes``, and whether the pass counts: those that do not are there because
            all processes go through the layers together, and must add nothing.
        """
        cut = [
            [[own[i] for i in part] for part in micro_batches([sizes[i] for i in own], limit)]
            for own in shares(sizes, self.size)
        ]
        filler = [min(range(len(sizes)), key=lambda i: sizes[i])]
        missing = max(map(len, cut)) - len(cut[self.rank])
        return [(part, True) for part in cut[self.rank]] + [(filler, False)] * missing

    def together(self, values: list[T]) -> list[T]:
        """Return the values of all processes, in order of rank."""
        return values

    def agreed(self, value: T) -> T:
        """Return the first process's value: clocks and last digits differ."""
        return value

    def add_up(self, optimizer: torch.optim.Optimizer) -> None:
        """Add up the gradients of weights that every process has whole."""

    def part(self, whole: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """Return this process's part of a tensor, placed like another."""
        return whole.to(like.device)

    def gathered(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        """Return whole tensors by name in the first process; nothing in the others."""
        return {name: tensor.detach().contiguous() for name, tensor in tensors}


ALONE = Group()
