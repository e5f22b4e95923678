"""Figures by opinion group, and which statements divide the groups.

The groups are made from the votes, so on those votes they differ whatever they are. Each statement
is therefore tested with groups that were made from all other statements: if its votes have nothing
to do with the rest, that test errs in 5 % of cases, as it should.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from mores.consult.agreement import Votes
from mores.consult.consensus import Difference, adjusted
from mores.consult.groups import divide
from mores.consult.stability import Found, matched
from mores.stats import two_shares

OPINION = "opinion"
NAMES = "ABCDE"


def opinion_rows(found: Found) -> dict[str, list[int]]:
    """Return the rows of each group, the largest first.

    Who voted on too little to be placed is in none and gets no figures. Nobody outside knows who
    they are or that they are few, so they are no cell that `cells.hidden` would have to protect.
    """
    assert found.division is not None
    labels = found.division.labels
    return {f"group {NAMES[g]}": found.rows[labels == g].tolist() for g in range(found.division.k)}


def opinion_differences(
    table: Votes, statements: Sequence[str], found: Found, *, seed: int, least: int
) -> list[Difference]:
    """Compare every two opinion groups on every statement, groups made without that statement.

    Args:
        table: votes from which the groups were made, shape (participants, statements).
        statements: ids of the columns.
        found: the groups.
        seed: of the starts of k-means.
        least: people with a vote below whom a group is not compared.
    """
    assert found.division is not None
    placed = table[found.rows]
    compared: list[Difference] = []
    for column, statement in enumerate(statements):
        others = np.delete(placed, column, axis=1)
        others = others[:, ~np.isnan(others).all(axis=0)]
        there = ~np.isnan(others).all(axis=1)
        again = divide(others[there], np.random.default_rng([seed, 5]), k=found.division.k)
        if again is None:
            continue
        labels = matched(found.division.labels[there], again.labels)
        votes = placed[there, column]
        counts = [
            (int((votes[labels == g] == 1).sum()), int((~np.isnan(votes[labels == g])).sum()))
            for g in range(found.division.k)
        ]
        compared += [
            Difference(
                statement=statement,
                by=OPINION,
                first=f"group {NAMES[a]}",
                second=f"group {NAMES[b]}",
                estimate=two_shares(*counts[a], *counts[b]),
            )
            for a, b in combinations(range(found.division.k), 2)
            if counts[a][1] >= least and counts[b][1] >= least
        ]
    return adjusted(compared)
