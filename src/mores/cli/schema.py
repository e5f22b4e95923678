"""`mores schema`: the JSON Schema of what a command prints with --json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import click

from mores.errors import DataError, did_you_mean


def schema(command: tuple[str, ...] = ()) -> dict[str, Any]:
    """Print the JSON Schema of what a command prints with --json.

    Args:
        command: the command, such as `plan` or `rate status`; without one, the names of all.
    """
    from mores.cli.as_json import schema as schema_of
    from mores.cli.as_json import schema_name

    places = dict(commands())
    name = " ".join(command)
    if not name:
        return {one: schema_name(one) for one in places}
    if name not in places:
        raise DataError(
            f"no command {name!r}{did_you_mean(name, list(places))}",
            fix="commands: " + ", ".join(places),
        )
    module, _, function = places[name].partition(":")
    return schema_of(name, getattr(import_module(module), function))


def commands() -> Iterator[tuple[str, str]]:
    """Name of every command and ``module:function`` of what it does, in the order of the help."""
    from mores.cli import COMMANDS, CONSULTATION, MEASURES, OUTPUTS, RATINGS, SHEETS

    tables = (
        ("", COMMANDS),
        ("measure ", MEASURES),
        ("rate ", RATINGS),
        ("consult ", CONSULTATION),
        ("sheet ", SHEETS),
        ("outputs ", OUTPUTS),
    )
    for path, table in tables:
        yield from ((path + name, place) for name, (place, _, _) in table.items())


def show(result: dict[str, Any], values: dict[str, Any]) -> None:
    """Print it, as JSON: nothing else would be of use."""
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))
