"""`greenroom verify`: albums in staging and libraries → every file read again; damage told, NFO and pictures mended."""

from __future__ import annotations

import datetime as dt
import sys
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import click

from config.errors import Stopped
from config.reasons import counted, show_text
from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json
from daemon.cli.usage import usage
from daemon.signals import stop_on_signals
from processor.planning.space import human_size
from processor.verification.judging import TROUBLE
from processor.verify import Found
from workflow import progress
from workflow.operations.verifying import Pace, due, verify_items, verifying
from workflow.phase import settings_of


@click.command()
@click.argument("items", metavar="ITEM…", type=int, nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every item, whenever it was last read.")
@click.option(
    "--pace", type=click.IntRange(0), default=0, show_default=True, help="MiB a second; 0: as fast as it goes."
)
@click.option("--decode", is_flag=True, help="Decode music to its end, too, with ffmpeg.")
@click.option("--only-look", is_flag=True, help="Mend nothing: read, compare and tell.")
@json_option
def command(items: Sequence[int], every: bool, pace: int, decode: bool, only_look: bool, as_json: bool) -> None:
    """Read the files of ITEM again, from the disk, and compare them with what is recorded; without ITEM those that
    phase.verify.days says are due.

    A picture, NFO or lyrics of Greenroom's that is gone or rotten is made anew from the cache, unless
    staging_scan.dry_run is on; one you edited stays.
    Music is never touched: what is wrong with it is told, and stays listed until it is right again. Bytes that changed
    together with the file's time are somebody's doing; they are told once, and taken for right from then on.

    Each album is remembered as it is read, so an interrupted round goes on where it was. The daemon does the same once
    a day. Albums of a library that is away are passed by, and stay due. Ends with 1 if music is gone or damaged, or if
    an ITEM or a library could not be read.

    \b
    Examples:
      greenroom verify
      greenroom verify 17 --decode
      greenroom verify --all --json
    """
    if items and every:
        raise click.UsageError("name items, or use --all")
    stop = stop_on_signals()
    with usage(), application() as app:
        with app.database.read() as connection:
            for item in filter(None, items):  # 0 stands for what belongs to artists
                progress.find(connection, item)
        wanted: Iterable[int] = items or due(app.database, _since(app.database, every=every))
        paced = Pace(pace, lambda: _check(stop), stop.wait)
        given = verifying(app.database, app.boot.data_dir, paced, stop, decode=decode, mend=not only_look)
        told, troubled = [], False
        for found in verify_items(given, wanted):
            troubled |= any(one.code.removeprefix("verify_") in TROUBLE for one in found.checked.findings)
            told.append(_told(found))
            if not as_json:
                _say(told[-1])
    for error in given.away:
        click.echo(f"not read: {error.message}", err=True)
        troubled = True
    for item in set(items) - {one["item"] or 0 for one in told}:
        click.echo(f"item {item} was not read: its library is not known here, or it changed meanwhile", err=True)
        troubled = True
    if as_json:
        print_json(told)
    else:
        files, size = (sum(one[name] for one in told) for name in ("files", "bytes"))
        albums = sum(one["item"] is not None for one in told)
        click.echo(f"{counted(albums, 'album')}, {counted(files, 'file')}, {human_size(size)} read")
    sys.exit(1 if troubled else 0)


def _since(database: Any, *, every: bool) -> dt.datetime:
    now = dt.datetime.now(dt.UTC)
    if every:
        return now
    with database.read() as connection:
        settings = settings_of(connection, "verify")
    return now - dt.timedelta(days=settings.days)


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Stopped("asked to stop; what was read is remembered")


def _told(found: Found) -> dict[str, Any]:
    checked = found.checked
    return {
        "item": checked.item_id or None,  # None: pictures and NFO of artists
        "files": checked.files,
        "bytes": checked.size,
        "findings": [one._asdict() for one in checked.findings],
        "mended": [one._asdict() for one in checked.mended],
    }


def _say(told: dict[str, Any]) -> None:
    name = f"item {told['item']}" if told["item"] else "artists"
    for reason in (*told["findings"], *told["mended"]):
        click.echo(f"{name}: {show_text(reason['message'])}")
