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
from typing import NamedTuple
from unittest import mock

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from mores.errors import StoreError
from mores.web import places as checks
from mores.web.places import (
    free_space,
    instance_lock,
    lock_path,
    refuse_network_file_system,
    sqlite_note,
    writable,
)


class Mount(NamedTuple):
    """What psutil says of a mount, as far as it is asked for."""

    mountpoint: str
    fstype: str
    opts: str = "rw"


LINUX = [
    Mount("/", "ext4"),
    Mount("/srv/nfs", "nfs4"),
    Mount("/srv/nfs/local", "xfs"),
    Mount("/srv/with blank", "cifs"),
    Mount("/srv/ssh", "fuse.sshfs"),
    Mount("/srv/unknown", "fuse.somethingnew"),
    Mount("/srv/merged", "fuse.mergerfs"),
    Mount("/srv/ntfs", "fuseblk"),
    Mount("/srv/shared", "9p"),
    Mount("/srv/vm", "virtiofs"),
    Mount("/srv/auto", "autofs"),
    Mount("/srv/auto", "nfs"),
    Mount("/srv/back", "nfs"),
    Mount("/srv/back", "btrfs"),
    Mount("/srv/andrew", "afs"),
    Mount("/srv/plainfuse", "fuse"),
]
MAC = [
    Mount("/", "apfs", "ro,local,rootfs,journaled"),
    Mount("/System/Volumes/Data", "apfs", "rw,local"),
    Mount("/Volumes/share (1)", "smbfs", "rw,nosuid"),
    Mount("/Volumes/odd", "newkind", "rw"),
]


@pytest.fixture
def mounted(monkeypatch):
    """Set what the system says is mounted."""

    def mount(mounts, *, mac=False):
        monkeypatch.setattr(checks.psutil, "disk_partitions", lambda **_: list(mounts))
        monkeypatch.setattr(checks.psutil, "MACOS", mac)

    return mount


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
def test_network_file_systems_are_refused(place, kind, mounted):
    mounted(LINUX)
    with pytest.raises(StoreError, match=re.escape(f"network file system ({kind}")) as caught:
        refuse_network_file_system(Path(place))
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
def test_local_disks_are_accepted(place, mounted):
    mounted(LINUX)
    refuse_network_file_system(Path(place))


@pytest.mark.parametrize("kind", ["9p", "virtiofs"])
def test_a_sandbox_may_have_its_own_disk_as_9p_or_virtiofs(kind, mounted):
    mounted([Mount("/", kind)])
    refuse_network_file_system(Path("/srv/ratings.db"))
    mounted([Mount("/", kind), Mount("/srv", kind)])
    with pytest.raises(StoreError, match=kind):
        refuse_network_file_system(Path("/srv/ratings.db"))


def test_a_root_over_nfs_is_refused(mounted):
    mounted([Mount("/", "nfs")])
    with pytest.raises(StoreError, match="nfs, mounted at /"):
        refuse_network_file_system(Path("/r.db"))


def test_macos_says_itself_what_is_local(mounted):
    mounted(MAC, mac=True)
    refuse_network_file_system(Path("/System/Volumes/Data/r.db"))
    with pytest.raises(StoreError, match=r"smbfs, mounted at /Volumes/share \(1\)"):
        refuse_network_file_system(Path("/Volumes/share (1)/r.db"))
    with pytest.raises(StoreError, match="newkind"):
        refuse_network_file_system(Path("/Volumes/odd/r.db"))


def test_windows_says_itself_what_is_remote(mounted):
    """The folder stands for a drive letter, which is a path on Windows only."""
    mounted([Mount("/c", "NTFS", "rw,fixed"), Mount("/z", "NTFS", "rw,remote")])
    refuse_network_file_system(Path("/c/r.db"))
    with pytest.raises(StoreError, match=r"network file system \(NTFS, mounted at /z\)"):
        refuse_network_file_system(Path("/z/r.db"))


def test_a_link_is_followed_to_where_the_file_lies(tmp_path, mounted):
    mounted(LINUX)
    (tmp_path / "link.db").symlink_to("/srv/nfs/ratings.db")
    with pytest.raises(StoreError, match="nfs4"):
        refuse_network_file_system(tmp_path / "link.db")


def test_this_machine_can_be_asked(tmp_path):
    refuse_network_file_system(tmp_path / "ratings.db")
    mount = checks._mount_of(tmp_path.resolve())
    assert tmp_path.resolve().is_relative_to(mount.mountpoint)


def test_where_the_system_does_not_tell_nothing_is_refused(monkeypatch):
    def refuse(**_):
        raise FileNotFoundError("/proc/self/mounts")

    monkeypatch.setattr(checks.psutil, "disk_partitions", refuse)
    refuse_network_file_system(Path("/srv/nfs/ratings.db"))


NAMES = st.text(alphabet="ab -\\\t\n", min_size=1, max_size=4)
POINTS = st.lists(NAMES, max_size=3).map(lambda names: "/" + "/".join(names))
MOUNTS = st.lists(st.builds(Mount, POINTS, st.sampled_from(["ext4", "nfs4"])), max_size=5)


@given(MOUNTS, st.lists(NAMES, max_size=4))
def test_the_nearest_and_latest_mount_decides(mounts, parts):
    latest = {mount.mountpoint: mount for mount in mounts}
    place = Path("/", *parts)
    above = [str(place), *map(str, place.parents)]  # nearest first
    nearest = next((latest[point] for point in above if point in latest), None)
    with mock.patch.object(checks.psutil, "disk_partitions", return_value=mounts):
        assert checks._mount_of(place) is nearest


# The lock -----------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from mores.web.places import instance_lock
with instance_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_told_who_and_since_when(tmp_path):
    path = tmp_path / "ratings.db"
    since = datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)
    with instance_lock(path, now=since):
        facts = json.loads(lock_path(path).read_bytes()[1:])  # Windows locks the first byte
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
        assert json.loads(lock_path(path).read_bytes()[1:])["process"] == os.getpid()


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
    path = tmp_path / "ratings.db"
    with (
        FileLock(lock_path(path)),
        pytest.raises(StoreError, match="not given its number"),
        instance_lock(path),
    ):
        pass


def test_the_lock_goes_when_the_work_fails(tmp_path):
    path = tmp_path / "ratings.db"
    with pytest.raises(OSError, match="of the work itself"), instance_lock(path):
        raise OSError("of the work itself")  # not turned into an error of the lock
    with instance_lock(path):
        pass


def test_a_lock_where_no_file_can_be(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=r"ratings\.db\.lock: cannot be written"):
        instance_lock(tmp_path / "file" / "ratings.db").__enter__()


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
