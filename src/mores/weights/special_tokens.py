"""Special tokens of a model, read from its tokenizer files where these lie on this machine.

Nothing is fetched, converted or loaded.

    special_tokens("smollm2-135m")      # ("<|endoftext|>", "<|im_end|>", "<|im_start|>", ...)
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mores.weights.assets import find_asset
from mores.weights.resolve import bundled_names


def special_tokens(name: str) -> tuple[str, ...]:
    """Return the texts that the model's tokenizer takes for one special token, sorted.

    Args:
        name: bundled name, folder or Hub id; nothing is known of what is not here yet.
    """
    folder = folder_here(name)
    if folder is None:
        return ()
    found: set[str] = set()
    for file in ("tokenizer.json", "tokenizer_config.json"):
        found.update(_special(_read(folder / file)))
    return tuple(sorted(found))


def folder_here(name: str) -> Path | None:
    """Return where a model's files lie on this machine, or None; nothing is fetched."""
    path = Path(name).expanduser()
    if name in bundled_names():
        place = find_asset(name).folder
        return place if place.is_dir() else None
    if path.is_dir():
        return path
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        from huggingface_hub import try_to_load_from_cache

        with contextlib.suppress(ValueError, OSError):  # no id of a model: `resolve` says so
            cached = try_to_load_from_cache(name, "tokenizer_config.json")
            if isinstance(cached, str):
                return Path(cached).parent
    return None


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # none, or damaged: loading the model says so
        return {}


def _special(tokenizer: Any) -> Iterator[str]:
    """Added tokens that are marked as special, of either file."""
    added = tokenizer.get("added_tokens") or []
    added = [*added, *(tokenizer.get("added_tokens_decoder") or {}).values()]
    for token in added:
        if token.get("special") and token.get("content"):
            yield token["content"]
