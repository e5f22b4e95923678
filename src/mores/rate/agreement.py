"""Agreement between raters so far, over all arms together: it unblinds nothing.

overall, by_category = agreement_by_category(tx, facts)
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mores.rate.db.facts import Facts
from mores.rate.db.tables import item
from mores.rate.db.work import counted_answers

DRAWS = 300
SEED = 2021


def agreement_by_category(
    tx: sa.Connection, facts: Facts
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """Krippendorff's alpha for ordinal ratings, overall and by category, with intervals.

    Returns:
        Overall (None where nothing was rated) and one row a category; ``value`` is None with
        a ``reason`` where it cannot be computed.
    """
    category = dict(tx.execute(sa.select(item.c.id, item.c.category)).all())
    rated = [(e.rater, e.item, e.value) for e in counted_answers(tx) if e.kind == "rate"]
    if not rated:
        return None, []
    rows = []
    for position in facts.charter.positions:
        of_category = [row for row in rated if category[row[1]] == position.category]
        if of_category:
            rows.append({"title": position.title, **_alpha(of_category)})
    return _alpha(rated), rows


def _alpha(rated: list[tuple[str, str, int]]) -> dict[str, Any]:
    from mores.stats import krippendorff_alpha, rating_table

    alpha = krippendorff_alpha(rating_table(rated).values, "ordinal", draws=DRAWS, rng=SEED)
    return {name: getattr(alpha, name) for name in ("value", "low", "high", "n", "reason")}
