"""What goes by a name in a study and may come from another package: engines, tuners, executors.

make = plugin("engine", "vllm", BUILT_IN, "mores.engines", ModelError, where="models.engine")
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mores.errors import MoresError, did_you_mean


def plugin(
    kind: str,
    name: str,
    built_in: Mapping[str, str],
    group: str,
    error: type[MoresError],
    *,
    where: str,
) -> Any:
    """Return what goes by a name: our own, or an entry point's.

    Args:
        kind: what it is, for messages.
        name: as the study has it.
        built_in: name → ``module:object`` of ours.
        group: of entry points.
        error: what is raised.
        where: the setting.

    Raises:
        MoresError: ``error``: there is none, or what an installed package gives cannot be loaded.
    """
    if name in built_in:
        return named(built_in[name])
    points: dict[str, EntryPoint] = {point.name: point for point in entry_points(group=group)}
    if name not in points:
        known = [*built_in, *sorted(points)]
        raise error(
            f"there is no {kind} {name!r}{did_you_mean(name, known)}",
            where=where,
            fix=f"{kind}s: {', '.join(known)}",
        )
    try:
        return points[name].load()
    # Someone else's code: whatever it raises, the user needs to know whose it is.
    except Exception as raised:
        raise error(
            f"the entry point {points[name].value!r} failed: {type(raised).__name__}: {raised}",
            where=f"{kind} {name!r}",
            fix="update or remove the package that adds it",
        ) from raised


def named(place: str) -> Any:
    """Return what ``module:object`` names."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
