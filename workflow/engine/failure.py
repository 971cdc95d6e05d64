"""An error and the job it ended → what becomes of the job: another attempt, a person, or the end."""

from __future__ import annotations

from typing import Final, NamedTuple

from config.errors import (
    Busy,
    GreenroomError,
    Misconfigured,
    NeedsReview,
    NoRoom,
    Rejected,
    RootBusy,
    RootSilent,
    Stopped,
    Unmoved,
)
from workflow.engine.job import Retries, Status

POISON_DEATHS: Final = 3  # a job that so many workers died with is kept from the next one
BUSY_SECONDS: Final = 10.0  # before a job looks again whether what it needs is free
UNMOVED_SECONDS: Final = 60.0  # before it looks again whether a cycle has finished the move of its album
FULL_SECONDS: Final = 300.0  # before it looks again whether there is room: each look may fill the disk once more
OUTAGE: Final = "database_unavailable"
OUTAGE_SECONDS: Final = 60.0  # before a job comes back whose database was away in the middle of it
OUTAGE_CAP: Final = 3600.0  # of those seconds, which double where the database answers all others
OUTAGE_ATTEMPTS: Final = 7  # some two hours, after which a job has given up that the database alone does not answer
SILENT_SECONDS: Final = 300.0  # before it looks again, at the latest, whether a disk answers that long did not
AWAY_SECONDS: Final = 300.0  # before it looks again whether the root of its album is there, as a worker may see it
ELSEWHERE_SECONDS: Final = 0.5  # before a job is offered to other hosts; the one it left looks away for BUSY_SECONDS


class NotHere(GreenroomError):
    """This worker cannot do the job, but another one may: a root is not mounted here, a payload is newer than we."""

    code = "not_here"


class PhaseAway(NotHere):
    """A root of the phase is not mounted on this host, or settings let it wait: no other job of it can be done here."""


class RootAway(NotHere):
    """The root that this job's album goes to is not mounted on this host; other jobs of the phase can be done here."""


class Cancelled(GreenroomError):
    """Somebody cancelled the job while it ran."""

    code = "cancelled"


class Verdict(NamedTuple):
    """What becomes of a job that did not come to its end."""

    status: Status
    delay: float = 0  # seconds, where it is queued again
    counts: bool = True  # whether this start counts as an attempt
    is_told: bool = False  # whether people hear of it, although it is queued again


# Errors that are no failed attempt, and those that no further attempt would help.
_BY_CLASS: Final[dict[type[Exception], Verdict]] = {
    Cancelled: Verdict("cancelled"),
    Stopped: Verdict("queued", counts=False),
    Unmoved: Verdict("queued", UNMOVED_SECONDS, counts=False),
    Busy: Verdict("queued", BUSY_SECONDS, counts=False),
    PhaseAway: Verdict("queued", ELSEWHERE_SECONDS, counts=False),
    NotHere: Verdict("queued", BUSY_SECONDS, counts=False),
    NoRoom: Verdict("queued", FULL_SECONDS, counts=False, is_told=True),
    NeedsReview: Verdict("parked"),
    Rejected: Verdict("dead"),
    Misconfigured: Verdict("dead"),
}


# Errors that keep all jobs of a phase, and for how many seconds none of them is tried here. After a busy root others
# come before the one that met it: it may be the only one that needs that root.
AWAY: Final[dict[type[Exception], float]] = {PhaseAway: BUSY_SECONDS, RootBusy: BUSY_SECONDS / 2}


def judge(
    error: Exception, attempt: int, retries: Retries, jitter: float, before: str | None = None, *, is_own: bool = False
) -> Verdict:
    """Return what becomes of a job whose `attempt`-th start ended with an error; `jitter` is 0…1.

    `before` is the code its start before ended with: that the database is away people hear only if it was so twice.
    Where that `is_own`, twice in a row is no outage, but a statement of the job that the database never does.

    What is not known to be permanent is tried again: after base, 2·base, 4·base … seconds, each shortened or
    lengthened by up to a half, so that jobs that failed together do not come back together. A disk that does not answer
    is asked again after as long as it has been silent. Where the root of an album is not mounted others may have it.
    """
    if isinstance(error, RootAway):
        return Verdict("queued", AWAY_SECONDS if before == NotHere.code else ELSEWHERE_SECONDS, counts=False)
    if isinstance(error, RootSilent):
        return Verdict("queued", min(SILENT_SECONDS, max(BUSY_SECONDS, error.seconds)), counts=False)
    if isinstance(error, GreenroomError) and error.reason_code == OUTAGE:
        is_again = before == OUTAGE
        if not (is_again and is_own):
            return Verdict("queued", OUTAGE_SECONDS, counts=False, is_told=is_again)
        if attempt >= max(OUTAGE_ATTEMPTS, retries.attempts):
            return Verdict("dead")
        return Verdict("queued", min(OUTAGE_CAP, OUTAGE_SECONDS * 2**attempt), is_told=True)
    for kind, verdict in _BY_CLASS.items():
        if isinstance(error, kind):
            return verdict
    if attempt >= retries.attempts:
        return Verdict("dead")
    return Verdict("queued", min(retries.cap, retries.base * 2 ** (attempt - 1)) * (0.5 + jitter))
