"""How many agree, by statement and by group, each share with its interval.

tally(votes, "all", least=5)
by_group(votes, groups, least=5)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mores.consult.cells import NOBODY, hidden, why_hidden
from mores.records import Estimate, Record
from mores.stats import clopper_pearson

Votes = NDArray[np.float64]
PERSON = "person"
ALL = "all"
NOT_SAID = "(not said)"


class Tally(Record, frozen=True, kw_only=True):
    """Votes of some people on one statement; None where they are not shown."""

    group: str
    n: int | None
    """People who voted on it, "pass" counted; 0 where nobody did."""
    agree: int | None = None
    disagree: int | None = None
    passed: int | None = None
    support: Estimate | None = None
    """agree / n, with the interval of Clopper and Pearson, which holds for few people."""
    withheld: str = ""
    """Why there are no figures."""


def tally(votes: Votes, group: str, *, least: int) -> Tally:
    """Count votes on one statement.

    Args:
        votes: 1 agree, 0 pass, −1 disagree, NaN no vote.
        group: whose they are.
        least: people below whom nothing is shown.
    """
    n = int((~np.isnan(votes)).sum())
    if n == 0:
        return Tally(group=group, n=0, withheld=NOBODY)
    if n < least:
        return Tally(group=group, n=None, withheld=why_hidden(n, least))
    agree = int((votes == 1).sum())
    return Tally(
        group=group,
        n=n,
        agree=agree,
        disagree=int((votes == -1).sum()),
        passed=int((votes == 0).sum()),
        support=clopper_pearson(agree, n, unit=PERSON),
    )


def by_group(votes: Votes, groups: Mapping[str, Sequence[int]], *, least: int) -> list[Tally]:
    """Count votes on one statement in every group; small groups, and what tells them, stay out.

    Args:
        votes: of all participants, NaN where there is none.
        groups: group → its rows; of declared groups every row in one, `NOT_SAID` among them.
        least: people below whom nothing is shown.
    """
    rows = {group: np.asarray(at, dtype=np.int64) for group, at in groups.items()}
    counts = {group: int((~np.isnan(votes[at])).sum()) for group, at in rows.items()}
    out = hidden(counts, least)
    return [
        Tally(group=group, n=None, withheld=why_hidden(counts[group], least))
        if group in out
        else tally(votes[at], group, least=least)
        for group, at in rows.items()
    ]
