"""Decoding as transformers decodes, with the architecture's own cache; the tokens are ours.

For models that `mores.weights.attention` does not fit; `mores.sample.flat` serves the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import torch

from mores.sample.flat import Choose
from mores.sample.row import Row
from mores.weights import plain
from mores.weights.routing import contiguous_slices, routed

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel


def decode(loaded: LoadedModel, rows: Sequence[Row], choose: Choose, width: int) -> None:
    """Draw tokens until every row has finished.

    Args:
        loaded: the model, with the weights that the rows name.
        rows: sorted by weights and prompt.
        choose: draws the next tokens.
        width: most rows side by side.
    """
    for start in range(0, len(rows), width):
        for group in _together(rows[start : start + width], loaded.way.steps):
            _decode(loaded, group, choose)


def _together(rows: Sequence[Row], steps: str) -> Iterator[list[Row]]:
    """Rows that may be decoded side by side, in their order."""
    if steps == "padded":
        yield list(rows)
    elif steps == "level":
        ordered = sorted(rows, key=lambda r: len(r.request.ids))
        for _, group in groupby(ordered, key=lambda r: len(r.request.ids)):
            yield list(group)
    else:
        yield from ([row] for row in rows)


def _decode(loaded: LoadedModel, rows: list[Row], choose: Choose) -> None:
    def next_tokens(logits: torch.Tensor) -> tuple[torch.Tensor, bool]:
        chosen = choose(rows, logits)
        return chosen, any(not row.reason for row in rows)

    owners = [row.request.key.weights for row in rows]
    steps = max(min(row.limit, row.room) for row in rows)
    with routed(contiguous_slices(owners, [1] * len(rows)), len(rows)):
        plain.stepwise(loaded, [row.request.ids for row in rows], next_tokens, steps)
