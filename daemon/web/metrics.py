"""An installation → its figures in Prometheus' text format, and when they were counted.

Counting 100,000 rows is work for any database, so figures are remembered for a time in proportion to what counting
took, and tell their age.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import Connection

from daemon.bootstrap import Application
from processor.artwork import blobs
from processor.client import circuits
from processor.items import repository
from processor.matching import rows
from processor.players import rows as players
from processor.publication import ledger
from processor.transfers import journal
from processor.verification import rows as checks
from workflow import runs

SHARE: Final = 0.01  # of the time is spent on counting, at most …
LONGEST: Final = 60.0  # … but no figures are older than so many seconds


class Figures:
    """The last figures, counted anew when they are due. For any thread."""

    def __init__(self, count: Callable[[], tuple[bytes, str]], clock: Callable[[], float] = time.monotonic) -> None:
        self._count, self._clock = count, clock
        self._lock = threading.Lock()
        self._known: tuple[bytes, str] | None = None
        self._until = 0.0

    def read(self) -> tuple[bytes, str]:
        """Return the figures and their content type."""
        with self._lock:
            began = self._clock()
            if self._known is None or began >= self._until:
                self._known = self._count()
                ended = self._clock()
                self._until = ended + min((ended - began) / SHARE, LONGEST)
            return self._known


def exposition(app: Application) -> tuple[bytes, str]:
    """Return the figures and their content type."""
    registry = CollectorRegistry()
    registry.register(_Figures(app))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Figures:
    """Everything here is in the database, so any host tells the same, and nothing is lost with a process."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def describe(self) -> Iterator[Metric]:
        """Name nothing in advance."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Count."""
        text = f"When all this was counted; it is remembered for {1 / SHARE:.0f} times as long as that took."
        yield from _moment("greenroom_counted", text, dt.datetime.now(dt.UTC))
        with self._app.database.read() as connection:
            for count in (_staging, _services, _published, _verified):
                yield from count(connection)
        yield from self._jobs()

    def _jobs(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("greenroom_jobs", "Jobs, by phase and status.", labels=["phase", "status"])
        for phase, counts in self._app.engine.counts().items():
            for status, count in counts.items():
                waiting.add_metric([phase, status], count)
        yield waiting
        yield from _moment("greenroom_jobs_oldest_queued", "Oldest queued wish.", self._app.engine.oldest_queued())


def _staging(connection: Connection) -> Iterator[Metric]:
    (items, size), ended = repository.totals(connection), runs.count_by_status(connection)
    unfinished = journal.count_open(connection)
    yield _family("greenroom_items", "Albums in staging, by status.", "status", items)
    yield _family("greenroom_runs", "Runs remembered, by how they ended.", "status", ended)
    yield GaugeMetricFamily("greenroom_items_bytes", "Bytes of all albums in staging.", size)
    yield GaugeMetricFamily("greenroom_transfers_unfinished", "Moves begun and not settled.", unfinished)
    yield GaugeMetricFamily("greenroom_transfers_held", "Moves that wait for a person.", journal.count_held(connection))
    yield from _moment("greenroom_last_success", "End of the last done run.", runs.last_success(connection))


def _services(connection: Connection) -> Iterator[Metric]:
    asked, owed = circuits.standing(connection), rows.count_debts(connection)
    yield _family("greenroom_enrich_debts", "Albums a provider owes an answer about.", "provider", owed)
    yield _counter("greenroom_service_requests", "Requests to a provider or player, ever.", asked, "requests")
    yield _counter("greenroom_service_failures", "Calls it did not answer, ever.", asked, "failed")
    paused = {name: int(row["state"] != "closed") for name, row in asked.items()}
    yield _family("greenroom_service_paused", "Whether a service is left alone.", "service", paused)
    told = players.standings(connection)
    owed, missed = ({one.player.name: getattr(one, name) for one in told} for name in ("owed", "missed"))
    yield _family("greenroom_player_debts", "Folders a player has not shown yet.", "player", owed)
    yield _family("greenroom_player_missed", "Folders a player never showed.", "player", missed)


def _published(connection: Connection) -> Iterator[Metric]:
    there, (cached, size) = ledger.totals(connection), blobs.totals(connection)
    yield GaugeMetricFamily("greenroom_published", "Albums in libraries.", there.albums)
    yield GaugeMetricFamily("greenroom_published_files", "Files Greenroom put into libraries.", there.files)
    yield GaugeMetricFamily("greenroom_published_bytes", "And their bytes.", there.size)
    yield GaugeMetricFamily("greenroom_blobs", "Files of the cache.", cached)
    yield GaugeMetricFamily("greenroom_blobs_bytes", "And their bytes.", size)


def _verified(connection: Connection) -> Iterator[Metric]:
    looked = checks.totals(connection)
    yield GaugeMetricFamily("greenroom_verified_files", "Files read at the last look at their albums.", looked.files)
    yield GaugeMetricFamily("greenroom_verified_bytes", "And their bytes.", looked.size)
    yield GaugeMetricFamily("greenroom_verify_never", "Albums never looked at.", looked.never)
    yield _family("greenroom_verify_findings", "What the last looks found.", "code", dict(looked.findings))
    yield GaugeMetricFamily("greenroom_verify_mended", "Files made anew at the last looks.", looked.mended)
    yield from _moment("greenroom_verify_oldest", "The look that is longest ago.", looked.oldest)


def _moment(name: str, text: str, at: dt.datetime | None) -> Iterator[Metric]:
    if at is not None:
        yield GaugeMetricFamily(f"{name}_timestamp_seconds", text, at.timestamp())


def _counter(name: str, text: str, rows: dict[str, dict[str, Any]], column: str) -> Metric:
    family = CounterMetricFamily(name, text, labels=["service"])
    for service, row in rows.items():
        family.add_metric([service], row[column])
    return family


def _family(name: str, text: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
