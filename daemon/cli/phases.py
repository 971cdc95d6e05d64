"""`greenroom phases`: the chain an album goes through → a list."""

from __future__ import annotations

from typing import Any

import click

from daemon.bootstrap import application
from daemon.cli.group import Group
from daemon.cli.output import json_option, print_json, print_table
from workflow import succession
from workflow.phase import Chore, Phase, all_chores, all_phases, settings_of


@click.group(cls=Group)
def command() -> None:
    """Show the chain an album goes through, and the chores apart from it."""


@command.command("list")
@json_option
def show_list(as_json: bool) -> None:
    """Show the phases of the chain in their order, those apart from it, how each is entered, and its jobs.

    A phase goes by itself (auto), waits for a person (manual), or is passed over (off); see `greenroom settings`.
    """
    with application() as app:
        with app.database.read() as connection:
            gates, limits = succession.gates(connection), succession.limits(connection)
            gates |= {name: settings_of(connection, name).mode for name in all_chores()}
        counts = app.engine.counts()
    phases: dict[str, Phase | Chore] = {**all_phases(), **all_chores()}
    rows: list[dict[str, Any]] = [
        {
            "phase": name,
            "after": getattr(phase, "after", None),
            "gate": gates.get(name, "auto"),
            "paused": name in limits and limits[name].paused,
            "jobs": counts.get(name, {}),
            "description": phase.description,
        }
        for name, phase in phases.items()
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        [
            (r["phase"], r["after"], f"{r['gate']}{' (paused)' if r['paused'] else ''}",
             ", ".join(f"{n} {status}" for status, n in r["jobs"].items()), r["description"])
            for r in rows
        ],
        ("phase", "after", "gate", "jobs", "what it does"),
    )  # fmt: skip
