"""`greenroom status`: the installation at a glance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import click

from config.answering import GLANCE
from config.libraries import list_libraries
from config.reasons import counted, figure, show_path, show_time
from daemon.actions import libraries
from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json
from daemon.status import TRY_AGAIN, at_a_glance
from workflow.engine.job import FAILED, OPEN


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Show the daemon, the schedule, the libraries, the last run, and what waits.

    It only reads, and needs no lock; so it answers while a cycle runs. A disk that does not answer is waited for some
    seconds, and said to be silent then.
    """
    with application() as app:
        status = at_a_glance(app)
        status["database"] = app.database.url.set(query={}).render_as_string(hide_password=True)
        with app.database.read() as connection:
            found = list_libraries(connection)
    troubles = {library.path: why for library, why in zip(found, libraries.troubles(found, GLANCE), strict=True)}
    for library in status["libraries"]:
        library["problem"] = troubles.get(library["path"])
    if as_json:
        print_json(status)
        return
    for name, text in _lines(status):
        click.echo(f"{name:<11}{text}")


def _off(status: dict[str, Any]) -> str:
    """Say why cycles do not run, or move nothing."""
    if status["unreadable"]:
        return "  (off: a setting cannot be read)"  # whatever is said of the others
    off = "" if status["enabled"] else "  (off: staging_scan.enabled is false)"
    return off + ("  (dry run)" if status["dry_run"] else "")


def _lines(status: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "daemon", status["daemon"] or "not running here; `greenroom run` starts it"
    yield "schedule", status["schedule"] + _off(status)
    fire = status["next_fire"]
    unless = "" if status["daemon"] else ", if a daemon runs then"
    yield "next", show_time(dt.datetime.fromisoformat(fire)) + unless if fire else "–"
    for problem in status["problems"]:
        yield "problem", problem
    if not status["libraries"]:
        begin = "`greenroom libraries add inbound PATH` begins"
        other = "where there were some, GREENROOM_DATA_DIR or GREENROOM_DATABASE_URL is another one now"
        yield "problem", f"{status['database']} knows no library: {begin}; {other}"
    for library in status["libraries"]:
        held = f"  held by {library['holder']}" if library["holder"] else ""
        yield library["role"], show_path(library["path"]) + held
        if library["problem"]:
            yield "problem", library["problem"]
    last = status["last_run"]
    if last is None:
        yield "last run", "none yet"
    else:
        counts = ", ".join(f"{n} {figure(name, n)}" for name, n in last["counts"].items() if n)
        how = f"{last['status']}{' (dry run)' if last['dry_run'] else ''}"
        stayed = f"; `greenroom runs show {last['id']}` says why" if last["reasons"] and not last["error"] else ""
        nothing = "no end yet" if last["status"] == "running" else "nothing to do"
        yield "last run", f"{last['id']} {how}: {last['error'] or counts or nothing}{stayed}"
    gone = "; `greenroom fsck` says what is missing" if "missing" in status["items"] else ""
    waits = "; `greenroom review` lists those to review" if "pending_review" in status["items"] else ""
    yield "items", (", ".join(f"{n} {name}" for name, n in status["items"].items()) or "none") + gone + waits
    jobs = {name: status["jobs"][name] for name in (*OPEN, *FAILED) if status["jobs"][name]}
    if jobs:
        left = jobs.keys() & OPEN and not (status["workers"] or status["daemon"])  # which begins when a job is due
        idle = "; nobody carries them: start `greenroom run` or `greenroom worker`" if left else ""
        stuck = "".join(f"; `greenroom jobs --status {name}` says why" for name in FAILED if name in jobs)
        yield "jobs", ", ".join(f"{n} {name}" for name, n in jobs.items()) + idle + stuck
    if again := status["retried"]:
        not_before = dt.datetime.fromisoformat(again["not_before"])
        is_due = not_before <= dt.datetime.now(dt.UTC)  # a worker that was stopped gave it back, or nobody carries jobs
        when = "waits for a worker" if is_due else f"is not tried before {show_time(not_before)}"
        more = f", the first of {again['count']}" if again["count"] > 1 else ""
        why = "; its last try ended so" if is_due else ""  # which may be over, as a lock somebody had
        yield "retry", f"{again['called']} (job {again['job']}) {when}{more}{why}: {again['error']}"
    if settled := status["unfinished"] - status["stranded"]:
        yield "unfinished", f"{counted(settled, 'transfer')}, settled by the next cycle"
    if status["held"]:
        yield "problem", f"{counted(status['held'], 'transfer')} held for a person: {TRY_AGAIN}"
