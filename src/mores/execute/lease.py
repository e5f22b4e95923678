"""One run folder, many processes: who may write there, and whether all see the same storage.

    with lending(folder) as token: ...                      the driver: it holds the folder's lock
    with borrowed(folder, token, "tune a", who="n1"): ...   a task, on whatever node
    with alone(folder): ...                                 a step by hand

The driver keeps `store.lock`, so that two drivers exclude each other. It leaves a random word in a
file; a task that does not find the same word there sees other storage, or its run is over. Each
task holds a lock of its own name, so that two attempts at it exclude each other: one that was sent
again while the first lives on, cut off from the driver but not from the storage.

Nothing here looks at a clock: nodes whose times differ do the same.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from mores import store
from mores.errors import StoreError

FOLDER = ".run"
"""Below the run's folder; gone when the run is complete."""
TOKEN = "token"  # noqa: S105 - no secret: a name
PATIENCE = 30.0
"""Seconds for which a task waits for an earlier attempt to end: a dead node's workers live on for a
moment."""
SIGHT = 10.0
"""Seconds for which a node looks for the token: a network file system may show it late."""


@contextlib.contextmanager
def lending(folder: Path) -> Iterator[str]:
    """Let tasks work in a folder whose lock the caller holds; gives the token that they need.

    Raises:
        StoreError: the folder cannot be written.
    """
    token, file = secrets.token_hex(16), folder / FOLDER / TOKEN
    store.write_text(file, token)
    try:
        yield token
    except BaseException:
        file.unlink(missing_ok=True)  # what is still on its way does nothing more
        raise
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


@contextlib.contextmanager
def borrowed(
    folder: Path, token: str, task: str, *, who: str, patience: float = PATIENCE
) -> Iterator[None]:
    """Work at a task in a folder that another process holds; `store.lock` passes meanwhile.

    Args:
        folder: the run's.
        token: what the process that holds it gave.
        task: its name.
        who: this node and process, for those who come later.
        patience: seconds to wait for an earlier attempt.

    Raises:
        StoreError: this node does not see the driver's storage, the run is over, or an earlier
            attempt is still at work.
    """
    found = _token(folder, token)
    if found is None:
        raise StoreError(
            f"node {who} does not see what the run has left here",
            path=folder,
            fix="the study must lie on storage that all nodes share, under the same path; "
            "if it does, the run that sent this task has ended",
        )
    if found != token:
        raise StoreError(
            f"node {who} was sent a task of a run that has ended; another is at work here",
            path=folder,
            fix="nothing is lost: wait for the other run",
        )
    name = "".join(c if c.isalnum() or c in "-._" else "-" for c in task)
    place = folder / FOLDER / f"{name}.lock"
    holder = place.with_suffix(".who")
    before = holder.read_text("utf-8") if holder.exists() else "not known where"
    busy = f"an earlier attempt at {task!r} is still at work ({before})"
    fix = "stop that process, or wait until it ends; then the same command goes on"
    with store.held(place, busy, fix=fix, seconds=patience):
        store.write_text(holder, who)
        with store.lent(folder):
            yield


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a run folder's lock (`store.lock`) where no task of an earlier run is at work either.

    Inside a task (`borrowed`) it passes: other tasks of the same run may be at work.

    Args:
        folder: the run's.

    Raises:
        StoreError: another process is at work there, or a task whose driver has died.
    """
    with store.lock(folder) as own:
        if own:
            refuse_living(folder, PATIENCE)
        yield


def refuse_living(folder: Path, patience: float = PATIENCE) -> None:
    """Refuse to work in a folder where tasks of an earlier run are still at work.

    Args:
        folder: the run's.
        patience: seconds to wait for each; a dead driver's workers live on for a moment.

    Raises:
        StoreError: one is; it says where.
    """
    for place in sorted((folder / FOLDER).glob("*.lock")):
        holder = place.with_suffix(".who")
        where = holder.read_text("utf-8") if holder.exists() else "not known where"
        busy = f"a task of an earlier run is still at work here: {place.stem} ({where})"
        fix = "stop that process, or wait until it ends; then the same command goes on"
        with store.held(place, busy, fix=fix, seconds=patience):
            pass


def _token(folder: Path, wanted: str) -> str | None:
    """The token that this node sees, looked for until it is the one wanted or time is up."""
    file, until = folder / FOLDER / TOKEN, time.monotonic() + SIGHT
    while True:
        # A network file system asks again what is in a folder when that is opened; so the files
        # that other nodes have just made are seen, too.
        for _ in os.walk(folder):
            pass
        found = file.read_text("utf-8") if file.exists() else None
        if found == wanted or time.monotonic() > until:
            return found
        time.sleep(0.2)
