"""Prompts of rows → keys and values, each common beginning read once.

    store, states = prefill(loaded, requests, limit)   # states of the prompts' last tokens

Prompts of one arm, sorted, are cut into runs that share a beginning; the cuts are those that spare
most tokens. A run is read as a tree (`mores.weights.attention`), and where several rows go on from
the same tokens, these are kept once (`mores.weights.cascade`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import torch

from mores.sample.requests import Request
from mores.weights import attention
from mores.weights.attention import Layout, Tree
from mores.weights.cascade import Group, KeyValueStore, Shared
from mores.weights.routing import contiguous_slices, routed

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

SHARED = 16
"""Fewer equal tokens at the beginning are read for each prompt: a tree costs as much."""
PREFILL_TOKENS = 4096
"""Most tokens in one prefill pass; bounds memory."""
WORTH = 4000
"""Rows times columns that a shared block must spare each step, to cost less than it spares."""


@dataclass(frozen=True)
class Prompt:
    """What one or more rows read."""

    owner: str
    """Whose weights read it."""
    ids: tuple[int, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Run:
    """Prompts of one owner that begin with the same ``shared`` tokens; one alone shares none."""

    prompts: tuple[Prompt, ...]
    shared: int

    def tree(self) -> Tree:
        """How its tokens lie in a pass: the beginning, then each prompt's rest."""
        if len(self.prompts) == 1:
            return Tree(len(self.prompts[0].ids))
        return Tree(self.shared, tuple(len(p.ids) - self.shared for p in self.prompts))

    def tokens(self) -> list[int]:
        """Token ids in that order."""
        first = self.prompts[0].ids
        if len(self.prompts) == 1:
            return list(first)
        return [*first[: self.shared], *(t for p in self.prompts for t in p.ids[self.shared :])]


def prefill(
    loaded: LoadedModel, requests: Sequence[Request], limit: int
) -> tuple[KeyValueStore, torch.Tensor]:
    """Read all prompts once.

    Args:
        loaded: a model that runs in one flat row, with the weights that the requests name.
        requests: sorted by weights and ids.
        limit: most tokens that are drawn after a prompt.

    Returns:
        A store that holds the prompts, and the last state of each request, (requests, width).
    """
    runs = list(_runs(requests))
    shared = _shared(runs)
    store = KeyValueStore(len(requests), 0, shared)
    store.lengths = torch.tensor([len(r.ids) for r in requests])
    store.columns = min(int(store.own.max()) + limit, loaded.context)
    last: dict[int, torch.Tensor] = {}
    for some in _passes(runs):
        layout = Layout(tuple(run.tree() for run in some))
        slices = contiguous_slices(
            [run.prompts[0].owner for run in some], [tree.size for tree in layout.trees]
        )
        targets = [
            (row, (number, branch if len(run.prompts) > 1 else -1))
            for number, run in enumerate(some)
            for branch, prompt in enumerate(run.prompts)
            for row in prompt.rows
        ]
        tokens = torch.tensor([t for run in some for t in run.tokens()])
        with (
            routed(slices, layout.size),
            attention.using(layout, store=store, targets=targets),
        ):
            hidden = loaded.forward(tokens, layout.positions())
        ends = _last_positions(layout)
        last |= {row: hidden[ends[place]] for row, place in targets}
    return store, torch.stack([last[row] for row in range(len(requests))])


def _runs(requests: Sequence[Request]) -> Iterator[Run]:
    """Cut sorted prompts into runs, so that as few tokens as possible are read."""
    prompts = [
        Prompt(owner, ids, tuple(members))
        for (owner, ids), members in groupby(
            range(len(requests)), key=lambda i: (requests[i].key.weights, requests[i].ids)
        )
    ]
    for _, own in groupby(prompts, key=lambda p: p.owner):
        yield from _cut(list(own))


def _cut(prompts: Sequence[Prompt]) -> list[Run]:
    """The cuts of one owner's prompts that spare most tokens, by dynamic programming."""
    # Each prompt keeps at least one token: the one whose state starts the answer.
    common = [_common(a.ids, b.ids) for a, b in pairwise(prompts)]
    best: list[tuple[int, int, int]] = [(0, 0, 0)]
    """For so many prompts: tokens spared, where the last run begins, what it shares."""
    for end in range(1, len(prompts) + 1):
        found = (best[end - 1][0], end - 1, 0)
        shared = len(prompts[end - 1].ids) - 1
        for begin in range(end - 2, -1, -1):
            shared = min(shared, common[begin], len(prompts[begin].ids) - 1)
            if shared < SHARED:
                break
            spared = best[begin][0] + (end - 1 - begin) * shared
            if spared > found[0]:
                found = (spared, begin, shared)
        best.append(found)
    runs, end = [], len(prompts)
    while end:
        _, begin, shared = best[end]
        runs.append(Run(tuple(prompts[begin:end]), shared))
        end = begin
    return runs[::-1]


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the common beginning."""
    most = min(len(a), len(b))
    return next((i for i in range(most) if a[i] != b[i]), most)


def _shared(runs: Sequence[Run]) -> list[Shared]:
    """Which rows keep their beginning together: what spares most in each run, where it pays."""
    kinds: dict[int, list[Group]] = {}
    for run in runs:
        rows = [row for prompt in run.prompts for row in prompt.rows]
        together: list[Group] = [(run.shared, rows)] if run.shared else []
        apart: list[Group] = [(len(p.ids), p.rows) for p in run.prompts if len(p.rows) > 1]
        for group in max(together, apart, key=_spared):
            # Blocks of beginnings of similar length, for a block is as wide as its longest.
            kinds.setdefault(group[0].bit_length(), []).append(group)
    return [Shared(groups) for _, groups in sorted(kinds.items()) if _spared(groups) >= WORTH]


def _spared(groups: Sequence[Group]) -> int:
    """Rows times columns that are not read where each group's beginning is read once."""
    return sum(length * (len(rows) - 1) for length, rows in groups)


def _passes(runs: Sequence[Run]) -> Iterator[list[Run]]:
    """Cut runs into passes of bounded size; a beginning that two passes need is read in both."""
    block: list[Run] = []
    size = 0
    for run in runs:
        for piece in _pieces(run):
            more = piece.tree().size
            if block and size + more > PREFILL_TOKENS:
                yield block
                block, size = [], 0
            block.append(piece)
            size += more
    if block:
        yield block


def _pieces(run: Run) -> Iterator[Run]:
    """Cut a run that is longer than a pass."""
    piece: list[Prompt] = []
    size = run.shared
    for prompt in run.prompts:
        more = len(prompt.ids) - run.shared
        if piece and size + more > PREFILL_TOKENS:
            yield Run(tuple(piece), run.shared)
            piece, size = [], run.shared
        piece.append(prompt)
        size += more
    yield Run(tuple(piece), run.shared)


def _last_positions(layout: Layout) -> dict[tuple[int, int], int]:
    """Place in the flat row of the last token of each (tree, branch)."""
    ends: dict[tuple[int, int], int] = {}
    at = 0
    for number, tree in enumerate(layout.trees):
        ends[number, -1] = at + tree.prefix - 1
        at += tree.prefix
        for branch, length in enumerate(tree.branches):
            at += length
            ends[number, branch] = at - 1
    return ends
