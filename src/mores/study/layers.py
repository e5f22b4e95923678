"""Layers of settings: presets, overrides, and how they are laid over one another.

merge(settings, read_preset("quick"), origins, "preset quick")
"""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec

from mores.errors import StudyError, did_you_mean

PRESETS = ("quick", "palms-2021", "confirm")


def read_preset(name: str) -> dict[str, Any]:
    """Return a shipped preset's settings.

    Raises:
        StudyError: no preset of that name.
    """
    if name not in PRESETS:
        raise StudyError(
            f"unknown preset {name!r}{did_you_mean(name, PRESETS)}",
            fix="presets: " + ", ".join(PRESETS),
        )
    text = resources.files("mores.study").joinpath("presets", f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def parse_override(text: str) -> tuple[str, Any]:
    """Read ``recipe.epochs=3``; a value that is no TOML is taken as a string."""
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise StudyError(
            f"expected KEY=VALUE, found {text!r}", fix="for example --set recipe.epochs=1"
        )
    try:
        return key.strip(), tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def flatten(value: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Return nested tables as (dotted key, value) pairs, in order."""
    if isinstance(value, dict) and value:
        return [
            pair
            for key, inner in value.items()
            for pair in flatten(inner, f"{prefix}.{key}" if prefix else str(key))
        ]
    return [(prefix, value)]


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """Return dotted keys as nested tables.

    Raises:
        StudyError: a key is both a value and a table.
    """
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        *parents, last = key.split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise StudyError(f"--set {key}: {parent!r} already has a value of its own")
        place[last] = value
    return nested


def merge(
    into: dict[str, Any], layer: dict[str, Any], origins: dict[str, str], origin: str, at: str = ""
) -> None:
    """Lay a layer over the ones below; lists and values replace, tables are merged."""
    for key, value in layer.items():
        name = f"{at}.{key}" if at else key
        if isinstance(value, dict) and isinstance(into.get(key, {}), dict):
            merge(into.setdefault(key, {}), value, origins, origin, name)
        else:
            into[key] = value
            origins[name] = origin


def check_keys(
    layer: dict[str, Any], kind: Any, path: Path | None, origin: str, at: str = ""
) -> None:
    """Refuse keys that no setting has, naming the nearest one."""
    known = list(kind.__struct_encode_fields__)
    hints = get_type_hints(kind)
    for key, value in layer.items():
        name = f"{at}.{key}" if at else key
        if key not in known:
            raise StudyError(
                f"unknown key {name!r}{did_you_mean(key, known)}",
                path=path or origin,
                fix=f"known keys{' of ' + at if at else ''}: {', '.join(known)}",
            )
        inner = _struct_in(hints[key])
        for part in value if isinstance(value, list) else [value]:
            if inner is not None and isinstance(part, dict):
                check_keys(part, inner, path, origin, name)


def _struct_in(hint: Any) -> Any:
    """Return the record type inside an annotation, if there is one."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    for part in get_args(hint):
        found = _struct_in(part)
        if found is not None:
            return found
    return None
