"""What DBOS logs → our log: a trouble that lasts is told once in a while, and not each time it asks."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from loguru import logger

from workflow.engine import carrier

AWAY = "(psycopg.OperationalError) connection refused\n[SQL: SELECT 1]"


@pytest.fixture
def dbos(monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    """The logger of DBOS, as a worker sets it up, and a clock that stands still."""
    log = logging.getLogger("dbos")
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "propagate", True)
    monkeypatch.setattr(carrier, "boottime", lambda: 1000.0)
    carrier._log_through_loguru()
    return log


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What our log says that DBOS said."""
    said: list[str] = []
    sink = logger.add(lambda message: said.append(message.record["extra"]["said"]))
    yield said
    logger.remove(sink)


def test_one_trouble_of_many_queues_is_told_once(dbos: logging.Logger, told: list[str]) -> None:
    for queue in ("enrich", "review", "enrich"):
        dbos.warning(f"Exception encountered in queue thread for {queue}: {AWAY}")
    dbos.warning("Exception in background job: (psycopg.errors.ReadOnlySqlTransaction) cannot execute UPDATE")
    assert [said.partition(": ")[2][:25] for said in told] == [AWAY[:25], "(psycopg.errors.ReadOnlyS"]


def test_a_trouble_that_counts_its_attempts_is_one_trouble(dbos: logging.Logger, told: list[str]) -> None:
    for attempt, seconds in enumerate(("0.53", "1.20", "2.2"), 1):
        dbos.warning(f"Database connection failed: no answer. Retrying in {seconds}s (attempt {attempt})")
        dbos.warning(f"Contention detected in queue thread for tag. Increasing polling interval to {seconds}.")
    assert len(told) == 2


def test_a_trouble_that_lasts_is_told_again(
    dbos: logging.Logger, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for now in (1000.0, 1001.0, 1000.0 + carrier.TOLD_AGAIN):
        monkeypatch.setattr(carrier, "boottime", lambda now=now: now)
        dbos.warning(f"Exception encountered in queue thread for enrich: {AWAY}")
    assert len(told) == 2


def test_that_no_other_database_may_be_asked_is_no_news(dbos: logging.Logger, told: list[str]) -> None:
    dbos.warning("Could not connect to postgres database to verify existence of green. Continuing...")
    assert told == []


def test_an_error_that_is_only_given_along_is_told_as_the_cause(dbos: logging.Logger, told: list[str]) -> None:
    causes: list[object] = []
    heard = logger.add(lambda message: causes.append(message.record["extra"].get("error")))
    for why in ("disk full", "disk full", "no such table"):
        try:
            raise OSError(why)
        except OSError as error:
            dbos.error("Exception encountered in background workflow:", exc_info=error)
    dbos.error("it ended", exc_info=True)  # outside of any handler there is none
    logger.remove(heard)
    assert causes == ["disk full", "no such table", None]
