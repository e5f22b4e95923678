"""The table of assets: `assets.toml` in, typed `Asset` records out.

print([asset.name for asset in read_table()])
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from mores.errors import AssetError, did_you_mean
from mores.records import Count, Id, Positive, Record
from mores.store import cache_folder, readable

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class Asset(Record, frozen=True, kw_only=True):
    """One set of files inside one wheel, and what is made of them."""

    name: Id
    kind: Literal["model", "scorer", "lexicon", "data"]
    title: str
    package: Id
    version: Id
    sha256: Sha256
    """Of the whole wheel."""
    bytes: Positive
    """Size of the wheel, told to the user before it is fetched."""
    members: Annotated[tuple[str, ...], Meta(min_length=1)]
    """Paths inside the wheel; nothing else is unpacked."""
    license: Annotated[str, Meta(min_length=1)]
    converter: Id
    parameters: Count = 0
    """Number of parameters, for models."""
    form: Positive = 1
    """Number of the converted form; raised when a converter's output changes."""

    def __post_init__(self) -> None:
        for member in self.members:
            path = PurePosixPath(member)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"member {member!r} leaves the wheel")

    @property
    def folder(self) -> Path:
        """Where the converted files are kept."""
        return cache_folder() / "assets" / f"{self.name}-{self.version}"

    @property
    def wheel_prefix(self) -> str:
        """Start of the wheel's file name, in the normal form of the wheel specification."""
        return f"{re.sub(r'[-_.]+', '_', self.package).lower()}-{self.version}-"


class _Table(Record, frozen=True, kw_only=True):
    assets: tuple[Asset, ...]


@lru_cache(maxsize=1)
def read_table() -> tuple[Asset, ...]:
    """Return all assets that `mores` knows, in table order.

    Raises:
        AssetError: the table itself is wrong (a defect of the installation).
    """
    place = resources.files("mores.assets").joinpath("assets.toml")
    return parse_table(place.read_text("utf-8"), path="assets.toml")


def parse_table(text: str, *, path: str) -> tuple[Asset, ...]:
    """Read a table from TOML text.

    Raises:
        AssetError: not TOML, unknown or missing fields, a name used twice.
    """
    try:
        assets = msgspec.convert(tomllib.loads(text), _Table).assets
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise AssetError(readable(str(error)), path=path) from None
    names = [asset.name for asset in assets]
    for name in names:
        if names.count(name) > 1:
            raise AssetError(f"two assets are named {name!r}", path=path)
    return assets


def find_asset(name: str) -> Asset:
    """Return the asset of that name.

    Raises:
        AssetError: there is none (with the nearest name).
    """
    assets = {asset.name: asset for asset in read_table()}
    if name not in assets:
        raise AssetError(
            f"unknown asset {name!r}{did_you_mean(name, list(assets))}",
            fix="assets: " + ", ".join(assets),
        )
    return assets[name]
