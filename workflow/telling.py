"""Moves of items, ends of runs and jobs, suspended libraries → the events that tell of them. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from config.libraries import Library
from config.reasons import called, show_path
from processor.transfers.transfer import Transfer
from workflow.events import Event, Kind

_RUNS: Mapping[str, Kind] = {"done": "run_finished", "failed": "run_failed", "interrupted": "run_finished"}
_DECISIONS: Mapping[str, Kind] = {"approved": "approved", "rejected": "rejected"}


def album_name(item: Mapping[str, Any]) -> str:
    """Return what people call an album, whose row or columns are given."""
    return called(item["album_artist"], item["album"])


class RunEnd(NamedTuple):
    """How a run ended: why in words, the code of the error if one ended it, and what `staying` says of its albums."""

    run_id: str
    dry_run: bool
    status: str
    why: str
    code: str | None = None
    counts: Mapping[str, int] = {}
    stays: str | None = None


def of_run(end: RunEnd, before: Mapping[str, Any]) -> list[Event]:
    """Return the event of a run's end; one that was skipped is none.

    `before` are the facts of the last end, so who hears it knows what is new: `before`, the code that run failed with,
    and `unheard`, whether other albums stay than then. A run that was stopped or killed tells nothing of that; it is
    heard of for what it staged until then.
    """
    kind = _RUNS.get(end.status)
    if kind is None:
        return []
    code = before.get("code") if end.status == "interrupted" else end.code
    stays = before.get("stays") if end.stays is None else end.stays
    facts = {"dry_run": end.dry_run, "counts": dict(end.counts), "code": code, "before": before.get("code")}
    facts |= {"stays": stays, "unheard": bool(stays) and stays != before.get("stays")}
    return [Event(kind, f"run {end.run_id}", end.why, run_id=end.run_id, facts=facts)]


def of_decision(item: Mapping[str, Any], status: str, why: str, job_id: int | None) -> list[Event]:
    """Return the event of an item's new status."""
    kind = _DECISIONS.get(status)
    return [] if kind is None else [Event(kind, album_name(item), why, item["id"], job_id=job_id)]


def of_suspension(library: Library, why: str, run_id: str | None) -> Event:
    """Return the event of a library in which no cycle may work."""
    return Event("library_suspended", f"{library.called} {show_path(library.path)}", why, run_id=run_id)


def of_absence(library: Library, why: str, host: str | None) -> Event:
    """Return the event of a library that cannot be used while albums wait to be published; `host`: one of several."""
    where = "" if host is None else f"on {host}: "
    subject = f"{library.called} {show_path(library.path)}"
    return Event("library_away", subject, f"{where}{why}; until then nothing is published there")


def of_held(transfer: Transfer) -> Event:
    """Return the event of a move that waits for a person."""
    where = show_path(os.path.join(transfer.dst_root, transfer.target))
    return Event("move_held", where, f"{transfer.error}; `greenroom fsck` says where the files are")


def of_undo(item: Mapping[str, Any], transfer_id: str) -> Event:
    """Return the event of an album that was taken back."""
    return Event("undone", album_name(item), f"transfer {transfer_id} was taken back")
