"""`greenroom jobs`: the phases that items wait for, run through or failed in → listed, shown, changed."""

from __future__ import annotations

import datetime as dt
import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click

from config import admin
from daemon.bootstrap import Application, application
from daemon.cli.output import json_option, print_json, print_table
from daemon.cli.usage import usage
from workflow import succession
from workflow.engine.engine import Engine
from workflow.engine.job import STATUSES
from workflow.engine.runner import failure_of
from workflow.phase import section_of


@click.group()
def command() -> None:
    """List and change jobs: one is one phase of one item.

    \b
    Examples:
      greenroom jobs list --status dead --status parked
      greenroom jobs show 42
      greenroom jobs retry 42
      greenroom jobs pause review
    """


@command.command("list")
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="Only these; may be repeated.")
@click.option("--phase", default=None, help="Only this phase.")
@click.option("--item", "item_id", type=int, default=None, help="Only of this item.")
@click.option("--before", type=int, default=None, help="Only older than this job: the next page.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, newest first.")
@json_option
def show_list(
    statuses: tuple[str, ...], phase: str | None, item_id: int | None, before: int | None, limit: int, as_json: bool
) -> None:
    """List jobs, newest first."""
    with _engine() as (_, engine):
        found = engine.list(statuses=statuses, phase=phase, item_id=item_id, before=before, limit=limit)
    if as_json:
        print_json([asdict(job) for job in found])
        return
    rows = [(j.id, j.phase, j.subject, j.status, j.attempt, j.actor, j.created_at, j.error) for j in found]
    print_table(rows, ("job", "phase", "of", "status", "attempt", "by", "since", "error"))


@command.command("show")
@click.argument("job", type=int)
@json_option
def show(job: int, as_json: bool) -> None:
    """Show JOB with its input and every failure."""
    with _engine() as (_, engine):
        found = engine.show(job)
    if as_json:
        print_json(asdict(found))
        return
    for name, value in asdict(found).items():
        if name != "failures" and value not in (None, False):
            click.echo(f"{name:<16} {value}")
    for failure in found.failures:
        click.echo(f"{failure['at']}  {failure_of(failure)}")


@command.command("retry")
@click.argument("job", type=int)
def retry(job: int) -> None:
    """Start JOB anew, with the input it had, whatever the gate of its phase says."""
    with _engine() as (_, engine):
        again = engine.retry(job, actor=_actor())
    click.echo(f"job {again.job.id}", err=True)


@command.command("cancel")
@click.argument("job", type=int)
def cancel(job: int) -> None:
    """Cancel JOB: at once while it is queued, at its next safe place while it runs."""
    with _engine() as (_, engine):
        was = engine.cancel(job)
    click.echo("cancelled" if was == "queued" else "it ends at its next safe place", err=True)


@command.command("discard")
@click.argument("job", type=int)
def discard(job: int) -> None:
    """Set JOB, which failed, aside; it is kept, but counts as dealt with."""
    with _engine() as (_, engine):
        engine.discard(job)


@command.command("pause")
@click.argument("phase")
def pause(phase: str) -> None:
    """Start no more jobs of PHASE, not even those people ask for; running ones end."""
    _pause(phase, paused=True)


@command.command("resume")
@click.argument("phase")
def resume(phase: str) -> None:
    """Go on with the jobs of PHASE."""
    _pause(phase, paused=False)


def _pause(phase: str, *, paused: bool) -> None:
    with _engine() as (app, _), app.database.begin() as connection:
        key = f"{section_of(phase)}.paused"
        admin.put(connection, key, paused, actor=_actor(), now=dt.datetime.now(dt.UTC))
    click.echo(f"{key} = {str(paused).lower()}", err=True)


@contextmanager
def _engine() -> Iterator[tuple[Application, Engine]]:
    with application() as app, usage():
        yield app, Engine(app.database, succession.works())


def _actor() -> str:
    return f"command:{getpass.getuser()}"
