"""An installation → its figures in Prometheus' text format, counted at the moment they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from daemon.bootstrap import Application
from processor import journal, repository
from processor.client import circuits
from processor.matching import rows
from workflow import runs


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
        with self._app.database.read() as connection:
            items = repository.count_by_status(connection)
            size = repository.total_size(connection)
            unfinished = journal.count_open(connection)
            ended = runs.count_by_status(connection)
            success = runs.last_success(connection)
            asked = circuits.standing(connection)
            owed = rows.count_debts(connection)
        jobs = self._app.engine.counts()
        oldest = self._app.engine.oldest_queued()
        yield _family("greenroom_items", "Albums in staging, by status.", "status", items)
        yield _family("greenroom_runs", "Runs remembered, by how they ended.", "status", ended)
        yield _family("greenroom_enrich_debts", "Albums a provider owes an answer about.", "provider", owed)
        yield GaugeMetricFamily("greenroom_items_bytes", "Bytes of all albums in staging.", size)
        yield GaugeMetricFamily("greenroom_transfers_unfinished", "Moves begun and not settled.", unfinished)
        waiting = GaugeMetricFamily("greenroom_jobs", "Jobs, by phase and status.", labels=["phase", "status"])
        for phase, counts in jobs.items():
            for status, count in counts.items():
                waiting.add_metric([phase, status], count)
        yield waiting
        yield _counter("greenroom_service_requests", "Requests to a provider or player, ever.", asked, "requests")
        yield _counter("greenroom_service_failures", "Calls it did not answer, ever.", asked, "failed")
        paused = {name: int(row["state"] != "closed") for name, row in asked.items()}
        yield _family("greenroom_service_paused", "Whether a service is left alone.", "service", paused)
        if oldest is not None:
            seconds = oldest.timestamp()
            yield GaugeMetricFamily("greenroom_jobs_oldest_queued_timestamp_seconds", "Oldest queued wish.", seconds)
        if success is not None:
            seconds = success.timestamp()
            yield GaugeMetricFamily("greenroom_last_success_timestamp_seconds", "End of the last done run.", seconds)


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
