"""The command that makes a report again from the study folder."""

from __future__ import annotations

import json
import shlex
from typing import Any

from mores.study import Study, settings
from mores.study.arms import slug


def command(study: Study) -> str:
    """The command that makes these results from the study folder."""
    flags = [
        f" --set {shlex.quote(f'{key}={_toml(json.loads(value))}')}"
        for key, value, origin in settings(study)
        if origin == "--set" and key != "preset"
    ]
    return f"mores run {slug(study.config.name)} --preset {study.config.preset}{''.join(flags)}"


def _toml(value: Any) -> str:
    """Write a setting as `--set` reads it. TOML knows no null: what is absent is left out."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
