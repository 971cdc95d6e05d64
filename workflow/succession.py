"""Items and the chain → the next job of each, whoever wants it, and jobs that are missing made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection

from config import admin
from config.database import Database
from config.errors import Misconfigured
from config.libraries import Library, list_libraries, verify_root
from processor.items import storing
from workflow import events, history, progress
from workflow.chain import GOES_ON, RENEWED, is_ahead, may_start, next_phase, passed_over, renewing
from workflow.chorework import ChoreWork
from workflow.engine import wanting
from workflow.engine.context import Context
from workflow.engine.engine import Engine, wanted
from workflow.engine.failure import Cancelled, NotHere, PhaseAway
from workflow.engine.job import Job, Limits, NewJob
from workflow.engine.work import Ending
from workflow.events import Event
from workflow.phase import Chore, Mode, Phase, PhaseSettings, all_chores, all_phases, section_of, settings_of
from workflow.telling import album_name

RECONCILED_AT_ONCE: Final = 500


class PhaseWork:
    """A phase as the engine carries it: looks at the gate again, and commits the outcome with what follows."""

    def __init__(self, phase: Phase) -> None:
        self.name, self.payload, self.retries = phase.name, phase.payload, phase.retries
        self._phase = phase

    def run(self, context: Context, job: Job, payload: Any) -> Ending:
        """Run the phase on the job's item. Raises Cancelled if that was taken back, or went to the trash, meanwhile."""
        try:
            return self._run(context, job, payload)
        except Misconfigured as error:
            if error.reason_code != "unknown_item":
                raise
            raise Cancelled(f"{job.subject} is not there any more") from error

    def _run(self, context: Context, job: Job, payload: Any) -> Ending:
        assert job.item_id is not None
        with context.database.read() as connection:
            item = progress.find(connection, job.item_id)
            settings = settings_of(connection, self.name)
            self._check_gate(connection, job, item, settings)
            roots = [library for library in list_libraries(connection) if library.role in self._phase.roots]
        require_roots([root for root in roots if root.role != "library"])
        _require_any([root for root in roots if root.role == "library"])  # the phase knows which it needs
        context.check()
        decision = self._phase.run(context, item, payload, settings)

        def end(connection: Connection, job: Job) -> None:
            if decision.committed:
                return
            now = dt.datetime.now(dt.UTC)
            goes_on = decision.status is not None and is_ahead(self.name, item["position"], all_phases())
            went = self._phase.reached if goes_on else None
            because = history.Because(self.name, job.actor, decision.why, job.id)
            progress.move(connection, item, because, now, status=decision.status, position=went)
            then = {**item, "status": decision.status or item["status"], "position": went or item["position"]}
            followed = bool(went and go_on(connection, [then], now))
            if not followed and (decision.status is None or (went and _waits_for_a_person(connection, then))):
                waits = Event("needs_review", album_name(item), decision.why, item["id"], job_id=job.id)
                events.tell(connection, [waits], now)

        return end

    def _check_gate(self, connection: Connection, job: Job, item: Mapping[str, Any], settings: PhaseSettings) -> None:
        staging, _ = admin.staging_scan(connection)
        if settings.paused or staging.dry_run:
            raise PhaseAway(f"{self.name} waits: {'it is paused' if settings.paused else 'dry run is on'}")
        is_news, phases = item["news_at"] is not None, all_phases()
        if not job.manual and not may_start(
            self._phase, item["position"], item["status"], is_news, phases, gates(connection)
        ):
            raise Cancelled(f"{self.name} is not what follows for this item any more", code=progress.GATE_CLOSED)


def _waits_for_a_person(connection: Connection, item: Mapping[str, Any]) -> bool:
    """Tell whether an item goes nowhere until somebody has reviewed it."""
    following = next_phase(item["position"], item["status"], all_phases(), gates(connection))
    return item["status"] == "pending_review" and following is not None and following.phase == "review"


def require_roots(roots: Sequence[Library], away: type[NotHere] = PhaseAway) -> None:
    """Return if this host can work on all these roots. Raises `away`: another host may have them."""
    for library in roots:
        try:
            verify_root(library)
        except Misconfigured as error:
            raise away(f"not on this host: {error.message}") from error


def _require_any(libraries: Sequence[Library]) -> None:
    for library in libraries[:-1]:
        with suppress(PhaseAway):
            return require_roots([library])
    return require_roots(libraries[-1:])


@cache
def works() -> Mapping[str, PhaseWork | ChoreWork]:
    """Return all phases with jobs, and all chores, as the engine carries them."""
    return {**_phases(), **{chore.name: ChoreWork(chore) for chore in all_chores().values()}}


@cache
def _phases() -> Mapping[str, PhaseWork]:
    """Return the phases with jobs alone: a cycle wants no chores, and need not load them."""
    return {phase.name: PhaseWork(phase) for phase in all_phases().values() if phase.settings is not None}


