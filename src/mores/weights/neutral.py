"""Plain texts that no position is about: everyday questions with answers, and prose (ours).

for text in neutral_texts():
    text.prompt, text.answer      # a prompt may be empty: then it is prose

What a model makes of them is a measure for other texts: an anchor holds a tune to it, and a sample
that a model finds much more foreign than these is foreign to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from mores import json_text, store

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


@dataclass(frozen=True)
class NeutralText:
    """One text."""

    id: str
    prompt: str
    """The question; empty for prose."""
    answer: str


def neutral_texts() -> list[NeutralText]:
    """Return all of them, questions first."""
    rows = map(json_text.parse, _file().read_text("utf-8").splitlines())
    return [NeutralText(row["id"], row["prompt"], row["completion"]) for row in rows]


def neutral_digest() -> str:
    """Digest of the texts."""
    return store.digest_bytes(_file().read_bytes())


def _file() -> Traversable:
    return resources.files("mores.weights") / "neutral.jsonl"
