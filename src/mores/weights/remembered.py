"""What was found out about a model, kept in the cache: how it is run, and digests of its files.

Finding out how a large model can be run takes several passes through it. What was found holds for
the same weights, number format, device and libraries, and for the code that asks.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mores import store
from mores.errors import MoresError
from mores.records import Record
from mores.step import versions
from mores.weights import attention
from mores.weights.head import Head
from mores.weights.product import quicken
from mores.weights.way import Way

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

SMALL = 10_000_000
"""Weights of a model that is examined each time: that takes no longer than to remember it."""
ASKING = ("attention", "cascade", "head", "plain", "probe", "product", "way")
"""Files whose code decides what is found."""


class Found(Record, frozen=True, kw_only=True):
    """What `mores.weights.probe` found."""

    flat: bool
    padded: bool
    steps: str
    why: str
    layer: bool
    scale: float
    cap: float | None


def recall(loaded: LoadedModel, plain: str) -> bool:
    """Set a model's head and way as they were found before; say whether they were.

    Args:
        loaded: the model.
        plain: why our attention is not to be tried; empty tries it.
    """
    path = _place(loaded, plain)
    if path is None or not path.exists():
        return False
    try:
        found = store.as_record(store.read_json(path), Found, path=path)
    except MoresError:  # damaged: found out again
        return False
    layer = loaded.model.get_output_embeddings() if found.layer else None
    loaded.head = Head(layer, found.scale, found.cap)
    loaded.way = Way(found.flat, found.padded, found.steps, found.why)  # type: ignore[arg-type]
    if found.flat:
        loaded.model.set_attn_implementation(attention.NAME)
    quicken(loaded.model)
    return True


def remember(loaded: LoadedModel, plain: str) -> None:
    """Keep what was found of a model, unless it is small; the cache may be read-only."""
    path = _place(loaded, plain)
    if path is None:
        return
    head, way = loaded.head, loaded.way
    found = Found(
        flat=way.flat,
        padded=way.padded,
        steps=way.steps,
        why=way.why,
        layer=head.layer is not None,
        scale=head.scale,
        cap=head.cap,
    )
    try:
        store.write_json(path, found)
    except MoresError:
        return


def _place(loaded: LoadedModel, plain: str) -> Path | None:
    """File of what was found of a model run like this; None for a small one."""
    if loaded.parameters < SMALL:
        return None
    first = next(loaded.model.parameters())
    here = Path(__file__).parent
    made_from: list[Any] = [
        loaded.digest,
        str(first.dtype),
        _device(loaded),
        plain,
        versions(),
        [store.digest_file(here / f"{name}.py") for name in ASKING],
    ]
    name = store.digest(made_from).removeprefix("sha256:")[:24]
    return store.cache_folder() / "ways" / f"{name}.json"


def _device(loaded: LoadedModel) -> str:
    """What computes: kernels differ between them."""
    import torch

    if loaded.device.type == "cuda":
        return torch.cuda.get_device_name(loaded.device)
    return f"{loaded.device.type} {torch.backends.cpu.get_cpu_capability()}"
