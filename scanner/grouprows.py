"""What was read of files → the rows that grouping takes; the groups it makes, and what they wait for → rows again."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from config.reasons import Reason
from scanner import rows
from scanner.grouping.groups import FolderTracks, Group, TrackRow
from scanner.readiness import UNFINISHED, FileState


class GroupRows:
    """The groups of a scan that is being written, and what is asked of its files for them."""

    def __init__(self, sql: sqlite3.Connection, just_read: Mapping[int, FolderTracks]) -> None:
        self._sql = sql
        self._just_read = just_read  # by the folder's id

    def folders(self) -> Iterator[FolderTracks]:
        """Yield the audio files of every folder, in any order."""
        yield from self._just_read.values()
        with_audio = {row[0] for row in self._sql.execute("SELECT DISTINCT folder_id FROM file WHERE role = 'audio'")}
        others = json.dumps([*(with_audio - self._just_read.keys())])
        # `date` is that of the release at hand; the original date stands in where the release has none.
        found = self._sql.execute(
            """
            SELECT folder_id, file.id, name, title, artist, album, album_artist, track, track_total, disc, disc_total,
                coalesce(date, original_date), mb_release_id, compilation, problem, message
            FROM file LEFT JOIN reading ON file_id = file.id
            WHERE role = 'audio' AND folder_id IN (SELECT value FROM json_each(?)) ORDER BY folder_id, name, file.id""",
            (others,),
        )
        paths = dict(self._sql.execute("SELECT id, path FROM folder"))
        for folder_id, rows_of_folder in groupby(found, itemgetter(0)):
            _, *columns = zip(*rows_of_folder, strict=True)
            yield rows.folder_from(paths[folder_id], columns)

    def tracks(self) -> Iterator[TrackRow]:
        """Yield every audio file, in any order."""
        return (row for folder in self.folders() for row in folder.rows())

    def forget(self) -> None:
        """Begin the list of groups anew."""
        self._sql.execute("DELETE FROM album")

    def keep_whole(self) -> tuple[set[int], set[str]]:
        """Forget the groups that lost a file since the scan before; return the files' ids and the keys of others."""
        there = {row[0] for row in self._sql.execute("SELECT id FROM file")}
        kept: set[int] = set()
        keys: set[str] = set()
        for album_id, group in self.known(only_waiting=False):
            if there.issuperset(ids := group.file_ids):
                kept.update(ids)
                keys.add(group.key)
            else:
                self._sql.execute("DELETE FROM album WHERE id = ?", (album_id,))
        return kept, keys

    def add(self, groups: Iterable[Group]) -> list[tuple[int, Group]]:
        """Add groups and return them with the ids of their rows."""
        (last,) = self._sql.execute("SELECT coalesce(max(id), 0) FROM album").fetchone()
        added = list(enumerate(groups, last + 1))
        found = ((one, rows.storable(group.key), rows.text_of_group(group)) for one, group in added)
        self._sql.executemany("INSERT INTO album (id, key, body) VALUES (?, ?, ?)", found)
        return added

    def known(self, *, only_waiting: bool) -> Iterator[tuple[int, Group]]:
        """Yield the groups of the scan before with the ids of their rows; `set_waits` may be called meanwhile."""
        query = "SELECT id FROM album WHERE waits IS NOT NULL OR NOT ?"
        for album_id in [row[0] for row in self._sql.execute(query, (only_waiting,))]:
            body = self._sql.execute("SELECT body FROM album WHERE id = ?", (album_id,)).fetchone()[0]
            yield album_id, rows.group_of_text(body)

    def set_waits(self, found: Iterable[tuple[int, Sequence[Reason], Sequence[Reason]]]) -> None:
        """Store of groups, by their ids, why they have to wait, and what their reviewer should know."""
        texts = ((rows.text_of_reasons(waits), rows.text_of_reasons(warnings), one) for one, waits, warnings in found)
        self._sql.executemany("UPDATE album SET waits = ?, warnings = ? WHERE id = ?", texts)

    def doubtful_files(self) -> dict[int, FileState]:
        """Return, by id, the files readiness has to know of: not whole or not read, or not probed yet."""
        query = """
            WITH unread AS (SELECT value FROM json_each(?))
            SELECT id, path, name,
                CASE WHEN problem IN unread THEN problem WHEN truncated THEN 'truncated' END AS unfinished, probed
            FROM entry WHERE NOT probed OR truncated OR problem IN unread"""
        found = self._sql.execute(query, (json.dumps([*UNFINISHED]),))
        return {
            file_id: FileState(file_id, folder + b"/" + name if folder else name, unfinished, bool(probed))
            for file_id, folder, name, unfinished, probed in found
        }

    def set_probed(self, file_ids: Iterable[int]) -> None:
        """Remember that nobody was writing to these files."""
        self._sql.executemany("UPDATE file SET probed = 1 WHERE id = ?", ((file_id,) for file_id in file_ids))

    def checksum_lists(self) -> dict[int, bytes]:
        """Return the files that list the checksums of others: their paths, by id."""
        query = "SELECT file.id, path, name FROM file JOIN folder ON folder.id = folder_id WHERE role = 'checksum'"
        return {file_id: os.path.join(path, name) for file_id, path, name in self._sql.execute(query)}
