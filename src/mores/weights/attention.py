"""One attention function for training, scoring and sampling, without padding.

All text goes through the model as one flat row of tokens. A `Layout` says which
tokens belong together: a list of trees, each a shared prefix with branches that
see the prefix and themselves but not each other. A training sample is a tree
without branches; a multiple-choice item is a context with its choices; a few-shot
prompt shared by many questions is a prefix with one branch a question. In
decoding, each row reads its keys and values from a store (`mores.weights.cascade`).

The function is registered with transformers under the name ``mores``, so every
architecture that goes through its attention interface can use it:

    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="mores")
    with using(Layout.of([5, 7])):
        model(input_ids=flat[None], position_ids=layout.positions()[None])
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mores.errors import ModelError

if TYPE_CHECKING:
    import torch

    from mores.weights.cascade import KeyValueStore, Step

NAME = "mores"


@dataclass(frozen=True)
class Tree:
    """A prefix of ``prefix`` tokens followed by branches of the given lengths."""

    prefix: int
    branches: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Tokens in all."""
        return self.prefix + sum(self.branches)


@dataclass(frozen=True)
class Layout:
    """How a flat row of tokens divides into independent trees."""

    trees: tuple[Tree, ...]

    @classmethod
    def of(cls, lengths: Sequence[int]) -> Layout:
        """Layout of plain sequences of the given lengths."""
        return cls(tuple(Tree(length) for length in lengths))

    @property
    def size(self) -> int:
        """Tokens in all."""
        return sum(tree.size for tree in self.trees)

    def positions(self) -> torch.Tensor:
        """Position of each token in its own text, shape (size,); branches continue their prefix."""
        import torch

        parts = []
        for tree in self.trees:
            parts.append(torch.arange(tree.prefix))
            parts += [torch.arange(tree.prefix, tree.prefix + b) for b in tree.branches]
        return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.long)


@dataclass
class _Pass:
    """What the attention function needs to know of the current forward pass."""

    layout: Layout | None = None
    store: KeyValueStore | None = None
    targets: tuple[tuple[int, tuple[int, int]], ...] = ()
    """Prefill: for each row of the store, its tree and branch (-1: the prefix itself)."""
    steps: tuple[Step, ...] = ()
    """Decoding: one for each store, in the order of the rows."""


_current: list[_Pass] = []


@contextmanager
def using(
    layout: Layout,
    *,
    store: KeyValueStore | None = None,
    targets: Sequence[tuple[int, tuple[int, int]]] = (),
) -> Iterator[None]:
    """Run forward passes over flat rows with this layout.

    With a ``store``, keys and values are written to it: each target (row, (tree,
    branch)) gets the prefix and that branch (-1 for the prefix alone).
    """
    _current.append(_Pass(layout=layout, store=store, targets=tuple(targets)))
    try:
        yield
    finally:
        _current.pop()


@contextmanager
def stepping(*stores: KeyValueStore) -> Iterator[None]:
    """Run one decoding step: each row of the stores, one store after the other, gets a token."""
    from mores.weights.cascade import Step

    _current.append(_Pass(steps=tuple(Step(store) for store in stores)))
    try:
        yield
        for store in stores:
            store.lengths += 1
    finally:
        _current.pop()


