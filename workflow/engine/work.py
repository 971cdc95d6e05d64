"""What a phase must offer for its jobs to be carried, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy import Connection

from workflow.engine.context import Context
from workflow.engine.job import Job, Payload, Retries

# What a phase wants written in the transaction that ends its job: all of it, or the job runs again.
Ending = Callable[[Connection, Job], None]


class Work(Protocol):
    """What the engine needs of a phase."""

    @property
    def name(self) -> str:
        """The phase."""

    @property
    def payload(self) -> type[Payload]:
        """What its jobs are given."""

    @property
    def retries(self) -> Retries:
        """How often it is tried."""

    def run(self, context: Context, job: Job, payload: Any) -> Ending | None:
        """Do it; it may run twice. Raises the errors of config.errors, which decide what becomes of the job."""
