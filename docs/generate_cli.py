"""Write docs/cli.md from every command's ``--help``; with ``--check``, fail if it differs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mores.cli import mores

EXIT_CODES = (
    "Exit codes: 0 all well; 1 findings (`check`, `doctor`); 2 an error that you can do "
    "something about; 3 a fault of mores itself; 130 stopped by Ctrl-C, to go on with the same "
    "command.\n"
)
PAGE = Path(__file__).with_name("cli.md")


def page() -> str:
    """Return the page's text."""
    parts = [
        "# Commands\n",
        "Made from `--help` by `make docs`; a test fails when this page differs from it.\n",
        EXIT_CODES,
    ]
    parts += [_section(path, command) for path, command in _walk(mores, "mores")]
    return "\n".join(parts)


def _walk(command: click.Command, path: str) -> list[tuple[str, click.Command]]:
    found = [(path, command)]
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found += _walk(inner, f"{path} {name}")
    return found


def _section(path: str, command: click.Command) -> str:
    context = click.Context(
        command,
        info_name=path,
        max_content_width=100,
        terminal_width=100,
        help_option_names=["-h", "--help"],  # as the program itself
    )
    return f"## {path}\n\n```text\n{command.get_help(context)}\n```\n"


def main() -> None:
    """Write or compare."""
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/cli.md differs from --help: run `make docs` and commit it")


if __name__ == "__main__":
    main()
