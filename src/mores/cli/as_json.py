"""`--json`: what a command's function returned, as one document on stdout, and its schema.

    {"schema": "mores/rate-status/1", "command": "rate status", "version": "0.1.0",
     "study": "wellbeing", "exit_code": 0, "error": null, "result": {...}}

The schema is made from the type that the function says it returns, so the two cannot differ.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, get_type_hints

import msgspec

from mores import __version__
from mores.errors import MoresError

FORM = 1
"""Raised when something in a document is renamed, removed or changes its meaning."""
INTERNAL = 3
"""Exit code after a fault of mores itself; 1 would say findings, 2 an error of the user's."""
KEYS = ("schema", "command", "version", "study", "exit_code", "error", "result")


def schema_name(command: str) -> str:
    """Return the name of a command's schema: of ``rate status`` ``mores/rate-status/1``."""
    return f"mores/{command.replace(' ', '-')}/{FORM}"


def document(
    command: str, *, study: str | None, exit_code: int, result: Any = None, error: Any = None
) -> str:
    """Return the document of a command that ended, with a result or an error."""
    values = (schema_name(command), command, __version__, study, exit_code, error, result)
    plain = msgspec.json.encode(dict(zip(KEYS, values, strict=True)), enc_hook=_path)
    return msgspec.json.format(plain, indent=2).decode()


def as_error(error: Exception) -> dict[str, Any]:
    """Return the parts of an error; what it does not have is None.

    What is no `MoresError` is a fault of mores itself, of the kind "internal".
    """
    if not isinstance(error, MoresError):
        said = MoresError(
            f"{type(error).__name__}: {error}",
            fix="a fault in mores: report it with the traceback on stderr",
        )
        return as_error(said) | {"kind": "internal"}
    return error.parts


def schema(command: str, function: Callable[..., Any]) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a command's document."""
    (result,), parts = msgspec.json.schema_components(
        [returned(function)], schema_hook=_path_schema, ref_template="#/$defs/{name}"
    )
    text = {"type": ["string", "null"]}
    error: dict[str, Any] = dict.fromkeys(("path", "where", "fix"), text)
    error |= {name: {"type": "string"} for name in ("kind", "message")}
    error |= {"line": {"type": ["integer", "null"]}}
    whole: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": schema_name(command),
        "title": f"mores {command} --json",
        "type": "object",
        "properties": {
            "schema": {"const": schema_name(command)},
            "command": {"const": command},
            "version": {"type": "string"},
            "study": text,
            "exit_code": {"enum": [0, 1, 2, INTERNAL]},
            "error": {
                "anyOf": [
                    {"type": "null"},
                    {
                        "type": "object",
                        "properties": error,
                        "required": sorted(error),
                        "additionalProperties": False,
                    },
                ]
            },
            "result": {"anyOf": [{"type": "null"}, result]},
        },
        "required": list(KEYS),
        "additionalProperties": False,
        "$defs": parts,
    }
    plain: dict[str, Any] = _for_everyone(whole)
    return plain


def returned(function: Callable[..., Any]) -> Any:
    """Return the type that a function says it returns, also one imported for type checkers only."""
    module = sys.modules[function.__module__]
    names = {**vars(module), **_checked_names(module.__file__ or "")}
    assert isinstance(function, FunctionType)
    bare = FunctionType(function.__code__, names)
    bare.__annotations__ = {"return": function.__annotations__["return"]}
    return get_type_hints(bare, names)["return"]


def _checked_names(file: str) -> dict[str, Any]:
    """What a module imports under ``if TYPE_CHECKING``."""
    tree = ast.parse(Path(file).read_text("utf-8"))
    blocks = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {
        alias.asname or alias.name: getattr(import_module(node.module or ""), alias.name)
        for block in blocks
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _for_everyone(value: Any) -> Any:
    r"""Patterns as every validator reads them: ``\Z`` is Python's own."""
    if isinstance(value, dict):
        return {
            key: inner.removesuffix(r"\Z") + "$"
            if key == "pattern" and isinstance(inner, str) and inner.endswith(r"\Z")
            else inspect.cleandoc(inner)
            if key == "description" and isinstance(inner, str)
            else _for_everyone(inner)
            for key, inner in value.items()
        }
    return [_for_everyone(inner) for inner in value] if isinstance(value, list | tuple) else value


def _path(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(type(value).__name__)


def _path_schema(kind: type) -> dict[str, Any]:
    if issubclass(kind, Path):
        return {"type": "string", "format": "path"}
    raise NotImplementedError(kind.__name__)
