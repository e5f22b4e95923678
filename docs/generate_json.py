"""Write docs/json.md from the types that commands return; with ``--check``, fail if it differs."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from mores.cli.as_json import schema
from mores.cli.schema import commands

PAGE = Path(__file__).with_name("json.md")
HEAD = """# --json

Every command takes `--json`: it prints one JSON document on stdout and nothing else, for scripts
and CI. Progress, notes and what a person would read while it runs go to stderr. The exit code is
the same as without it.

```console
$ mores check my-study --json | jq '.result[] | select(.severity == "error") | .message'
$ mores report my-study --json | jq '.result.report.estimates[] | select(.verdict == "shown")'
```

| key | what |
|---|---|
| `schema` | name and number of the document's form, such as `mores/rate-status/1` |
| `command`, `version` | the command, and the version of mores |
| `study` | name of the study, or null |
| `exit_code` | 0 all well; 1 findings or problems; 2 an error; 3 a fault of mores itself |
| `error` | null, or its `kind` (`internal`: code 3), `message`, `path`, `line`, `where`, `fix` |
| `result` | what the command's function returned, whole; null after an error |

The number of the form rises when something in it is renamed, removed or changes its meaning, not
when a field is added. An error is on stderr in words too, a fault of mores itself with its
traceback. A mistake in the command line itself (an unknown option) prints no document, and ends
with code 2; so does a command that is stopped, with code 130.

A number that could not be computed is null, and its `reason` says why. An `Estimate` carries
`verdict` and `scope`: read both, since a verdict with the scope `in this run` speaks of these
weights only.

`--json` takes the place of `--format` and `--output` of `mores check`: no file is
written. `mores rate serve` prints its document when it is stopped; the links go to stderr.

`mores schema` names all documents, `mores schema report` prints the JSON Schema (2020-12) of one.
It is made from the types of the code, and tests hold real output of every command against it.
Below are the fields of each `result`.
"""


def page() -> str:
    """Return the page's text."""
    parts = [HEAD]
    for name, place in commands():
        module, _, function = place.partition(":")
        whole = schema(name, getattr(import_module(module), function))
        result = whole["properties"]["result"]["anyOf"][1]
        parts.append(f"## mores {name} --json\n\n{_said(result, whole['$defs'])}")
    return "\n".join(parts)


def _said(result: dict[str, Any], parts: dict[str, Any]) -> str:
    text = f"`{result_type(result)}`\n"
    for name in _named(result):
        part = parts[name]
        rows = [f"| `{key}` | {result_type(kind)} |" for key, kind in part["properties"].items()]
        about = " ".join(part.get("description", "").split("\n\n")[0].split())
        text += f"\n`{name}`: {about}\n\n| field | type |\n|---|---|\n" + "\n".join(rows) + "\n"
    return text


def _named(kind: dict[str, Any]) -> list[str]:
    """Records that a type is made of, at its top."""
    if "$ref" in kind:
        return [kind["$ref"].rpartition("/")[2]]
    inner = [*kind.get("anyOf", []), *([kind["items"]] if "items" in kind else [])]
    return [name for one in inner if isinstance(one, dict) for name in _named(one)]


def result_type(kind: dict[str, Any]) -> str:
    """Return a type in words: ``list of Finding``, ``string or null``."""
    if "$ref" in kind:
        return str(kind["$ref"].rpartition("/")[2])
    if "anyOf" in kind:
        return " or ".join(result_type(one) for one in kind["anyOf"])
    if "enum" in kind:
        return " or ".join("null" if v is None else f"`{v}`" for v in kind["enum"])
    shape = kind.get("type", "anything")
    if shape == "array":
        if "prefixItems" in kind:
            return "list of " + ", ".join(result_type(one) for one in kind["prefixItems"])
        return f"list of {result_type(kind['items'])}" if "items" in kind else "list"
    if shape == "object" and isinstance(kind.get("additionalProperties"), dict):
        return f"object of {result_type(kind['additionalProperties'])}"
    return " or ".join(shape) if isinstance(shape, list) else str(shape)


def main() -> None:
    """Write or compare."""
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/json.md differs from the code: run `make docs` and commit it")


if __name__ == "__main__":
    main()
