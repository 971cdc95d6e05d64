"""What a job is: its states, priorities and payload, how many run at once, and how often one is tried."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, NamedTuple, Self, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from config.errors import Rejected

Status = Literal["queued", "running", "done", "dead", "parked", "cancelled", "discarded"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
OPEN: Final[tuple[Status, ...]] = ("queued", "running")  # at most one such job of a phase and subject
FAILED: Final[tuple[Status, ...]] = ("dead", "parked")  # gave up; waits for a person: parked, or gave up for good: dead

# Smaller goes first. DBOS takes 0 for "unset", and runs that before everything.
PRIORITIES: Final[dict[str, int]] = {"urgent": 10, "high": 20, "normal": 30, "low": 40, "idle": 50}


class Payload(BaseModel):
    """What a job is given beside its item: JSON in the row, checked when it is written and when it is read.

    A change that old jobs do not fit raises `version` and teaches `upgrade` to read them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: ClassVar[int] = 1

    @classmethod
    def upgrade(cls, values: dict[str, Any], version: int) -> dict[str, Any]:
        """Return the values of an older version as this one's. Raises Rejected when that cannot be done."""
        raise Rejected(f"{cls.__name__} of version {version} cannot be read any more; submit the job anew")

    @classmethod
    def read(cls, values: dict[str, Any], version: int) -> Self:
        """Return a stored payload. Raises Rejected when it is not what this version, or an older one, writes."""
        try:
            return cls.model_validate(values if version == cls.version else cls.upgrade(values, version))
        except ValidationError as error:
            raise Rejected(f"the payload cannot be used: {error.errors()[0]['msg']}", code="bad_payload") from None


@dataclass(frozen=True, slots=True)
class Job:
    """One row of `jobs`: a phase of a subject, from the wish to the end. Times are UTC."""

    id: int
    phase: str
    subject: str  # "item 42", or what a job without an item is about; one open job of a phase each
    item_id: int | None
    status: Status
    priority: int
    payload: dict[str, Any]
    payload_version: int
    actor: str  # who wanted it
    manual: bool  # a person asked: gates do not hold it
    attempt: int  # starts that counted
    deaths: int  # workers that died while they had it
    dispatch: int  # how often it was handed to DBOS; older hand-overs are stale
    carried: bool  # whether DBOS has it now
    fence: int  # grows with each start; only the newest start may end the job
    executor: str | None  # the worker that has it, or had it last
    cancel_requested: bool
    not_before: dt.datetime
    created_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    code: str | None  # of the last failure
    error: str | None
    failures: list[Any]  # [{attempt, at, executor, code, message, traceback}], oldest first, bounded


class NewJob(NamedTuple):
    """A job that somebody wants."""

    phase: str
    subject: str
    item_id: int | None
    payload: Payload
    priority: int
    actor: str
    manual: bool = False
    delay: float = 0  # seconds before it may start


class Limits(NamedTuple):
    """How many jobs of a phase may run at once."""

    workers: int = 4  # in one process
    total: int | None = None  # in all processes of all hosts
    paused: bool = False
    lazy: bool = False  # nobody waits for them, so they may start some seconds late

    @property
    def slots(self) -> int:
        """How many of them one process may run at once when the phase is not paused."""
        return min(self.workers, self.total or self.workers)

    @property
    def here(self) -> int:
        """How many of them one process may run at once now."""
        return 0 if self.paused else self.slots


class Retries(NamedTuple):
    """How a job is tried again after an error that may pass."""

    attempts: int = 5
    base: float = 2.0  # seconds before the second attempt; each further one waits twice as long
    cap: float = 120.0
