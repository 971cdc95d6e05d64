"""`greenroom jobs`: the phases that items wait for, run through or failed in → listed, shown, changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click

from config.reasons import counted, show_time
from daemon.actions import jobs
from daemon.bootstrap import Application, application
from daemon.cli.completing import among
from daemon.cli.group import Group
from daemon.cli.output import cell, json_option, print_done, print_json, print_table
from daemon.cli.person import person
from daemon.cli.usage import usage
from workflow.engine.job import STATUSES
from workflow.engine.runner import failure_of
from workflow.phase import section_of
from workflow.succession import works

_phases = among(works)


@click.group(cls=Group)
def command() -> None:
    """List and change jobs: one is one phase of one item.

    \b
    Examples:
      greenroom jobs list --status dead --status parked
      greenroom jobs show 42
      greenroom jobs retry 42
      greenroom jobs retry --all --phase publish --code read_only
      greenroom jobs pause review
    """


@command.command("list")
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="Only these; may be repeated.")
@click.option("--phase", default=None, shell_complete=_phases, help="Only this phase.")
@click.option("--item", "item_id", type=int, default=None, help="Only of this item.")
@click.option("--before", type=int, default=None, help="Only older than this job: the next page.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, newest first.")
@json_option
def show_list(
    statuses: tuple[str, ...], phase: str | None, item_id: int | None, before: int | None, limit: int, as_json: bool
) -> None:
    """List jobs, newest first."""
    with _opened() as app:
        if phase is not None:
            jobs.require_phase(phase)
        found = app.engine.list(statuses=statuses, phase=phase, item_id=item_id, before=before, limit=limit)
    if as_json:
        print_json([asdict(job) for job in found])
        return
    none = "There is no such job." if statuses or phase or item_id or before else "No album wants anything done."
    rows = [(j.id, j.phase, j.subject, j.status, j.attempt, j.actor, j.created_at, j.error) for j in found]
    print_table(rows, ("job", "phase", "of", "status", "attempt", "by", "since", "error"), none)


@command.command("show")
@click.argument("job", type=int)
@json_option
def show(job: int, as_json: bool) -> None:
    """Show JOB with its input and every failure."""
    with _opened() as app:
        found = app.engine.show(job)
    if as_json:
        print_json(asdict(found))
        return
    for name, value in asdict(found).items():
        if name != "failures" and value not in (None, False, {}):
            click.echo(f"{name:<16} {cell(value)}")
    for failure in found.failures:
        click.echo(f"{show_time(dt.datetime.fromisoformat(failure['at']))}  {failure_of(failure)}")
    if advice := jobs.advice(found):
        click.echo(advice)


@command.command("retry")
@click.argument("some", metavar="[JOB]...", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that gave up or wait for a person.")
@click.option("--phase", default=None, shell_complete=_phases, help="With --all: only of this phase.")
@click.option("--code", default=None, help="With --all: only what failed with this code.")
@json_option
def retry(some: tuple[int, ...], everything: bool, phase: str | None, code: str | None, as_json: bool) -> None:
    """Start each JOB anew, with the input it had, whatever the gate of its phase says."""
    if everything == bool(some) or (not everything and (phase or code)):
        raise click.UsageError("name jobs, or say --all, which --phase and --code narrow")
    with _opened() as app:
        if phase is not None:
            jobs.require_phase(phase)
        if len(some) == 1:
            again = jobs.retry(app, some[0], actor=person())
            print_done(f"job {again.job.id}", {"job": again.job.id, "is_new": again.is_new}, as_json)
            return
        tried, refused = jobs.retry_each(app, jobs.failed(app, phase, code) if everything else some, actor=person())
    for why in refused:
        click.echo(why, err=True)
    shown = [{"job": one.job.id, "is_new": one.is_new} for one in tried]
    print_done(counted(len(tried), "job"), {"jobs": shown, "refused": refused}, as_json)
    if refused:
        raise SystemExit(1)


@command.command("cancel")
@click.argument("job", type=int)
@json_option
def cancel(job: int, as_json: bool) -> None:
    """Cancel JOB: at once while it is queued, at its next safe place while it runs."""
    with _opened() as app:
        was = jobs.cancel(app, job, actor=person())
    print_done("cancelled" if was == "queued" else "it ends at its next safe place", {"job": job, "was": was}, as_json)


@command.command("discard")
@click.argument("job", type=int)
@json_option
def discard(job: int, as_json: bool) -> None:
    """Set JOB, which failed, aside; it is kept, but counts as dealt with."""
    with _opened() as app:
        jobs.discard(app, job, actor=person())
    print_done(f"job {job} discarded", {"job": job, "status": "discarded"}, as_json)


@command.command("pause")
@click.argument("phase", shell_complete=_phases)
@json_option
def pause(phase: str, as_json: bool) -> None:
    """Start no more jobs of PHASE, not even those people ask for; running ones end."""
    _pause(phase, as_json, paused=True)


@command.command("resume")
@click.argument("phase", shell_complete=_phases)
@json_option
def resume(phase: str, as_json: bool) -> None:
    """Go on with the jobs of PHASE."""
    _pause(phase, as_json, paused=False)


def _pause(phase: str, as_json: bool, *, paused: bool) -> None:
    with _opened() as app:
        jobs.pause(app, phase, paused=paused, actor=person())
    print_done(f"{section_of(phase)}.paused = {str(paused).lower()}", {"phase": phase, "paused": paused}, as_json)


@contextmanager
def _opened() -> Iterator[Application]:
    with application() as app, usage():
        yield app
