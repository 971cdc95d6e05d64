"""Everything that can go wrong, by what the caller should do about it.

GreenroomError
    Retryable        the same call may succeed later
        Busy             somebody else holds what we need (exit 75)
            RootBusy         a root, and so all work there waits
            Unmoved          a move of the album itself, which waits for a cycle, or for a disk to come back
        NoRoom           a disk or a quota is full, and stays so until somebody makes room
        LeaseLost        our lease ran out; stop at once, the new holder recovers
    NeedsReview      a person has to decide
    Rejected         the input cannot be used, now or later
    Misconfigured    a setting, path or database must be changed first (exit 2 from `settings` and `libraries`)
        SchemaChanged    by another Greenroom; end, and start anew
        RootSilent       its disk does not answer, and may do so again without a change
    Stopped          somebody asked us to stop, and we did, with nothing half done

Package errors inherit from one of these.
"""

from __future__ import annotations

from typing import ClassVar

from config.reasons import Reason, sentence


class GreenroomError(Exception):
    """What happened, to which file, why, and what to do; the message says all four where they apply."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, code: str | None = None, path: bytes | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason_code = code or self.code
        self.path = path

    def reason(self, path: bytes | None = None) -> Reason:
        """Return why something was decided because of this; about `path`, or else about what the error is about."""
        return Reason(self.reason_code, sentence(self.message), self.path if path is None else path)


class Retryable(GreenroomError):
    """The same call may succeed later, without anybody changing anything."""

    code = "retryable"


class Busy(Retryable):
    """Somebody else holds what we need; the message names the holder."""

    code = "busy"
    exit_code = 75  # EX_TEMPFAIL of sysexits.h


class RootBusy(Busy):
    """Somebody else works on a root."""


class Unmoved(Busy):
    """A move of the album has to be finished first."""


class NoRoom(Retryable):
    """A disk or a quota is full; the message says where."""

    code = "disk_full"


class LeaseLost(Retryable):
    """Our lease on a root ran out or was taken over; every further step belongs to the new holder."""

    code = "lease_lost"


class NeedsReview(GreenroomError):
    """A person has to decide; nothing was changed."""

    code = "needs_review"


class Rejected(GreenroomError):
    """The input cannot be used as it is, now or later."""

    code = "rejected"


class Misconfigured(GreenroomError):
    """A setting, a path or the database has to be put right first; the message says which and how."""

    code = "misconfigured"


class SchemaChanged(Misconfigured):
    """Another version of Greenroom migrated the database; this process may not write there any more."""

    code = "schema_changed"


class RootSilent(Misconfigured):
    """The disk of a root does not answer; what is wanted of it may be tried again until it does."""

    code = "disk_late"
    seconds: float = 0.0  # for which it has not answered


class Stopped(GreenroomError):
    """Somebody asked us to stop, and we did at the next safe place."""

    code = "stopped"
