"""Where base's own answers to the samples' questions lie: what samples are preferred to."""

from __future__ import annotations

from pathlib import Path

from mores import store
from mores.step import ABSENT
from mores.study import ModelSpec, Study, folders

REJECTED = "rejected"
"""The step that draws base's own answers to the samples' questions, and its folder."""


def rejected_file(study: Study, spec: ModelSpec) -> Path:
    """Where base's own answers to the samples' questions are."""
    return folders.model_folder(study, spec.name) / REJECTED / "completions.jsonl"


def rejected_digest(study: Study, spec: ModelSpec) -> str:
    """Digest of base's own answers, ``absent`` where there are none."""
    path = rejected_file(study, spec)
    return store.digest_file(path) if path.exists() else ABSENT
