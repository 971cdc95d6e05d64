"""`greenroom run`: the daemon, until it is told to stop."""

from __future__ import annotations

import os

import click

from config.logs import RUNNING_LEVEL
from daemon.bootstrap import application


@click.command()
def command() -> None:
    """Run the daemon in the foreground: staging cycles on the schedule of the settings table.

    The schedule, the enabled flag and the libraries are read again every few seconds, so a change needs no restart.
    Nothing runs until an admin says so: greenroom settings set staging_scan.enabled true

    The page is at http://127.0.0.1:7788/, or where GREENROOM_WEB says. While nobody has an account, each start logs
    the token that the page asks for to make the first one.

    \b
    Signals:
      SIGTERM, SIGINT   finish the file step at hand, leave nothing half done, end
      SIGHUP            read the settings again now

    Under systemd it reports readiness and feeds the watchdog; see systemd/greenroom.service.
    """
    from daemon.service import serve

    with application(log_level=RUNNING_LEVEL) as app:
        status = serve(app)
    os._exit(status)  # a thread that waits for a disk must not keep the process
