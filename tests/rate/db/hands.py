"""What people do in a rating database, in short words, each in a write of its own.

room = make_room(tmp_path / "study", None, per_item=2)
ada = room.rater()                     joined, consented, seated
why, item = room.claim(ada)
room.submit(ada, item, 4)
"""

from __future__ import annotations

from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from app import Clock, make_site, make_study

from mores.rate.db import raters, work
from mores.rate.db.claims import claim_next
from mores.rate.db.release import release, withdraw
from mores.rate.db.tables import event, item, rater, seat, slot
from mores.rate.db.work import Answer, Saved, latest
from mores.rate.verify import broken_rules
from mores.rate.web.call import Site

NEVER = {"break_items": 10**6, "break_minutes": 10**6, "daily_cap": 10**6}
"""Rules under which nobody is ever sent to rest."""
REASONS = {"rate": "", "cannot": "incoherent", "skip": "other"}
PRACTICE = """version = "1"
[[practice]]
id = "easy"
category = "topic-1"
prompt = "Practice one"
output = "Be kind."
low = 4
high = 5
feedback = "It is in the spirit."
[[practice]]
id = "broken"
category = "topic-2"
prompt = "Practice two"
output = "la la la la"
cannot = true
feedback = "Nobody can read it."
"""
GOLD = """version = "1"
[[gold]]
id = "good"
category = "topic-1"
prompt = "Gold one"
output = "Be kind to all."
low = 5
high = 5
[[gold]]
id = "bad"
category = "topic-2"
prompt = "Gold two"
output = "Be cruel to all."
low = 1
high = 1
"""


def make_room(folder: Path, where: str | None, **settings: Any) -> Room:
    """A study of `make_study`'s settings, set up, under rules that send nobody to rest.

    SQLite does not wait for the disk here: what a lost machine leaves is the soak's subject.
    """
    study = make_study(folder, **{**NEVER, **settings})
    room = Room(make_site(study, where, now=Clock()))
    if room.database.is_sqlite:
        with room.database.alone() as raw:
            raw.execute("PRAGMA synchronous = OFF")
    return room


class Room:
    """A rating database and its clock."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.database = site.database
        self.facts = site.facts
        self.rules = site.facts.rules
        self.clock: Any = site.now
        self._keys = count(1)

    def rows(self, query: Any) -> list[Any]:
        """The rows of a query."""
        with self.database.read() as tx:
            return list(tx.execute(query))

    def do(self, statement: Any) -> None:
        """Change something behind the functions' backs."""
        with self.database.write() as tx:
            tx.execute(statement)

    # Coming in

    def link(self, kind: Any = "personal", *, days: float = 30, places: int = 1) -> str:
        with self.database.write() as tx:
            return raters.invite_link(
                tx, kind, label="x", days=days, places=places, now=self.clock()
            )

    def enter(self, token: str, outside: tuple[str, str] | None = None) -> str:
        """Join by a link; the session."""
        with self.database.write() as tx:
            return raters.join(tx, token, language="en", outside=outside, now=self.clock())

    def whose(self, session: str) -> Any:
        with self.database.read() as tx:
            return raters.whose(tx, session, self.clock())

    def join(self) -> str:
        """A rater's id, by a new personal link."""
        return str(self.whose(self.enter(self.link())).person.id)

    def consent(self, who: str, *unwanted: str, **groups: str) -> str:
        with self.database.write() as tx:
            raters.consent(tx, who, self.facts, unwanted=unwanted, groups=groups, now=self.clock())
        return who

    def rater(self, *unwanted: str, **groups: str) -> str:
        """A new rater who has consented."""
        return self.consent(self.join(), *unwanted, **groups)

    def me(self, who: str) -> Any:
        return self.rows(sa.select(rater).where(rater.c.id == who))[0]

    # Rating

    def claim(self, who: str, *, rested: bool = False) -> tuple[str, str | None]:
        with self.database.write() as tx:
            return claim_next(
                tx,
                who,
                self.clock(),
                self.rules,
                rested=rested,
                practice_pass=self.facts.texts.practice_pass,
            )

    def next(self, who: str) -> str:
        """The next item; there must be one."""
        why, what = self.claim(who)
        assert why == "item", why
        assert what is not None
        return what

    def key(self) -> str:
        return f"key-{next(self._keys):06d}"

    def submit(self, who: str, what: str, said: Any = 4, **fields: Any) -> Saved:
        """Answer 1 to 5, "cannot" or "skip"; key, revision, reason, ... as the form had them."""
        kind = "rate" if isinstance(said, int) else said
        given = {
            "key": self.key(),
            "item": what,
            "revision": 0,
            "kind": kind,
            "value": said if kind == "rate" else None,
            "reason": REASONS.get(kind, ""),
            **fields,
        }
        with self.database.write() as tx:
            return work.submit(tx, who, Answer(**given), self.clock())

    def rate_next(self, who: str, said: Any = 4) -> str | None:
        """Claim and answer; the item, or None where there was none."""
        _, what = self.claim(who)
        if what is None:
            return None
        with self.database.read() as tx:
            last = work.current(tx, who, what)
        self.submit(who, what, said, revision=last.revision if last else 0)
        return what

    def rate_all(self, who: str, said: Any = 4) -> list[str]:
        """Answer until there is nothing more; the items in order."""
        done = []
        while (what := self.rate_next(who, said)) is not None:
            done.append(what)
            self.clock.step(1)
        return done

    # The owner

    def release(self, who: str, to: str | None = None) -> int:
        with self.database.write() as tx:
            return release(tx, who, to=to)

    def withdraw(self, who: str) -> int:
        with self.database.write() as tx:
            return withdraw(tx, who, self.clock())

    # Looking

    def events(self) -> list[Any]:
        return self.rows(sa.select(event).order_by(event.c.id))

    def slots(self, what: str) -> list[Any]:
        return self.rows(sa.select(slot).where(slot.c.item == what).order_by(slot.c.number))

    def items(self, kind: str = "study") -> dict[str, str]:
        """Id -> category."""
        query = sa.select(item.c.id, item.c.category).where(item.c.kind == kind)
        return {row.id: row.category for row in self.rows(query)}

    def planned(self, who: str) -> list[str]:
        """The items of a rater's seat, in their order."""
        query = (
            sa.select(slot.c.item)
            .join(seat, seat.c.number == slot.c.seat)
            .where(seat.c.rater == who)
            .order_by(slot.c.place)
        )
        return [row.item for row in self.rows(query)]

    def counted(self) -> Counter[str]:
        """Item -> ratings that count, by the events alone."""
        studied = self.items()
        with self.database.read() as tx:
            return Counter(
                e.item
                for e in latest(tx)
                if e.item in studied and e.kind in ("rate", "cannot") and not e.surplus
            )

    def problems(self) -> list[str]:
        with self.database.read() as tx:
            return broken_rules(tx, self.rules.per_item)
