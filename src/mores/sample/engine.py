"""Rows of token ids → drawn token ids. One batch at a time, one prefill a prompt.

`Engine` is the seam: anything that can draw a batch of requests. `TorchEngine`
runs in this process on the loaded base model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from mores.records import Decoding, FinishReason
from mores.sample.draws import uniforms
from mores.sample.pick import pick
from mores.sample.requests import Request
from mores.sample.weights import contiguous_slices, routed
from mores.study.arms import slug
from mores.weights import attention
from mores.weights.attention import KeyValueStore, Layout, Tree

if TYPE_CHECKING:
    from mores.weights.load import LoadedModel

SHARED = 48
"""Prompts that begin with at least so many equal tokens share the prefill of those."""
PREFILL_TOKENS = 4096
"""Most tokens in one prefill pass; bounds memory."""

OnTokens = Callable[[int], None]


@dataclass(frozen=True)
class Drawn:
    """What one row became."""

    ids: tuple[int, ...]
    """Drawn tokens, without the end-of-text token."""
    finish_reason: FinishReason


class Engine(Protocol):
    """Draws completions for a batch of requests, in their order."""

    def draw(self, batch: Sequence[Request], decoding: Decoding, seed: int) -> list[Drawn]:
        """Return one result a request."""
        ...


class TorchEngine:
    """Decodes a batch in step, dropping rows as they finish."""

    def __init__(self, loaded: LoadedModel, on_tokens: OnTokens | None = None) -> None:
        self.loaded = loaded
        self.on_tokens = on_tokens
        self.ends = _end_tokens(loaded)

    @torch.inference_mode()
    def draw(self, batch: Sequence[Request], decoding: Decoding, seed: int) -> list[Drawn]:
        """Draw one completion a request; see `mores.sample.draws` for the random numbers."""
        # Rows with the same weights side by side, equal prompts next to each other.
        order = sorted(range(len(batch)), key=lambda i: (batch[i].key.weights, batch[i].ids, i))
        rows = [batch[i] for i in order]
        columns = min(max(len(r.ids) for r in rows) + decoding.max_new_tokens, self.loaded.context)
        store = KeyValueStore(len(rows), columns)
        hidden = self._prefill(rows, store)
        states = [_Row(r, decoding, seed, slug(self.loaded.name)) for r in rows]
        self._decode(states, store, hidden, decoding)
        drawn: list[Drawn] = [states[0].result()] * len(batch)
        for place, state in zip(order, states, strict=True):
            drawn[place] = state.result()
        return drawn

    def _prefill(self, rows: Sequence[Request], store: KeyValueStore) -> torch.Tensor:
        """Run all prompts once; return the last hidden state of each row."""
        last = []
        for block in _blocks(rows):
            trees, tokens, owners, targets = _pack([rows[i] for i in block], block)
            layout = Layout(tuple(trees))
            slices = contiguous_slices(owners, [t.size for t in trees])
            with routed(slices), attention.using(layout, store=store, targets=targets):
                hidden = self.loaded.forward(torch.tensor(tokens), layout.positions())
            ends = _last_positions(layout)
            last += [hidden[ends[place]] for _, place in targets]
        store.lengths = torch.tensor([len(r.ids) for r in rows])
        return torch.stack(last)

    def _decode(
        self,
        states: list[_Row],
        store: KeyValueStore,
        hidden: torch.Tensor,
        decoding: Decoding,
    ) -> None:
        """Draw tokens until every row has finished."""
        active = list(states)
        while True:
            logits = self.loaded.logits(hidden)
            u = torch.from_numpy(np.array([s.next_uniform() for s in active]))
            chosen = pick(logits, u.to(logits.device), decoding).cpu()
            for state, token, length in zip(
                active, chosen.tolist(), store.lengths.tolist(), strict=True
            ):
                state.take(token, self.ends, self.loaded, room=store.columns - length)
            if self.on_tokens:
                self.on_tokens(len(active))
            going = [i for i, state in enumerate(active) if not state.reason]
            if not going:
                return
            # Dropping rows copies the cache, so it waits until an eighth can go at once, or until
            # a finished row that is carried along has no column left to write to.
            full = bool((store.lengths >= store.columns).any())
            if full or len(going) <= len(active) * 7 // 8:
                store.keep(torch.tensor(going))
                active = [active[i] for i in going]
                chosen = chosen[going]
            owners = [s.request.key.weights for s in active]
            slices = contiguous_slices(owners, [1] * len(active))
            with routed(slices), attention.stepping(store):
                output = self.loaded.decoder(
                    input_ids=chosen[:, None].to(self.loaded.device),
                    position_ids=store.lengths[:, None].to(self.loaded.device),
                    use_cache=False,
                )
            hidden = output.last_hidden_state[:, 0]


class _Row:
    """One completion being drawn."""

    def __init__(self, request: Request, decoding: Decoding, seed: int, model: str) -> None:
        self.request = request
        self.limit = decoding.max_new_tokens
        self.numbers = uniforms(seed, model, request.prompt_id, request.draw, self.limit + 1)
        self.ids: list[int] = []
        self.reason: FinishReason | None = None

    def next_uniform(self) -> float:
        return float(self.numbers[min(len(self.ids), self.limit)])

    def take(self, token: int, ends: frozenset[int], loaded: LoadedModel, room: int) -> None:
        """Add a token, or finish. Finished rows that are still carried along change nothing."""
        if self.reason:
            return
        if token in ends:
            self.reason = "stop"
            return
        self.ids.append(token)
        if self.request.stop and self._stopped(loaded):
            self.reason = "stop"
        elif len(self.ids) >= self.limit:
            self.reason = "length"
        elif room <= 0:
            self.reason = "context"

    def _stopped(self, loaded: LoadedModel) -> bool:
        tail = loaded.tokenizer.decode(self.ids[-16:])
        return self.request.stop in tail

    def result(self) -> Drawn:
        return Drawn(tuple(self.ids), self.reason or "length")


def _end_tokens(loaded: LoadedModel) -> frozenset[int]:
    """Ids that end a text: the tokenizer's, and those of the generation configuration."""
    ends = {loaded.eos}
    configured = getattr(loaded.model.generation_config, "eos_token_id", None)
    if isinstance(configured, int):
        ends.add(configured)
    elif configured:
        ends.update(configured)
    return frozenset(ends)


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
