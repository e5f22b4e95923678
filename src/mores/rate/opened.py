"""A study's rating database, opened for looking or for changing.

    with looking(study) as database: ...      beside a running server, nothing can be changed
    with changing(study) as database: ...     alone: a running server is named and refused

The address is ``runs/<preset>/rating/ratings.sqlite`` unless another is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mores.errors import StoreError
from mores.rate.blind import key_path
from mores.rate.db.backup import back_up
from mores.rate.db.facts import facts_of, is_set_up
from mores.rate.db.migrations import RATING, head, revision
from mores.study import Study, folders
from mores.web import opening
from mores.web.database import Database

START = "start with `mores rate serve`"
BACKUPS = "backups"


def place_of(study: Study, database: str | None) -> str:
    """The address of a study's rating database."""
    return database or str(folders.rating_folder(study) / RATING.file)


def backup_folder(study: Study) -> Path:
    """Where a study's backups are kept."""
    return folders.rating_folder(study) / BACKUPS


@contextmanager
def looking(study: Study, database: str | None = None) -> Iterator[Database]:
    """Open to look.

    Raises:
        StoreError: there is none, it was not set up, or a newer or an earlier version made it:
            looking changes nothing, so it brings no schema up to date.
    """
    with opening.looking(place_of(study, database)) as opened:
        _must_be_set_up(opened)
        if (found := revision(opened)) != head():
            raise StoreError(
                f"an earlier version of mores made these tables (schema {found}, now {head()})",
                path=opened.name,
                fix="`mores rate backup STUDY` backs them up and brings them up to date",
            )
        yield opened


@contextmanager
def changing(
    study: Study,
    database: str | None = None,
    *,
    now: float,
    new: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Database]:
    """Open to change, alone; a schema of an earlier version is brought up to date.

    Args:
        study: the study.
        database: its address; the study's own SQLite file by default.
        now: seconds since 1970.
        new: whether there may be none yet.
        say: where to report a schema that was brought up to date.

    Raises:
        StoreError: a server is running on it, a network file system, no room, not writable,
            made by a newer version, or (unless new) never set up.
    """

    def copy(opened: Database) -> None:
        digest = facts_of(opened).key_digest if is_set_up(opened) else None
        back_up(opened, backup_folder(study), now=now, key=key_path(study, digest))

    where = place_of(study, database)
    with opening.changing(where, RATING, new=new, start=START, back_up=copy, say=say) as opened:
        if not new:
            _must_be_set_up(opened)
        yield opened


def _must_be_set_up(opened: Database) -> None:
    if revision(opened) is None or not is_set_up(opened):
        raise StoreError(
            "no study was set up in this database",
            path=opened.name,
            fix=START,
        )
