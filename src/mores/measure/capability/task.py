"""What a capability task is: items of one kind, each with its possible continuations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["choice", "last_word", "pair", "text", "harness"]


@dataclass(frozen=True)
class Item:
    """One item: a context and its possible continuations."""

    id: str
    context: str
    choices: tuple[str, ...]
    gold: int
    """Index of the right continuation."""


@dataclass(frozen=True)
class Task:
    """A set of items of one kind."""

    name: str
    kind: Kind
    items: tuple[Item, ...]
    by_length: bool = False
    """Multiple choice: compare log-probability a byte rather than in total."""
    digest: str = ""

    @property
    def metric(self) -> str:
        """What a value is."""
        return "bits per byte" if self.kind == "text" else "accuracy"

    @property
    def chance(self) -> float | None:
        """Accuracy of guessing; None where guessing has no meaning."""
        if self.kind not in ("choice", "pair") or not self.items:
            return None
        return float(np.mean([1 / len(item.choices) for item in self.items]))


def drawn(n: int, items: int, seed: int) -> list[int]:
    """Return which of n are asked: so many, drawn without replacement, in order; 0 takes all."""
    if not items or items >= n:
        return list(range(n))
    picked = np.random.default_rng([seed, n]).choice(n, size=items, replace=False)
    return sorted(int(place) for place in picked)


def item_tokens(tasks: Sequence[Task], tokenizer: Any) -> float:
    """Return about how many tokens one arm reads for all items, by the first few of each task."""
    total = 0.0
    for task in tasks:
        some = task.items[:20]
        texts = [item.context + " ".join(item.choices) for item in some]
        mean = sum(len(tokenizer(text)["input_ids"]) for text in texts) / len(some)
        total += mean * len(task.items)
    return total
