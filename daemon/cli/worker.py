"""`greenroom worker`: jobs that are due → carried by this process until it is told to stop."""

from __future__ import annotations

import os
import signal
import threading

import click

from config.logs import RUNNING_LEVEL
from daemon.bootstrap import application
from daemon.cli.completing import among
from daemon.cli.usage import usage
from workflow.succession import works


@click.command()
@click.option(
    "--phases",
    default="",
    metavar="A,B",
    shell_complete=among(works),
    help="Only these phases; see `greenroom phases`.",
)
@click.option("--concurrency", type=click.IntRange(1, 256), default=8, show_default=True, help="Jobs at once.")
def command(phases: str, concurrency: int) -> None:
    """Carry jobs in the foreground, beside the daemon's own worker or on another host with the same PostgreSQL.

    The daemon carries jobs itself; a worker is for more of them at once, or for another machine. When one dies, its
    jobs go on at its restart, or after half a minute in another worker. SIGTERM and SIGINT let running jobs reach a
    safe place and give the others back.
    """
    from daemon.worker import work, works_of

    with usage():
        carried = works_of([name.strip() for name in phases.split(",") if name.strip()])
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
    with application(log_level=RUNNING_LEVEL) as app:
        work(app, carried, concurrency, stop)
    os._exit(0)  # a job that would not stop was given back; its thread must not keep the process
