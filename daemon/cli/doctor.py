"""`greenroom doctor`: this installation → what is well, what is not, and what to do about it."""

from __future__ import annotations

import sys

import click

from config import starting
from daemon.cli.output import json_option, print_json
from daemon.doctor.examination import examine_installation
from daemon.finding import Finding

MARKS = {"ok": ("✓", "green"), "note": ("•", "cyan"), "problem": ("✗", "red")}


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Examine this installation: database, clock, settings, libraries, their disks, limits, and what is unfinished.

    Between inbound and staging it tries what moving an album relies on: links, clones, renames that never replace,
    syncing folders, noticing who still writes; and it says what the answers mean.

    It writes nothing but a probe file of its own in each root, which it takes away again. Ends with 1 when it found a
    problem.
    """
    findings: list[Finding] = []
    for finding in examine_installation(starting.set_up(warn=False)):
        findings.append(finding)
        if not as_json:
            _print(finding)  # at once: what is looked at next may hang, or end the process
    if as_json:
        print_json([{"level": f.level, "code": f.code, "message": f.message} for f in findings])
    sys.exit(1 if any(f.level == "problem" for f in findings) else 0)


def _print(finding: Finding) -> None:
    mark, colour = MARKS[finding.level]
    click.echo(click.style(mark, fg=colour) + f" {finding.message}")
