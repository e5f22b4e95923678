"""`mores rate serve`: from completions to the first rater's link, and the app until it is stopped.

    serve(study, options, say=print)

Sets the database up where there is none, prints a link for the owner at every start and the
raters' links at the first, backs up every 15 minutes in which something was answered, and stops
on Ctrl-C without losing anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from mores.rate.db.backup import last_backup, last_event
from mores.rate.db.facts import Facts, facts_of, is_set_up
from mores.rate.db.raters import invite_link
from mores.rate.db.setup import set_up
from mores.rate.db.tables import invite
from mores.rate.opened import backup_folder, changing
from mores.rate.web.app import APP
from mores.rate.web.call import Site
from mores.rate.web.owner import backup_now
from mores.study import Study
from mores.web import audit
from mores.web.database import Database
from mores.web.security import Place
from mores.web.serving import (
    Address,
    Keeper,
    host,
    place_for,
    try_certificate,
    try_port,
)

OWNER_DAYS = 1.0


@dataclass(frozen=True, kw_only=True)
class Options(Address):
    """Where and how to serve."""

    database: str | None = None
    invite: int | None = None
    """Personal links to make now; by default one a seat at the first start, then none."""


@dataclass(frozen=True)
class Started:
    """What people need to begin."""

    owner_link: str
    rater_links: tuple[str, ...]
    items: int
    ratings: int
    first: bool
    """Whether the study was set up just now."""


def prepare(
    database: Database, study: Study, place: Place, *, invites: int | None, now: float
) -> tuple[Facts, Started]:
    """Set up what is missing, and make the links that are to be printed."""
    first = not is_set_up(database)
    facts = set_up(database, study, now=now) if first else facts_of(database)
    count = invites if invites is not None else (facts.rules.seats if first else 0)
    with database.write() as tx:
        # The last start's link lets nobody in any more; sessions that came by it go on.
        tx.execute(
            invite.update()
            .where(invite.c.kind == "owner", invite.c.revoked.is_(None))
            .values(revoked=now)
        )
        owner = invite_link(
            tx, "owner", label="", days=OWNER_DAYS, places=1, now=now, actor="server"
        )
        tokens = [
            invite_link(
                tx, "personal", label=f"rater {i}", days=facts.rules.link_days, places=1, now=now
            )
            for i in range(1, count + 1)
        ]
        audit.append(tx, now=now, actor="server", action="start", detail={"at": place.url})
        items = tx.exec_driver_sql("SELECT count(*) FROM item WHERE kind = 'study'").scalar_one()
    return facts, Started(
        owner_link=f"{place.url}/o/{owner}",
        rater_links=tuple(f"{place.url}/r/{token}" for token in tokens),
        items=items,
        ratings=items * facts.rules.per_item,
        first=first,
    )


def serve(study: Study, options: Options, *, say: Callable[[str], None]) -> None:
    """Run the app until it is stopped.

    Raises:
        MoresError: nothing sampled, an unsafe address, a database that cannot be used, a port
            that is taken.
    """
    place = place_for(options)
    try_certificate(options)
    with changing(study, options.database, now=time.time(), new=True, say=say) as database:
        try_port(options)  # before links are made that would be shown once, for another port
        facts, started = prepare(database, study, place, invites=options.invite, now=time.time())
        _announce(started, database, say)
        site = Site(
            database=database,
            place=place,
            title=facts.title,
            behind_proxy=options.behind_proxy is not None,
            facts=facts,
            study=study,
            backups=backup_folder(study),
        )
        host(site, APP, options, keeper=keeper(site), say=say)


def keeper(site: Site) -> Keeper:
    """What backs a site up while it runs."""

    def newest() -> int:
        with site.database.read() as tx:
            return last_event(tx)

    with site.database.read() as tx:
        backed_up = int((last_backup(tx) or {}).get("last", 0))
    return Keeper(newest, backed_up, lambda: backup_now(site, site.now()), APP.name)


def _announce(started: Started, database: Database, say: Callable[[str], None]) -> None:
    if started.first:
        say(f"{started.items} outputs to rate, {started.ratings} ratings; who rates what is fixed")
    say(f"database: {database.name}")
    if started.rater_links:
        say("\nlinks for raters, one for each person (shown this once):")
        for link in started.rater_links:
            say(f"  {link}")
    say("\nyour own link (the owner's pages):")
    say(f"  {started.owner_link}")
    say("\nrunning; Ctrl-C stops it\n")
