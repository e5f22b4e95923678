"""Capability tasks: bundled ones by name, any other from a local JSON Lines file.

The form of a line decides the kind of task:

    {"context", "choices": [...], "gold": 1}   multiple choice, accuracy
    {"context", "target"}                      last word, accuracy of the greedy answer
    {"good", "bad"}                            minimal pair, accuracy (also sentence_good/_bad)
    {"text"}                                   prose, bits per byte

    task = load_task("piqa", items=200, seed=2021)
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mores import store
from mores.errors import DataError, did_you_mean

Kind = Literal["choice", "last_word", "pair", "text"]


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


@dataclass(frozen=True)
class _Bundled:
    asset: str
    """Name of the asset that holds it; empty for our own data inside the package."""
    title: str
    by_length: bool = False


TASKS: dict[str, _Bundled] = {
    "lambada": _Bundled("capability-tasks", "last word of a passage (LAMBADA)"),
    "hellaswag": _Bundled("capability-tasks", "how a scene goes on (HellaSwag)", by_length=True),
    "piqa": _Bundled("capability-tasks", "everyday physics (PIQA)", by_length=True),
    "arc_easy": _Bundled("capability-tasks", "school science (ARC-Easy, validation)"),
    "minimal_pairs": _Bundled("", "grammar: which of two sentences is right (ours)"),
    "prose": _Bundled("", "plain prose in 24 registers (ours)"),
}


def load_task(name: str, *, items: int = 0, seed: int = 0, say: store.Say | None = None) -> Task:
    """Read a task and draw items from it.

    Args:
        name: a bundled task, or the path of a JSON Lines file.
        items: how many to draw without replacement; 0 takes all.
        seed: decides which.
        say: where to announce a download.

    Raises:
        DataError: no such task or file, or a line of no known form.
        AssetError: bundled data could not be fetched.
    """
    bundled = TASKS.get(name)
    if bundled is None and not Path(name).exists():
        known = list(TASKS)
        raise DataError(
            f"there is no capability task {name!r}{did_you_mean(name, known)}",
            fix=f"bundled tasks: {', '.join(known)}; or name a JSON Lines file",
        )
    path = _bundled_path(name, bundled, say) if bundled else Path(name)
    rows = [_item(row, path, line) for line, row in store.read_rows(path)]
    if not rows:
        raise DataError("no items", path=path)
    kinds = {kind for kind, _ in rows}
    if len(kinds) > 1:
        raise DataError(f"items of several kinds: {', '.join(sorted(kinds))}", path=path)
    chosen = [item for _, item in rows]
    if items and items < len(chosen):
        picked = np.random.default_rng([seed, len(chosen)]).choice(
            len(chosen), size=items, replace=False
        )
        chosen = [chosen[i] for i in sorted(picked.tolist())]
    by_length = bundled.by_length if bundled else "choice" in kinds
    return Task(
        name if bundled else path.stem, kinds.pop(), tuple(chosen), by_length, store.digest(chosen)
    )


def _bundled_path(name: str, bundled: _Bundled, say: store.Say | None) -> Path:
    if not bundled.asset:
        folder = resources.files("mores.measure.capability") / "data"
        return Path(str(folder / f"{name}.jsonl"))
    from mores.assets import asset_folder

    return asset_folder(bundled.asset, say=say) / f"{name}.jsonl"


def _item(row: dict[str, Any], path: Path, line: int) -> tuple[Kind, Item]:
    name = str(row.get("id", line))
    try:
        if "choices" in row:
            choices, gold = tuple(map(str, row["choices"])), int(row["gold"])
            if not 0 <= gold < len(choices) or len(choices) < 2:
                raise DataError(f"gold is {gold} with {len(choices)} choices", path=path, line=line)
            return "choice", Item(name, str(row["context"]), choices, gold)
        if "target" in row:
            return "last_word", Item(name, str(row["context"]), (str(row["target"]),), 0)
        if "good" in row or "sentence_good" in row:
            pair = (
                row.get("good", row.get("sentence_good")),
                row.get("bad", row.get("sentence_bad")),
            )
            if not all(isinstance(part, str) and part for part in pair):
                raise KeyError("bad")
            return "pair", Item(name, "", (str(pair[0]), str(pair[1])), 0)
        if isinstance(row.get("text"), str) and row["text"]:
            return "text", Item(name, "", (row["text"],), 0)
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"missing or wrong field: {error}", path=path, line=line) from None
    raise DataError(
        "not an item of a known form",
        path=path,
        line=line,
        fix='write "context"+"choices"+"gold", "context"+"target", "good"+"bad", or "text"',
    )
