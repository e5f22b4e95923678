"""Tensors → one safetensors file, with the same care as every other file of a study.

save_weights(folder / "model.safetensors", {"weight": tensor}, {"format": "pt"})
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mores import store

if TYPE_CHECKING:
    import torch


@contextlib.contextmanager
def system_errors() -> Iterator[None]:
    """Turn safetensors' report of a full disk and the like into the OSError that it was."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error


def save_weights(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
    """Write tensors atomically.

    Raises:
        StoreError: disk full, no permission, read-only; the old file is then intact.
    """
    from safetensors.torch import save_file

    with store.replacing(path) as temporary:
        temporary.touch()
        mode = temporary.stat().st_mode
        with system_errors():
            save_file(tensors, temporary, metadata=metadata)
        temporary.chmod(mode)  # safetensors leaves it readable by its owner alone
