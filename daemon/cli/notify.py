"""`greenroom notify`: a test message → everybody phase.notify names; who did not take it, and why."""

from __future__ import annotations

import sys

import click

from config.errors import Misconfigured
from config.reasons import show_text
from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json
from workflow.notifying import try_out


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Send a test message to everybody whom phase.notify.urls and phase.notify.webhooks name.

    Nothing is stored and nobody is asked again: this is for the moment in which they are set up. Ends with 1 if
    somebody did not take it.

    \b
    Examples:
      greenroom settings set phase.notify.urls  # ntfys://ntfy.sh/my-topic
      greenroom notify
    """
    with application() as app:
        tried = try_out(app.database)
    if not tried:
        raise Misconfigured(
            "nobody is told of anything yet: `greenroom settings set phase.notify.urls` asks for URLs, as Apprise "
            "writes them, or set phase.notify.webhooks"
        )
    if as_json:
        print_json([{"target": one.target, "problem": one.trouble and one.trouble.message} for one in tried])
    else:
        for one in tried:
            click.echo(f"{one.target}: {show_text(one.trouble.message) if one.trouble else 'taken'}")
    sys.exit(any(one.trouble for one in tried))
