"""The owner's pages: progress, raters, invitations, backups, the log. No figure by arm."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from starlette.responses import Response

from mores.rate import blind
from mores.rate.agreement import agreement_by_category
from mores.rate.db.backup import back_up as make_backup
from mores.rate.db.backup import last_backup, last_event
from mores.rate.db.facts import put
from mores.rate.db.progress import overview as figures
from mores.rate.db.progress import rater_lines
from mores.rate.db.raters import invite_link, revoke
from mores.rate.db.release import forget, hand_over
from mores.rate.db.tables import invite as invite_table
from mores.rate.db.tables import person
from mores.rate.unblind import last_unblinding
from mores.rate.web.call import Call
from mores.web import audit
from mores.web.call import RefusedError, page, redirect


def overview(call: Call) -> Response:
    """How far the study is."""
    facts = call.site.facts
    with call.site.database.read() as tx:
        shown = figures(tx, facts, call.now)
        unblinded = last_unblinding(tx)
        backup = last_backup(tx)
        overall, by_category = agreement_by_category(tx, facts)
    return page(
        call,
        "owner.html",
        **shown,
        agreement=overall,
        agreement_by=by_category,
        unblinded=unblinded,
        backup=backup,
    )


def raters(call: Call, new_links: tuple[str, ...] = ()) -> Response:
    """Raters and invitations."""
    with call.site.database.read() as tx:
        lines = rater_lines(tx)
        links = _invites(tx, call.now)
    return page(call, "owner_raters.html", raters=lines, invites=links, new_links=list(new_links))


def _invites(tx: sa.Connection, now: float) -> list[dict[str, Any]]:
    joined = Counter(tx.execute(sa.select(person.c.label)).scalars())
    rows = []
    query = sa.select(invite_table).where(invite_table.c.kind != "owner")
    for row in tx.execute(query.order_by(invite_table.c.created.desc(), invite_table.c.id)):
        came = joined[f"{row.id}:"] if row.kind == "open" else int(row.rater is not None)
        rows.append(
            {
                "id": row.id,
                "label": row.label,
                "kind": row.kind,
                "created": row.created,
                "expires": row.expires,
                "state": _state(row, came, now),
                "joined": came,
            }
        )
    return rows


def _state(row: Any, came: int, now: float) -> str:
    if row.revoked is not None:
        return "revoked"
    if row.expires <= now:
        return "expired"
    if row.kind == "open":
        return "full" if came >= row.places else "open"
    return "used" if came else "open"


def invite(call: Call) -> Response:
    """Make links; they are shown on the answer to this form and never again."""
    count, days = _whole(call, "count", 1, 500), _whole(call, "days", 1, 365)
    kind = call.get("kind")
    label = call.get("label").strip()[:80].replace("\x00", "")
    if kind not in ("personal", "open"):
        raise RefusedError("bad_form", 400)
    with call.site.database.write() as tx:
        if kind == "open":
            tokens = [invite_link(tx, "open", label=label, days=days, places=count, now=call.now)]
        else:
            tokens = [
                invite_link(
                    tx,
                    "personal",
                    label=f"{label} {i}".strip() if count > 1 else label,
                    days=days,
                    places=1,
                    now=call.now,
                )
                for i in range(1, count + 1)
            ]
    return raters(call, tuple(f"{call.site.place.url}/r/{token}" for token in tokens))


def revoke_link(call: Call) -> Response:
    """Let a link work no longer."""
    with call.site.database.write() as tx:
        revoke(tx, call.get("invite"), call.now)
    return redirect("/owner/raters")


def release_items(call: Call) -> Response:
    """Give a rater's open items back, to all or to another rater."""
    with call.site.database.write() as tx:
        hand_over(tx, call.get("rater"), call.get("to") or None, call.now)
    return redirect("/owner/raters")


def forget_rater(call: Call) -> Response:
    """Forget who a rater is."""
    choice = call.get("ratings")
    if choice not in ("keep", "withdraw"):
        raise RefusedError("bad_form", 400)
    with call.site.database.write() as tx:
        ratings: Literal["keep", "withdraw"] = "withdraw" if choice == "withdraw" else "keep"
        forget(tx, call.get("rater"), ratings=ratings, now=call.now)
    return redirect("/owner/raters")


def back_up(call: Call) -> Response:
    """Make a backup now."""
    if call.site.backups is None:
        raise RefusedError("not_allowed", 403, "This server has no folder for backups.")
    backup_now(call.site, call.now)
    return redirect("/owner")


def backup_now(site: Any, now: float) -> None:
    """Make a backup and note that it passed its trial."""
    digest = site.facts.key_digest
    key = blind.key_path(site.study, digest) if site.study is not None else None
    with site.database.read() as tx:
        last = last_event(tx)
    made = make_backup(site.database, site.backups, now=now, key=key)
    with site.database.write() as tx:
        note = {
            "at": now,
            "verified": True,
            "events": made.events,
            "file": made.path.name,
            "last": last,
        }
        put(tx, "backup", msgspec.json.encode(note).decode())


def audit_log(call: Call) -> Response:
    """The log, and whether its chain holds."""
    with call.site.database.read() as tx:
        rows = audit.entries(tx)
        broken = audit.broken_at(tx)
    return page(call, "owner_audit.html", rows=rows, intact=broken is None, broken_at=broken)


def _whole(call: Call, name: str, low: int, high: int) -> int:
    text = call.get(name)
    if not text.isascii() or not text.isdecimal() or not low <= int(text[:6]) <= high:
        raise RefusedError("bad_form", 400, f"{name}: {low} to {high}")
    return int(text)
