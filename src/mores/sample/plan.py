"""Which rows are drawn and kept together, and how many of them side by side.

The plan follows from the requests, the settings and the run's memory budget alone, so a resumed run
makes the same units as an interrupted one, and the same bytes. Rows are sorted by prompt length,
long ones first; draws of one prompt stay together and share its prefill.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from mores import store
from mores.records import Record
from mores.sample.requests import Request
from mores.study import Study

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

MOST_ROWS = {"cpu": 160, "cuda": 512}
"""Wider gains little: the products are then as fast as the machine makes them."""
WAVES = 2
"""A unit holds so many times the rows side by side: those that wait take the place of finished
ones. What is cut off in a unit is drawn again, so it is not longer."""
LIBRARIES_GB = 0.8
"""What Python and its libraries hold beside weights and caches."""
OF_FREE = 0.7
"""Share of the free memory that a run takes: other programs go on, and estimates are estimates."""
BUDGET = "memory.json"
"""File of the run's budget, in its folder."""


class Budget(Record, frozen=True, kw_only=True):
    """What the first sampling of a run found free; later ones keep to it."""

    memory_gb: Annotated[float, Meta(gt=0)]


def memory_budget(study: Study, loaded: LoadedModel, *, keep: bool = False) -> float:
    """Return the GB that weights and rows being drawn may take together.

    Args:
        study: `sample.memory_gb` where it is set; else what the run has begun with; else what there
            is for this model (`found_gb`).
        loaded: the model.
        keep: write the last into the run's folder, for the rest of this run and for a resumed one.

    Raises:
        DataError: the run's file is damaged.
        StoreError: it cannot be written.
    """
    if study.config.sample.memory_gb:
        return study.config.sample.memory_gb
    path = study.run_folder / BUDGET
    if not path.exists():
        found = max(0.1, math.floor(10 * found_gb(loaded)) / 10)
        if not keep:
            return found
        store.write_json(path, Budget(memory_gb=found))
    return store.as_record(store.read_json(path), Budget, path=path).memory_gb


def found_gb(loaded: LoadedModel) -> float:
    """Return a share of what would be free if the model, which lies in memory, did not."""
    from mores.weights.machine import free_for_models_gb

    return OF_FREE * (free_for_models_gb() + weight_bytes(loaded) / 1e9)


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


def rows_side_by_side(
    loaded: LoadedModel,
    requests: Sequence[Request],
    max_new_tokens: int,
    *,
    batch_rows: int,
    memory_gb: float,
) -> int:
    """Return how many of these requests are drawn at a time, at least one.

    Args:
        loaded: the model, for the size of a row.
        requests: rows that can share a batch; the longest decides.
        max_new_tokens: longest answer.
        batch_rows: what the study sets; 0 chooses from ``memory_gb``.
        memory_gb: memory to stay within.
    """
    if batch_rows:
        return min(batch_rows, len(requests))
    longest = max(len(r.ids) for r in requests)
    room = memory_gb * 1e9 - weight_bytes(loaded) - LIBRARIES_GB * 1e9
    rows = room // row_bytes(loaded, min(longest + max_new_tokens, loaded.context))
    most = MOST_ROWS.get(loaded.device.type, MOST_ROWS["cpu"])
    return int(max(1, min(most, rows, len(requests))))


def plan_units(
    loaded: LoadedModel,
    requests: Sequence[Request],
    max_new_tokens: int,
    *,
    batch_rows: int,
    memory_gb: float,
) -> list[list[Request]]:
    """Divide requests into units; arguments as of `rows_side_by_side`."""
    ordered = sorted(
        requests, key=lambda r: (-len(r.ids), r.key.weights, r.ids, r.prompt_id, r.draw)
    )
    units: list[list[Request]] = []
    while ordered:
        rows = rows_side_by_side(
            loaded, ordered, max_new_tokens, batch_rows=batch_rows, memory_gb=memory_gb
        )
        # Units of about one size, so that no small one is left for the end.
        size = math.ceil(len(ordered) / math.ceil(len(ordered) / (WAVES * rows)))
        units.append(ordered[:size])
        ordered = ordered[size:]
    return units
