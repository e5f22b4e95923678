"""Which rows are decoded side by side.

The plan follows from the requests and the configuration alone, so a resumed run
makes the same batches as an interrupted one. Rows are sorted by prompt length,
long ones first; draws of one prompt stay together and share its prefill.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mores.sample.requests import Request

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

MOST_ROWS = 160
"""Wider batches gain little: the products are then as fast as the machine makes them."""
LIBRARIES_GB = 0.8
"""What Python and its libraries hold beside weights and caches."""


def row_bytes(loaded: LoadedModel, columns: int) -> int:
    """Memory of one row with ``columns`` tokens: keys and values of all layers, and logits."""
    config = loaded.model.config.get_text_config()
    every = getattr(config, "num_attention_heads", None) or 1  # state-space models have none
    heads = getattr(config, "num_key_value_heads", None) or every
    width = getattr(config, "head_dim", None) or config.hidden_size // every
    size = next(loaded.model.parameters()).element_size()
    cache = 2 * config.num_hidden_layers * heads * width * columns * size
    return int(cache + 4 * 4 * config.vocab_size)


def weight_bytes(loaded: LoadedModel) -> int:
    """Memory of the weights."""
    return sum(p.numel() * p.element_size() for p in loaded.model.parameters())


def plan_batches(
    loaded: LoadedModel,
    requests: Sequence[Request],
    max_new_tokens: int,
    *,
    batch_rows: int,
    memory_gb: float,
) -> list[list[Request]]:
    """Divide requests into batches.

    Args:
        loaded: the model, for the size of a row.
        requests: rows that can share a batch.
        max_new_tokens: longest answer.
        batch_rows: rows a batch; 0 chooses from ``memory_gb``.
        memory_gb: memory to stay within.
    """
    ordered = sorted(
        requests, key=lambda r: (-len(r.ids), r.key.weights, r.ids, r.prompt_id, r.draw)
    )
    room = memory_gb * 1e9 - weight_bytes(loaded) - LIBRARIES_GB * 1e9
    batches: list[list[Request]] = []
    while ordered:
        rows = batch_rows
        if not rows:
            columns = min(len(ordered[0].ids) + max_new_tokens, loaded.context)
            rows = int(max(1, min(MOST_ROWS, room // row_bytes(loaded, columns))))
        batches.append(ordered[:rows])
        ordered = ordered[rows:]
    return batches
