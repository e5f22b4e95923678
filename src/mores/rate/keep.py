"""The public functions of `mores rate` that keep the ratings: verify, back up, release, forget.

mores.rate.verify_ratings(study)
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mores.study import Study

if TYPE_CHECKING:
    from mores.rate.model import RatingVerified
    from mores.web.backup import Backup


def verify_ratings(
    study: Study,
    *,
    database: str | None = None,
) -> RatingVerified:
    """Check the audit log's chain, the rules of the contract, and that the key fits.

    The command's exit code is 1 where something does not hold.

    Args:
        study: the study.
        database: where it is, if not in the study.

    Raises:
        StoreError: no rating was set up.
    """
    from mores.rate.opened import looking
    from mores.rate.verify import verify

    with looking(study, database) as opened:
        return verify(opened, study)


def backup_ratings(
    study: Study,
    *,
    database: str | None = None,
) -> Backup:
    """Back up ratings and key now, and restore the copy on trial.

    A running server does this by itself every 15 minutes, and by a button.

    Args:
        study: the study.
        database: where it is, if not in the study.

    Raises:
        MoresError: no room, a running server, or the copy does not pass its trial.
    """
    from mores.rate.blind import key_path
    from mores.rate.db.backup import back_up
    from mores.rate.db.facts import facts_of
    from mores.rate.opened import backup_folder, changing

    now = time.time()
    with changing(study, database, now=now) as opened:
        key = key_path(study, facts_of(opened).key_digest)
        return back_up(opened, backup_folder(study), now=now, key=key)


def restore_ratings(
    study: Study,
    backup: Path,
    *,
    database: str | None = None,
) -> int:
    """Put a backup where there are no ratings; nothing is ever overwritten.

    Args:
        study: the study.
        backup: the file to restore.
        database: where to, if not into the study.

    Raises:
        MoresError: a damaged backup, or ratings are there already.
    """
    from mores.rate.blind import key_path
    from mores.rate.db.backup import read_backup, restore
    from mores.rate.opened import changing

    read_backup(backup)  # before anything is made
    with changing(study, database, now=time.time(), new=True) as opened:
        return restore(backup, opened, key_path(study))


def release_rater(
    study: Study,
    rater: str,
    *,
    to: str | None = None,
    database: str | None = None,
) -> int:
    """Give the open items of an absent rater to everybody, or to one other rater.

    Args:
        study: the study.
        rater: the rater's id (see `mores rate status`).
        to: id of the rater who takes them over.
        database: where it is, if not in the study.

    Raises:
        MoresError: unknown rater, or a running server (use its page then).
    """
    from mores.rate.db.release import hand_over
    from mores.rate.opened import changing

    now = time.time()
    with changing(study, database, now=now) as opened, opened.write() as tx:
        return hand_over(tx, rater, to, now)


def forget_rater(
    study: Study,
    rater: str,
    *,
    ratings: Literal["keep", "withdraw"] = "keep",
    database: str | None = None,
) -> int:
    """Forget who a rater is: name, panel ids, declarations, comments, links.

    Args:
        study: the study.
        rater: the rater's id (see `mores rate status`).
        ratings: "keep" them under the random id, or "withdraw" them from all counts.
        database: where it is, if not in the study.

    Raises:
        MoresError: unknown rater, or a running server (use its page then).
    """
    from mores.rate.db.release import forget
    from mores.rate.opened import changing

    now = time.time()
    with changing(study, database, now=now) as opened, opened.write() as tx:
        return forget(tx, rater, ratings=ratings, now=now)
