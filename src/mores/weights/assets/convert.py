"""The converters: from a package's files to files that can be read without running anything.

Each takes the unpacked members in table order and an existing empty folder, and
fills the folder. They are found by name and imported when needed.

    find_converter("copy")([Path("vader_lexicon.txt")], Path("target"))
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from mores import store
from mores.errors import AssetError, did_you_mean

Converter = Callable[[Sequence[Path], Path], None]

_PLACES = {
    "alt_profanity_check": "mores.weights.assets.lexical_weights:convert_alt_profanity_check",
    "capability_tasks": "mores.weights.assets.capability_tasks:convert_capability_tasks",
    "copy": "mores.weights.assets.convert:copy_members",
    "gguf": "mores.weights.assets.convert:convert_gguf_member",
    "gguf_with_notices": "mores.weights.assets.convert:convert_gguf_with_notices",
    "toxicityclassifier": "mores.weights.assets.lexical_weights:convert_toxicityclassifier",
}


def find_converter(name: str) -> Converter:
    """Return the converter of that name.

    Raises:
        AssetError: there is none.
    """
    if name not in _PLACES:
        raise AssetError(
            f"unknown converter {name!r}{did_you_mean(name, list(_PLACES))}",
            path="assets.toml",
            fix="converters: " + ", ".join(_PLACES),
        )
    module, _, function = _PLACES[name].partition(":")
    found: Converter = getattr(import_module(module), function)
    return found


def copy_members(members: Sequence[Path], target: Path) -> None:
    """Keep the members as they are, under their base names."""
    for member in members:
        with store.disk_errors(target / member.name):
            shutil.copyfile(member, target / member.name)


def convert_gguf_member(members: Sequence[Path], target: Path) -> None:
    """Turn one GGUF file into a folder that transformers loads (safetensors)."""
    from mores.weights.gguf import convert_gguf

    convert_gguf(members[0], target)


def convert_gguf_with_notices(members: Sequence[Path], target: Path) -> None:
    """Turn a GGUF file into such a folder and keep the terms and notices beside the weights."""
    convert_gguf_member(members[:1], target)
    copy_members(members[1:], target)
