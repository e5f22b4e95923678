"""Statements that every group supports, and statements that divide.

consensus(statement, by, tallies)         one statement, all groups
differences(rows)                         all pairs of groups on all statements, tested together
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import prod

from msgspec.structs import replace

from mores.consult.agreement import NOT_SAID, Tally
from mores.records import Estimate, Record
from mores.stats import benjamini_hochberg, two_shares

ALPHA = 0.05
HALF = 0.5


class Consensus(Record, frozen=True, kw_only=True):
    """How far all groups support one statement."""

    statement: str
    by: str
    """Id of a question, or ``opinion``."""
    groups: int
    """Groups with figures; those that are not shown say nothing here."""
    withheld: int
    """Groups of some people whose figures are not shown."""
    polis: float
    """Polis's group-informed consensus ∏ (1 + agree) / (2 + n): falls with every further group."""
    mean: float
    """(∏ e)^(1 / groups), e = p(agree) (1 − p(disagree)), p = (count + ½) / (n + 1): 0 to 1, and
    comparable whatever the number of groups."""
    least: str
    """The group that supports it least."""
    support: Estimate
    """That group's support."""
    shown: bool
    """Whether in every group the whole interval of support is above one half."""


class Difference(Record, frozen=True, kw_only=True):
    """Support of one statement in two groups."""

    statement: str
    by: str
    first: str
    second: str
    estimate: Estimate
    """First − second. Tested with all others of the same ``by``."""

    @property
    def divides(self) -> bool:
        """Whether a difference is shown."""
        return self.estimate.verdict == "shown"


def consensus(statement: str, by: str, tallies: Sequence[Tally]) -> Consensus | None:
    """Return how far all groups support a statement; None with fewer than two groups to look at.

    That all groups support it is claimed only where each group's interval is above one half. Each
    is a test at 2.5 %, and all must hold (an intersection-union test: Berger 1982), so that more
    groups do not make the claim easier. A group of five cannot carry it: 5 of 5 is 48 % at least.

    Args:
        statement: its id.
        by: what the groups are of.
        tallies: of every group, "not said" left out.
    """
    there = [t for t in tallies if t.support is not None and t.group != NOT_SAID]
    if len(there) < 2:
        return None
    shares = [(t.agree or 0, t.disagree or 0, t.n or 0, t) for t in there]
    support = [t.support for t in there if t.support is not None]
    least = min(there, key=lambda t: (t.agree or 0) / (t.n or 1))
    assert least.support is not None
    return Consensus(
        statement=statement,
        by=by,
        groups=len(there),
        withheld=sum(t.n is None for t in tallies if t.group != NOT_SAID),
        polis=prod((1 + a) / (2 + n) for a, _, n, _ in shares),
        mean=prod(_effective(a, d, n) for a, d, n, _ in shares) ** (1 / len(shares)),
        least=least.group,
        support=least.support,
        shown=all(e.low is not None and e.low > HALF for e in support),
    )


def _effective(agree: int, disagree: int, n: int) -> float:
    return (agree + 0.5) / (n + 1) * (1 - (disagree + 0.5) / (n + 1))


def differences(rows: Sequence[tuple[str, str, Sequence[Tally]]]) -> list[Difference]:
    """Compare every two groups on every statement, largest differences first.

    Fisher's exact test, with Benjamini and Hochberg's adjustment over all pairs and statements of
    the same ``by``: of the differences called shown, 5 % are false in expectation, provided that
    answers are not related against each other (positive dependence).

    Args:
        rows: (statement, by, tallies of all groups).
    """
    found = [
        Difference(statement=s, by=by, first=a.group, second=b.group, estimate=_difference(a, b))
        for s, by, tallies in rows
        for a, b in combinations([t for t in tallies if t.n and t.group != NOT_SAID], 2)
    ]
    return adjusted(found)


def adjusted(found: Sequence[Difference]) -> list[Difference]:
    """Adjust the p-values of each family, give the verdicts, and sort by size."""
    done: list[Difference] = []
    for by in dict.fromkeys(d.by for d in found):
        own = [d for d in found if d.by == by]
        for d, p in zip(own, benjamini_hochberg([d.estimate.p for d in own]), strict=True):
            shown = p is not None and p < ALPHA
            estimate = replace(d.estimate, p_adjusted=p, verdict="shown" if shown else "not shown")
            done.append(replace(d, estimate=estimate))
    return sorted(done, key=lambda d: (-abs(d.estimate.value or 0.0), d.statement, d.first))


def _difference(a: Tally, b: Tally) -> Estimate:
    return two_shares(a.agree or 0, a.n or 0, b.agree or 0, b.n or 0)
