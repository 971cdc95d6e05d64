"""A wish for a phase of an item → a job's row, and what everybody may ask of jobs: list, show, retry, cancel, discard.

None of this needs the library that carries the jobs, so commands stay quick; a worker picks up what stands here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from config.database import Database
from config.errors import Misconfigured
from config.machine import utc_now
from workflow.engine import dispatches, hosts, jobs, listing, wanting
from workflow.engine.job import FAILED, OPEN, PRIORITIES, Job, NewJob, Payload
from workflow.engine.work import Work


class Submitted(NamedTuple):
    """The job that carries a wish, and whether it was made for it or there already."""

    job: Job
    is_new: bool


def wanted(
    works: Mapping[str, Work], phase: str, item_id: int | None, payload: Payload | None = None, *,
    actor: str, priority: str = "normal",
) -> NewJob:  # fmt: skip
    """Return the job to be written, checked; `urgent` is what a person asks for.

    Raises Misconfigured for a phase, priority or payload that is none.
    """
    work = _known(works, phase)
    if priority not in PRIORITIES:
        raise Misconfigured(f"there is no priority {priority!r}; there are {', '.join(PRIORITIES)}")
    if payload is None:
        payload = work.payload()
    if type(payload) is not work.payload:
        raise Misconfigured(f"a job of {phase} is given a {work.payload.__name__}, not {type(payload).__name__}")
    subject = phase if item_id is None else f"item {item_id}"
    return NewJob(phase, subject, item_id, payload, PRIORITIES[priority], actor, manual=priority == "urgent")


class Engine:
    """What everybody may ask of jobs."""

    def __init__(self, database: Database, works: Mapping[str, Work]) -> None:
        self._database, self._works = database, works

    def submit(
        self, phase: str, item_id: int | None, payload: Payload | None = None, *, actor: str, priority: str = "normal"
    ) -> Submitted:
        """Want a phase of an item, in a transaction of its own; see `wanted`. If both have an open job, return that."""
        new = wanted(self._works, phase, item_id, payload, actor=actor, priority=priority)
        with self._database.begin() as connection:
            return Submitted(*wanting.submit_one(connection, new, utc_now()))

    def show(self, job_id: int) -> Job:
        """Return one job. Raises Misconfigured when there is none."""
        with self._database.read() as connection:
            return _found(listing.find(connection, job_id), job_id)

    def list(self, *, statuses: Collection[str] = (), phase: str | None = None, item_id: int | None = None,
             before: int | None = None, limit: int = 50, oldest_first: bool = False) -> Sequence[Job]:  # fmt: skip
        """Return jobs, newest first, or the other way around; `before` is the id the page before ended with."""
        with self._database.read() as connection:
            return listing.page(connection, statuses=statuses, phase=phase, item_id=item_id, before=before, limit=limit,
                                oldest_first=oldest_first)  # fmt: skip

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many jobs of each phase have each status."""
        with self._database.read() as connection:
            return listing.counts(connection)

    def oldest_queued(self) -> dt.datetime | None:
        """Return since when the oldest queued job waits; None if none does."""
        with self._database.read() as connection:
            return listing.oldest_queued(connection)

    def failed_before(self) -> tuple[int, Job | None]:
        """Return how many queued jobs could not be done yet, and the one of them that is tried again first."""
        with self._database.read() as connection:
            return listing.failed_before(connection)

    def is_due(self) -> bool:
        """Whether a job is being done, on whatever host, or may be begun now."""
        with self._database.read() as connection:
            return dispatches.is_due(connection, utc_now())

    def workers(self) -> Sequence[hosts.WorkerSeen]:
        """Return the workers that carry jobs."""
        with self._database.read() as connection:
            return hosts.seen(connection)

    def retry(self, job_id: int, *, actor: str) -> Submitted:
        """Want a closed job anew, with its input, for the person who asks.

        Raises Misconfigured while it is open, and for a phase of another version.
        """
        with self._database.begin() as connection:
            old = _found(listing.find(connection, job_id), job_id)
            if old.status in OPEN:
                raise Misconfigured(f"job {job_id} is {old.status}; only what has ended can be tried again")
            payload = _known(self._works, old.phase).payload.read(old.payload, old.payload_version)
            new = NewJob(old.phase, old.subject, old.item_id, payload, PRIORITIES["urgent"], actor, manual=True)
            if old.status in FAILED:
                jobs.discard(connection, job_id, utc_now())
            return Submitted(*wanting.submit_one(connection, new, utc_now()))

    def cancel(self, job_id: int) -> str:
        """Cancel a queued job at once, a running one at its next safe place; return which it was.

        Raises Misconfigured for one that has ended.
        """
        with self._database.begin() as connection:
            was = jobs.cancel(connection, job_id, utc_now())
            if was is None:
                old = _found(listing.find(connection, job_id), job_id)
                raise Misconfigured(f"job {job_id} is {old.status}; there is nothing to cancel")
            return was

    def discard(self, job_id: int) -> None:
        """Set a failed job aside. Raises Misconfigured for any other."""
        with self._database.begin() as connection:
            if not jobs.discard(connection, job_id, utc_now()):
                old = _found(listing.find(connection, job_id), job_id)
                raise Misconfigured(f"job {job_id} is {old.status}; only what failed can be discarded")


def _known(works: Mapping[str, Work], phase: str) -> Work:
    if phase not in works:
        raise Misconfigured(f"there is no phase {phase!r}; there are {', '.join(sorted(works))}")
    return works[phase]


def _found(job: Job | None, job_id: int) -> Job:
    if job is None:
        raise Misconfigured(f"there is no job {job_id}", code="unknown_job")
    return job
