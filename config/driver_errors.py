"""What a driver raises → what it means for us, and what to do about it."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from config.errors import GreenroomError, Misconfigured, Rejected, Retryable
from config.machine import no_room_by_trying

READ_ONLY_TRANSACTION = "25006"  # of PostgreSQL, after a failover to a standby and when an admin says so
NO_SCHEMA = "3F000"  # of PostgreSQL, where the search_path of a URL or a role names none that is there
NOT_ALLOWED = "42501"  # of PostgreSQL, from 15 on also to make tables where another user owns the database
STOOD_STILL = "25P03"  # of PostgreSQL, when a session waited too long in a transaction and was ended
# Of no statement itself: SQLite is locked or full; PostgreSQL rolled back for others, has no room, memory or
# connections, or a lock is held.
_OF_OTHERS_SQLITE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}
_OF_OTHERS_POSTGRESQL = ("40", "53", "55P03")
_TABLE = re.compile(r"\bfor table (\w+)")
_INTERNAL = {
    READ_ONLY_TRANSACTION: "takes no writes just now; is it a standby?",
    STOOD_STILL: "took back what was not committed yet, because this process stood still for too long; was it stopped?",
}


@contextmanager
def answering(url: URL) -> Iterator[None]:
    """Turn what the driver raises in the block into an error of ours: Retryable where the database is away just now."""
    shown = url.set(query={}).render_as_string(hide_password=True)  # a password may be in the query, too
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        why = getattr(error, "orig", error)
        message = f"the database {shown} did not answer: {why}{_told_by_its_disk(url, why)}"
        if f'database "{url.database}" does not exist' in str(why):  # whoever refuses a login gives no code
            make = f"createdb -E UTF8 -T template0 -O {url.username or 'USER'} {url.database}"
            message = f"the database {shown} is not there; make it, as an administrator of its server: `{make}`"
        raise Retryable(message, code="database_unavailable") from error
    except (InternalError, ProgrammingError) as error:
        refusal = _refusal(url, shown, error)
        if refusal is None:
            raise
        raise refusal from error
    except (DataError, UnicodeEncodeError, OverflowError) as error:  # NUL, half a surrogate pair, a number too large
        raise Rejected("a value cannot be looked up or stored in a database", code="bad_value") from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:
            raise
        message = f"the database {shown} is damaged or no database: {error.orig}"
        if _is_sqlite(url):
            if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT:
                # What SQLite makes of a page that the disk cannot read, too. Looking ourselves is no way: whoever
                # closes the file takes the locks on it from all of the process.
                message += "; a disk that cannot read it shows as the same: look at the kernel's log first"
            message += (
                "; put it aside, with its -wal and -shm, fill a new one from a backup (`greenroom import FILE`) or add "
                "the libraries again, and then run `greenroom fsck --adopt`"
            )
        raise Misconfigured(message) from error


def may_be_own(url: URL, error: BaseException) -> bool:
    """Tell whether an error that `answering` raised may be of its statement alone, while the database serves others.

    It is not where the connection was lost or could not be had, others hold a lock, or the disk is full.
    """
    found = error.__cause__
    if not isinstance(found, DBAPIError) or found.statement is None or found.connection_invalidated:
        return False
    if _is_sqlite(url):
        code = getattr(found.orig, "sqlite_errorcode", 0) & 0xFF
        return code not in _OF_OTHERS_SQLITE and not _told_by_its_disk(url, found.orig)
    return not (getattr(found.orig, "sqlstate", None) or "").startswith(_OF_OTHERS_POSTGRESQL)


def _told_by_its_disk(url: URL, error: object) -> str:
    """Return what a full or read-only disk adds to an error; SQLite calls it an I/O error like any other."""
    if not _is_sqlite(url):
        return ""
    file = url.database or ""
    with suppress(OSError):
        if why := no_room_by_trying(os.path.dirname(os.fsencode(file))):
            return f"; {why}"
        cut = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_IOERR_SHORT_READ
        if cut and os.path.getsize(f"{file}-wal") == 0:  # others know what is in there, and we made a new one
            return (
                f"; {file}-wal was removed while it was in use: stop every Greenroom that works with it, which puts "
                "what was in there into the database, and let programs for backups leave -wal and -shm alone"
            )
    return ""


def _refusal(url: URL, shown: str, error: InternalError | ProgrammingError) -> GreenroomError | None:
    """Return what PostgreSQL or its driver refuses whatever is asked; None for a mistake in what is asked."""
    if type(error) is ProgrammingError and error.statement is None:  # nothing was asked yet
        return Misconfigured(f"the URL of the database {shown} cannot be used: {error.orig}")
    state = getattr(error.orig, "sqlstate", None)
    if state == NO_SCHEMA:
        message = f"the database {shown} has no schema its search_path names ({error.orig}); make it (CREATE SCHEMA)"
        return Misconfigured(f"{message}, or name another one", code="database_schema")
    if state == NOT_ALLOWED:
        user = f'"{url.username or "USER"}"'
        message = f"the database {shown} does not let its user do that ({error.orig}); "
        if table := _TABLE.search(str(error.orig)):
            grant = f"GRANT ALL ON {table[1]} TO {user}"
            return Misconfigured(f"{message}let the owner of that table run `{grant}`", code="database_rights")
        owner = f'ALTER DATABASE "{url.database}" OWNER TO {user}'
        message += f"make it the owner of the database and of all that is in it: `{owner}`"
        return Misconfigured(message, code="database_rights")
    if said := _INTERNAL.get(state or ""):
        return Retryable(f"the database {shown} {said} ({error.orig})", code="database_unavailable")
    return None


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"
