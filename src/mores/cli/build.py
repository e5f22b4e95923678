"""A function → a command: arguments and options from its signature, help from its docstring.

A parameter that is a `Study` becomes the argument FOLDER, and the options --preset and --set come
with it; a `Progress` becomes --quiet. So what all commands share is said here, once, and the
options of a command cannot differ from the parameters of the function that it calls.
"""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable
from contextlib import ExitStack, redirect_stdout
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from mores.cli.as_json import INTERNAL, as_error, document
from mores.errors import MoresError
from mores.progress import Progress
from mores.study import Study, load_study

PRESET = '"quick", "palms-2021" or "confirm", instead of the study\'s own.'
SET = "Override one setting, such as recipe.epochs=3 (may be repeated)."
QUIET = "No progress display."
JSON = "Print the result as one JSON document and nothing else (docs/json.md)."
SAY = "say"
"""A parameter of this name is given a voice: what the function has to say while it runs."""


def command(name: str, place: str, printer: str, *, path: str = "") -> click.Command:
    """Build the command of a function.

    Args:
        name: what it is called on the command line.
        path: what stands before that name, such as ``rate``.
        place: ``module:function``, what is done.
        printer: ``module:function``, what is printed of what it returned; takes that and the
            command's values by name, and may return an exit code.
    """
    from docstring_parser import parse

    function, show = _named(place), _named(printer)
    hints = parameter_types(function)
    described = parse(inspect.getdoc(function) or "")
    help_of = {p.arg_name: " ".join((p.description or "").split()) for p in described.params}
    params = [
        _param(parameter, hints[parameter.name], help_of.get(parameter.name, ""))
        for parameter in inspect.signature(function).parameters.values()
        if not _is(Progress, hints[parameter.name]) and parameter.name != SAY
    ]
    return click.Command(
        name,
        params=params + _shared(hints),
        callback=_callback(f"{path} {name}".strip(), function, show, hints),
        help="\n\n".join([described.description or "", *_arguments(function, help_of)]),
    )


def _arguments(function: Callable[..., Any], help_of: dict[str, str]) -> list[str]:
    """A line on each argument but the study, of which the options say enough."""
    return [
        f"{name.upper()}: {help_of[name]}"
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        and name != "study"
        and name in help_of
    ]


def _named(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def parameter_types(function: Callable[..., Any]) -> dict[str, Any]:
    """Name → type of every parameter. What is returned may exist for type checkers only."""
    assert isinstance(function, FunctionType)
    bare = FunctionType(function.__code__, function.__globals__)
    bare.__annotations__ = {k: v for k, v in function.__annotations__.items() if k != "return"}
    return get_type_hints(bare)


def _is(kind: type, hint: Any) -> bool:
    """Whether a parameter takes one of a kind, or none."""
    return hint is kind or kind in get_args(hint)


def _shared(hints: dict[str, Any]) -> list[click.Parameter]:
    """The options that come with a study, and with work that takes time."""
    options: list[click.Parameter] = []
    if any(_is(Study, hint) for hint in hints.values()):
        options.append(click.Option(["--preset"], help=PRESET))
        options.append(
            click.Option(["--set", "set_"], multiple=True, metavar="KEY=VALUE", help=SET)
        )
    if any(_is(Progress, hint) for hint in hints.values()):
        options.append(click.Option(["--quiet"], is_flag=True, help=QUIET))
    options.append(click.Option(["--json", "json_"], is_flag=True, help=JSON))
    return options


def _callback(
    name: str,
    function: Callable[..., Any],
    show: Callable[..., Any],
    hints: dict[str, Any],
) -> Callable[..., int]:
    """Open what the function takes: studies from folders, a progress display, a voice."""

    def run(
        preset: str | None = None,
        set_: tuple[str, ...] = (),
        quiet: bool = False,
        json_: bool = False,
        **values: Any,
    ) -> int:
        taken, out = dict(values), sys.stdout
        studies: list[str] = []

        def end(code: int, **ended: Any) -> int:
            if json_:
                click.echo(document(name, study=_only(studies), exit_code=code, **ended), file=out)
            return code

        try:
            with ExitStack() as stack:
                if json_:  # whatever is said on the way goes to stderr: stdout is the document's
                    stack.enter_context(redirect_stdout(sys.stderr))
                for parameter, hint in hints.items():
                    if _is(Progress, hint):
                        taken[parameter] = stack.enter_context(Progress(quiet=quiet))
                    elif parameter == SAY:
                        taken[parameter] = click.echo
                    elif _is(Study, hint) and values[parameter] is not None:
                        study = load_study(values[parameter], preset=preset, overrides=set_)
                        studies.append(study.config.name)
                        taken[parameter] = study
                result = function(**taken)
            if not json_:
                return show(result, values) or 0
            with redirect_stdout(io.StringIO()):  # the printer knows the exit code
                code = show(result, {**values, "json_": True}) or 0
            return end(code, result=result)
        except MoresError as error:
            end(2, error=as_error(error))
            raise
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            end(INTERNAL, error=as_error(error))
            raise

    return run


def _only(studies: list[str]) -> str | None:
    """The name of the study that a command is about; the last of two that it compares."""
    return studies[-1] if studies else None


def _param(parameter: inspect.Parameter, hint: Any, meaning: str) -> click.Parameter:
    """One argument (positional) or option (keyword)."""
    if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
        return _argument(parameter, hint)
    flag = "--" + parameter.name.rstrip("_").replace("_", "-")
    default = parameter.default
    several = get_origin(hint) is tuple
    if default is inspect.Parameter.empty:
        names, kind = [flag, parameter.name], _type(hint)
        return click.Option(names, type=kind, required=True, multiple=several, help=meaning)
    if hint is bool:
        both = f"{flag}/--no-{flag[2:]}" if default else flag
        return click.Option([both, parameter.name], default=default, help=meaning, is_flag=True)
    return click.Option(
        [flag, parameter.name],
        type=_type(hint),
        default=default,
        multiple=several,
        help=meaning,
        show_default=default not in (None, (), ""),
    )


def _argument(parameter: inspect.Parameter, hint: Any) -> click.Argument:
    required = parameter.default is inspect.Parameter.empty
    shown = "FOLDER" if parameter.name == "study" else parameter.name.upper()
    if get_origin(hint) is tuple:
        return click.Argument([parameter.name], type=_type(hint), nargs=-1, metavar=f"[{shown}]...")
    return click.Argument(
        [parameter.name],
        type=_type(hint),
        required=required,
        metavar=shown if required else f"[{shown}]",
    )


def _type(hint: Any) -> Any:
    options = [part for part in get_args(hint) if part is not type(None)] or [hint]
    first = options[0]
    if get_origin(hint) is Literal:
        return click.Choice([str(v) for v in get_args(hint)])
    if first in (Path, Study):
        return click.Path(path_type=Path)
    return {int: click.INT, float: click.FLOAT}.get(first, click.STRING)
