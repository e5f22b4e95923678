"""Zip files that no pack is: refused before anything is written, in bounded memory."""

from __future__ import annotations

import json
import stat
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from mores import store
from mores.errors import DataError
from mores.release.pack import archive, verify
from mores.release.pack.model import FORM


def zipped(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in entries:
            target.writestr(name, data)
    return path


def refused(path: Path) -> str:
    before = set(path.parent.iterdir())
    with pytest.raises(DataError) as caught:
        verify(path)
    assert set(path.parent.iterdir()) == before
    assert caught.value.fix
    return caught.value.message


def test_what_is_no_zip_or_cut_short_says_so(tmp_path):
    path = tmp_path / "x.zip"
    assert refused(path) == "no such file"
    path.write_bytes(b"")
    assert "no zip file, or one that was cut short" in refused(path)
    path.write_text("PK and more words")
    assert "no zip file" in refused(path)
    whole = zipped(tmp_path / "y.zip", ("a", b"x" * 5000)).read_bytes()
    for share in (0.3, 0.9, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert "cut short" in refused(path)
    assert refused(tmp_path) == "no such file"


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "/etc/x", "C:/x", "..\\x", "a\\..\\x", "a/./x", "a//x", "./x", "study/"],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path, name):
    path = zipped(tmp_path / "x.zip", (name.replace("\\", "!"), b"x"))
    path.write_bytes(path.read_bytes().replace(name.replace("\\", "!").encode(), name.encode()))
    assert "leads out" in (said := refused(path)) or "is no plain file" in said


def test_links_and_devices_are_refused(tmp_path):
    for number, kind in enumerate((stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR)):
        entry = zipfile.ZipInfo("study/values.jsonl")
        entry.create_system, entry.external_attr = 3, (kind | 0o644) << 16
        assert "is a link or a device" in refused(
            zipped(tmp_path / f"{number}.zip", (entry, b"/etc/passwd"))
        )


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_twice_is_refused_also_in_another_case(tmp_path):
    assert "is there twice" in refused(zipped(tmp_path / "x.zip", ("a", b"1"), ("a", b"2")))
    assert "is there twice" in refused(zipped(tmp_path / "y.zip", ("a", b"1"), ("A", b"2")))


def test_other_ways_of_packing_are_refused(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as target:
        target.writestr("a", b"x")
    assert "packed in another way" in refused(path)


def test_a_bomb_is_refused_by_what_it_says(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_BYTES", 1_000_000)
    path = zipped(tmp_path / "x.zip", ("a", bytes(2_000_000)))
    assert path.stat().st_size < 10_000
    assert "would unpack to 2,000,000 bytes" in refused(path)
    monkeypatch.setattr(archive, "MOST_FILES", 3)
    many = zipped(tmp_path / "y.zip", *((str(n), b"") for n in range(4)))
    assert "4 files" in refused(many)


def test_a_bomb_that_lies_is_cut_off_where_it_should_end(tmp_path):
    """100 MB behind an entry of which the index says that it has 10 bytes; memory stays small."""
    path = zipped(tmp_path / "x.zip", ("a", bytes(100_000_000)))
    with archive.opened(path) as opened:
        tracemalloc.start()
        digest, why = archive.unpack(opened, "a", tmp_path / "out" / "a", 10)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert why == "it goes on after the 10 bytes that it should have"
    assert peak < 20_000_000
    assert digest == store.digest_bytes(b"")
    assert (tmp_path / "out" / "a").stat().st_size == 0


INDEX = {
    "form": FORM, "level": "full", "study": "s", "version": "1", "preset": "quick",
    "mores_version": "0", "versions": {}, "zlib": "1", "base_models": {}, "report": "",
    "settings": {"config": {"name": "s", "models": [{"name": "m"}]}, "origins": {}},
    "files": [{"path": "ro-crate-metadata.json", "digest": "sha256:0", "bytes": 2}],
    "left_out": [], "changed": {}, "kept": [],
}  # fmt: skip


def index(path: Path, *more: tuple[str, bytes], **changes: object) -> Path:
    data = json.dumps(INDEX | changes).encode()
    return zipped(path, ("pack.json", data), ("ro-crate-metadata.json", b"{}"), *more)


def test_a_zip_that_is_no_pack_names_what_it_lacks(tmp_path):
    path = tmp_path / "x.zip"
    assert "has no pack.json" in refused(zipped(path, ("a", b"x")))
    assert "has no ro-crate-metadata.json" in refused(zipped(path, ("pack.json", b"{}")))
    assert "says no form" in refused(
        zipped(path, ("pack.json", b"[]"), ("ro-crate-metadata.json", b""))
    )
    assert "is not JSON" in refused(
        zipped(path, ("pack.json", b"[" * 500), ("ro-crate-metadata.json", b""))
    )
    assert "unknown field 'colour'" in refused(index(path, colour="red"))
    assert "missing field `level`" in refused(
        zipped(path, ("pack.json", b'{"form": 1}'), ("ro-crate-metadata.json", b""))
    )


def test_a_newer_form_and_files_that_nobody_listed_are_refused(tmp_path):
    path = tmp_path / "x.zip"
    assert "a pack of form 2; this mores knows forms up to 1" in refused(index(path, form=2))
    assert "such as 'run.exe'" in refused(index(path, ("run.exe", b"MZ")))
    twice = [*INDEX["files"], INDEX["files"][0] | {"path": "RO-crate-metadata.json"}]
    assert "lists a file twice" in refused(index(path, files=twice))


def test_settings_that_lead_out_of_the_pack_are_refused(tmp_path):
    path = tmp_path / "x.zip"
    config = INDEX["settings"]["config"]
    for settings in (
        {"config": config | {"preset": "../../../../tmp"}, "origins": {}},
        {"config": config, "origins": {}, "place": "../../../.."},
        {"config": config | {"gates": {"choices": "/etc/hostname"}}, "origins": {}},
    ):
        assert "settings lead out of the pack" in refused(index(path, settings=settings))
    odd = {"config": config | {"seed": "many"}, "origins": {}}
    assert "its settings are not ones that this mores knows" in refused(index(path, settings=odd))


def test_the_same_content_gives_the_same_bytes(tmp_path):
    files = {"b": b"2" * 1000, "a": b"1"}
    archive.write(tmp_path / "x.zip", files)
    archive.write(tmp_path / "y.zip", dict(reversed(files.items())))
    assert (tmp_path / "x.zip").read_bytes() == (tmp_path / "y.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "x.zip") as there:
        assert [(e.filename, e.date_time) for e in there.infolist()] == [
            ("a", (1980, 1, 1, 0, 0, 0)),
            ("b", (1980, 1, 1, 0, 0, 0)),
        ]
