"""`greenroom publish`: approved items → their library; or what that would come to; or out of it again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from config.errors import Busy, GreenroomError, LeaseLost, Stopped
from config.reasons import Reason, counted, show_path
from daemon.actions import publishing
from daemon.bootstrap import Application, application
from daemon.cli.output import because, json_option, print_json
from daemon.cli.person import person
from daemon.cli.usage import usage
from daemon.signals import stop_on_signals
from processor.publication.drafting import Plan

_DONE = (
    "published", "refreshed", "upgraded", "unchanged", "would publish", "would refresh", "would upgrade",
    "taken out", "would be taken out",
)  # fmt: skip


@click.command()
@click.argument("items", metavar="ITEM…", type=int, nargs=-1)
@click.option("--approved", is_flag=True, help="All items that are approved.")
@click.option("--dry-run", is_flag=True, help="Show the tree that would appear, and why; touch nothing.")
@click.option("--rename", is_flag=True, help="Give what is published the names it would get now.")
@click.option("--undo", is_flag=True, help="Take ITEM out of its library again, back to staging.")
@json_option
def command(items: Sequence[int], approved: bool, dry_run: bool, rename: bool, undo: bool, as_json: bool) -> None:
    """Publish ITEM, a number that `greenroom items` lists: its album appears in the library, whole, with its pictures
    and NFO in it.

    Only what was approved is published. Names come from the templates phase.publish.folder and phase.publish.file, the
    library from phase.publish.library where there are several, and phase.publish.transfer says whether staging keeps
    its files. Nothing is ever overwritten; a folder that is there already and is not Greenroom's is a matter for you.

    An item that is published already gets what changed: NFO files, in which every field you edited stays yours, and
    pictures, but for those you replaced. Its music and its names stay as they are. If tracks joined it since, or better
    ones took their place in staging, the whole album takes the place of the published one, at once; files of your own
    in its folder stay, and the old album is in the trash of the library for a while.

    `--rename` gives a published album, and its tracks, the names the templates make of what is known of it now. Its
    folder changes its name in one step, with everything in it, also what is not Greenroom's.

    `--undo` puts every file back into staging, under its old name, before the album leaves the library; it is refused
    while anything in the album's folder is not what Greenroom put there.

    Ends with 1 if anything could not be done, and with 75 while somebody else holds the lock.

    \b
    Examples:
      greenroom publish --approved --dry-run
      greenroom publish 17
      greenroom publish 17 --rename --dry-run
      greenroom publish 17 --undo
    """
    if bool(items) == approved or (undo and (approved or rename)):
        raise click.UsageError("name items, or use --approved; --undo wants items")
    stop = stop_on_signals()
    with usage(), application() as app:
        wanted = list(dict.fromkeys(items)) or publishing.approved(app)
        told = []
        try:
            for item in wanted:
                told.append(_one(app, item, stop, dry_run=dry_run, rename=rename, undo=undo))
                if not as_json:
                    _tell(told[-1])
                if stop.is_set():
                    break
        finally:  # also of those before one whose library somebody holds
            if as_json:
                print_json(told)
    if not wanted and not as_json:
        click.echo("nothing to publish")
    if left := len(wanted) - len(told):
        raise Stopped(f"asked to stop; nothing was done about {counted(left, 'item')}")
    sys.exit(0 if all(one["outcome"] in _DONE for one in told) else 1)


def _one(app: Application, item: int, stop: Any, *, dry_run: bool, rename: bool, undo: bool) -> dict[str, Any]:
    """Do one item; what keeps it from being done is what is told of it, and the others go on."""
    try:
        if undo:
            return {"item": item} | _taken_out(app, item, stop, dry_run=dry_run)
        if dry_run:
            plan = publishing.rehearse(app, item, rename=rename, stop=stop)
            outcome = "unchanged" if plan.kind == "unchanged" else f"would {plan.kind}"
            return {"item": item, "outcome": outcome} | _of_plan(plan, plan.reasons)
        done = publishing.publish(app, item, actor=person(), stop=stop, rename=rename)
        outcome = "stopped" if isinstance(done.trouble, Stopped) else done.outcome
        return {"item": item, "outcome": outcome} | _of_plan(done.plan, done.reasons)
    except (Busy, LeaseLost):
        raise
    except GreenroomError as error:
        outcome = "stopped" if isinstance(error, Stopped) else "refused"
        return {"item": item, "outcome": outcome, "reasons": [error.reason()._asdict()]}


def _taken_out(app: Application, item: int, stop: Any, *, dry_run: bool) -> dict[str, Any]:
    taken = publishing.unpublish(app, item, dry_run=dry_run, actor=person(), stop=stop)
    words = "would be taken out" if dry_run else "taken out"
    where = taken.transfer.dst_root + b"/" + taken.transfer.target
    outcome = words if taken.outcome == "undone" else taken.outcome
    return {"outcome": outcome, "folder": where, "reasons": [one._asdict() for one in taken.reasons]}


def _of_plan(plan: Plan, reasons: Sequence[Reason]) -> dict[str, Any]:
    return {
        "library": plan.library.path,
        "folder": plan.folder,
        "files": plan.files,
        "written": plan.fresh,
        "transfer": plan.transfer and plan.transfer.id,
        "reasons": [reason._asdict() for reason in reasons],
    }


def _tell(told: dict[str, Any]) -> None:
    good = told["outcome"] in _DONE
    where = "/".join(show_path(told[name]) for name in ("library", "folder") if name in told)
    click.echo(f"{'✓' if good else '!'} item {told['item']} {told['outcome']}  {where}".rstrip())
    fresh = set(told.get("written", ()))
    for path in told.get("files", ()):
        click.echo(f"      {'+' if path in fresh else ' '} {show_path(path)}")
    for reason in told["reasons"]:
        click.echo(f"      {because(reason['message'], reason['path'])}")