def register() -> None:
    """Make the attention function known to transformers (safe to call again)."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, _no_mask)


@dataclass
class Seen:
    """What a model asked of the attention function in one pass over one plain text."""

    windows: dict[int, int | None] = field(default_factory=dict)
    """Layer → how many tokens it looks back, None for all."""
    masks: set[int | str | None] = field(default_factory=set)
    """How many tokens the masks that it would have made look back, or what else they are."""

    def complaint(self, config: Any) -> str:
        """Say why flat rows would give other numbers than the model's own masks; empty if not.

        A window that is longer than any probe shows only here.
        """
        layers = config.num_hidden_layers
        if len(self.windows) < layers:
            return f"only {len(self.windows)} of {layers} layers use the attention that we replace"
        kinds = tuple(getattr(config, "layer_types", None) or ())
        masks = self.masks
        if kinds:  # masks may be made for kinds of layers that the model does not have
            masks = {m for m in masks if not isinstance(m, int) or "sliding_attention" in kinds}
            masks -= set() if "chunked_attention" in kinds else {"chunked"}
        if odd := [m for m in masks if isinstance(m, str)]:
            return f"its attention masks are {odd[0]}"
        asked = {w for w in self.windows.values() if w is not None}
        if asked != masks - {None}:
            return "its layers do not say which attention window they have"
        return ""


_seen: list[Seen] = []


@contextmanager
def watching() -> Iterator[Seen]:
    """Note what a model asks of the attention function in the passes of this block."""
    _seen.append(Seen())
    try:
        yield _seen[-1]
    finally:
        _seen.pop()


def _no_mask(**kwargs: Any) -> None:
    """No mask is built: the layout says who sees whom."""
    if _seen:
        _seen[-1].masks.add(_kind(kwargs["mask_function"], kwargs.get("local_size")))


def _kind(sees: Any, size: int | None) -> int | str | None:
    """What a mask function is: causal (None), with a window of so many tokens, or something else.

    ``sees(batch, head, query, key)`` says whether a token at one place sees that at another.
    """
    import torch

    def seen(query: int, key: int) -> bool:
        return bool(sees(0, 0, torch.tensor(query), torch.tensor(key)))

    if seen(0, 1):
        return "not causal"
    if size is None:
        return None if seen(1 << 30, 0) else "of an unknown form"
    window = seen(size, 1) and not seen(size, 0)
    return size if window else "chunked"


def attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Attend within the current layout or store; shapes as transformers passes them.

    Args:
        module: the layer's attention module; its number names its block of the store.
        query: (batch, query heads, tokens, width); batch is 1 for flat rows.
        key: (batch, key heads, tokens, width).
        value: (batch, key heads, tokens, width).
        attention_mask: None: who sees whom is what the layout says.
        scaling: factor of the scores; by default 1 / sqrt(width).
        sliding_window: tokens that a layer looks back, if it is limited.
        softcap: not supported, as are sinks; see `mores.weights.plain` for models with them.
        **kwargs: what else transformers passes on.

    Returns:
        Output of shape (batch, tokens, query heads, width), and None.

    Raises:
        ModelError: no layout is set, or the model needs a form that is not supported.
    """
    if softcap is not None or kwargs.get("s_aux") is not None or attention_mask is not None:
        raise ModelError("it needs soft-capped scores, attention sinks or a mask of its own")
    if _seen:
        _seen[-1].windows[module.layer_idx] = sliding_window
    if not _current:
        raise ModelError("a forward pass outside `using(layout)`; this is a bug in mores")
    now = _current[-1]
    if now.layout is None:
        return _step(module.layer_idx, now.steps, query, key, value, scaling, sliding_window), None
    if now.store is not None:
        _fill(now, module.layer_idx, key, value)
    return _flat(now.layout, query, key, value, scaling, sliding_window), None


def _flat(
    layout: Layout,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    scaling: float | None,
    window: int | None,
) -> torch.Tensor:
    """Attend over a flat row, tree by tree: (1, tokens, heads, width)."""
    import torch

    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key = key.repeat_interleave(groups, dim=1)
        value = value.repeat_interleave(groups, dim=1)
    parts = []
    at = 0
    for tree in layout.trees:
        head = slice(at, at + tree.prefix)
        if tree.prefix:
            parts.append(
                _attend(query[:, :, head], key[:, :, head], value[:, :, head], scaling, window)
            )
        at += tree.prefix
        for length in tree.branches:
            own = slice(at, at + length)
            keys = torch.cat([key[:, :, head], key[:, :, own]], dim=2)
            values = torch.cat([value[:, :, head], value[:, :, own]], dim=2)
            parts.append(_attend(query[:, :, own], keys, values, scaling, window))
            at += length
    return torch.cat(parts, dim=2).transpose(1, 2)


def _attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    scaling: float | None,
    window: int | None,
) -> torch.Tensor:
    """Causal attention of the last queries of a text over all its keys."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention as sdpa

    queries, keys = query.shape[2], key.shape[2]
    windowed = window is not None and keys > window
    if queries == keys and not windowed:
        return sdpa(query, key, value, is_causal=True, scale=scaling)
    column = torch.arange(keys)[None, :]
    row = torch.arange(keys - queries, keys)[:, None]
    mask = column <= row
    if windowed:
        assert window is not None
        mask &= column > row - window
    return sdpa(query, key, value, attn_mask=mask.to(query.device), scale=scaling)


def _fill(now: _Pass, layer: int, key: torch.Tensor, value: torch.Tensor) -> None:
    """Copy prefill keys and values into the rows of the store."""
    import torch

    assert now.store is not None
    assert now.layout is not None
    starts = [0]
    for tree in now.layout.trees:
        starts.append(starts[-1] + tree.size)
    for row, (index, branch) in now.targets:
        tree, at = now.layout.trees[index], starts[index]
        texts = []
        for fresh in (key, value):
            text = fresh[:, :, at : at + tree.prefix]
            if branch >= 0:
                begin = at + tree.prefix + sum(tree.branches[:branch])
                own = fresh[:, :, begin : begin + tree.branches[branch]]
                text = torch.cat([text, own], 2)
            texts.append(text)
        now.store.put(layer, row, *texts)


def _step(
    layer: int,
    steps: Sequence[Step],
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    scaling: float | None,
    window: int | None,
) -> torch.Tensor:
    """Attend for one new token a row of all stores: (rows, 1, heads, width)."""
    import torch

    parts, at = [], 0
    for step in steps:
        own = slice(at, at := at + step.store.rows)
        parts.append(step.attend(layer, query[own], key[own], value[own], scaling, window))
    return parts[0] if len(parts) == 1 else torch.cat(parts)
