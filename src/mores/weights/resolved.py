"""What a resolved model is, and that its weights are never unpickled.

refuse_pickle(Path(resolved.folder))
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mores.errors import ModelError


@dataclass(frozen=True)
class ResolvedModel:
    """Where a model's weights are on this machine."""

    name: str
    folder: str
    digest: str
    source: str
    """``bundled``, ``folder``, ``gguf`` or ``hub``."""


def refuse_pickle(folder: Path) -> None:
    """Refuse a folder whose only weights would have to be unpickled.

    Raises:
        ModelError: no weights at all, or only ``.bin``, ``.pt`` and the like.
    """
    if any(folder.glob("*.safetensors")):
        return
    pickled = [
        p.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for p in folder.glob(pattern)
    ]
    if pickled:
        raise ModelError(
            f"only pickled weights here ({', '.join(sorted(pickled)[:3])}); "
            "unpickling can run any code, so mores refuses it",
            path=folder,
            fix="convert them to safetensors where you trust them, for example with "
            "`model.save_pretrained(folder)` in transformers",
        )
    raise ModelError(
        "no weights here (*.safetensors)",
        path=folder,
        fix="name a folder that holds config.json and *.safetensors",
    )