def _settings(connection: Connection, phases: Iterable[Phase | Chore]) -> dict[Phase | Chore, PhaseSettings]:
    """Read the settings of those phases that have jobs, as `settings_of` does."""
    sections = {phase: section_of(phase.name) for phase in phases if phase.settings is not None}
    read = admin.read_sections(connection, sections.values())
    found: dict[Phase | Chore, PhaseSettings] = {}
    for phase, name in sections.items():
        section, _ = read[name]
        assert isinstance(section, PhaseSettings)
        found[phase] = section
    return found


def gates(connection: Connection) -> dict[str, Mode]:
    """Return the gate of each phase that has jobs, by the settings now."""
    return {phase.name: settings.gate for phase, settings in _settings(connection, all_phases().values()).items()}


def limits(connection: Connection) -> dict[str, Limits]:
    """Return how many jobs of each phase may run at once, by the settings now."""
    there: list[Phase | Chore] = [*all_phases().values(), *all_chores().values()]
    found = _settings(connection, there)
    return {
        p.name: Limits(s.at_once, s.at_once_everywhere or None, s.paused, lazy=isinstance(p, Chore))
        for p, s in found.items()
    }


def _follow(items: Sequence[Mapping[str, Any]], opened: Mapping[str, Mode]) -> list[NewJob]:
    """Return the jobs that follow by themselves for items, given by id, status and position."""
    found = []
    for item in items:
        following = next_phase(item["position"], item["status"], all_phases(), opened)
        if following is not None and following.gate == "auto":
            found.append(wanted(_phases(), following.phase, item["id"], actor="chain"))
    return found


def after_staging(
    connection: Connection, upserted: Mapping[str, storing.Upserted], run_id: str | None, now: dt.datetime
) -> None:
    """Record what was staged and want what follows, in the transaction that stages it."""
    changed = [item for item in upserted.values() if item.changed]
    if changed:
        progress.staged(connection, changed, run_id, now)
        same = {"status": "pending_review", "position": "staged"}
        going = go_on(connection, [{**same, "id": item.id, "revision": item.revision} for item in changed], now)
        names = progress.names(connection, [item.id for item in changed])
        told = [Event("item_staged", names[i.id], "staged", i.id, run_id, facts={"revision": i.revision})
                for i in changed]  # fmt: skip
        waits = [Event("needs_review", names[i.id], "a person decides", i.id, run_id)
                 for i in changed if i.id not in going]  # fmt: skip
        events.tell(connection, [*told, *waits], now)


def go_on(connection: Connection, items: Sequence[Mapping[str, Any]], now: dt.datetime) -> set[int]:
    """Want what follows for items by itself, and record the phases they passed over; return the items it concerns."""
    opened, chain = gates(connection), all_phases()
    history.passed_over(
        connection,
        [(item["id"], item["revision"], item["status"], phase)
         for item in items if item["status"] in GOES_ON
         for phase in passed_over(item["position"], chain, opened)],
        now,
    )  # fmt: skip
    following = _follow(items, opened)
    wanting.submit(connection, following, now)
    return {job.item_id for job in following if job.item_id is not None}


def reconcile(database: Database) -> int:
    """Give a job to every item that is due for a phase and has none; return how many."""
    now = dt.datetime.now(dt.UTC)
    with database.begin() as connection:
        opened = gates(connection)
        progress.adopt(connection, now)
    found = 0
    for phase in all_phases().values():
        following = next_phase(phase.reached, "approved", all_phases(), opened)
        if following is None or following.gate != "auto":
            continue
        with database.begin() as connection:
            ids = progress.due(connection, phase.reached, following.phase, GOES_ON, now, RECONCILED_AT_ONCE)
            wanting.submit(connection, [wanted(_phases(), following.phase, i, actor="reconciler") for i in ids], now)
        found += len(ids)
    return found + _renew(database, opened, now)


def _renew(database: Database, opened: Mapping[str, Mode], now: dt.datetime) -> int:
    """Give a job to every published item of which more is known, once nothing changed for a while."""
    phase = renewing(all_phases(), opened)
    if phase is None:
        return 0
    with database.begin() as connection:
        before = now - settings_of(connection, phase.name).renewed_after
        ids = progress.outdated(connection, phase.name, RENEWED, before, RECONCILED_AT_ONCE)
        wanting.submit(connection, [wanted(_phases(), phase.name, i, actor="reconciler") for i in ids], now)
    return len(ids)


def request(engine: Engine, phase: str, item_id: int, *, actor: str, **given: Any) -> Job:
    """Want a phase of an item for a person, whatever its gate says; `given` are values of its payload.

    Raises Misconfigured for a phase without jobs.
    """
    found = all_phases().get(phase)
    if found is None or found.settings is None:
        raise Misconfigured(f"{phase} has no jobs; see `greenroom phases`")
    return engine.submit(phase, item_id, found.payload(**given), actor=actor, priority="urgent").job
