"""A person's wish to take albums back, split, merge or leave them to the rules → an act in a thread, then a cycle."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Collection, Mapping, Sequence

from config import activity
from config.reasons import show_path
from daemon.actions import publishing
from daemon.actions.act_kinds import Kind
from daemon.actions.acts import Act
from daemon.actions.wishes import begin
from daemon.bootstrap import Application
from processor.items import regrouping as pure
from processor.metadata import documents
from scanner.grouping.chosen import Choice
from workflow.operations import regrouping, undo
from workflow.operations.deciding import Seen
from workflow.operations.undo import UndoReport


def take_home(app: Application, item_id: int, *, actor: str, sure: bool) -> Act:
    """Take one album back to inbound, where it stays until somebody changes or releases it."""
    return _begin(app, "inbound", [item_id], {}, actor=actor, sure=sure)


def leave_to_rules(app: Application, item_id: int, *, actor: str, sure: bool) -> Act:
    """Take one album back to inbound and let Greenroom group it again, whatever was said of it."""
    return _begin(app, "rules", [item_id], {}, actor=actor, sure=sure)


def take_back(app: Application, run_id: str, *, actor: str, sure: bool) -> Act:
    """Take back all a run moved, each album on its own: those that cannot go back stay, and are named."""

    def work(act: Act, actor: str, stop: threading.Event) -> UndoReport:
        report = undo.undo(app.database, run_id, dry_run=not act.sure, stop=stop)
        if act.sure:
            note(app, report, actor)
        return report

    return begin(app, "undo", [], work, actor=actor, sure=sure)


def take_out(app: Application, item_id: int, *, actor: str, sure: bool) -> Act:
    """Take a published album out of its library, back to staging."""

    def work(act: Act, actor: str, stop: threading.Event) -> UndoReport:
        taken = publishing.unpublish(app, item_id, dry_run=not act.sure, actor=actor, stop=stop)
        return UndoReport(not act.sure, (taken,))

    return begin(app, "unpublish", [item_id], work, actor=actor, sure=sure)


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


def _begin(
    app: Application, kind: Kind, item_ids: Sequence[int], choices: Mapping[bytes, Choice], *,
    actor: str, sure: bool, seen: Mapping[int, Seen] | None = None,
) -> Act:  # fmt: skip
    def work(act: Act, actor: str, stop: threading.Event) -> UndoReport:
        if not act.sure:
            return regrouping.rehearse(app.database, item_ids)
        hold = kind == "inbound"
        report = regrouping.regroup(app.database, item_ids, choices, actor=actor, stop=stop, hold=hold)
        note(app, report, actor)
        return report

    return begin(app, kind, item_ids, work, actor=actor, sure=sure, seen=seen, choices=choices)


def note(app: Application, report: UndoReport, actor: str) -> None:
    """Remember who took back the albums of a report."""
    now = dt.datetime.now(dt.UTC)
    with app.database.begin() as connection:
        for album in (album for album in report.albums if album.outcome == "undone"):
            activity.note(connection, "album_given_back", actor, now, show_path(album.transfer.target))
