"""Before a rating database is opened: the place it lies in, and whether someone serves it.

Takes a path, gives nothing back when all is well, and a `StoreError` in plain words when not.

    refuse_network_file_system(path); writable(path); free_space(path, 100_000_000)
    with instance_lock(path): ...   # one server or writing command; freed even by kill -9

None of these opens the database file itself: in one process, closing any handle of a file drops
the locks that SQLite holds on it (sqlite.org, "How To Corrupt An SQLite Database File", 2.2).
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from mores.errors import StoreError
from mores.store import disk_errors

# fmt: off
NETWORK = frozenset({
    "9p", "acfs", "afp", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs",
    "fhgfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncp", "ncpfs", "nfs", "nfs3", "nfs4", "ocfs2",
    "orangefs", "panfs", "prl_fs", "pvfs2", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs",
    "vmhgfs", "webdav", "wekafs",
})
# fmt: on
"""Kinds of file systems that other machines write too, or whose locks are not to be relied on."""
FROM_HOST = frozenset({"9p", "virtiofs"})
"""A sandbox's own disk where they are the root; a shared folder everywhere else."""
# fmt: off
LOCAL_FUSE = frozenset({
    "bindfs", "encfs", "fuse-overlayfs", "gocryptfs", "mergerfs", "ntfs-3g", "securefs",
})
# fmt: on
"""What is known to lie on a local disk; any other ``fuse.*`` is taken for a network."""
WAL_RESET_SINCE = (3, 7, 0)
WAL_RESET_FIXED = ((3, 44, 6), (3, 50, 7), (3, 51, 3))


def refuse_network_file_system(path: Path) -> None:
    """Refuse a place where locks and synced writes do not hold what they promise.

    Args:
        path: the database file, which need not exist. Where the system does not tell what is
            mounted, nothing is refused.

    Raises:
        StoreError: NFS, SMB, 9p, sshfs, AFS and the like (`NETWORK`, unknown ``fuse.*``), a
            Windows share, what macOS itself does not call local.
    """
    place = path.expanduser().resolve()
    if str(place).startswith("\\\\"):
        raise _refusal(path, "a Windows share")
    mount = _mount_of(place)
    if mount is not None and _is_network(mount):
        raise _refusal(path, f"{mount.fstype or 'a drive'}, mounted at {mount.mountpoint}")


def _refusal(path: Path, kind: str) -> StoreError:
    return StoreError(
        f"lies on a network file system ({kind}); locks and synced writes do not hold there, "
        "so ratings could be lost",
        path=path,
        fix="put the database on a local disk (--database FILE), or use PostgreSQL "
        "(--database postgresql://user@host/name)",
    )


def _mount_of(place: Path) -> Any | None:
    """Of psutil's mounts the one nearest above a place; a later one on its point hides it."""
    try:
        mounts = psutil.disk_partitions(all=True)
    except (OSError, psutil.Error):
        return None
    above = [mount for mount in mounts if place.is_relative_to(mount.mountpoint)]
    return max(reversed(above), key=lambda mount: len(mount.mountpoint), default=None)


def _is_network(mount: Any) -> bool:
    flags = mount.opts.split(",")
    if "remote" in flags or (psutil.MACOS and "local" not in flags):  # Windows, macOS
        return True
    if mount.fstype in FROM_HOST and mount.mountpoint == "/":
        return False
    kind, _, below = mount.fstype.partition(".")
    return below not in LOCAL_FUSE if kind == "fuse" else kind in NETWORK


def lock_path(path: Path) -> Path:
    """The lock file of a database: beside it, under the name that links lead to."""
    place = path.expanduser().resolve()
    return place.with_name(f"{place.name}.lock")


