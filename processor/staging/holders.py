"""Albums of inbound → the items of other keys that have music of them, found by size and proven by content. Reads only.

Sizes are looked up for all albums at once. They only say where to look; what is read then most likely is the same.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext

from config.answering import ANSWERS
from config.database import Database
from config.errors import GreenroomError, Stopped
from config.libraries import Roots
from processor.filesystem.files import Tree, is_file
from processor.filesystem.paths import within
from processor.items import repository
from processor.items.repository import Head, StagedFile
from processor.planning.copies import MOST, Holder, is_telling
from processor.planning.naming import PlannedFile, Proposal
from processor.staging.encounters import Contents
from scanner.facts import Facts
from scanner.identity import Identity


class Holders:
    """Finds who has the music of an album; `places` has the paths of roots, by uuid."""

    def __init__(
        self,
        database: Database,
        roots: Roots,
        places: Mapping[str, bytes],
        contents: Contents,
        albums: Iterable[Proposal],
    ) -> None:
        self._database = database
        self._inbound, self._staging = roots.inbound, roots.staging
        self._places = places
        self._facts, self._digests = contents
        sizes = {file.identity.size for album in albums for file in album.music}
        self._alike = defaultdict[int, list[tuple[int, int]]](list)  # by size: items, and how many tracks they have
        with database.read() as connection:
            for size, item_id, count in repository.of_sizes(connection, sizes):
                self._alike[size].append((item_id, count))

    def of(self, album: Proposal) -> tuple[Holder, ...]:
        """Return the items that seem to have music of an album, the likeliest first, and not more than are worth it."""
        music = album.music
        alike = Counter[int]()
        for size, count in Counter(file.identity.size for file in music).items():
            for item_id, theirs in self._alike.get(size, ()):
                alike[item_id] += min(count, theirs)
        likely = [item_id for item_id, count in alike.items() if count > 1 or len(music) == 1]
        if not likely:
            return ()
        with self._database.read() as connection:
            heads = [head for head in repository.heads(connection, likely) if head.key != album.group.key]
            heads = [head for head in heads if is_telling(alike[head.item_id], len(music), head.tracks)]
            heads = sorted(heads, key=lambda head: (-alike[head.item_id], head.tracks != len(music)))[:MOST]
            files = repository.files(connection, [head.item_id for head in heads])
        return tuple(self._look_at(head, files.get(head.item_id, ()), music) for head in heads)

    def _look_at(self, head: Head, files: Sequence[StagedFile], music: Sequence[PlannedFile]) -> Holder:
        place, is_staged = self._places.get(head.root_uuid), head.root_uuid == self._staging.root_uuid
        tracks = [file for file in files if file.role == "audio"]
        try:
            shared, alike = (0, 0)
            if place:
                with nullcontext() if is_staged else ANSWERS.beside(place):
                    shared, alike = self._compare(place, head.path, tracks, music)
        except Stopped:
            raise
        except GreenroomError:  # the album does not depend on it
            shared = alike = 0
        return Holder(
            item_id=head.item_id,
            artist=head.album_artist,
            album=head.album,
            folder=head.path if is_staged else None,
            shown=head.path if is_staged else os.path.join(place or b"", head.path),
            status=head.status,
            tracks=len(tracks),
            shared=shared,
            alike=alike,
            from_here=_folders(music) <= _folders(tracks),
        )

    def _compare(
        self, place: bytes, folder: bytes, tracks: Sequence[StagedFile], music: Sequence[PlannedFile]
    ) -> tuple[int, int]:
        """Count the files whose bytes, and those whose size, codec and length, a track has that is there."""
        wanted = {file.identity.size for file in music}
        with Tree(place) as there, Tree(self._inbound.path) as inbound:
            found: list[tuple[StagedFile, str]] = []
            for track in tracks:
                path = within(folder, track.path)
                with there.explained("look at", path):
                    stands = there.stat(path)
                if stands is not None and is_file(stands) and stands.st_size == track.size and track.size in wanted:
                    found.append((track, self._digests(there, path, Identity.of(stands))))
            sizes = {track.size for track, _ in found}
            like = [file for file in music if file.identity.size in sizes]
            mine = Counter(self._digests(inbound, file.source, file.identity) for file in like)
        facts = self._facts([file.file_id for file in like])
        sound = Counter(_sound(file.identity.size, facts.get(file.file_id, Facts())._asdict()) for file in like)
        shared = mine & Counter(digest for _, digest in found)
        alike = sound & Counter(_sound(track.size, track.facts) for track, _ in found)
        return shared.total(), alike.total()


def _folders(files: Iterable[PlannedFile | StagedFile]) -> set[bytes]:
    return {os.path.dirname(file.source) for file in files}


def _sound(size: int, facts: Mapping[str, object]) -> tuple[object, ...]:
    return size, facts.get("codec"), facts.get("duration_ms")
