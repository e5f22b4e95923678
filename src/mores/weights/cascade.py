"""Keys and values of rows that are being decoded, and the attention of one decoding step.

What several rows begin with (a few-shot context, a position, a question that is drawn three times)
is kept once and read once a step for all of them; each row keeps what follows by itself. The two
parts' outputs are put together by their log-sum-exp, which is exact but for rounding (cascade
attention: Juravsky et al. 2024, "Hydragen", section 3.1; Ye et al. 2025, "FlashInfer", 3.1.2).

    contexts = Shared([(1000, (0, 1, 2)), (900, (3, 4, 5))])
    store = KeyValueStore(rows=6, columns=80, shared=[contexts])
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import scaled_dot_product_attention as sdpa

Group = tuple[int, Sequence[int]]
"""How many tokens some rows begin with, and which rows these are."""

_FLASH = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None)


class Shared:
    """Beginnings of rows, each for a group of rows that share it: one block a layer."""

    def __init__(self, groups: Sequence[Group]) -> None:
        most = max(len(rows) for _, rows in groups)
        self.lengths = torch.tensor([length for length, _ in groups])
        self.columns = int(self.lengths.max())
        self.seats = torch.tensor([[*rows, *[rows[0]] * (most - len(rows))] for _, rows in groups])
        """Rows of each group, shape (groups, most); free seats repeat the first."""
        self.rows = torch.tensor([row for _, rows in groups for row in rows])
        self.places = torch.tensor(
            [g * most + s for g, (_, rows) in enumerate(groups) for s in range(len(rows))]
        )
        """Seat of each of `rows` in the flattened `seats`."""
        self.keys: dict[int, torch.Tensor] = {}
        self.values: dict[int, torch.Tensor] = {}
        self._here: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None

    def indices(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """`seats`, `rows` and `places` where the model is: copied once, not in every layer."""
        if self._here is None:
            self._here = self.seats.to(device), self.rows.to(device), self.places.to(device)
        return self._here

    def put(self, layer: int, group: int, key: torch.Tensor, value: torch.Tensor) -> None:
        """Keep the beginning of a group: (heads, tokens, width), cut to its length."""
        length = int(self.lengths[group])
        for blocks, text in ((self.keys, key), (self.values, value)):
            if layer not in blocks:
                heads, _, width = text.shape
                blocks[layer] = text.new_zeros(len(self.lengths), heads, self.columns, width)
            blocks[layer][group, :, :length] = text[:, :length]

    def keep(self, going: torch.Tensor) -> Shared | None:
        """Return what is left for these rows, which are numbered anew; None where nothing is."""
        number = {row: i for i, row in enumerate(going.tolist())}
        groups: list[Group] = []
        left: list[int] = []
        most = self.seats.shape[1]
        for index, length in enumerate(self.lengths.tolist()):
            own = self.rows[self.places // most == index].tolist()
            if rows := [number[row] for row in own if row in number]:
                groups.append((length, rows))
                left.append(index)
        if not groups:
            return None
        fewer = Shared(groups)
        if len(left) == len(self.lengths):
            fewer.keys, fewer.values = self.keys, self.values
        else:
            for mine, its in ((self.keys, fewer.keys), (self.values, fewer.values)):
                for layer, block in mine.items():
                    its[layer] = block[left][:, :, : fewer.columns]
        return fewer

    def attend(
        self, layer: int, query: torch.Tensor, mask: torch.Tensor | None, scale: float | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return output and log-sum-exp of `rows` over their beginnings.

        Args:
            layer: whose block.
            query: (all rows, key heads, queries of one, width).
            mask: (groups or 1, 1, queries or 1, columns), added to the scores.
            scale: of the scores.
        """
        _, heads, each, width = query.shape
        groups, most = self.seats.shape
        seats, _, places = self.indices(query.device)
        # (groups, seats, heads, each, width) → all queries of a group beside each other
        asked = query[seats].transpose(1, 2).reshape(groups, heads, most * each, width)
        out, total = part(asked, self.keys[layer], self.values[layer], mask, scale)
        out = out.view(groups, heads, most, each, -1).transpose(1, 2)
        total = total.view(groups, heads, most, each).transpose(1, 2)
        out, total = out.reshape(-1, heads, each, out.shape[-1]), total.reshape(-1, heads, each)
        return out[places], total[places]


