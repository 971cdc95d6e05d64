"""A person's wish to take albums back, split, merge or leave them to the rules → an act in a thread, then a cycle."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Collection, Mapping, Sequence

from config import activity
from config.errors import Misconfigured
from config.reasons import show_path
from daemon.acts import Act, Kind
from daemon.bootstrap import Application
from processor import regrouping as pure
from processor.metadata import documents
from scanner.grouping.chosen import Choice
from workflow import cycle, regrouping, runs
from workflow.succession import Seen, as_seen
from workflow.telling import album_name
from workflow.undo import UndoReport


def take_home(app: Application, item_id: int, *, actor: str, sure: bool) -> Act:
    """Take one album back to inbound, where it stays until somebody changes or releases it."""
    return _begin(app, "inbound", [item_id], {}, actor=actor, sure=sure)


def leave_to_rules(app: Application, item_id: int, *, actor: str, sure: bool) -> Act:
    """Take one album back to inbound and let Greenroom group it again, whatever was said of it."""
    return _begin(app, "rules", [item_id], {}, actor=actor, sure=sure)


def take_out(app: Application, item_id: int, *, actor: str, sure: bool) -> Act:
    """Take a published album out of its library, back to staging."""
    return _begin(app, "unpublish", [item_id], {}, actor=actor, sure=sure)


def split(
    app: Application, item_id: int, parts: Collection[str], artist: str, album: str, *,
    actor: str, sure: bool, seen: Seen | None = None,
) -> Act:  # fmt: skip
    """Make some tracks of an album, named by their parts, another album. Raises Rejected where that cannot be."""
    with app.database.read() as connection:
        item = regrouping.staged(connection, item_id)
    choices = pure.split(item, {documents.path_of(part) for part in parts}, artist, album)
    known = {item_id: seen} if seen else None
    return _begin(app, "split", [item_id], choices, actor=actor, sure=sure, seen=known)


def merge(
    app: Application, item_ids: Sequence[int], *, actor: str, sure: bool, seen: Mapping[int, Seen] | None = None
) -> Act:
    """Make several albums one, called as the first is. Raises Rejected where that cannot be."""
    with app.database.read() as connection:
        items = [regrouping.staged(connection, item_id) for item_id in dict.fromkeys(item_ids)]
    choices = pure.merge(items)
    return _begin(app, "merge", [item.id for item in items], choices, actor=actor, sure=sure, seen=seen)


def go_on(app: Application, act_id: str, *, actor: str) -> Act:
    """Do what an act only looked at, if the albums are still what they were then."""
    act = found(app, act_id)
    return _begin(app, act.kind, list(act.seen), act.choices, actor=actor, sure=True, seen=act.seen)


def found(app: Application, act_id: str) -> Act:
    """Return an act. Raises Misconfigured (`unknown_act`)."""
    act = app.acts.find(act_id)
    if act is None:
        message = f"there is no act {act_id}, or Greenroom was restarted since; the activity page says what was done"
        raise Misconfigured(message, code="unknown_act")
    return act


def _begin(
    app: Application, kind: Kind, item_ids: Sequence[int], choices: Mapping[bytes, Choice], *,
    actor: str, sure: bool, seen: Mapping[int, Seen] | None = None,
) -> Act:  # fmt: skip
    with app.database.read() as connection:
        items = [as_seen(connection, item_id, (seen or {}).get(item_id)) for item_id in item_ids]
    settings, _ = app.staging_settings()
    if sure and settings.dry_run:
        raise Misconfigured("staging_scan.dry_run is on, so nothing may be moved; switch it off first")
    act = Act(
        runs.new_run_id(dt.datetime.now(dt.UTC)), kind, tuple((item["id"], album_name(item)) for item in items),
        {item["id"]: Seen(item["revision"], item["status"]) for item in items}, choices, sure,
    )  # fmt: skip

    def work(stop: threading.Event) -> UndoReport:
        if kind == "unpublish":
            taken = app.unpublish(item_ids[0], dry_run=not sure, actor=actor, stop=stop)
            return UndoReport(not sure, (taken,))
        if not sure:
            return regrouping.rehearse(app.database, item_ids)
        hold = kind == "inbound"
        report = regrouping.regroup(app.database, item_ids, choices, actor=actor, stop=stop, hold=hold)
        _note(app, report, actor)
        return report

    def then() -> None:
        if act.follows:
            request = cycle.Request(run_id=act.id, asked_by=actor)
            app.run_cycle(trigger="request", fire_time=None, stop=app.ongoing.stopping, request=request)

    app.acts.begin(act, work, then)
    return act


def _note(app: Application, report: UndoReport, actor: str) -> None:
    now = dt.datetime.now(dt.UTC)
    with app.database.begin() as connection:
        for album in (album for album in report.albums if album.outcome == "undone"):
            activity.note(connection, "album_given_back", actor, now, show_path(album.transfer.target))
