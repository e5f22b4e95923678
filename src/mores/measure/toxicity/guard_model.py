"""The two things that a guard scorer needs of a language model: what it writes, and logits.

model = LoadedGuard(resolve("folder"))
model.write([[1, 2, 3]], 20)
model.logits([[1, 2, 3]], [[5, 9]])
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel
    from mores.weights.resolve import ResolvedModel

TOKENS = 4096
"""Most tokens in one pass; bounds memory."""
ROWS = 16
"""Texts that are asked about together."""


class LoadedGuard:
    """A guard model on this machine, loaded when it is first asked."""

    def __init__(self, resolved: ResolvedModel) -> None:
        self.resolved = resolved

    @cached_property
    def loaded(self) -> LoadedModel:
        """The model, in memory."""
        from mores.weights.load import load

        return load(self.resolved, dtype="auto")

    @property
    def tokenizer(self) -> Any:
        """Its tokenizer."""
        return self.loaded.tokenizer

    @property
    def context(self) -> int:
        """Most tokens that it reads."""
        return self.loaded.context

    def write(self, rows: Sequence[Sequence[int]], tokens: int) -> list[list[int]]:
        """Continue each row greedily, without the token that ends it: at most `ROWS` of them."""
        from mores.records import Decoding
        from mores.sample.decoder import Decoder
        from mores.sample.requests import Request
        from mores.study.arms import ArmKey

        decoding = Decoding(temperature=0.0, max_new_tokens=tokens)
        requests = [
            Request(ArmKey("base", 0), f"guard-{i}", "guard", 0, tuple(ids))
            for i, ids in enumerate(rows)
        ]
        return [list(row.ids) for row in Decoder(self.loaded).draw(requests, decoding, 0)]

    def logits(
        self, rows: Sequence[Sequence[int]], wanted: Sequence[Sequence[int]]
    ) -> list[list[float]]:
        """Return the logits of some next tokens, rows side by side without padding."""
        import torch

        from mores.weights.attention import Layout
        from mores.weights.likelihood import passes

        wished: list[list[float]] = []
        for part in passes(range(len(rows)), list(map(len, rows)), TOKENS):
            lengths = [len(rows[i]) for i in part]
            flat = torch.tensor([token for i in part for token in rows[i]])
            with torch.inference_mode():
                hidden = self.loaded.hidden(flat, Layout.of(lengths))
                ends = torch.tensor(lengths).cumsum(0) - 1
                logits = self.loaded.logits(hidden[ends.to(hidden.device)]).double().cpu()
            wished += [logits[row][list(wanted[i])].tolist() for row, i in enumerate(part)]
        return wished
