"""A function → a command: arguments and options from its signature, help from its docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click


class Lazy(click.Group):
    """A group that builds a command when it is used, so that ``--help`` answers at once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._later: dict[str, tuple[str, Callable[..., click.Command], tuple[Any, ...]]] = {}

    def later(self, name: str, short: str, build: Callable[..., click.Command], *args: Any) -> None:
        """Add a command that ``build(*args)`` will make."""
        self._later[name] = (short, build, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which they were added."""
        return [*self._later, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Build the command asked for; suggest one for a misspelt name."""
        if cmd_name in self._later:
            _, build, args = self._later[cmd_name]
            return build(*args)
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Name the nearest command where there is none of that name."""
        from mores.errors import did_you_mean

        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = did_you_mean(args[0], self.list_commands(ctx))
            raise click.UsageError(error.message.rstrip(".") + near, ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands with their short help, without building them."""
        rows = [(name, short) for name, (short, _, _) in self._later.items()]
        rows += [(name, c.get_short_help_str(80)) for name, c in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def command(name: str, function: str) -> click.Command:
    """Build the command for a function of `mores.api` and its printer in `mores.cli.show`."""
    from mores import api
    from mores.cli import show, show_ratings, show_revise

    target = getattr(api, function)
    rooms = (show, show_ratings, show_revise)
    printer = next(p for room in rooms if (p := getattr(room, f"show_{function}", None)))
    text, described = read_docstring(target)
    hints = get_type_hints(target, localns=_names(target))
    params = [
        _param(parameter, hints[parameter.name], described.get(parameter.name, ""))
        for parameter in inspect.signature(target).parameters.values()
    ]

    def callback(**values: Any) -> int:
        return printer(target(**values), values) or 0

    return click.Command(name, params=params, callback=callback, help=text)


def _names(function: Callable[..., Any]) -> dict[str, Any]:
    """Return types exist for type checkers only; any stand-in will do here."""
    source = inspect.getsource(inspect.getmodule(function) or function)
    block = source.split("if TYPE_CHECKING:")[1].split("\n\n")[0]
    return dict.fromkeys(re.findall(r"\b[A-Z]\w+", block), Any)


def read_docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """Return a docstring's text before its sections, and its ``Args`` by name."""
    text = inspect.getdoc(function) or ""
    head = re.split(r"\n(?:Args|Raises|Returns):\n", text)[0]
    found = re.search(r"\nArgs:\n(.*?)(?:\n\n(?:Raises|Returns):|\Z)", text, re.S)
    described: dict[str, str] = {}
    if found:
        for part in re.split(r"\n    (?=\w+: )", "\n" + found.group(1))[1:]:
            name, _, meaning = part.partition(": ")
            described[name.strip()] = " ".join(meaning.split())
    return head, described


def _param(parameter: inspect.Parameter, hint: Any, meaning: str) -> click.Parameter:
    """One argument (positional, or without default) or option."""
    many = get_origin(hint) is tuple
    kind = _type(hint)
    positional = parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    if positional:
        required = parameter.default is inspect.Parameter.empty
        shown = parameter.name.upper()
        if many:
            return click.Argument([parameter.name], type=kind, nargs=-1, metavar=f"[{shown}]...")
        return click.Argument(
            [parameter.name],
            type=kind,
            required=required,
            metavar=shown if required else f"[{shown}]",
        )
    flag = "--" + parameter.name.rstrip("_").replace("_", "-")
    default = parameter.default
    if hint is bool:
        both = f"{flag}/--no-{flag[2:]}" if default else flag
        return click.Option([both, parameter.name], default=default, help=meaning, is_flag=True)
    metavar = "KEY=VALUE" if parameter.name == "set_" else None
    if default is inspect.Parameter.empty:
        return click.Option([flag, parameter.name], type=kind, required=True, help=meaning)
    return click.Option(
        [flag, parameter.name],
        type=kind,
        default=() if many else default,
        multiple=many,
        help=meaning,
        metavar=metavar,
        show_default=default not in (None, (), ""),
    )


def _type(hint: Any) -> Any:
    options = [part for part in get_args(hint) if part is not type(None)] or [hint]
    first = options[0]
    if get_origin(hint) is Literal:
        return click.Choice([str(v) for v in get_args(hint)])
    if first is Path:
        return click.Path(path_type=Path)
    return {int: click.INT, float: click.FLOAT}.get(first, click.STRING)
