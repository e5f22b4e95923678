"""The owner's pages: who may come, the log, backups."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from starlette.responses import Response

from mores.consult import read_consultation, write_answers
from mores.consult.answers import answers_folder
from mores.consult.model import VOTES
from mores.desk import people, votes
from mores.desk.call import Call, Site
from mores.desk.complaints import hand_on
from mores.desk.tables import DESK, invite, person
from mores.errors import DataError
from mores.web import audit
from mores.web.backup import back_up
from mores.web.call import RefusedError, page, redirect

INVITED = ("author", "reviewer", "participant")
MOST_PLACES = 100_000


def crowd(call: Call, links: tuple[tuple[str, str], ...] = ()) -> Response:
    """People and links; fresh links are shown once."""
    with call.site.database.read() as tx:
        everybody = list(tx.execute(sa.select(person).order_by(person.c.joined)))
        invites = list(tx.execute(sa.select(invite).order_by(invite.c.created)))
    staff = [one for one in everybody if one.role != "participant"]
    guests = [one for one in everybody if one.role == "participant"]
    return page(
        call,
        "people.html",
        staff=staff,
        guests=len(guests),
        gone=sum(one.left is not None for one in guests),
        invites=invites,
        links=links,
        now=call.now,
        roles=INVITED,
    )


def invite_people(call: Call) -> Response:
    """Make one link for each name given, or one link for many."""
    role = call.get("role")
    if role not in INVITED:
        raise RefusedError("bad_form", 400)
    labels = [line.strip()[:120] for line in call.get("labels").splitlines() if line.strip()]
    places = call.number("places") if call.get("places") else 1
    if not labels or len(labels) > 500 or not 1 <= places <= MOST_PLACES:
        raise RefusedError("bad_form", 400)
    if places > 1 and (role != "participant" or len(labels) > 1):
        raise RefusedError("bad_form", 400, "A link for many is for participants, one at a time.")
    asked = read_consultation(call.content.study) if places > 1 else None
    if asked is not None and not asked.open_link:
        raise RefusedError("refused", 400, "consult.toml says open_link = false: invite by name.")
    links = []
    with call.site.database.write() as tx:
        for label in labels:
            token = people.invite_link(
                tx,
                role,
                label=label,
                days=call.site.link_days,
                now=call.now,
                actor=call.person.id,
                places=places,
            )
            links.append((label, f"{call.site.place.url}/l/{token}"))
    return crowd(call, tuple(links))


def revoke(call: Call) -> Response:
    """Let a link work no longer."""
    with call.site.database.write() as tx:
        people.revoke(tx, call.get("invite"), now=call.now, actor=call.person.id)
    return redirect("/people")


def forget(call: Call) -> Response:
    """Delete what somebody wrote."""
    who = call.get("person")
    with call.site.database.write() as tx:
        row = tx.execute(sa.select(person).where(person.c.id == who)).first()
        if row is None or row.role == "owner":
            raise DataError("no such person, or the owner")
        people.forget(tx, who, now=call.now, actor=call.person.id)
        hand_on(tx, call.content.study)
    forget_copies(call.site, call.now)
    return redirect("/people")


def log(call: Call) -> Response:
    """The audit log, and whether its chain holds."""
    with call.site.database.read() as tx:
        rows = audit.entries(tx)
        broken = audit.broken_at(tx)
    return page(call, "log.html", rows=rows[::-1][:500], broken=broken, count=len(rows))


def backup_now(site: Site, now: float) -> Any:
    """Make a backup and note it in the log."""
    assert site.backups is not None
    made = back_up(site.database, DESK, site.backups, now=now)
    with site.database.write() as tx:
        detail = {"file": made.path.name, "entries": made.events}
        audit.append(tx, now=now, actor="server", action="backup", detail=detail)
    return made


def forget_copies(site: Site, now: float) -> None:
    """Take what somebody took back out of the study's files and of the backups too."""
    study = site.shelf.content().study
    if (answers_folder(study) / VOTES).exists():
        with site.database.read() as tx:
            told = votes.answers_of(tx)
        write_answers(study, told)
    if site.backups is not None and site.backups.exists():
        old = list(site.backups.glob("backup-*.tar"))
        backup_now(site, now)
        for path in old:
            path.unlink(missing_ok=True)


def make_backup(call: Call) -> Response:
    """Make a backup now."""
    if call.site.backups is None:
        raise RefusedError("not_found", 404)
    backup_now(call.site, call.now)
    return redirect("/log")
