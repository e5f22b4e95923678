"""Decoding in one flat row: rows that have finished make room for others that wait.

For models that run through `mores.weights.attention`; `mores.sample.plain` serves the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mores.sample.prefill import prefill
from mores.sample.row import Row
from mores.weights.cascade import KeyValueStore
from mores.weights.routing import contiguous_slices, routed

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

FULL_ENOUGH = 0.75
"""Share of the rows side by side below which waiting ones are read and join."""
MOST_COHORTS = 4
"""Groups of rows that began together; each costs a few calls a layer and step."""

Choose = Callable[[Sequence[Row], torch.Tensor], torch.Tensor]
"""Rows and their logits → the next token of each; rows take their tokens as they are chosen."""


@dataclass
class _Cohort:
    """Rows that began together, and their keys and values."""

    rows: list[Row]
    store: KeyValueStore

    def drop(self, chosen: torch.Tensor, context: int) -> torch.Tensor:
        """Drop finished rows where that pays; the chosen tokens of those that are left."""
        going = [i for i, row in enumerate(self.rows) if not row.reason]
        # Dropping rows copies the cache, so it waits until an eighth can go at once, or until
        # a finished row that is carried along has no place left for a token.
        full = self.store.full or bool((self.store.lengths >= context).any())
        if not full and len(going) > len(self.rows) * 7 // 8:
            return chosen
        self.rows = [self.rows[i] for i in going]
        if going:
            self.store.keep(torch.tensor(going))
        return chosen[going]


def decode(loaded: LoadedModel, rows: Sequence[Row], choose: Choose, width: int) -> None:
    """Draw tokens until every row has finished.

    Args:
        loaded: the model, with the weights that the rows name.
        rows: sorted by weights and prompt.
        choose: draws the next tokens.
        width: most rows side by side.
    """
    waiting = list(rows)
    cohorts: list[_Cohort] = []
    hidden = torch.empty(0)
    while waiting or cohorts:
        active = sum(len(cohort.rows) for cohort in cohorts)
        if waiting and active <= FULL_ENOUGH * width and len(cohorts) < MOST_COHORTS:
            fresh, waiting = waiting[: width - active], waiting[width - active :]
            store, states = prefill(loaded, [row.request for row in fresh], fresh[0].limit)
            cohorts.append(_Cohort(fresh, store))
            hidden = torch.cat([hidden.to(states), states]) if active else states
        everyone = [row for cohort in cohorts for row in cohort.rows]
        chosen = choose(everyone, loaded.logits(hidden)).cpu()
        tokens = [
            cohort.drop(some, loaded.context)
            for cohort, some in zip(
                cohorts, torch.split(chosen, [len(c.rows) for c in cohorts]), strict=True
            )
        ]
        cohorts = [cohort for cohort in cohorts if cohort.rows]
        if cohorts:
            owners = [row.request.key.weights for cohort in cohorts for row in cohort.rows]
            with routed(contiguous_slices(owners, [1] * len(owners)), len(owners)):
                hidden = loaded.step(torch.cat(tokens), *(cohort.store for cohort in cohorts))
