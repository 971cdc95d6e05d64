"""A command with commands of its own → their list, each with the whole of its first sentence; without one, `list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Group(click.Group):
    """Lists its commands without cutting short what they do; without any of them it does what its `list` does.

    So `greenroom items --json` is `greenroom items list --json`, in every group whose list needs no argument.
    """

    @property
    def listing(self) -> click.Command | None:
        """The command that is meant where none is named."""
        found = self.commands.get("list")
        return None if found is None or any(param.required for param in found.params) else found

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read arguments, `list` before those that name no command."""
        asks_for_help = any(name in args[:1] for name in self.get_help_option_names(ctx))
        # Of a shell that completes the next word may be a verb, of which `list` is only one.
        names_none = args[0].startswith("-") if args else not ctx.resilient_parsing
        if self.listing and names_none and not asks_for_help:
            args = ["list", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the verbs a word may become, or the options of what is done without one."""
        if self.listing and incomplete.startswith("-"):
            return self.listing.shell_complete(click.Context(self.listing, parent=ctx), incomplete)
        return super().shell_complete(ctx, incomplete)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Say that no command has to be named, where that is so."""
        return ["[COMMAND] [OPTIONS] [ARGS]..."] if self.listing else super().collect_usage_pieces(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of what is done without a command, and the list of commands."""
        if self.listing:
            self.listing.format_options(click.Context(self.listing, parent=ctx, info_name="list"), formatter)
            self.format_commands(ctx, formatter)
        else:
            super().format_options(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(limit=1000)) for name, one in found if one is not None])
