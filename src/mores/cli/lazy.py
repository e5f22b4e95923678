"""A group of commands that are built when they are used, so that ``--help`` answers at once."""

from __future__ import annotations

from typing import Any

import click


class Lazy(click.Group):
    """Knows its commands by name, place and short help."""

    def __init__(
        self, *args: Any, commands: dict[str, tuple[str, str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.later = commands
        self.path = "" if self.name in (None, "mores") else str(self.name)
        """Name → function, printer (each as module:function), short help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which they were added."""
        return [*self.later, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Build the command asked for."""
        if cmd_name in self.later:
            from mores.cli.build import command

            function, printer, _ = self.later[cmd_name]
            return command(cmd_name, function, printer, path=self.path)
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
        rows = [(name, short) for name, (_, _, short) in self.later.items()]
        rows += [(name, c.get_short_help_str(80)) for name, c in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
