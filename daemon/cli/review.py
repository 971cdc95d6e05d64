"""`greenroom review`: a person's word → the status of an item, and the phase that follows."""

from __future__ import annotations

import getpass

import click

from daemon.bootstrap import application
from daemon.cli.usage import usage
from workflow import succession


@click.group()
def command() -> None:
    """Approve or reject what is in staging. Who did it, when and why is kept: greenroom items --show ID."""


@command.command("approve")
@click.argument("item", type=int)
@click.option("--why", default="approved by a person", help="Kept in the item's history.")
def approve(item: int, why: str) -> None:
    """Approve ITEM, the number `greenroom items` lists."""
    _decide(item, "approved", why)


@command.command("reject")
@click.argument("item", type=int)
@click.option("--why", default="rejected by a person", help="Kept in the item's history.")
def reject(item: int, why: str) -> None:
    """Reject ITEM: it stays in staging and goes nowhere by itself."""
    _decide(item, "rejected", why)


def _decide(item: int, status: str, why: str) -> None:
    with application() as app, usage():
        succession.decide(app.database, item, status, actor=f"command:{getpass.getuser()}", why=why)
    click.echo(f"item {item} {status}", err=True)
