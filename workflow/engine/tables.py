"""The rows of jobs, and one read as a Job."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, Connection, Dialect, Identity, Index, TypeDecorator, select, text
from sqlalchemy.sql.elements import ColumnElement

from config.errors import Misconfigured
from config.tables import Base, BigId, SomeRows, column, optional
from workflow.engine.job import Job

# As text, because SQLite uses an index of some rows only where it sees their statuses in the statement.
IS_OPEN: Final = text("status IN ('queued', 'running')")
_RUNNING: Final = text("status = 'running'")
_QUEUED: Final = text("status = 'queued'")


class Given(TypeDecorator[Any]):
    """JSON; and as its text what is none any more, edited by hand on SQLite: that job fails by it, and no other."""

    impl = JSON
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Return what reads a value."""
        read = super().result_processor(dialect, coltype)

        def kept(value: Any) -> Any:
            try:
                return read(value) if read else value
            except Misconfigured:
                return str(value)

        return kept


class JobRow(Base):
    """One job; the meaning of each column is in workflow.engine.job.Job."""

    __tablename__ = "jobs"
    __table_args__ = (
        SomeRows("uq_jobs_open", ("phase", "subject"), IS_OPEN, unique=True),
        SomeRows("uq_jobs_running_item", ("item_id",), _RUNNING, unique=True),
        SomeRows("ix_jobs_due", ("phase", "priority", "not_before", "id"), _QUEUED),
        Index("ix_jobs_status_phase_id", "status", "phase", "id"),
        Index("ix_jobs_status_id", "status", "id"),
        Index("ix_jobs_item_id", "item_id"),
    )

    id = column(int, BigId, Identity(), primary_key=True)
    phase = column(str)
    subject = column(str)
    item_id = optional(int, BigId)
    status = column(str)
    priority = column(int)
    payload = column(dict[str, Any], Given)
    payload_version = column(int)
    actor = column(str)
    manual = column(bool)
    attempt = column(int)
    deaths = column(int)
    dispatch = column(int)
    carried = column(bool)
    fence = column(int, BigInteger)
    executor = optional(str)
    cancel_requested = column(bool)
    not_before = column(dt.datetime)
    created_at = column(dt.datetime)
    started_at = optional(dt.datetime)
    finished_at = optional(dt.datetime)
    code = optional(str)
    error = optional(str)
    failures = column(list[Any])


COLUMNS: Final = [getattr(JobRow, name) for name in Job.__dataclass_fields__]


def one(connection: Connection, *where: ColumnElement[bool]) -> Job:
    """Return the one job of which this holds."""
    return Job(*connection.execute(select(*COLUMNS).where(*where)).one())
