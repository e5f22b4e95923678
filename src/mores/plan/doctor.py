"""Is this machine ready? What is here, what is missing and how to get it.

for line in examine(): print(line.name, line.state, line.detail)
"""

from __future__ import annotations

import importlib.util
import platform
import sys
from typing import TYPE_CHECKING, Literal

from mores import store
from mores.records import Record

if TYPE_CHECKING:
    from mores.weights.assets import AssetStatus

State = Literal["ok", "note", "missing"]


class Check(Record, frozen=True, kw_only=True):
    """One line of `mores doctor`."""

    name: str
    state: State
    detail: str
    fix: str = ""


def examine(*, probe: bool = True) -> list[Check]:
    """See whether this machine is ready: Python, torch, memory, disk, models, optional parts.

    Args:
        probe: measure matrix products, to see whether bfloat16 pays (a few seconds).
    """
    return [*_python(), *_torch(probe), *_room(), *_sqlite(), *_assets(), *_optional()]


def _python() -> list[Check]:
    version = platform.python_version()
    good = sys.version_info >= (3, 11)
    return [
        Check(
            name="Python",
            state="ok" if good else "missing",
            detail=f"{version}, {platform.system()} {platform.machine()}",
            fix="" if good else "mores needs Python 3.11 or newer",
        )
    ]


def _torch(probe: bool) -> list[Check]:
    from mores.weights.machine import probe_matmul, set_threads

    try:
        import torch
    except ImportError:
        return [Check(name="torch", state="missing", detail="", fix="pip install torch")]
    threads = set_threads()
    checks = [
        Check(name="torch", state="ok", detail=f"{torch.__version__}, {threads} threads"),
        _gpu(),
    ]
    if probe:
        rates = probe_matmul()
        pays = "pays" if rates.bfloat16_pays else "does not pay"
        checks.append(
            Check(
                name="number formats",
                state="ok",
                detail=f"float32 {rates.float32:.0f} GFLOP/s, bfloat16 {rates.bfloat16:.0f} "
                f"GFLOP/s: bfloat16 {pays} on this CPU; mores uses float32 here unless "
                'recipe.dtype = "bfloat16"',
            )
        )
    return checks


def _gpu() -> Check:
    import torch

    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        return Check(name="GPU", state="ok", detail=f"{name}; used with bfloat16")
    return Check(name="GPU", state="note", detail="none; everything runs on the CPU")


def _room() -> list[Check]:
    from mores.weights.machine import free_disk_gb, free_memory_gb

    memory, disk = free_memory_gb(), free_disk_gb(store.cache_folder())
    return [
        Check(
            name="memory",
            state="ok" if memory >= 4 else "note",
            detail=f"{memory:.1f} GB free",
            fix="" if memory >= 4 else "the bundled model needs about 4 GB; close something",
        ),
        Check(
            name="disk",
            state="ok" if disk >= 3 else "note",
            detail=f"{disk:.0f} GB free at {store.cache_folder()}",
            fix="" if disk >= 3 else "set MORES_CACHE to a folder with 3 GB",
        ),
    ]


def _sqlite() -> list[Check]:
    """The rating app's default database."""
    import sqlite3

    from mores.web.places import sqlite_note

    note = sqlite_note()
    detail = f"{sqlite3.sqlite_version}, for the rating app"
    return [Check(name="SQLite", state="note" if note else "ok", detail=note or detail)]


def _assets() -> list[Check]:
    from mores.weights.assets import list_assets

    return [
        Check(
            name=asset.name,
            state="ok" if asset.cached else "note",
            detail=f"{asset.kind}: {asset.title}; {asset.license}",
            fix=_asset_fix(asset),
        )
        for asset in list_assets()
    ]


def _asset_fix(asset: AssetStatus) -> str:
    if asset.terms:
        return f"terms to be accepted first: `mores models --accept {asset.name}`"
    return "" if asset.cached else f"fetched on first use, or `mores assets {asset.name}`"


def _optional() -> list[Check]:
    parts = {
        "psycopg": ("ratings in PostgreSQL", "pip install 'mores[postgresql]'"),
        "pyarrow": ("ratings as Parquet", "pip install 'mores[parquet]'"),
        "lm_eval": ("tasks of the lm-evaluation-harness", "pip install 'mores[capability]'"),
        "trl": ("comparison in `make bench`", "pip install 'mores[bench]'"),
    }
    return [
        Check(
            name=name,
            state="ok" if importlib.util.find_spec(name) else "note",
            detail=f"optional: {what}",
            fix="" if importlib.util.find_spec(name) else fix,
        )
        for name, (what, fix) in parts.items()
    ]