@contextlib.contextmanager
def instance_lock(path: Path, *, now: datetime | None = None) -> Iterator[None]:
    """Hold a database as its only server or writing command.

    The system keeps the lock on ``<database>.lock`` for as long as the process lives, so nothing
    has to be cleared after kill -9 or a power cut. The file stays; only the lock counts.

    Args:
        path: the database file; its folder is made where there is none.
        now: the time to be told to others, default the clock's.

    Raises:
        StoreError: someone else holds it (which process, on which machine, since when); the lock
            file cannot be written.
    """
    place = lock_path(path)
    lock = FileLock(place, timeout=0)
    with disk_errors(place):
        try:
            lock.acquire()
        except Timeout:
            raise StoreError(
                f"is already being served ({_holder(place)})",
                path=path,
                fix="stop that process first (Ctrl-C where it runs); the lock goes with it",
            ) from None
    try:
        with disk_errors(place):
            _sign(place, now or datetime.now(UTC))
        yield
    finally:
        with contextlib.suppress(OSError):
            os.truncate(place, 0)
        lock.release()


def _sign(place: Path, now: datetime) -> None:
    """Write who holds the lock, after the first byte: Windows locks that against reading."""
    facts = {
        "process": os.getpid(),
        "host": platform.node(),
        "since": now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
    }
    with place.open("r+b", buffering=0) as file:
        file.truncate(1)
        file.seek(1)
        file.write(json.dumps(facts).encode())


def _holder(place: Path) -> str:
    """Who holds the lock, from the file; it may be empty for the moment between lock and text."""
    try:
        with place.open("rb", buffering=0) as file:
            file.seek(1)
            facts = json.loads(file.read(4096))
        return f"process {facts['process']} on {facts['host']} since {facts['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "by a process that has not given its number yet"


def sqlite_note(version: tuple[int, ...] | None = None) -> str | None:
    """Say whether this SQLite has the WAL-reset bug, and why mores is safe from it.

    Two connections that write or checkpoint at the same moment can damage the file in SQLite
    3.7.0 to 3.51.2 (sqlite.org/wal.html, "The WAL-Reset Bug"); 3.44.6 and 3.50.7 carry the
    correction too. A system's package may carry it under an old number: then this says too much.

    Args:
        version: such as ``(3, 40, 1)``; default the one that this Python is linked to.

    Returns:
        A sentence for `mores doctor`, or None where the version is not affected.
    """
    number = tuple(sqlite3.sqlite_version_info if version is None else version)[:3]
    patched = any(number[:2] == fixed[:2] and number >= fixed for fixed in WAL_RESET_FIXED)
    if number < WAL_RESET_SINCE or number >= WAL_RESET_FIXED[-1] or patched:
        return None
    name = ".".join(str(part) for part in number)
    return (
        f"SQLite {name} has the WAL-reset bug (3.7.0 to 3.51.2), which needs two connections that "
        "write or checkpoint; mores opens one for writing only, the instance lock keeps a second "
        "process away, and whoever else reads opens the file read-only"
    )


def free_space(path: Path, need_bytes: int) -> None:
    """Refuse to begin what would fill the disk.

    Args:
        path: a file or folder, which need not exist: its nearest existing folder counts.
        need_bytes: bytes that will be written.

    Raises:
        StoreError: less is free (both amounts are told); the disk cannot be asked.
    """
    folder = _existing(path)
    with disk_errors(folder):
        free = shutil.disk_usage(folder).free
    if free < need_bytes:
        raise StoreError(
            f"needs {_megabytes(need_bytes)} on the disk, {_megabytes(free)} are free",
            path=path,
            fix="free some room and try again, or choose another disk (--database FILE)",
        )


def writable(path: Path) -> None:
    """Make sure that a database, and the journals beside it, can be written.

    Args:
        path: the database file, which need not exist; its folder must, or be possible to make.

    Raises:
        StoreError: no permission for the file or its folder, read-only disk, disk full, a folder
            where the file should be.
    """
    if path.is_dir():
        raise StoreError("is a folder, not a database", path=path, fix="name a file in it")
    folder = _existing(path)
    with disk_errors(folder), tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(b"\0")  # a full disk lets a file be made and not be filled
    if path.exists() and not os.access(path, os.W_OK):
        raise StoreError(
            "cannot be written: no permission",
            path=path,
            fix=f"make it writable for you (chmod u+w {path.name}), or choose another file",
        )


def _existing(path: Path) -> Path:
    place = path.expanduser().resolve()
    return next(folder for folder in (place, *place.parents) if folder.is_dir())


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
