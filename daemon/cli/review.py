"""`greenroom review`: a person's word → the status of an item, and the phase that follows."""

from __future__ import annotations

import getpass
from typing import Any

import click

from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json
from daemon.cli.usage import usage


@click.group()
def command() -> None:
    """Approve or reject what is in staging, or take that back.

    Who did it, when and why is kept: greenroom items show ID.
    """


@command.command("approve")
@click.argument("item", type=int)
@click.option("--why", default="approved by a person", help="Kept in the item's history.")
@json_option
def approve(item: int, why: str, as_json: bool) -> None:
    """Approve ITEM, the number `greenroom items` lists."""
    _decide(item, "approved", why, as_json)


@command.command("reject")
@click.argument("item", type=int)
@click.option("--why", default="rejected by a person", help="Kept in the item's history.")
@json_option
def reject(item: int, why: str, as_json: bool) -> None:
    """Reject ITEM: it stays in staging and goes nowhere by itself."""
    _decide(item, "rejected", why, as_json)


@command.command("undo")
@click.argument("item", type=int)
@json_option
def undo(item: int, as_json: bool) -> None:
    """Take the last decision about ITEM back, if nothing happened to it since."""
    with application() as app, usage():
        status = app.take_back(item, actor=f"command:{getpass.getuser()}", seen=None)
    _said(f"item {item} is {status} again", {"item": item, "status": status}, as_json)


def _decide(item: int, status: str, why: str, as_json: bool) -> None:
    with application() as app, usage():
        app.decide(item, status, actor=f"command:{getpass.getuser()}", why=why, seen=None)
    _said(f"item {item} {status}", {"item": item, "status": status, "why": why}, as_json)


def _said(text: str, values: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(values)
    else:
        click.echo(text, err=True)
