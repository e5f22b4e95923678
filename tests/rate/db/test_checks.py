"""The place of a rating database, its lock and its SQLite."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.errors import StoreError
from mores.rate.db import checks
from mores.rate.db.checks import (
    free_space,
    instance_lock,
    lock_path,
    refuse_network_file_system,
    sqlite_note,
    writable,
)

# The form of proc(5): id, parent, device, root, mount point, options, optional fields, "-", kind.
LINUX = r"""
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
40 27 0:40 / /srv/nfs rw,relatime shared:2 - nfs4 server:/export rw,vers=4.2
41 40 254:1 / /srv/nfs/local rw - xfs /dev/vdb rw
42 27 0:42 / /srv/with\040blank rw,relatime master:3 propagate_from:2 - cifs //server/share rw
43 27 0:43 / /srv/ssh rw - fuse.sshfs user@server: rw
44 27 0:44 / /srv/unknown rw - fuse.somethingnew x rw
45 27 0:45 / /srv/merged rw - fuse.mergerfs a:b rw
46 27 8:1 / /srv/ntfs rw - fuseblk /dev/sda1 rw
47 27 0:47 / /srv/shared rw - 9p drvfs rw
48 27 0:48 / /srv/vm rw - virtiofs folder rw
49 27 0:49 / /srv/auto rw - autofs systemd-1 rw
50 49 0:50 / /srv/auto rw - nfs server:/auto rw
51 27 0:51 / /srv/back rw - nfs server:/back rw
52 51 254:2 / /srv/back rw - btrfs /dev/vdc rw
53 27 0:53 / /srv/andrew rw - afs AFS rw
54 27 0:54 / /srv/plainfuse rw - fuse x rw
"""
MAC = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse)
//user@server/share (1) on /Volumes/share (1) (smbfs, nodev, nosuid, mounted by user)
newkind on /Volumes/odd (newkind, nodev)
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/srv/nfs/study/ratings.db", "nfs4, mounted at /srv/nfs"),
        ("/srv/with blank/ratings.db", "cifs, mounted at /srv/with blank"),
        ("/srv/ssh/ratings.db", "fuse.sshfs"),
        ("/srv/unknown/ratings.db", "fuse.somethingnew"),
        ("/srv/plainfuse/ratings.db", "fuse"),
        ("/srv/shared/ratings.db", "9p"),
        ("/srv/vm/ratings.db", "virtiofs"),
        ("/srv/auto/ratings.db", "nfs, mounted at /srv/auto"),  # the later mount hides autofs
        ("/srv/andrew/ratings.db", "afs"),
    ],
)
def test_network_file_systems_are_refused(place, kind):
    with pytest.raises(StoreError, match=re.escape(f"network file system ({kind}")) as caught:
        refuse_network_file_system(Path(place), mounts=LINUX)
    assert caught.value.path == place
    assert "postgresql://" in (caught.value.fix or "")


@pytest.mark.parametrize(
    "place",
    [
        "/ratings.db",
        "/srv/nfs-but-local/ratings.db",  # a prefix of the text, not of the path
        "/srv/nfs/local/ratings.db",  # the longest mount point counts
        "/srv/merged/ratings.db",
        "/srv/ntfs/ratings.db",
        "/srv/back/ratings.db",  # the later mount hides NFS
    ],
)
def test_local_disks_are_accepted(place):
    refuse_network_file_system(Path(place), mounts=LINUX)


@pytest.mark.parametrize("kind", ["9p", "virtiofs"])
def test_a_sandbox_may_have_its_own_disk_as_9p_or_virtiofs(kind):
    root = f"27 1 0:1 / / rw - {kind} none rw\n"
    refuse_network_file_system(Path("/srv/ratings.db"), mounts=root)
    with pytest.raises(StoreError, match=kind):
        refuse_network_file_system(
            Path("/srv/ratings.db"), mounts=root + f"28 27 0:2 / /srv rw - {kind} host rw\n"
        )


def test_a_root_over_nfs_is_refused():
    with pytest.raises(StoreError, match="nfs, mounted at /"):
        refuse_network_file_system(Path("/r.db"), mounts="27 1 0:1 / / rw - nfs server:/ rw\n")


def test_mounts_as_macos_prints_them():
    refuse_network_file_system(Path("/System/Volumes/Data/r.db"), mounts=MAC)
    with pytest.raises(StoreError, match=r"smbfs, mounted at /Volumes/share \(1\)"):
        refuse_network_file_system(Path("/Volumes/share (1)/r.db"), mounts=MAC)
    with pytest.raises(StoreError, match="newkind"):  # the system does not call it local
        refuse_network_file_system(Path("/Volumes/odd/r.db"), mounts=MAC)


def test_a_link_is_followed_to_where_the_file_lies(tmp_path):
    (tmp_path / "link.db").symlink_to("/srv/nfs/ratings.db")
    with pytest.raises(StoreError, match="nfs4"):
        refuse_network_file_system(tmp_path / "link.db", mounts=LINUX)


def test_this_machine_can_be_asked(tmp_path):
    refuse_network_file_system(tmp_path / "ratings.db")
    assert checks._parse(checks._mounts()) != [] or not Path("/proc/self/mountinfo").exists()


NAMES = st.text(alphabet="ab -\\\t\n", min_size=1, max_size=4)
POINTS = st.lists(NAMES, max_size=3).map(lambda names: "/" + "/".join(names))
MOUNTS = st.lists(st.tuples(POINTS, st.sampled_from(["ext4", "nfs4"])), min_size=1, max_size=5)


def as_the_kernel_writes(point: str) -> str:
    """A mount point in mountinfo: blank, tab, line end and backslash as octal digits."""
    return "".join(f"\\{ord(c):03o}" if c in " \t\n\\" else c for c in point)


@given(MOUNTS, st.lists(NAMES, max_size=4))
def test_the_nearest_and_latest_mount_decides(mounts, parts):
    lines = [f"1 1 0:1 / {as_the_kernel_writes(p)} rw - {kind} x rw\n" for p, kind in mounts]
    assert [m[:2] for m in checks._parse("".join(lines))] == mounts
    place = Path("/", *parts)
    above = [str(place), *map(str, place.parents)]  # nearest first
    nearest = next((p for p in above if p in dict(mounts)), None)
    found = checks._mount_of(place, checks._parse("".join(lines)))
    assert (found and found[:2]) == (nearest and (nearest, dict(mounts)[nearest]))


# The lock -----------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from mores.rate.db.checks import instance_lock
with instance_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_told_who_and_since_when(tmp_path):
    path = tmp_path / "ratings.db"
    since = datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)
    with instance_lock(path, now=since):
        facts = json.loads(lock_path(path).read_text())
        assert facts["process"] == os.getpid()
        expected = f"already being served (process {os.getpid()} on {facts['host']} since "
        with (
            pytest.raises(StoreError, match=re.escape(f"{expected}2026-03-01 12:30:05 UTC)")),
            instance_lock(path),
        ):
            pass
    with instance_lock(path):
        pass
    assert lock_path(path).read_text() == ""
    assert not path.exists()  # the database itself is never touched


def test_the_lock_goes_with_a_killed_process(tmp_path):
    path = tmp_path / "ratings.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    ) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            with pytest.raises(StoreError, match=f"process {other.pid} on"), instance_lock(path):
                pass
        finally:
            other.send_signal(signal.SIGKILL)
    assert f'"process": {other.pid}' in lock_path(path).read_text()  # what kill -9 leaves behind
    with instance_lock(path):
        assert json.loads(lock_path(path).read_text())["process"] == os.getpid()


def test_one_lock_for_all_names_of_a_file(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with (
        instance_lock(tmp_path / "real" / "ratings.db"),
        pytest.raises(StoreError, match="already being served"),
        instance_lock(tmp_path / "link" / "ratings.db"),
    ):
        pass


def test_two_databases_do_not_hinder_each_other(tmp_path):
    with instance_lock(tmp_path / "a.db"), instance_lock(tmp_path / "b.db"):
        assert lock_path(tmp_path / "a.db") != lock_path(tmp_path / "b.db")


def test_a_holder_that_has_not_written_its_number(tmp_path):
    import fcntl

    path = tmp_path / "ratings.db"
    with lock_path(path).open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match="not given its number"), instance_lock(path):
            pass


def test_the_lock_goes_when_the_work_fails(tmp_path):
    path = tmp_path / "ratings.db"
    with pytest.raises(OSError, match="of the work itself"), instance_lock(path):
        raise OSError("of the work itself")  # not turned into an error of the lock
    with instance_lock(path):
        pass


def test_a_lock_in_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(StoreError, match=r"absent.*cannot be written: No such file"):
        instance_lock(tmp_path / "absent" / "ratings.db").__enter__()


# SQLite -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 23), False),  # no write-ahead log yet
        ((3, 7, 0), True),
        ((3, 40, 1), True),  # Debian 12
        ((3, 44, 5), True),
        ((3, 44, 6), False),  # carries the correction
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),  # carries the correction
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
        ((3, 53, 0), False),
        ((4, 0, 0), False),
    ],
)
def test_which_sqlite_has_the_wal_reset_bug(version, affected):
    note = sqlite_note(version)
    assert (note is not None) == affected
    if note is not None:
        assert note.startswith(f"SQLite {'.'.join(map(str, version))} has the WAL-reset bug")
        assert "read-only" in note


def test_the_linked_sqlite_is_the_default():
    import sqlite3

    assert sqlite_note() == sqlite_note(sqlite3.sqlite_version_info)


# Room and permission ------------------------------------------------------------------------


def test_room_is_told_in_both_amounts(tmp_path, monkeypatch):
    usage = SimpleNamespace(free=12_340_000)
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: usage)
    free_space(tmp_path / "not" / "there" / "yet.db", 12_340_000)
    with pytest.raises(StoreError, match=r"needs 1,500\.0 MB on the disk, 12\.3 MB are free"):
        free_space(tmp_path, 1_500_000_000)


def test_room_of_this_disk(tmp_path):
    free_space(tmp_path, 1)
    with pytest.raises(StoreError, match="on the disk"):
        free_space(tmp_path, 10**20)


def test_what_can_be_written_leaves_nothing_behind(tmp_path):
    writable(tmp_path / "new" / "ratings.db")
    assert list(tmp_path.iterdir()) == []
    path = tmp_path / "ratings.db"
    path.write_bytes(b"as it was")
    writable(path)
    assert path.read_bytes() == b"as it was"


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(StoreError, match="is a folder"):
        writable(tmp_path)


def test_a_file_without_permission(tmp_path, monkeypatch):
    path = tmp_path / "ratings.db"
    path.write_bytes(b"")
    path.chmod(0o400)
    if os.geteuid() == 0:  # root may write everything: answer as the system would anyone else
        monkeypatch.setattr(checks.os, "access", lambda *_: False)
    with pytest.raises(StoreError, match="no permission") as caught:
        writable(path)
    assert "chmod u+w ratings.db" in (caught.value.fix or "")


@pytest.mark.parametrize(
    ("number", "words"),
    [("EROFS", "file system is read-only"), ("ENOSPC", "disk is full"), ("EACCES", "permission")],
)
def test_a_folder_that_takes_no_file(tmp_path, monkeypatch, number, words):
    import errno

    def refuse(**_):
        raise OSError(getattr(errno, number), os.strerror(getattr(errno, number)))

    monkeypatch.setattr(checks.tempfile, "TemporaryFile", refuse)
    with pytest.raises(StoreError, match="cannot be written") as caught:
        writable(tmp_path / "ratings.db")
    assert words in (caught.value.fix or "")
