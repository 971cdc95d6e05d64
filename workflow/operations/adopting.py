"""A folder of music that others made → an index of it, and how each album differs from what publishing would make."""

from __future__ import annotations

import os
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from config import admin
from config.database import Database
from config.errors import Stopped
from config.libraries import root_paths
from processor.adoption import Album, Twin, Twins, compare
from processor.items import repository
from processor.publication import ledger
from scanner.options import Progress
from scanner.scan import scan_folder
from scanner.scandb import ScanDb
from scanner.scanfiles import prune
from workflow.phase import settings_of

INDEXES: Final = "adopt"  # the folder of the scan DBs, below the data folder


Difference = Literal[
    "folder", "names", "nfo", "pictures", "artist", "tags", "in_doubt", "known", "as_wanted"
]  # fmt: skip
WORDS: Final[Mapping[str, str]] = {  # what albums may differ in
    "folder": "in other folders", "names": "with other names", "nfo": "with another NFO, or none",
    "pictures": "without some picture", "artist": "without files of the artist", "tags": "without some tag",
    "in_doubt": "in doubt", "known": "staged or published, too",
}  # fmt: skip


class Comparison(NamedTuple):
    """A library beside what publishing would make of it."""

    scan_db: Path
    albums: Sequence[Album]
    differing: Mapping[str, Sequence[Album]]  # by what they differ in: pages ask again and again

    @property
    def counts(self) -> Mapping[str, int]:
        """How many albums there are, and how many differ in what."""
        return Counter({"albums": len(self.albums), **{name: len(those) for name, those in self.differing.items()}})

    def of(self, difference: Difference | None) -> Sequence[Album]:
        """Return the albums that differ in one thing; None: all."""
        return self.albums if difference is None else self.differing.get(difference, ())


def differences(album: Album) -> list[str]:
    """Return what an album differs in, as words; `as_wanted` where it does not."""
    found = {
        "folder": album.folder != album.wanted, "names": bool(album.renamed), "nfo": album.nfo != "same",
        "pictures": bool(album.pictures), "artist": bool(album.beside), "tags": bool(album.lacking),
        "in_doubt": bool(album.reasons), "known": album.twin is not None and not album.twin.is_here,
        "as_wanted": album.is_as_wanted,
    }  # fmt: skip
    return [name for name, differs in found.items() if differs]


def plain_album(album: Album) -> dict[str, Any]:
    """Return an album for JSON; paths stay bytes."""
    values = album._asdict() | {"as_wanted": album.is_as_wanted, "differs": differences(album)}
    for name in ("renamed", "reasons", "lacking"):
        values[name] = [one._asdict() for one in values[name]]
    values["twin"] = album.twin and album.twin._asdict()
    return values


def adopt(database: Database, data_dir: Path, root: bytes, stop: threading.Event, progress: Progress) -> Comparison:
    """Index a folder, and compare it; nothing in it is changed. Raises Stopped, and Misconfigured for no folder."""
    with database.read() as connection:
        publish = settings_of(connection, "publish")
        staging, _ = admin.staging_scan(connection)
    options, indexes = publish.options(), data_dir / INDEXES
    indexes.mkdir(mode=0o750, exist_ok=True)
    path, _ = scan_folder(root, indexes, workers=staging.workers, stop=stop, progress=progress)
    prune(indexes, root, 1)
    albums = []
    with ScanDb.open(path) as scan:
        for album in compare(root, scan, options.naming, options.profile, _twins(database, root)):
            albums.append(album)
            progress("compare", len(albums), None)
            if stop.is_set():
                raise Stopped("the comparison was stopped; the index is kept")
    differing: defaultdict[str, list[Album]] = defaultdict(list)
    for one in albums:
        for name in differences(one):
            differing[name].append(one)
    return Comparison(path, albums, dict(differing))


def _twins(database: Database, root: bytes) -> Twins:
    with database.read() as connection:
        roots = root_paths(connection)

    def twin(key: str, folder: bytes) -> Twin | None:
        with database.read() as connection:
            found = repository.recorded(connection, [key]).get(key)
            if found is None:
                return None
            item_id = repository.id_of(connection, key)
            home = ledger.publication(connection, item_id)
        places = [(found.item.root_uuid, found.item.path), *([(home.root_uuid, home.path)] if home else [])]
        here = os.path.join(root, folder)
        return Twin(item_id, found.status, here in [os.path.join(roots.get(one, b""), path) for one, path in places])

    return twin
