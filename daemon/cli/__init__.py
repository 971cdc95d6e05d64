"""Arguments → one command: each is one file here, loaded only when it is asked for."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from config.errors import GreenroomError
from config.leave import is_kept
from config.machine import keep_imported, uncollected
from daemon.cli.output import bear_any_text, full_disk_told
from daemon.signals import attended

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# In the order people need them; the second half is what `greenroom --help` says of each without importing it.
COMMANDS = {
    "run": "Run the daemon: staging cycles on a schedule.",
    "web": "Serve the page and the API alone.",
    "cycle": "Run one staging cycle now.",
    "scan": "Scan the inbound folder, and stop there.",
    "process": "Move the albums of an existing scan into staging.",
    "status": "Show the installation at a glance.",
    "runs": "List the newest runs.",
    "items": "List the albums in staging, and show what happened to one.",
    "enrich": "Ask providers about albums in staging.",
    "review": "Approve or reject albums in staging.",
    "pictures": "Show the pictures on offer for an album, and say which it gets.",
    "providers": "Show who is asked about albums and artists, and try one.",
    "publish": "Put approved albums into their library, or take them out again.",
    "phases": "Show the chain an album goes through.",
    "jobs": "List, retry, cancel and pause jobs.",
    "notify": "Send a test message to everybody who is to be told.",
    "worker": "Carry jobs in a process of their own.",
    "settings": "Show and change settings.",
    "libraries": "Show, add and remove the folders to work on.",
    "players": "Show, add, test and tell the players of the house.",
    "accounts": "Show and add accounts of the page, set passwords.",
    "keys": "Show, make and revoke API keys.",
    "secrets": "Show how secrets are kept, change their key.",
    "hooks": "Let Lidarr and Radarr tell when something arrived.",
    "migrate": "Bring the database's schema up to date.",
    "adopt": "Compare an existing library with what publishing would make of it.",
    "verify": "Read albums again, mend pictures and NFO, tell of damage.",
    "fsck": "Compare the staging library with its rows, and repair what is provable.",
    "export": "Write a proven backup of the database.",
    "import": "Fill an empty database from a backup.",
    "undo": "Put the albums of a run back where they came from.",
    "gc": "Remove what is kept for longer than settings say.",
    "trash": "Show, restore and empty the trash of the staging library.",
    "recover": "Finish or undo what a crash left behind.",
    "doctor": "Examine the installation.",
}
RUNNING = ("run", "worker")  # those that obey signals in a way of their own


class LazyCommands(click.Group):
    """Finds commands by file name, so that only the one that is run is imported."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command, and end the process, whatever disk one of its threads waits for."""
        try:
            with full_disk_told("greenroom"):
                return super().main(*args, **extra)
        except SystemExit as ended:
            if is_kept():
                sys.stdout.flush()
                os._exit(ended.code if isinstance(ended.code, int) else ended.code is not None)
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of COMMANDS."""
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands a word may become, without importing any."""
        from click.shell_completion import CompletionItem

        options = click.Command.shell_complete(self, ctx, incomplete)
        found = ((name, text) for name, text in COMMANDS.items() if name.startswith(incomplete))
        return [*(CompletionItem(name, help=text) for name, text in found), *options]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module, which makes many objects and no garbage."""
        if cmd_name not in COMMANDS:
            return None
        with uncollected():
            command = importlib.import_module(f"daemon.cli.{cmd_name}").command
            keep_imported()  # before the collector is on again, or it would begin with all of it
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; of an unknown one say which was meant, without importing any."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; an error of ours becomes one sentence and the exit code of its class."""
        try:
            return super().invoke(ctx)
        except GreenroomError as error:
            click.echo(f"greenroom: {error.message}", err=True)
            sys.exit(error.exit_code)


@click.command(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="greenroom")
def main() -> None:
    """Take the albums dropped into a folder, whole and safely, into your library, and explain every decision.

    \b
    First steps:
      greenroom libraries add inbound /srv/inbound
      greenroom libraries add staging /srv/staging
      greenroom cycle --dry-run          show what would happen
      greenroom cycle                    do it once
      greenroom settings set staging_scan.enabled true
      greenroom run                      do it on a schedule

    \b
    Environment:
      GREENROOM_DATA_DIR       folder of the database and the scan DBs
      GREENROOM_DATABASE_URL   sqlite:////path, or
                               postgresql+psycopg://user@host/name
      GREENROOM_LOG_LEVEL      TRACE, DEBUG, INFO, WARNING or ERROR; unset: INFO
                               in run, web, worker and migrate, else WARNING
      GREENROOM_LOG_FORMAT     auto, text or json

    \b
    Exit codes: 0 done, 1 failed, 2 wrong usage, 75 somebody else holds the lock.
    """
    bear_any_text()
    context = click.get_current_context()
    if context.invoked_subcommand not in RUNNING:
        context.with_resource(attended())


if __name__ == "__main__":
    main()
