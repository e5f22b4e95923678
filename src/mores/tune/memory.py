"""What to do when the memory of a GPU does not hold a step: shorter passes, then layers run twice.

    row, room = in_room(loaded, room, sizes, attempt, say=say)

Neither changes the result beyond rounding: how a step is cut into passes does not change its
gradient, and a layer that is computed again gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from mores import store
from mores.errors import TuneError
from mores.records import Positive, Record
from mores.tune.batches import micro_batches
from mores.weights.loaded import LoadedModel
from mores.weights.recompute import recompute

T = TypeVar("T")
GPU_TOKENS = 4096
"""Tokens of a first pass on a GPU: a step of four answers of some hundred tokens is one pass."""


class Room(Record, frozen=True, kw_only=True):
    """How a step is run so that it fits."""

    tokens: Positive
    """Most tokens in one forward pass."""
    recompute: bool = False
    """Keep the inputs of each layer only, and run it again on the way back (`recompute`)."""

    @classmethod
    def first(cls, tokens: int, device: str) -> Room:
        """Return what is tried first: ``tokens`` a pass, on a GPU at least `GPU_TOKENS`.

        A short pass leaves most of a GPU idle; where a long one does not fit, `smaller` follows.
        """
        return cls(tokens=max(tokens, GPU_TOKENS) if device == "cuda" else tokens)

    def smaller(self, sizes: Sequence[int]) -> Room:
        """Return what to try after this was too much for samples of these sizes.

        Raises:
            TuneError: nothing is left to try.
        """
        if len(micro_batches(sizes, self.tokens)) < len(sizes):
            return Room(tokens=max(1, self.tokens // 2), recompute=self.recompute)
        if not self.recompute:
            return Room(tokens=self.tokens, recompute=True)
        raise TuneError(
            f"out of GPU memory with one sample of {max(sizes)} tokens or fewer at a time",
            fix=FIX,
        )

    def __str__(self) -> str:
        """Say it in words."""
        again = ", layers computed again on the way back" if self.recompute else ""
        return f"passes of {self.tokens} tokens{again}"


FIX = (
    'choose a smaller model, set recipe.method = "lora" or a lower recipe.lora_rank, shorten the '
    'longest answers, or divide the model among several GPUs: tuner = "fsdp" (docs/gpus.md)'
)


class NeedsRoom(Exception):  # noqa: N818 - not an error: the run starts again with less
    """One process of several has run out of memory, so that all must begin again."""

    def __init__(self, room: Room) -> None:
        super().__init__(str(room))
        self.room = room


def in_room(
    loaded: LoadedModel,
    room: Room,
    sizes: Sequence[int],
    attempt: Callable[[int], T],
    *,
    alone: bool = True,
    say: store.Say | None = None,
) -> tuple[T, Room]:
    """Run a step; where memory is out, run it again with less, until it fits.

    Args:
        loaded: the model in training.
        room: what fitted before.
        sizes: tokens of each sample of the step.
        attempt: the step from its beginning, given the most tokens of a pass.
        alone: False where other processes wait for this one: it cannot repeat a step by itself.
        say: told when less is tried for the first time.

    Raises:
        TuneError: nothing is left to try.
        NeedsRoom: not alone, and something is left to try.
    """
    import torch

    first = room
    while True:
        try:
            return attempt(room.tokens), room
        except torch.OutOfMemoryError:
            less = room.smaller(sizes)
            if not alone:
                raise NeedsRoom(less) from None
        # Outside the handler: the error's traceback held what was computed.
        torch.cuda.empty_cache()
        if less.recompute and not room.recompute:
            recompute(loaded)
        if say and room == first:
            say(f"GPU memory is full: {less}, and less if need be; the result does not change")
        room = less


@contextmanager
def enough() -> Iterator[None]:
    """Turn running out of GPU memory outside a step into an error with a remedy."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TuneError(f"out of GPU memory: {str(error).splitlines()[0]}", fix=FIX) from None
