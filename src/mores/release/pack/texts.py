"""A study without texts: in their place stand their digest and length.

    brief("Be kind.")       "sha256:5d5b… (8 characters)"
    without_texts(files)    path → content, of those that read otherwise then

What is left is who was asked what by which id, how long the answers are, and every number. The
digest is that of the text as the whole study counts it, so whoever has a text can see that it is
this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from mores import store
from mores.plan.seal import FILE as PLAN
from mores.rate.ratings import JUDGED_TEXTS, TEXTS
from mores.release.pack.people import TOLD, as_json, as_lines, labels_of
from mores.sample.grid import COMPLETIONS
from mores.step import MANIFEST
from mores.study.files import LABELS

KEYS = frozenset(
    ("text", "prompt", "completion", "aligned", "opposed", "question", "answer", "statement", "why",
     "base", "values_targeted", "output", "said", "raw", "reply", "context", "prefill",
     "alt", "captions")
)  # fmt: skip
"""Fields that hold a text. Where one holds a number, or more fields, it is looked into."""
NO_TEXT = ("version", "language")
"""What of the rater instructions is no text."""
KNOWN = (MANIFEST, PLAN)
"""Written by mores, without texts."""


def brief(text: str) -> str:
    """Return what stands for a text; an empty one stays empty."""
    return f"{store.digest(text)} ({len(text)} characters)" if text else ""


def without(value: Any, keys: frozenset[str] = KEYS) -> Any:
    """Return plain data whose texts are replaced, as far down as it goes."""
    if isinstance(value, dict):
        return {k: _field(v, keys) if k in keys else without(v, keys) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [without(one, keys) for one in value]
    return value


def _field(value: Any, keys: frozenset[str]) -> Any:
    if isinstance(value, str):
        return brief(value)
    if isinstance(value, list | tuple):
        return [_field(one, keys) for one in value]
    return without(value, keys)


def without_texts(files: Mapping[str, Path]) -> dict[str, bytes]:
    """Return the files of a study that read otherwise without texts.

    What is neither JSON nor a file of the study's own is empty then.

    Args:
        files: path in the study → where its content lies.
    """
    digests = _digests(files)
    found = {name: _bare(path, digests) for name, path in files.items()}
    return {name: data for name, data in found.items() if data != files[name].read_bytes()}


def _bare(path: Path, digests: Mapping[str, str]) -> bytes:
    if path.name in (*KNOWN, "study.toml", "associations.toml"):
        return path.read_bytes()
    if path.name in (TEXTS, JUDGED_TEXTS):
        return as_json(_renamed(store.read_json(path), digests))
    if path.name == "charter.toml":
        return tomlkit.dumps(without(store.read_toml(path))).encode()
    if path.name == TOLD:
        told = store.read_toml(path)
        return tomlkit.dumps({key: told[key] for key in NO_TEXT if key in told}).encode()
    if path.name == LABELS:
        return labels_of(path, without=("question", "answer"))
    if path.suffix == ".jsonl":
        return as_lines(without(row) for _, row in store.iter_rows(path))
    if path.suffix == ".json":
        return as_json(without(store.read_json(path)))
    return b""


def _digests(files: Mapping[str, Path]) -> dict[str, str]:
    """Digest of each completion's text → that of what stands for it."""
    found: dict[str, str] = {}
    for path in files.values():
        if path.name == COMPLETIONS:
            for _, row in store.iter_rows(path):
                text = str(row["text"])
                found[store.digest(text)] = store.digest(brief(text))
    return found


def _renamed(value: Any, digests: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(inner, digests) for key, inner in value.items()}
    return digests.get(value, value)
