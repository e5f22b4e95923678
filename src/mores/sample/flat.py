"""Decoding in one flat row: one prefill a prompt, keys and values written in place.

For models that run through `mores.weights.attention`; `mores.sample.plain` serves the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import torch

from mores.sample.requests import Request
from mores.sample.row import Row
from mores.weights import attention
from mores.weights.attention import KeyValueStore, Layout, Tree
from mores.weights.routing import contiguous_slices, routed

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

SHARED = 48
"""Prompts that begin with at least so many equal tokens share the prefill of those."""
PREFILL_TOKENS = 4096
"""Most tokens in one prefill pass; bounds memory."""

Choose = Callable[[Sequence[Row], torch.Tensor], torch.Tensor]
"""Rows and their logits → the next token of each; rows take their tokens as they are chosen."""


def decode(loaded: LoadedModel, rows: Sequence[Row], choose: Choose) -> None:
    """Draw tokens until every row has finished; finished rows are dropped on the way.

    Args:
        loaded: the model, with the weights that the rows name.
        rows: sorted by weights and prompt.
        choose: draws the next tokens.
    """
    limit = rows[0].limit
    columns = min(max(len(r.request.ids) for r in rows) + limit, loaded.context)
    store = KeyValueStore(len(rows), columns)
    hidden = prefill(loaded, [r.request for r in rows], store)
    active = list(rows)
    while True:
        chosen = choose(active, loaded.logits(hidden)).cpu()
        going = [i for i, row in enumerate(active) if not row.reason]
        if not going:
            return
        # Dropping rows copies the cache, so it waits until an eighth can go at once, or until
        # a finished row that is carried along has no column left to write to.
        full = bool((store.lengths >= store.columns).any())
        if full or len(going) <= len(active) * 7 // 8:
            store.keep(torch.tensor(going))
            active = [active[i] for i in going]
            chosen = chosen[going]
        owners = [row.request.key.weights for row in active]
        with routed(contiguous_slices(owners, [1] * len(active)), len(active)):
            hidden = loaded.step(chosen, store)


def prefill(loaded: LoadedModel, rows: Sequence[Request], store: KeyValueStore) -> torch.Tensor:
    """Run all prompts once; return the last hidden state of each row."""
    last = []
    for block in _blocks(rows):
        trees, tokens, owners, targets = _pack([rows[i] for i in block], block)
        layout = Layout(tuple(trees))
        slices = contiguous_slices(owners, [t.size for t in trees])
        with (
            routed(slices, layout.size),
            attention.using(layout, store=store, targets=targets),
        ):
            hidden = loaded.forward(torch.tensor(tokens), layout.positions())
        ends = _last_positions(layout)
        last += [hidden[ends[place]] for _, place in targets]
    store.lengths = torch.tensor([len(r.ids) for r in rows])
    return torch.stack(last)


def _blocks(rows: Sequence[Request]) -> list[list[int]]:
    """Cut rows (sorted by weights and ids) into prefill passes of bounded size."""
    blocks: list[list[int]] = [[]]
    size = 0
    for _, equal in groupby(range(len(rows)), key=lambda i: (rows[i].key.weights, rows[i].ids)):
        members = list(equal)
        length = len(rows[members[0]].ids)
        if blocks[-1] and size + length > PREFILL_TOKENS:
            blocks.append([])
            size = 0
        blocks[-1] += members
        size += length
    return blocks


def _pack(
    rows: Sequence[Request], numbers: Sequence[int]
) -> tuple[list[Tree], list[int], list[str], list[tuple[int, tuple[int, int]]]]:
    """Arrange prompts as trees: equal ones once, long common beginnings once.

    Returns:
        Trees, their tokens in one row, whose weights each tree uses, and for each row of the store
        its (tree, branch).
    """
    trees: list[Tree] = []
    tokens: list[int] = []
    owners: list[str] = []
    targets: list[tuple[int, tuple[int, int]]] = []
    unique = [
        (key, [n for n, _ in group])
        for key, group in groupby(
            zip(numbers, rows, strict=True), key=lambda pair: (pair[1].key.weights, pair[1].ids)
        )
    ]
    at = 0
    while at < len(unique):
        (owner, first), _ = unique[at]
        shared, end = len(first), at + 1
        while end < len(unique) and unique[end][0][0] == owner:
            common = _common(first, unique[end][0][1], shared)
            if common < SHARED:
                break
            shared, end = common, end + 1
        if end == at + 1:
            trees.append(Tree(len(first)))
            tokens += first
            targets += [(n, (len(trees) - 1, -1)) for n in unique[at][1]]
        else:
            # Each branch keeps at least one token: the one whose state starts the answer.
            shared = min(shared, min(len(ids) for (_, ids), _ in unique[at:end]) - 1)
            branches = [ids[shared:] for (_, ids), _ in unique[at:end]]
            trees.append(Tree(shared, tuple(len(b) for b in branches)))
            tokens += [*first[:shared], *(t for b in branches for t in b)]
            for branch, (_, members) in enumerate(unique[at:end]):
                targets += [(n, (len(trees) - 1, branch)) for n in members]
        owners.append(owner)
        at = end
    return trees, tokens, owners, targets


def _common(a: Sequence[int], b: Sequence[int], most: int) -> int:
    """Length of the common beginning, at most ``most``."""
    for i, (x, y) in enumerate(zip(a[:most], b[:most], strict=False)):
        if x != y:
            return i
    return min(most, len(a), len(b))


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
