"""A command with commands of its own → their list, each with the whole of its first sentence."""

from __future__ import annotations

import click


class Group(click.Group):
    """Lists its commands without cutting short what they do."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(limit=1000)) for name, one in found if one is not None])
