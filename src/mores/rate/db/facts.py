"""What was fixed when a rating database was made: rules, texts, charter, digests.

facts = read_facts(tx)
facts.rules.per_item, facts.texts.consent, facts.charter.position("health").statement
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from mores.errors import StoreError
from mores.rate.db.tables import meta
from mores.rate.texts import RatingTexts
from mores.records import Charter, Record
from mores.study import RatingConfig
from mores.web.database import Database


class Facts(Record, frozen=True, kw_only=True):
    """Fixed at set-up; a later change of the study's files changes nothing here."""

    database: str
    """Random id of this database."""
    study: str
    version: str
    description: str = ""
    license: str = ""
    preset: str
    created: float
    seed: int
    """Seed of the assignment and of every rater's order."""
    rules: RatingConfig
    texts: RatingTexts
    charter: Charter
    key_digest: str
    names_rule: str
    """Id and version of the rule that flags outputs naming their model."""
    app_version: str

    @property
    def title(self) -> str:
        """What raters see as the study's name."""
        return self.texts.title or self.study


def read_facts(tx: sa.Connection) -> Facts:
    """Return the facts.

    Raises:
        StoreError: this database was never set up, or holds something else.
    """
    text = get(tx, "facts")
    if text is None:
        raise StoreError(
            "no study was set up in this database", fix="start with `mores rate serve`"
        )
    try:
        return msgspec.json.decode(text, type=Facts)
    except (msgspec.ValidationError, ValueError) as error:
        raise StoreError(f"the database's facts cannot be read: {error}") from None


def is_set_up(database: Database) -> bool:
    """Say whether a study was set up in this database (which has its tables)."""
    with database.read() as tx:
        return get(tx, "facts") is not None


def facts_of(database: Database) -> Facts:
    """Return what was fixed at set-up (see `read_facts` for what it raises)."""
    with database.read() as tx:
        return read_facts(tx)


def get(tx: sa.Connection, name: str) -> Any:
    """Return a value of the ``meta`` table, or None."""
    return tx.execute(sa.select(meta.c.value).where(meta.c.name == name)).scalar()


def put(tx: sa.Connection, name: str, value: str) -> None:
    """Set a value of the ``meta`` table."""
    if tx.execute(meta.update().where(meta.c.name == name).values(value=value)).rowcount == 0:
        tx.execute(meta.insert().values(name=name, value=value))
