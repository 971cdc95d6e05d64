"""A finished scan of an inbound root, one SQLite file → what is there, which groups it makes, why some have to wait."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

from config.errors import Rejected, Retryable
from config.machine import no_room_by_trying
from config.reasons import Reason
from scanner import rows
from scanner.grouping.groups import Group, SideRow
from scanner.identity import Identity, identity_columns, tells_changes
from scanner.rows import FileRecord, Source
from scanner.scanschema import connect
from scanner.tags.columns import FACT_COLUMNS, facts_of

if TYPE_CHECKING:
    from scanner.facts import Facts

DAMAGED = "scan_db_damaged"  # code of the error
T = TypeVar("T", str, str | None)
_SOURCE = "id, path, name, role, dev, ino, size, mtime_ns, ctime_ns"
_FACTS = ", ".join(("id", *FACT_COLUMNS))


class Gone(NamedTuple):
    """One music file that a scan does not find any more."""

    folder: bytes
    content: tuple[int, int, int]  # inode, size and time of change in ns


class Vanished(NamedTuple):
    """Music that went away, by path, and when the last scan began that saw all of it, ISO 8601, if one did."""

    files: dict[bytes, Gone]
    since: str | None


class ScanDb:
    """One scan DB; a context manager. See `NewScan` for one that is being written."""

    def __init__(self, path: Path, sql: sqlite3.Connection) -> None:
        self.path = path
        self._sql = sql
        self._is_finished = True

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a finished scan. Raises Rejected when it is none, Retryable when it is damaged."""
        sql = connect(path)
        try:
            (stats,) = sql.execute("SELECT stats FROM scan").fetchone()
        except sqlite3.DatabaseError as error:
            sql.close()
            raise failed(path, error) from error
        if stats is None:
            sql.close()
            raise Rejected(f"the scan in {path} was interrupted; scan again")
        sql.execute("PRAGMA synchronous = OFF")  # it holds nothing that cannot be scanned again
        return cls(path, sql)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._sql.close()
        told = failed(self.path, error) if isinstance(error, sqlite3.Error) and not is_mistake(error) else None
        if not self._is_finished or (told and told.reason_code == DAMAGED):  # it holds nothing that is nowhere else
            self.path.unlink(missing_ok=True)
        if told:
            raise told from error

    def groups(self) -> Iterator[tuple[Group, tuple[Reason, ...]]]:
        """Yield every group with the reasons it has to wait for; ready ones have none."""
        for body, waits, warnings in self._sql.execute("SELECT body, waits, warnings FROM album ORDER BY id"):
            group = rows.group_of_text(body)
            yield group._replace(warnings=group.warnings + rows.reasons_of_text(warnings)), rows.reasons_of_text(waits)

    def sides(self) -> Iterator[SideRow]:
        """Yield every other file, by folder and name."""
        found = self._sql.execute("SELECT id, path, name, role FROM entry WHERE role <> 'audio' ORDER BY path, name")
        return map(SideRow._make, found)

    def files(self, file_ids: Iterable[int]) -> dict[int, FileRecord]:
        """Return files by id."""
        return {row[0]: rows.record_from(row) for row in self._entries("*", file_ids)}

    def sources(self, file_ids: Iterable[int]) -> dict[int, Source]:
        """Return where files are and what they are, by id."""
        return {row[0]: rows.source_from(row[1:]) for row in self._entries(_SOURCE, file_ids)}

    def facts(self, file_ids: Iterable[int]) -> dict[int, Facts]:
        """Return what files say of themselves, by id; nothing of those that could not be read."""
        read = ((file_id, facts_of(columns)) for file_id, *columns in self._entries(_FACTS, file_ids))
        return {file_id: facts for file_id, facts in read if facts is not None}

    def _entries(self, columns: str, file_ids: Iterable[int]) -> sqlite3.Cursor:
        query = f"SELECT {columns} FROM entry WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - names of ours
        return self._sql.execute(query, (json.dumps(list(file_ids)),))

    def ignored(self) -> Iterator[Reason]:
        """Yield what is left alone, by path."""
        found = self._sql.execute("SELECT code, message, path FROM ignored ORDER BY path")
        return (Reason(*row) for row in found)

    def audio_count(self) -> int:
        """Return how many audio files there are."""
        return int(self._sql.execute("SELECT count(*) FROM file WHERE role = 'audio'").fetchone()[0])

    def digest(self, path: bytes, identity: Identity, algorithm: str, compute: Callable[[], T]) -> T:
        """Return the digest of a file, from memory if it was not touched since; later scans remember it too.

        None, which `compute` may return, is not remembered. The path counts, too: where a disk keeps no inode numbers,
        another file may have this one's after the next mount, and this one another where its change time tells that.
        """
        same = (
            "path = ? AND algorithm = ? AND size = ? AND mtime_ns = ? AND ctime_ns = ? AND (ino = ? AND dev = ? OR ?)"
        )
        query = f"SELECT digest FROM content_digest WHERE {same}"  # noqa: S608 - bound
        dev, ino, *content = identity_columns(identity)
        key: tuple[object, ...] = (path, algorithm, *content, ino, dev)
        row = self._sql.execute(query, (*key, tells_changes(identity))).fetchone()
        if row:
            return str(row[0])
        made = compute()
        if made is not None:
            self._sql.execute("INSERT OR REPLACE INTO content_digest VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*key, made))
        return made

    def vanished(self) -> Vanished:
        """Return the music that went away since `forget_vanished`, but for what only got another name or content."""
        found = self._sql.execute("SELECT * FROM vanished").fetchall()
        if not found:
            return Vanished({}, None)
        files = self._sql.execute(
            "SELECT path, name, ino, size, mtime_ns, id FROM entry WHERE role = 'audio' ORDER BY id"
        ).fetchall()
        names, contents = {file[:2] for file in files}, {file[2:5] for file in files}
        # Under a new name, where numbers are made up, it is a file of its size and time that came later than it.
        before = {row[:2] for row in found}
        later = {file[3:5]: file[5] for file in files if file[:2] not in before}
        gone = {
            row[:2]: Gone(row[0], row[2:5])
            for row in found
            if row[:2] not in names and row[2:5] not in contents and later.get(row[3:5], 0) < row[6]
        }
        since = min((row[5] for row in found if row[5]), default=None)
        return Vanished({os.path.join(*place): file for place, file in gone.items()}, since)

    def forget_vanished(self) -> None:
        """Begin to remember anew what goes away."""
        self._sql.execute("DELETE FROM vanished")


def is_mistake(error: sqlite3.Error) -> bool:
    """Whether an error is one of ours, in a statement or a value, and not one of the machine, such as a full disk."""
    return (
        type(error) not in (sqlite3.OperationalError, sqlite3.DatabaseError)
        or getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    )


def failed(path: Path, error: sqlite3.Error | OSError) -> Retryable:
    """Return what to raise when SQLite, or the system, cannot go on with a scan DB."""
    if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Retryable(f"the scan DB {path} is damaged ({error}); the next scan begins anew", code=DAMAGED)
    with suppress(OSError):
        if why := no_room_by_trying(os.fsencode(path.parent)):
            return Retryable(f"the scan DB {path} cannot be used: {error}; {why}", code="scan_db_failed")
    return Retryable(f"the scan DB {path} cannot be used: {error}; is the disk full?", code="scan_db_failed")