class KeyValueStore:
    """Keys and values of all rows being decoded, one block a layer, written in place.

    Row i begins with ``begun[i]`` shared tokens; its own are in columns 0 to ``lengths[i] -
    begun[i] - 1``, and columns beyond are masked. Nothing is concatenated while decoding, and
    key/value heads are kept once however many query heads share them.
    """

    def __init__(self, rows: int, columns: int, shared: Sequence[Shared] = ()) -> None:
        """Make room for ``columns`` tokens of each row beside what it shares."""
        self.rows = rows
        self.columns = columns
        self.lengths = torch.zeros(rows, dtype=torch.long)
        """Tokens of each row so far, shared ones counted."""
        self.begun = torch.zeros(rows, dtype=torch.long)
        self.shared = list(shared)
        self.keys: dict[int, torch.Tensor] = {}
        self.values: dict[int, torch.Tensor] = {}
        self._first: dict[int, tuple[Shared, int]] = {}
        for block in self.shared:
            for group, length in enumerate(block.lengths.tolist()):
                self.begun[block.seats[group]] = length
                self._first[int(block.seats[group, 0])] = block, group

    @property
    def own(self) -> torch.Tensor:
        """Tokens of each row that it does not share, shape (rows,)."""
        return self.lengths - self.begun

    @property
    def full(self) -> bool:
        """Whether a row has no column left."""
        return bool((self.own >= self.columns).any())

    def block(
        self, layer: int, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the key and value blocks of a layer, shape (rows, heads, columns, width).

        Keys and values like those given may differ in width (multi-head latent attention).
        """
        if layer not in self.keys:
            for blocks, like in ((self.keys, key), (self.values, value)):
                blocks[layer] = like.new_zeros(
                    (self.rows, like.shape[1], self.columns, like.shape[3])
                )
        return self.keys[layer], self.values[layer]

    def put(self, layer: int, row: int, key: torch.Tensor, value: torch.Tensor) -> None:
        """Keep what a row has read: (1, heads, tokens, width) from its first token on."""
        begun = int(self.begun[row])
        if begun and row in self._first:
            shared, group = self._first[row]
            shared.put(layer, group, key[0], value[0])
        for block, text in zip(self.block(layer, key, value), (key, value), strict=True):
            block[row, :, : text.shape[2] - begun] = text[0, :, begun:]

    def keep(self, rows: torch.Tensor) -> None:
        """Drop all rows but these."""
        for blocks in (self.keys, self.values):
            for layer in blocks:
                blocks[layer] = blocks[layer].index_select(0, rows.to(blocks[layer].device))
        self.lengths, self.begun = self.lengths[rows], self.begun[rows]
        self.shared = [left for block in self.shared if (left := block.keep(rows))]
        self._first = {}
        self.rows = len(rows)


class Step:
    """One decoding step of a store's rows: each gets a token. Masks are made once, not a layer."""

    def __init__(self, store: KeyValueStore) -> None:
        self.store = store
        self.columns = int(store.own.max()) + 1
        self._masks: dict[tuple[int, int | None], torch.Tensor | None] = {}
        self._next: tuple[torch.Tensor, torch.Tensor] | None = None

    def _where(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows, and the column that each fills next, where the model is."""
        if self._next is None:
            store = self.store
            self._next = torch.arange(store.rows, device=device), store.own.to(device)
        return self._next

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scale: float | None,
        window: int | None,
    ) -> torch.Tensor:
        """Write the new tokens' keys and values, and attend to all that their rows have read.

        Args:
            layer: number of the layer.
            query: (rows, query heads, 1, width).
            key: (rows, key heads, 1, width).
            value: (rows, key heads, 1, width).
            scale: of the scores.
            window: tokens that the layer looks back.

        Returns:
            Shape (rows, 1, query heads, width).
        """
        store = self.store
        keys, values = store.block(layer, key, value)
        row, column = self._where(keys.device)
        keys[row, :, column] = key[:, :, 0]
        values[row, :, column] = value[:, :, 0]
        rows, heads, _, width = query.shape
        kept = key.shape[1]
        # Query heads that share a key head are laid out as if they were its queries, so
        # keys and values are read once and never repeated in memory.
        asked = query.reshape(rows, kept, heads // kept, width)
        seen = keys[:, :, : self.columns], values[:, :, : self.columns]
        mask = self._own_mask(window, query)
        if not store.shared:
            out = sdpa(asked, *seen, attn_mask=mask, scale=scale)
        else:
            out, total = part(asked, *seen, mask, scale)
            for number, shared in enumerate(store.shared):
                more = shared.attend(layer, asked, self._shared_mask(number, window, asked), scale)
                own = shared.indices(out.device)[1]
                out[own] = merged(out[own], total[own], *more)
        return out.reshape(rows, heads, 1, -1).transpose(1, 2)

    def _own_mask(self, window: int | None, like: torch.Tensor) -> torch.Tensor:
        """What each row sees of its own columns, shape (rows, 1, 1, columns)."""
        if (-1, window) not in self._masks:
            store = self.store
            column = torch.arange(self.columns)[None, :]
            seen = column <= store.own[:, None]
            if window is not None:
                seen &= store.begun[:, None] + column > store.lengths[:, None] - window
            self._masks[-1, window] = _added(seen[:, None, None, :], like)
        mask = self._masks[-1, window]
        assert mask is not None
        return mask

    def _shared_mask(
        self, number: int, window: int | None, like: torch.Tensor
    ) -> torch.Tensor | None:
        """What rows see of a shared block; None where it is all of it."""
        if (number, window) not in self._masks:
            shared, lengths = self.store.shared[number], self.store.lengths
            column = torch.arange(shared.columns)
            seen = (column < shared.lengths[:, None])[:, None, None, :]
            if window is not None and int(lengths.max()) >= window:
                near = column > lengths[shared.seats][:, :, None] - window
                seen = seen & near.repeat_interleave(like.shape[2], 1)[:, None]
            self._masks[number, window] = None if seen.all() else _added(seen, like)
        return self._masks[number, window]


def _added(seen: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A mask of what is seen, as numbers that are added to scores."""
    return torch.zeros(seen.shape, dtype=like.dtype, device=like.device).masked_fill_(
        ~seen.to(like.device), float("-inf")
    )


def part(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    scale: float | None,
    *,
    causal: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attend to a part of the keys; gradients are not kept.

    Args:
        query: (batch, heads, queries, width).
        key: (batch, heads, keys, width).
        value: (batch, heads, keys, width).
        mask: broadcastable to (batch, heads, queries, keys), added to the scores.
        scale: of the scores; by default 1 / sqrt(width).
        causal: query i sees keys 0 to i only; without a mask.

    Returns:
        The part's output, and the log-sum-exp of its scores, (batch, heads, queries): minus
        infinity where a query sees nothing, whose output means nothing.
    """
    if query.device.type == "cpu" and _FLASH is not None and value.shape[-1] == query.shape[-1]:
        out, total = _FLASH(query, key, value, 0.0, causal, attn_mask=mask, scale=scale)
    else:
        scores = query @ key.transpose(-1, -2) * (scale or query.shape[-1] ** -0.5)
        if causal:
            mask = _added(torch.ones(scores.shape[-2:], dtype=torch.bool).tril(), scores)
        scores = (scores if mask is None else scores + mask).float()
        total = scores.logsumexp(-1)
        out = (scores - total[..., None]).exp().to(value.dtype) @ value
    if mask is not None and not causal:  # the kernel says 0 where nothing is seen
        nothing = (mask == float("-inf")).all(-1).expand(total.shape)
        total = total.masked_fill(nothing, float("-inf"))
        out = out.masked_fill(nothing[..., None], 0.0)
    return out, total


def merged(
    out: torch.Tensor, total: torch.Tensor, more: torch.Tensor, more_total: torch.Tensor
) -> torch.Tensor:
    """Put the outputs of two parts together; at least one of them has seen something.

    Args:
        out: output of one part, (..., width).
        total: its log-sum-exp, (...).
        more: output of the other part.
        more_total: its log-sum-exp.
    """
    share = torch.sigmoid(more_total - total)[..., None].to(out.dtype)
    return out + (more - out) * share
