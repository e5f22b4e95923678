"""What a sampling engine is asked, and the clock that is held against it.

    answer(Engine)  # in a program that is started as: PYTHON program.py ASK.json TOLD.json

Every engine has a process, and some a Python, of its own: this file imports the standard library
only. Answers have one length for all (no token ends them) and are drawn greedily, so that engines
do the same work and what they say can be compared.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Protocol, TypedDict


class Row(TypedDict):
    """One answer to be drawn."""

    id: str
    arm: str
    adapter: str
    """Name of the adapter; empty for the base model."""
    ids: list[int]
    """The prompt's tokens."""


class Ask(TypedDict):
    """The work of one process."""

    model: str
    """Folder of the base model."""
    gguf: str
    """The same as one GGUF file; empty where nobody needs it."""
    adapters: dict[str, str]
    """Name → folder, in PEFT's format."""
    gguf_adapters: dict[str, str]
    """Name → GGUF file."""
    rank: int
    dtype: str
    rows: list[Row]
    new_tokens: int
    """Tokens of every answer."""
    width: int
    """Rows side by side, in engines that do not choose this themselves."""
    threads: int
    times: int
    """How often the work is done; from the second time on everything is warm."""


class Told(TypedDict):
    """What a process answers."""

    version: str
    how: str
    """How the engine was run, in a few words."""
    loaded: float
    """When the model was in memory, in seconds of the epoch."""
    done: list[float]
    """When the work was done, each time."""
    answers: dict[str, list[int]]


class Engine(Protocol):
    """A model in memory."""

    version: str
    how: str

    def draw(self, ask: Ask) -> dict[str, list[int]]:
        """Return the tokens of every answer."""
        ...


def answer(engine: Callable[[Ask], Engine]) -> None:
    """Load, draw, and write down when each was done."""
    ask: Ask = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    made = engine(ask)
    loaded, done = time.time(), []
    answers: dict[str, list[int]] = {}
    for _ in range(ask["times"]):
        answers = made.draw(ask)
        done.append(time.time())
    told = Told(version=made.version, how=made.how, loaded=loaded, done=done, answers=answers)
    Path(sys.argv[2]).write_text(json.dumps(told), "utf-8")


def by_adapter(rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Give the rows of the base model, then of each adapter; equal beginnings side by side."""
    ordered = sorted(rows, key=lambda r: (r["adapter"], r["ids"]))
    for name, group in groupby(ordered, key=lambda r: r["adapter"]):
        yield name, list(group)


def waves(rows: list[Row], width: int, least: int) -> Iterator[list[tuple[int, list[Row]]]]:
    """Cut rows into groups with a common beginning, and those into what is drawn side by side.

    Args:
        rows: sorted by their tokens.
        width: most rows side by side.
        least: tokens that a beginning must have to be worth sharing.

    Yields:
        Groups: how many tokens their rows share (0: none), and the rows. Every row keeps at least
        one token of its own, the one that its answer follows.
    """
    for at in range(0, len(rows), width):
        wave: list[tuple[int, list[Row]]] = []
        for row in rows[at : at + width]:
            shared = common(wave[-1][1][0]["ids"], row["ids"]) if wave else 0
            if shared >= least:
                before, group = wave[-1]
                wave[-1] = (min(before or shared, shared), [*group, row])
            else:
                wave.append((0, [row]))
        yield wave


def common(a: list[int], b: list[int]) -> int:
    """Length of the common beginning, at least one token of either left out."""
    most = min(len(a), len(b)) - 1
    return next((i for i in range(most) if a[i] != b[i]), most)
