"""A text → a row of everything a stranger's words may come to stand in, and the pages that show them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from sqlalchemy import Connection, update

from config import activity, libraries, tokens
from config.reasons import Reason
from daemon.bootstrap import Application
from processor.items import storing
from processor.items.item import as_reasons
from processor.matching.rows import Candidate, Debt, Enrichment, keep_candidates, keep_debts, keep_enrichment
from tests.items import album
from tests.web import NAME
from workflow import history, plans, progress, runs, succession
from workflow.engine.engine import wanted
from workflow.engine.tables import JobRow
from workflow.engine.wanting import submit_one

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "</title><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    "<!--<script>",
    "\x1b]0;x\x07\u202e\u2028",
    "a" * 900,
]


def everything_says(app: Application, text: str) -> list[str]:
    """Put a text wherever a stranger's may come to stand; return the pages that show it."""
    raw = text.encode()
    why = as_reasons((Reason("code", text, raw),))
    item = replace(
        album("k", title=text, path=raw), album_artist=text, album=text, evidence=why, warnings=why, sources='{"a":"b"}'
    )
    with app.database.begin() as connection:
        upserted = storing.upsert(connection, [item], NOW)
        succession.after_staging(connection, upserted, "run", NOW)
        row = progress.find(connection, upserted["k"].id)
        progress.move(connection, row, history.Because("review", text, text), NOW, status="approved")
        run = {"id": "run", "status": "failed", "trigger": "request", "dry_run": True, "fire_time": None, "host": text}
        runs.start(connection, {**run, "started_at": NOW, "pid": 1, "settings": {"ignore": text}, "asked_by": text})
        reasons = [{"album": text, "outcome": "failed", "code": "c", "message": text, "path": text}]
        runs.finish(connection, "run", error=text, reasons=reasons, counts={"failed": 1})
        plans.keep(connection, "run", raw, raw, ())
        job, _ = submit_one(connection, wanted(succession.works(), "review", row["id"], actor=text), NOW)
        failure = {"attempt": 1, "at": text, "executor": text, "code": text, "message": text, "traceback": text}
        ended = {"status": "dead", "error": text, "code": text, "failures": [failure]}
        submit_one(connection, wanted(succession.works(), "publish", row["id"], actor=text), NOW)
        connection.execute(update(JobRow).values(**ended))
        activity.note(connection, "sign_in_failed", text, NOW, text)
        _enriched(connection, row["id"], text)
        tokens.add_hook(connection, text, "lidarr", NOW)
        tokens.grant(connection, "api_key", NOW, account=NAME, name=text)
        for library in libraries.list_libraries(connection):
            libraries.suspend(connection, library, text)
    found = ["/", "/review?status=any", f"/review/{row['id']}?done={row['id']}", "/runs", "/runs/run", "/runs/run/plan"]
    item_pages = [f"/review/{row['id']}/{page}" for page in ("edit", "release")]
    found += [*item_pages, "/providers", "/players", "/hooks", "/adopt", "/verification", "/review/publishing?after=0"]
    return [*found, "/trash", "/jobs", f"/jobs/{job.id}", "/activity", "/account", "/libraries", "/admin/settings"]


def _enriched(connection: Connection, item_id: int, text: str) -> None:
    """Let a provider say a text of an item, wherever one may."""
    why = [{"code": "code", "message": text}]
    about: dict[str, object] = dict.fromkeys(("title", "artist", "date", "original_date", "country", "barcode"), text)
    about |= {"disambiguation": text, "status": text, "tracks": 1}
    about |= {"labels": [text], "catalog_numbers": [text], "formats": [text]}
    part = {"name": "album", "weight": 3.0, "penalty": 0.5, "why": text}
    document = {"": {"title": text}}
    keep_candidates(
        connection, item_id, [Candidate("musicbrainz", text[:60], 1, 0.2, about, [part], [], why, document, text)]
    )
    keep_enrichment(connection, item_id, Enrichment("content", 1, "ambiguous", why, NOW))
    keep_debts(connection, item_id, [Debt(item_id, "discogs", "releases", text, NOW, 1, NOW)])
