"""`mores desk`: the study in a browser, until it is stopped.

serve(load, Options(port=8766), say=print)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from mores.desk import people
from mores.desk.app import APP
from mores.desk.call import Site
from mores.desk.content import Shelf
from mores.desk.pages.owner import backup_now
from mores.desk.tables import DESK, invite, person, session
from mores.store import Say
from mores.study import Study
from mores.study.complaints import desk_folder, keep_out_of_repositories
from mores.web import audit
from mores.web.backup import back_up, newest
from mores.web.database import Database
from mores.web.links import hashed
from mores.web.opening import changing
from mores.web.security import Place
from mores.web.serving import Address, Keeper, host, place_for, try_certificate, try_port

OWNER_DAYS = 1.0


@dataclass(frozen=True, kw_only=True)
class Options(Address):
    """Where and how to serve."""

    port: int = 8766
    database: str | None = None
    name: str = "owner"
    """Of the owner, as it stands in files and signatures."""


def place_of(study: Study, database: str | None) -> str:
    """The address of a study's desk database."""
    return database or str(desk_folder(study) / DESK.file)


def serve(read: Callable[[], Study], options: Options, *, say: Say) -> None:
    """Run the desk until it is stopped.

    Args:
        read: reads the study anew.
        options: where and how.
        say: prints.

    Raises:
        MoresError: a file of the study cannot be read, an unsafe address, a database that cannot
            be used, a port that is taken.
    """
    place = place_for(options)
    try_certificate(options)
    shelf = Shelf(read)
    study = shelf.content().study
    backups = desk_folder(study) / "backups"

    def copy(database: Database) -> object:
        return back_up(database, DESK, backups, now=time.time())

    keep_out_of_repositories(desk_folder(study))
    where = place_of(study, options.database)
    with changing(where, DESK, new=True, start="mores desk", back_up=copy, say=say) as database:
        try_port(options)
        link = owner_link(database, place, name=options.name, now=time.time())
        site = Site(
            database=database,
            place=place,
            title=study.config.name,
            behind_proxy=options.behind_proxy is not None,
            shelf=shelf,
            backups=backups,
        )
        say(f"database: {database.name}")
        say(f"\nyour own link (owner), for {OWNER_DAYS * 24:.0f} hours:\n  {link}")
        say("\nlinks for authors, reviewers and participants are made on the page People")
        say("running; Ctrl-C stops it\n")
        host(site, APP, options, keeper=keeper(site), say=say)


def owner_link(database: Database, place: Place, *, name: str, now: float) -> str:
    """Make the link of this start; the last start's lets nobody in any more, and its session ends.

    Args:
        database: the desk's.
        place: its address.
        name: of the owner, as it stands in files and signatures.
        now: seconds since 1970.
    """
    with database.write() as tx:
        old = (invite.c.kind == "owner") & invite.c.revoked.is_(None)
        ended = sa.select(invite.c.id).where(invite.c.kind == "owner")
        tx.execute(session.delete().where(session.c.invite.in_(ended)))
        tx.execute(invite.update().where(old).values(revoked=now))
        token = people.invite_link(
            tx, "owner", label=name, days=OWNER_DAYS, now=now, actor="server"
        )
        # The same owner as at the last start: nobody reviews their own draft by starting again.
        mine = (person.c.role == "owner") & (person.c.label == name) & person.c.left.is_(None)
        before = tx.execute(sa.select(person.c.id).where(mine).order_by(person.c.joined)).scalar()
        own = invite.c.secret == hashed(token)
        tx.execute(invite.update().where(own).values(person=before))
        audit.append(tx, now=now, actor="server", action="start", detail={"at": place.url})
    return f"{place.url}/l/{token}"


def keeper(site: Site) -> Keeper:
    """What backs a site up while it runs."""

    def latest() -> int:
        with site.database.read() as tx:
            return newest(tx, DESK)

    return Keeper(latest, 0, lambda: backup_now(site, site.now()), APP.name)
