"""`greenroom fsck`: staging library, journal, sidecars and rows → what does not fit together, and what was repaired."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import click

from config.reasons import counted, show_path, show_text
from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json
from daemon.progress import bars
from daemon.signals import stop_on_signals
from processor.filesystem.paths import within
from processor.fsck.finding import Finding
from processor.fsck.fsck import FsckReport
from workflow.operations.fsck import fsck

MOST = 20  # repairs of one kind that are named one by one


@click.command()
@click.option("--verify", is_flag=True, help="Also read every file whose digest is recorded, and compare it.")
@click.option("--adopt", is_flag=True, help="Repair what is provable; takes the lock.")
@json_option
def command(verify: bool, adopt: bool, as_json: bool) -> None:
    """Compare the staging library with the database, and repair what is provable.

    Without --adopt it only looks: it takes no lock, changes nothing, and may run beside a cycle. Every finding says
    what is wrong, where, and what a person can do about it; • marks what --adopt can repair, ✓ what it has repaired.

    --adopt finishes or undoes interrupted moves as `greenroom recover` does, and goes on with those that waited for a
    person where nothing can be lost by it; records albums whose row is gone or old, from the sidecar in their folder,
    once every byte was checked; lets rows follow folders that moved within staging; gives items whose folder or files
    are gone the status "missing", unless so much is gone that the disk is in doubt, and takes it back when they are
    there again; and writes sidecars that are missing or damaged. No file of an album is ever changed, moved or removed,
    and no row is deleted. Running it again changes nothing.

    Files are compared by size and time. --verify reads them: copied files have had a digest since they were staged,
    linked ones get theirs with --verify --adopt, while size and time are as they were then. From there on --verify
    notices every changed bit.

    An album that is really gone is let go with `greenroom items forget ID`.

    \b
    Exit codes: 0 nothing found, or all of it repaired; 1 something is left;
    75 somebody else holds the lock.

    \b
    Examples:
      greenroom fsck
      greenroom fsck --adopt            after restoring the database from a backup
      greenroom fsck --verify --adopt   once a month, at night
      greenroom fsck --json | jq '.findings[] | select(.repaired | not)'
    """
    stop = stop_on_signals()
    with application() as app, bars() as progress:
        if adopt:
            app.may_move()
        report = fsck(app.database, verify=verify, adopt=adopt, stop=stop, progress=progress)
    if as_json:
        print_json(_as_object(report, adopt))
    else:
        _print(report, adopt, verify)
    sys.exit(1 if report.left else 0)


def _as_object(report: FsckReport, adopt: bool) -> dict[str, Any]:
    counts = {"albums": report.albums, "files": report.files, "compared": report.compared, "unproven": report.unproven}
    return {
        "adopt": adopt,
        **counts,
        "left": report.left,
        "findings": [
            {
                "code": finding.code,
                "message": finding.message,
                "item": finding.item_id,
                "root": finding.root,
                "paths": finding.paths,
                "can_be_repaired": finding.repair is not None,
                "repaired": finding.repaired,
            }
            for finding in report.findings
        ],
    }


def _print(report: FsckReport, adopt: bool, verify: bool) -> None:
    often = Counter(finding.code for finding in report.findings if finding.repaired)
    for code, times in often.items():
        if times > MOST:
            click.echo(click.style(f"✓ {code:<18}", fg="green") + f" {times} times")
    for finding in report.findings:
        if finding.repaired and often[finding.code] > MOST:
            continue
        mark, colour = ("✓", "green") if finding.repaired else ("•", "cyan") if finding.repair else ("✗", "red")
        item = f" (item {finding.item_id})" if finding.item_id is not None else ""
        click.echo(click.style(f"{mark} {finding.code:<18}", fg=colour) + f" {_where(finding)}{item}")
        click.echo(f"      {show_text(finding.message)}")
    looked = f"{counted(report.albums, 'album')}, {counted(report.files, 'file')}"
    if verify:
        looked += f", {report.compared} of them read; {report.unproven} have no digest to compare with"
    repairable = sum(finding.repair is not None for finding in report.findings if not finding.repaired)
    if not report.findings:
        click.echo(f"{looked}: all as it should be")
    elif adopt:
        click.echo(f"{looked}: {len(report.findings) - report.left} repaired, {report.left} left")
    else:
        click.echo(f"{looked}: {len(report.findings)} findings; --adopt can repair {repairable}")


def _where(finding: Finding) -> str:
    return show_path(within(finding.root or b"", finding.paths[0])) if finding.paths else ""
