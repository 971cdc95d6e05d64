"""`greenroom review`: a person's word → the status of an item, and the phase that follows."""

from __future__ import annotations

import getpass

import click

from daemon.bootstrap import application
from daemon.cli.usage import usage


@click.group()
def command() -> None:
    """Approve or reject what is in staging, or take that back.

    Who did it, when and why is kept: greenroom items show ID.
    """


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


@command.command("undo")
@click.argument("item", type=int)
def undo(item: int) -> None:
    """Take the last decision about ITEM back, if nothing happened to it since."""
    with application() as app, usage():
        status = app.take_back(item, actor=f"command:{getpass.getuser()}", seen=None)
    click.echo(f"item {item} is {status} again", err=True)


def _decide(item: int, status: str, why: str) -> None:
    with application() as app, usage():
        app.decide(item, status, actor=f"command:{getpass.getuser()}", why=why, seen=None)
    click.echo(f"item {item} {status}", err=True)
