"""The audit logs of a study's apps, as far as they name nobody: which entry follows which.

An entry's hash is over its number, time, person, deed, detail and the hash before it
(`mores.web.audit`). A pack has neither person nor detail, so that it shows the chain and its head,
and whoever keeps the log can show that an entry belongs to it. When packing, the whole log is
checked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mores.desk.tables import DESK
from mores.errors import DataError
from mores.rate.opened import place_of
from mores.records import Record
from mores.study import Study
from mores.study.complaints import desk_folder
from mores.web import audit, opening


class Link(Record, frozen=True, kw_only=True):
    """One entry without whom and what."""

    number: int
    action: str
    previous: str
    hash: str


class Chain(Record, frozen=True, kw_only=True):
    """One app's log."""

    app: str
    """``rating`` or ``desk``."""
    head: str
    """Hash of the last entry."""
    links: tuple[Link, ...]


def chains(study: Study) -> list[Chain]:
    """Read and check the logs that lie in a study's folder.

    Raises:
        DataError: an entry was altered.
    """
    places = {"rating": Path(place_of(study, None)), "desk": desk_folder(study) / DESK.file}
    return [_chain(app, path) for app, path in places.items() if path.is_file()]


def _chain(app: str, path: Path) -> Chain:
    with opening.looking(str(path)) as database, database.read() as tx:
        if (broken := audit.broken_at(tx)) is not None:
            raise DataError(
                f"the audit log was altered at entry {broken}",
                path=path,
                fix="restore a backup; evidence with a broken log proves nothing",
            )
        rows: list[Any] = audit.entries(tx)
        links = [
            Link(number=row.number, action=row.action, previous=row.previous, hash=row.hash)
            for row in rows
        ]
        return Chain(app=app, head=audit.last_hash(tx), links=tuple(links))


def broken(chain: Chain) -> str:
    """Say where a chain does not hold together, or nothing."""
    previous = audit.FIRST
    for place, link in enumerate(chain.links, 1):
        if link.number != place or link.previous != previous:
            return f"entry {place} does not follow the one before"
        previous = link.hash
    return "" if chain.head == previous else "its head is not its last entry"
