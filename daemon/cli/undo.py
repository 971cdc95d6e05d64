"""`greenroom undo`: a run or a transfer → its albums back where they came from."""

from __future__ import annotations

import os
import sys

import click

from config.reasons import counted, show_path
from daemon.actions import regrouping
from daemon.bootstrap import application
from daemon.cli.output import album_name, because, json_option, print_json
from daemon.cli.person import person
from daemon.cli.usage import usage
from daemon.signals import stop_on_signals
from processor.taking_back import TakenBack
from workflow.operations import undo


@click.command()
@click.argument("what", metavar="RUN|TRANSFER")
@click.option("--dry-run", is_flag=True, help="Say what would happen, touch nothing.")
@click.option("--release", is_flag=True, help="Take nothing back; let the next cycle have what was taken back before.")
@json_option
def command(what: str, dry_run: bool, release: bool, as_json: bool) -> None:
    """Put the albums of a run, or of one transfer, back where they came from: every file under its old name.

    RUN is an id that `greenroom runs` lists; its albums are taken back one by one, the newest first. TRANSFER is the id
    of one album's move: `greenroom undo RUN --dry-run` shows those of a run, `greenroom items --json` that of an item.

    An album is taken back only as a whole, and only while all of it is as it was put there: no file edited, replaced,
    removed or added, and every old name in inbound free. Otherwise the command says what changed, file by file, and
    touches nothing of that album. The files are in inbound, durably, before the item is unlisted, and the item is
    unlisted before the folder leaves staging; a killed undo is finished or rolled back by the next cycle, or by
    `greenroom recover`.

    Files that joined an album leave it again, and the album stays. An album that took the place of a worse one gives it
    back, as long as that one is in the trash (`greenroom trash list`). An album a person put into the trash comes back
    from there. Later transfers of an album go first.

    What was taken back stays in inbound: cycles report it as needs_review (taken_back) until one of its files is
    changed or renamed, or until you release it with `--release`.

    Ends with 1 if anything could not be taken back, and with 75 while a cycle holds the lock. A dry run takes no lock.

    \b
    Examples:
      greenroom undo 20260131T120000Z-4f1a2b --dry-run
      greenroom undo 20260131T120000Z-4f1a2b
      greenroom undo 20260131T120000Z-4f1a2b --release
    """
    if dry_run and release:
        raise click.UsageError("--dry-run and --release do not go together")
    stop = stop_on_signals()
    with usage(), application() as app:
        if release:
            _tell_released(undo.release(app.database, what), as_json=as_json)
            return
        if not dry_run:
            app.may_move()
        report = undo.undo(app.database, what, dry_run=dry_run, stop=stop)
        if not dry_run:
            regrouping.note(app, report, person())
    if as_json:
        print_json(report.to_json())
    else:
        tell(report)
    sys.exit(report.exit_code)


def _tell_released(count: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"released": count})
    elif count:
        click.echo(f"{count} released; the next cycle takes what is still there")
    else:
        click.echo("nothing of that is held back")


def tell(report: undo.UndoReport) -> None:
    """Print what became of each album."""
    for album in report.albums:
        _tell_album(album)
    told = ", ".join(f"{n} {name}" for name, n in report.counts.items() if n) or "nothing to take back"
    click.echo(f"{'would be: ' if report.dry_run else ''}{told}")
    if report.stopped:
        click.echo(f"stopped: {because(report.stopped.message, report.stopped.path)}")


def _tell_album(album: TakenBack) -> None:
    item, transfer = album.transfer.item, album.transfer
    name = album_name(item.get("album_artist"), item.get("album"))
    mark = "✓" if album.outcome in ("undone", "trashed") else "!"
    click.echo(f"{mark} {album.outcome:8} {name}: {counted(len(transfer.files), 'file')}")
    click.echo(f"      {show_path(os.path.join(transfer.dst_root, transfer.target))}  (transfer {transfer.id})")
    for reason in album.reasons:
        click.echo(f"      {because(reason.message, reason.path)}")
