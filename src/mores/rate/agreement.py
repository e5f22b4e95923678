"""Agreement between raters so far, over all arms together: it unblinds nothing.

overall, by_category = agreement_by_category(tx, facts)
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mores.rate.db.facts import Facts
from mores.rate.db.tables import item
from mores.rate.db.work import counted_answers


def agreement_by_category(
    tx: sa.Connection, facts: Facts
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """Krippendorff's alpha for ordinal ratings, overall and by category, with intervals.

    Returns:
        Overall (None where nothing was rated) and one row a category; ``value`` is None with
        a ``reason`` where it cannot be computed.
    """
    columns = sa.select(item.c.id, item.c.category, item.c.prompt)
    of = {row.id: row for row in tx.execute(columns)}
    rated = [(e.rater, e.item, e.value) for e in counted_answers(tx) if e.kind == "rate"]
    if not rated:
        return None, []
    prompts = {name: row.prompt for name, row in of.items()}
    rows = []
    for position in facts.charter.positions:
        of_category = [row for row in rated if of[row[1]].category == position.category]
        if of_category:
            rows.append({"title": position.title, **_alpha(of_category, prompts)})
    return _alpha(rated, prompts), rows


def _alpha(rated: list[tuple[str, str, int]], prompts: dict[str, str]) -> dict[str, Any]:
    """``n`` counts texts with at least two ratings; the interval is over their prompts."""
    from mores.stats import krippendorff_alpha, rating_table

    table = rating_table(rated)
    clusters = [prompts[name] for name in table.items]
    alpha = krippendorff_alpha(table.values, "ordinal", clusters=clusters, unit="prompt")
    found = {name: getattr(alpha, name) for name in ("value", "low", "high", "reason")}
    return {**found, "n": alpha.details["items"]}
