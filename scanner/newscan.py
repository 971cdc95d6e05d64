"""What one scan sees, reads and groups → the rows of its scan DB, in one transaction that ends with the scan."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import eq
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from config.errors import Misconfigured
from config.machine import no_room_by_trying
from config.reasons import Reason
from scanner import rows
from scanner.grouprows import GroupRows
from scanner.justread import JustRead
from scanner.readiness import DEADLY, FolderState
from scanner.rows import FileRow, PlainRow
from scanner.scandb import ScanDb, failed, is_mistake
from scanner.scanschema import DDL, FAST, code_version, copy, is_finished
from scanner.tags.columns import READING_COLUMNS, Block

if TYPE_CHECKING:
    from scanner.tags.wire import Numbers

REMEMBERED_DIGESTS = 200_000
STORED_AT_ONCE = 2000  # files

# These speak of the machine at that moment, or of rights that change without a trace on the file: tried again.
PASSING = (*DEADLY, "reader_gave_up", "io_error", "permission_denied", "vanished")
EVERY_READ: Mapping[int, str] = MappingProxyType({})
_PROBLEM = READING_COLUMNS.index("problem")
_NOTE_VANISHED = """
INSERT INTO vanished SELECT path, name, ino, size, mtime_ns, (SELECT previous FROM scan), file.id
FROM file JOIN folder ON folder.id = folder_id WHERE file.id = ? AND role = 'audio'"""
_FORGET_PASSING = f"DELETE FROM reading WHERE problem IN ({', '.join('?' * len(PASSING))}) RETURNING file_id, problem"  # noqa: S608 - marks only


class NewScan(ScanDb):
    """A scan DB that is being written; if the block it is entered for ends before `finish`, the file goes again."""

    def __init__(
        self, path: Path, sql: sqlite3.Connection, *, same_options: bool = True, unread: Mapping[int, str] = EVERY_READ
    ) -> None:
        super().__init__(path, sql)
        self.same_options = same_options  # as the scan this one carries on from
        self.grew = False  # whether files were added that the scan before did not know, or not like this
        self.learned = False  # whether readings say anything else than those of the scan before
        self.just_read = JustRead()
        self.grouping = GroupRows(sql, self.just_read.folders)
        self._unread = unread  # what was wrong, by file id, where the reading of the scan before counts no more
        self._new_folders: list[tuple[int, bytes]] = []
        self._new_files: list[PlainRow] = []
        self._new_ignored: list[tuple[bytes | None, str, str]] = []
        self._last_folder, self._last_file = (
            int(sql.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0])  # noqa: S608 - names of ours
            for table in ("folder", "file")
        )
        self._last_known = self._last_file

    @classmethod
    def create(
        cls, path: Path, *, root: bytes, started: dt.datetime, boot: str, options: str, previous: Path | None = None
    ) -> NewScan:
        """Begin a new file (mode 0600; its folder is made if missing) that knows all that `previous` knew.

        Raises Misconfigured when the file cannot be made, or is there already, and Retryable when the disk fails, or
        what `previous` holds is damaged.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            there = next(folder for folder in path.absolute().parents if folder.is_dir())
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            advice = (is_full and no_room_by_trying(os.fsencode(there))) or "choose another place"
            raise Misconfigured(f"the scan DB {path} cannot be made: {error.strerror}; {advice}") from error
        sql: sqlite3.Connection | None = None
        try:
            known = previous is not None and is_finished(previous, root) and copy(previous, path, boot)
            sql = sqlite3.connect(path, isolation_level=None)
            sql.executescript(FAST if known else f"PRAGMA page_size = 16384; {FAST} {DDL}")
            sql.execute("BEGIN EXCLUSIVE")
            # What is known of the time before a restart are times of a clock that began anew.
            sql.execute("UPDATE folder SET samples = 0 WHERE (SELECT boot_id FROM scan) <> ?", (boot,))
            same_options = sql.execute("SELECT options FROM scan").fetchone() == (options,)
            previous = sql.execute("SELECT max(started) FROM scan").fetchone()[0]
            sql.execute("DELETE FROM scan")
            unread = dict(sql.execute(_FORGET_PASSING, PASSING).fetchall())
            row = (root, code_version(), boot, started.isoformat(), options, previous)
            sql.execute("INSERT INTO scan VALUES (?, ?, ?, ?, ?, NULL, ?)", row)
            scan = cls(path, sql, same_options=same_options, unread=unread)
        except (sqlite3.Error, OSError) as error:
            if sql is not None:
                sql.close()
            path.unlink()
            if isinstance(error, sqlite3.Error) and is_mistake(error):
                raise
            raise failed(path, error) from error
        scan._is_finished = False
        return scan

    # Folders and files, as the walk finds them.

    def folder_states(self) -> dict[bytes, FolderState]:
        """Return what is known of every folder, by path."""
        found = self._sql.execute("SELECT path, id, digest, since_ns, samples FROM folder")
        return {path: FolderState(*state) for path, *state in found}

    def add_folder(self, path: bytes) -> int:
        """Add a folder and return its id; what we see of it over time is stored by `set_folder_states`."""
        self._last_folder += 1
        self._new_folders.append((self._last_folder, path))
        return self._last_folder

    def file_ids(self, count: int) -> range:
        """Return ids for so many new files."""
        first = self._last_file + 1
        self._last_file += count
        return range(first, first + count)

    def add_files(self, files: Sequence[PlainRow]) -> None:
        """Add files that are new."""
        self._new_files += files
        self.grew = self.grew or bool(files)
        if len(self._new_files) > STORED_AT_ONCE:
            self.flush()

    def known_files(self, folder_id: int) -> dict[bytes, FileRow]:
        """Return the files of a folder, by name."""
        self.flush()
        self.just_read.forget(folder_id)
        found = self._sql.execute(f"SELECT {', '.join(FileRow._fields)} FROM file WHERE folder_id = ?", (folder_id,))  # noqa: S608 - names of ours
        return {row[2]: FileRow._make(row) for row in found}

    def forget_files(self, file_ids: Iterable[int]) -> None:
        """Forget files that are gone, or were touched, and what was read from them."""
        ids = [(file_id,) for file_id in file_ids]
        self._sql.executemany(_NOTE_VANISHED, ids)
        self._sql.executemany("DELETE FROM reading WHERE file_id = ?", ids)
        self._sql.executemany("DELETE FROM file WHERE id = ?", ids)

    def drop_folders(self, folder_ids: Iterable[int]) -> None:
        """Forget folders that are gone, and their files; then make the indexes, after the bulk of the rows."""
        self.flush()
        for folder_id in folder_ids:
            self.just_read.forget(folder_id)
            self.forget_files(
                [row[0] for row in self._sql.execute("SELECT id FROM file WHERE folder_id = ?", (folder_id,))]
            )
            self._sql.execute("DELETE FROM folder WHERE id = ?", (folder_id,))
        self._sql.execute("CREATE INDEX IF NOT EXISTS file_in_folder ON file (folder_id)")
        self._sql.execute("CREATE INDEX IF NOT EXISTS failed ON reading (problem) WHERE problem IS NOT NULL")

    def set_folder_states(self, states: Iterable[FolderState]) -> None:
        """Store what was seen of folders."""
        found = ((state.digest, state.since_ns, state.samples, state.id) for state in states)
        self._sql.executemany("UPDATE folder SET digest = ?, since_ns = ?, samples = ? WHERE id = ?", found)

    def forget_ignored(self) -> None:
        """Begin the list of what is left alone anew."""
        self._sql.execute("DELETE FROM ignored")

    def add_ignored(self, reasons: Iterable[Reason]) -> None:
        """Add what is left alone; the reasons carry the path."""
        self._new_ignored += [(reason.path, reason.code, reason.message) for reason in reasons]

    def flush(self) -> None:
        """Insert what was added so far."""
        insert = "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
        self._sql.executemany("INSERT INTO folder VALUES (?, ?, x'', 0, 0)", self._new_folders)
        self._sql.executemany(insert, self._new_files)
        self._sql.executemany("INSERT INTO ignored VALUES (?, ?, ?)", self._new_ignored)
        self._new_folders.clear()
        self._new_files.clear()
        self._new_ignored.clear()

    # What the tags say.

    def unread(self) -> Iterator[tuple[bytes, int, bytes, tuple[int, ...]]]:
        """Yield those of the scan before that are to be read again: folder, file id, name, numbers of the identity."""
        # Sorted, hence complete before the first row comes: readings may be added meanwhile.
        query = """
            SELECT path, file.id, name, dev, ino, size, mtime_ns, ctime_ns
            FROM file JOIN folder ON folder.id = folder_id
            WHERE file.id IN (SELECT value FROM json_each(?)) AND file.id NOT IN (SELECT file_id FROM reading)
            ORDER BY path, name"""
        found = self._sql.execute(query, (json.dumps([*self._unread]),)) if self._unread else ()
        return ((row[0], row[1], row[2], tuple(row[3:])) for row in found)

    def add_readings(self, block: Block) -> None:
        """Store what was read; what SQLite cannot hold of a hostile tag is cut down to what it can."""
        insert = _insert_readings(block.columns)
        self.learned = self.learned or not self._is_known(block)
        try:
            self._sql.executemany(insert, zip(*block.values, strict=True))
            self.just_read.hear(block)
        except (UnicodeEncodeError, OverflowError):
            storable = [map(rows.storable, column) for column in block.values]
            self._sql.executemany(insert, zip(*storable, strict=True))

    def _is_known(self, block: Block) -> bool:
        """Tell whether the same is wrong with all of these files as before."""
        if _PROBLEM not in block.columns:
            return False
        return all(map(eq, map(self._unread.get, block.file_ids), block.values[block.columns.index(_PROBLEM)]))

    def set_identity(self, file_id: int, numbers: tuple[int, ...]) -> int:
        """Note that a file has another identity than it had; return the id of its folder."""
        self.flush()
        update = (
            "UPDATE file SET dev = ?, ino = ?, size = ?, mtime_ns = ?, ctime_ns = ? WHERE id = ? RETURNING folder_id"
        )
        return int(self._sql.execute(update, (*map(rows.storable, numbers), file_id)).fetchone()[0])

    def readings_that_failed(self, problems: Sequence[str]) -> list[tuple[bytes, Numbers]]:
        """Return the files with one of the problems: absolute path, and the numbers of the identity."""
        query = """
            SELECT (SELECT root FROM scan), path, name, dev, ino, size, mtime_ns, ctime_ns
            FROM reading JOIN file ON file.id = file_id JOIN folder ON folder.id = folder_id
            WHERE problem IN (SELECT value FROM json_each(?)) ORDER BY path, name"""
        found = self._sql.execute(query, (json.dumps(list(problems)),))
        return [(os.path.join(*row[:3]), tuple(row[3:])) for row in found]

    def strike(self, digest: str, size: int) -> None:
        """Count that a reader died on this content; `size` in bytes."""
        count = """
            INSERT INTO strike VALUES (?, ?, 1, (SELECT started FROM scan))
            ON CONFLICT (digest) DO UPDATE SET times = times + 1, last = excluded.last"""
        self._sql.execute(count, (digest, size))

    def struck(self, times: int, rest: dt.timedelta) -> dict[int, set[str]]:
        """Return the digests on which readers died so often, the last time within `rest`, by the size of the file."""
        found: dict[int, set[str]] = {}
        (started,) = self._sql.execute("SELECT started FROM scan").fetchone()
        since = (dt.datetime.fromisoformat(started) - rest).isoformat()
        query = "SELECT size, digest FROM strike WHERE times >= ? AND last BETWEEN ? AND ?"
        for size, digest in self._sql.execute(query, (times, since, started)):
            found.setdefault(size, set()).add(digest)
        return found

    def music_folders(self) -> frozenset[bytes]:
        """Return the folders with audio in them."""
        query = "SELECT path FROM folder WHERE id IN (SELECT folder_id FROM file WHERE role = 'audio')"
        return frozenset(row[0] for row in self._sql.execute(query))

    # The whole.

    def totals(self) -> dict[str, int]:
        """Return how much there is, by the names of ScanStats."""
        found = self._sql.execute(
            """
            SELECT (SELECT count(*) FROM folder) AS folders, (SELECT count(*) FROM file) AS files,
                (SELECT count(*) FROM file WHERE role = 'audio') AS audio,
                (SELECT coalesce(sum(size), 0) FROM file) AS bytes, (SELECT count(*) FROM ignored) AS ignored,
                (SELECT count(*) FROM reading WHERE problem IS NOT NULL) AS problems,
                (SELECT count(*) FROM album) AS groups,
                (SELECT count(*) FROM album WHERE waits IS NOT NULL) AS waiting,
                (SELECT count(*) FROM reading
                    WHERE file_id > ? OR file_id IN (SELECT value FROM json_each(?))) AS read""",
            (self._last_known, json.dumps([*self._unread])),
        )
        totals = dict(zip((column[0] for column in found.description), found.fetchone(), strict=True))
        return {**totals, "carried": totals["audio"] - totals["read"]}

    def finish(self, stats: Mapping[str, object]) -> None:
        """Make the scan one that may be read and carried on from."""
        oldest = "DELETE FROM content_digest WHERE rowid <= (SELECT max(rowid) FROM content_digest) - ?"
        self._sql.execute(oldest, (REMEMBERED_DIGESTS,))
        self._sql.execute("UPDATE scan SET stats = ?", (json.dumps(stats),))
        self._sql.execute("COMMIT")
        self._is_finished = True


@lru_cache(maxsize=1024)
def _insert_readings(columns: tuple[int, ...]) -> str:
    names = ", ".join(READING_COLUMNS[index] for index in columns)
    return f"INSERT OR REPLACE INTO reading ({names}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - names of ours
