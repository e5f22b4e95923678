"""The two things that a guard scorer needs of a language model: what it writes, and logits.

model = LoadedGuard(resolve("folder"))
model.write([[1, 2, 3]], 20)
model.logits([[1, 2, 3]], [[5, 9]])
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from mores.weights.load import LoadedModel
    from mores.weights.resolve import ResolvedModel

TOKENS = 4096
"""Most tokens in one pass; bounds memory."""
ROWS = 16


class GuardModel(Protocol):
    """A causal language model."""

    @property
    def tokenizer(self) -> Any:
        """Its tokenizer."""
        ...

    @property
    def context(self) -> int:
        """Most tokens that it reads."""
        ...

    def write(self, rows: Sequence[Sequence[int]], tokens: int) -> list[list[int]]:
        """Continue each row greedily, without the token that ends it."""
        ...

    def logits(
        self, rows: Sequence[Sequence[int]], wanted: Sequence[Sequence[int]]
    ) -> list[list[float]]:
        """Return, for each row, the logits of some tokens as its next one."""
        ...


class LoadedGuard:
    """A guard model on this machine, loaded when it is first asked."""

    def __init__(self, resolved: ResolvedModel) -> None:
        self.resolved = resolved
        self._loaded: LoadedModel | None = None

    @property
    def loaded(self) -> LoadedModel:
        """The model, in memory."""
        from mores.weights.load import load

        if self._loaded is None:
            self._loaded = load(self.resolved, dtype="auto")
        return self._loaded

    @property
    def tokenizer(self) -> Any:
        """Its tokenizer."""
        return self.loaded.tokenizer

    @property
    def context(self) -> int:
        """Most tokens that it reads."""
        return self.loaded.context

    def write(self, rows: Sequence[Sequence[int]], tokens: int) -> list[list[int]]:
        """Continue each row greedily with the engine of `mores.sample`."""
        from mores.records import Decoding
        from mores.sample.engine import TorchEngine
        from mores.sample.requests import Request
        from mores.study.arms import ArmKey

        decoding = Decoding(temperature=0.0, max_new_tokens=tokens)
        written: list[list[int]] = []
        for first in range(0, len(rows), ROWS):
            batch = [
                Request(ArmKey("base", 0), f"guard-{first + i}", "guard", 0, tuple(ids))
                for i, ids in enumerate(rows[first : first + ROWS])
            ]
            drawn = TorchEngine(self.loaded).draw(batch, decoding, 0)
            written += [list(row.ids) for row in drawn]
        return written

    def logits(
        self, rows: Sequence[Sequence[int]], wanted: Sequence[Sequence[int]]
    ) -> list[list[float]]:
        """Return the logits of some next tokens, rows side by side without padding."""
        import torch

        from mores.weights.attention import Layout

        found: list[list[float]] = []
        for part in _parts(rows):
            lengths = [len(rows[i]) for i in part]
            flat = torch.tensor([token for i in part for token in rows[i]])
            with torch.inference_mode():
                hidden = self.loaded.hidden(flat, Layout.of(lengths))
                ends = torch.tensor(lengths).cumsum(0) - 1
                logits = self.loaded.logits(hidden[ends.to(hidden.device)]).double().cpu()
            found += [logits[row][list(wanted[i])].tolist() for row, i in enumerate(part)]
        return found


def _parts(rows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Cut into passes of bounded size."""
    part: list[int] = []
    size = 0
    for i, row in enumerate(rows):
        if part and size + len(row) > TOKENS:
            yield part
            part, size = [], 0
        part.append(i)
        size += len(row)
    if part:
        yield part
