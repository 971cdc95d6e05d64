"""What people ask about releases and say of them → shown, chosen, remembered in the item's history, asked for anew."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from config.database import Database
from config.errors import Misconfigured
from processor.items import repository
from processor.matching import rows
from processor.matching.rows import NOBODY, Candidate, Debt
from workflow import history, progress
from workflow.engine.engine import Engine
from workflow.engine.job import Job
from workflow.operations.deciding import Seen, as_seen
from workflow.phase import settings_of
from workflow.phases.enrich import Enrich, EnrichPayload, EnrichSettings, shop

if TYPE_CHECKING:
    from processor.matching.told import Change

NONE: Final = "none"  # said instead of a release: it is none of these
AUTO: Final = "auto"  # said instead of a release: forget what was chosen


class Told(NamedTuple):
    """All there is to see about which release an item is."""

    verdict: str | None  # accepted, ambiguous, none, chosen; None before anybody was asked
    reasons: Sequence[dict[str, Any]]
    at: dt.datetime | None
    candidates: Sequence[Candidate]
    changes: Sequence[Sequence[Change]]  # of each candidate, what choosing it would change
    debts: Sequence[Debt]


def candidates(database: Database, item_id: int) -> Told:
    """Return what an item was compared with, the nearest first. Raises Misconfigured (`unknown_item`)."""
    from processor.matching.told import changes
    from processor.metadata import rows as metadata
    from processor.metadata.documents import CHOICE

    with database.read() as connection:
        repository.item(connection, item_id)
        made = rows.enrichment(connection, item_id)
        found = rows.candidates(connection, item_id)
        known = metadata.sources(connection, item_id)
        debts = rows.debts(connection, item_id)
    told = [changes(known, CHOICE, one.document) for one in found]
    verdict, reasons, at = (made.verdict, made.reasons, made.at) if made else (None, [], None)
    return Told(verdict, reasons, at, found, told, debts)


def choose(
    database: Database, engine: Engine, item_id: int, release: str, *, actor: str, seen: Seen | None = None
) -> Job:
    """Let a person say which release an item is, and want it enriched with that; return the job.

    `release` is an id, the number of a candidate, NONE or AUTO. Raises Rejected (`unknown_release`), and NeedsReview
    (`item_changed`) when the item is another than was seen.
    """
    from processor.enrich import choose as choose_release
    from processor.enrich import unchoose

    with database.read() as connection:
        as_seen(connection, item_id, seen)
        found = rows.candidates(connection, item_id)
        settings: EnrichSettings = settings_of(connection, Enrich.name)
    chosen = _named(release, found)
    with shop(database, settings, wait=time.sleep, check=lambda: None) as made:
        if release == AUTO:
            unchoose(made, item_id)
        else:
            choose_release(made, item_id, chosen, actor=actor)
    why = {AUTO: "which release it is was left to matching again", NONE: "none of the releases found is it"}
    with database.begin() as connection:
        because = history.Because("choose", actor, why.get(release, f"it is release {chosen}"))
        history.note(connection, progress.find(connection, item_id), because, dt.datetime.now(dt.UTC))
    return want(engine, [item_id], actor=actor)[0]


def want(engine: Engine, item_ids: Sequence[int], *, actor: str, force: bool = False) -> list[Job]:
    """Want items enriched for a person, whatever the gate says; with `force` what is remembered is asked anew."""
    payload = EnrichPayload(force=force)
    return [engine.submit(Enrich.name, one, payload, actor=actor, priority="urgent").job for one in item_ids]


def _named(release: str, found: Sequence[Candidate]) -> str:
    """Return the id of what a person wrote. Raises Misconfigured for a number no candidate has."""
    if release in (NONE, AUTO):
        return NOBODY
    if not release.isdecimal():
        return release.strip().lower()
    position = next((one.release_id for one in found if one.position == int(release)), None)
    if position is None:
        raise Misconfigured(f"there is no candidate {release}; there are {len(found)}")
    return position
