"""Requests → drawn token ids, on a model in memory.

drawn = Decoder(loaded).draw(batch, decoding, seed)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from mores.records import Decoding
from mores.sample import flat, plain
from mores.sample.pick import pick
from mores.sample.requests import Request
from mores.sample.row import Drawn, Row

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

OnTokens = Callable[[int], None]


class Decoder:
    """Decodes a batch in step, in the way that suits the model."""

    def __init__(self, loaded: LoadedModel, on_tokens: OnTokens | None = None) -> None:
        self.loaded = loaded
        self.on_tokens = on_tokens

    @torch.inference_mode()
    def draw(
        self, batch: Sequence[Request], decoding: Decoding, seed: int, width: int = 0
    ) -> list[Drawn]:
        """Draw one completion a request; see `mores.sample.draws` for the random numbers.

        Args:
            batch: what is asked.
            decoding: how tokens are drawn.
            seed: of the draws.
            width: most rows side by side; 0: all.
        """

        def choose(rows: Sequence[Row], logits: torch.Tensor) -> torch.Tensor:
            u = torch.from_numpy(np.array([row.next_uniform() for row in rows]))
            chosen = pick(logits, u.to(logits.device), decoding)
            for row, token in zip(rows, chosen.tolist(), strict=True):
                row.take(token)
            if self.on_tokens:
                self.on_tokens(len(rows))
            return chosen

        # Rows with the same weights side by side, equal prompts next to each other.
        order = sorted(range(len(batch)), key=lambda i: (batch[i].key.weights, batch[i].ids, i))
        rows = [Row(batch[i], decoding, seed, self.loaded) for i in order]
        if rows:
            decode = flat.decode if self.loaded.way.flat else plain.decode
            decode(self.loaded, rows, choose, width or len(rows))
        drawn = dict(zip(order, rows, strict=True))
        return [drawn[i].result() for i in range(len(batch))]
