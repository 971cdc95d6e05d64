"""Settings, decisions, runs, sign-ins → who did what, newest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from config import activity, admin
from daemon.web.installation import App
from daemon.web.navigation import Link
from daemon.web.render import page
from workflow import progress, runs

router = APIRouter(prefix="/activity")
LINK = Link(60, "Activity", "/activity")
EACH: Final = 100  # newest of each kind that are merged
SHOWN: Final = 100


class Done(NamedTuple):
    """One thing somebody did."""

    at: dt.datetime
    who: str
    what: str
    about: str
    link: str | None = None


@router.get("")
def show(request: Request, app: App, everything: bool = False) -> Response:
    """Show who did what; unless everything is asked for, without what Greenroom did to albums by itself."""
    with app.database.read() as connection:
        entries = progress.newest(connection, EACH, by_people=not everything)
        names = progress.names(connection, {entry["item_id"] for entry in entries})
        found = [
            *(
                Done(e.at, e.account, e.what.replace("_", " "), e.detail or "")
                for e in activity.newest(connection, EACH)
            ),
            *(
                Done(c["changed_at"], c["changed_by"], f"set {c['key']}", f"{_value(c['old'])} → {_value(c['new'])}")
                for c in admin.history(connection, limit=EACH)
            ),
            *(Done(e["at"], e["actor"], e["what"], _about(e, names), _link(e, names)) for e in entries),
            *(
                Done(
                    r["started_at"], r["asked_by"] or r["trigger"], _ran(r["dry_run"]), r["status"], f"/runs/{r['id']}"
                )
                for r in runs.page(connection, limit=EACH)
            ),
        ]
    newest = sorted(found, key=lambda done: done.at, reverse=True)[:SHOWN]
    return page(request, "activity.html", done=newest, everything=everything)


def _about(entry: Mapping[str, Any], names: Mapping[int, str]) -> str:
    """Say which album, what it became and why."""
    name = names.get(entry["item_id"], f"item {entry['item_id']}, which is no more")
    return f"{name}: {entry['status'].replace('_', ' ')}, {entry['why']}"


def _link(entry: Mapping[str, Any], names: Mapping[int, str]) -> str | None:
    return f"/review/{entry['item_id']}" if entry["item_id"] in names else None


def _ran(dry: bool) -> str:
    return "made a dry run" if dry else "ran a cycle"


def _value(stored: str | None) -> str:
    return "default" if stored is None else stored
