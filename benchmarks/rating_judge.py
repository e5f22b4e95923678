"""What raters were told, compared with what the rating database holds.

with looking(study) as database:
judge(database, study, ledger.given, tally)
tally.good, tally.lost, tally.doubled
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import sqlalchemy as sa

from mores.rate.db.facts import read_facts
from mores.rate.db.tables import event, item
from mores.rate.db.work import latest
from mores.rate.verify import verify
from mores.study import Study
from mores.web.database import Database
from rating_client import Given


@dataclass
class Tally:
    """What happened on one database."""

    database: str
    kills: Counter[str] = field(default_factory=Counter)
    """What was killed → how often."""
    acknowledged: int = 0
    studies: int = 0
    lost: int = 0
    doubled: int = 0
    """Keys, or first answers of a person to an item, that are there more than once."""
    differ: int = 0
    """Kept with another item, person, revision or value than was sent."""
    unknown: int = 0
    """Kept, but never acknowledged to anyone; at a study's end there should be none."""
    above: int = 0
    below: int = 0
    """Items with more, or fewer, than k ratings at a study's end."""
    broken: list[str] = field(default_factory=list)
    """What `mores rate verify` says, and what raters met that should not be."""
    counts: Counter[str] = field(default_factory=Counter)
    starts: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    """What the server logged with a traceback."""
    seconds: float = 0.0

    @property
    def killed(self) -> int:
        """All kills."""
        return sum(self.kills.values())

    @property
    def good(self) -> bool:
        """Whether everything held."""
        wrong = (self.lost, self.doubled, self.differ, self.unknown, self.above, self.below)
        return not any(wrong) and not self.broken and not self.errors


def judge(database: Database, study: Study, given: dict[str, Given], tally: Tally) -> None:
    """Compare what raters were told with what is kept, and check the contract.

    Args:
        database: opened to look.
        study: the study, full.
        given: all that was acknowledged.
        tally: gets the findings.
    """
    problems = verify(database, study).problems
    tally.broken += problems
    with database.read() as tx:
        per_item = read_facts(tx).rules.per_item
        rows = list(tx.execute(sa.select(event)))
        studied = set(tx.execute(sa.select(item.c.id).where(item.c.kind == "study")).scalars())
        counted = Counter(
            row.item
            for row in latest(tx)
            if row.item in studied and row.kind in ("rate", "cannot") and not row.surplus
        )
    kept = Counter(row.key for row in rows)
    firsts = Counter((row.rater, row.item, row.revision) for row in rows)
    tally.acknowledged += len(given)
    tally.lost += len(given.keys() - kept.keys())
    tally.unknown += len(kept.keys() - given.keys())
    tally.doubled += sum(n - 1 for n in kept.values()) + sum(n - 1 for n in firsts.values())
    people: dict[int, str] = {}
    for row in rows:
        said = given.get(row.key)
        if said is None:
            continue
        same_person = people.setdefault(said.person, row.rater) == row.rater
        sent = (said.item, said.revision, said.kind, said.value)
        tally.differ += sent != (row.item, row.revision, row.kind, row.value) or not same_person
    tally.differ += len(people) - len(set(people.values()))
    tally.above += sum(counted[name] > per_item for name in studied)
    tally.below += sum(counted[name] < per_item for name in studied)
