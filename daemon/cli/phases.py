"""`greenroom phases`: the chain an album goes through → a list."""

from __future__ import annotations

from typing import Any

import click

from daemon.bootstrap import application
from daemon.cli.group import Group
from daemon.cli.output import json_option, print_json, print_table
from workflow import succession
from workflow.engine.engine import Engine
from workflow.phase import all_chores, all_phases, settings_of


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
            modes = {name: settings_of(connection, name).mode for name in all_chores()}
        counts = Engine(app.database, succession.works()).counts()
    rows: list[dict[str, Any]] = [
        {
            "phase": phase.name,
            "after": phase.after,
            "gate": gates.get(phase.name, "auto"),
            "paused": phase.name in limits and limits[phase.name].paused,
            "jobs": counts.get(phase.name, {}),
            "description": phase.description,
        }
        for phase in all_phases().values()
    ]
    rows += [
        {
            "phase": chore.name,
            "after": None,
            "gate": modes[chore.name],
            "paused": limits[chore.name].paused,
            "jobs": counts.get(chore.name, {}),
            "description": chore.description,
        }
        for chore in all_chores().values()
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
