"""What people saved at the desk, and how it is saved: once, in one transaction.

    number = save(tx, Saying(key, "comment", "values/h1", "Too long."), who="ada", now=now)
    said(tx, "comment", "values/h1")     newest last

A key is drawn with the form: sending a form twice saves it once. The same key with other words is
refused, so that nobody takes the second for saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mores import store
from mores.desk.tables import entry, words
from mores.desk.tables import person as people
from mores.errors import DataError
from mores.web import audit

MOST = 200_000
"""Characters of one saying."""
LOGGED = {"decision", "moderation"}
"""Kinds that change what others are given: they stand in the audit log too."""


class TwiceError(DataError):
    """A form that was sent before, with other words."""


@dataclass(frozen=True)
class Saying:
    """Something that a person wants to save."""

    key: str
    """Of the form."""
    kind: str
    about: str
    """What it is about, such as ``values/h1``, ``charter/health`` or a statement's id."""
    text: str = ""
    value: str = ""
    """The choice, where there is one."""
    digest: str = ""
    """Of what the person saw."""
    parent: int | None = None
    """Entry that it answers."""
    may_quote: bool = False
    """Whether the words may be printed, without a name."""

    @property
    def body(self) -> str:
        """Digest of all of it."""
        return store.digest(
            [
                self.kind,
                self.about,
                self.text,
                self.value,
                self.digest,
                self.parent,
                self.may_quote,
            ]
        )


def save(tx: sa.Connection, saying: Saying, *, who: str, now: float) -> int:
    """Save once; return the entry's number.

    Args:
        tx: a write.
        saying: what is saved.
        who: id of the person.
        now: seconds since 1970.

    Raises:
        TwiceError: the key was used for something else.
        DataError: too long, or no key.
    """
    if not saying.key or len(saying.key) > 80 or len(saying.about) > 300:
        raise DataError("the form is incomplete")
    if len(saying.text) > MOST:
        raise DataError(f"{len(saying.text):,} characters are more than {MOST:,}")
    before = tx.execute(sa.select(entry).where(entry.c.key == saying.key)).first()
    if before is not None:
        if (before.person, before.body) != (who, saying.body):
            raise TwiceError("this form was already sent, with other words")
        return int(before.id)
    made = tx.execute(
        entry.insert()
        .values(
            key=saying.key,
            person=who,
            kind=saying.kind,
            about=saying.about,
            parent=saying.parent,
            digest=saying.digest,
            value=saying.value,
            may_quote=int(saying.may_quote),
            body=saying.body,
            at=now,
        )
        .returning(entry.c.id)
    ).scalar_one()
    if saying.kind in LOGGED:
        detail = {"entry": int(made), "about": saying.about, "value": saying.value}
        audit.append(tx, now=now, actor=who, action=saying.kind, detail=detail)
    if saying.text:
        tx.execute(words.insert().values(entry=made, text=saying.text))
    return int(made)


def said(
    tx: sa.Connection,
    kinds: str | Sequence[str],
    about: str | None = None,
    *,
    person: str | None = None,
) -> list[Any]:
    """Return entries with their words, person's role and label, oldest first.

    Args:
        tx: a view.
        kinds: of the entries.
        about: only about this.
        person: only of this person.
    """
    chosen = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    query = (
        sa.select(entry, words.c.text, people.c.role, people.c.label, people.c.left)
        .select_from(
            entry.join(people, people.c.id == entry.c.person).outerjoin(
                words, words.c.entry == entry.c.id
            )
        )
        .where(entry.c.kind.in_(chosen))
        .order_by(entry.c.id)
    )
    for column, wanted in ((entry.c.about, about), (entry.c.person, person)):
        if wanted is not None:
            query = query.where(column == wanted)
    return list(tx.execute(query))
