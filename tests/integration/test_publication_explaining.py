"""A library's tree, the ledger and the journal → whose each file is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.database import Database
from config.errors import Misconfigured
from config.libraries import add_library
from processor.publication import ledger
from processor.publication.explaining import Explained, explain
from processor.publication.ledger import Entry
from processor.transfers import journal
from processor.transfers.transfer import Transfer
from tests.faults.world import NOW

OURS, MISSING = [b"Ada/Low/1.mp3", b"Ada/artist.nfo"], [b"Ada/Low/2.mp3", b"Ada/Low/3.mp3"]
IN_PLACE = [b".greenroom-tx/.ignore", b".greenroom-tx/busy/1.mp3", b".greenroom-trash/.nomedia"]
TRASHED = [b".greenroom-trash/t/1.mp3", b".greenroom-trash/t/2.mp3"]
LEFT = [b".greenroom-tx/gone/1.mp3", b"Ada/.greenroom-mark-01234567", b"Ada/Low-/.greenroom-x", b"Ada/Low/.greenroom-x"]
OTHERS = [b".hidden", b"Ada/Low/mine.txt", b"Bob/1.mp3", b"x-/1", b"x/.ignore"]


def test_every_file_of_a_library_is_somebodys(database: Database, tmp_path: Path) -> None:
    root = tmp_path / "library"
    for path in (*OURS, *IN_PLACE, *TRASHED, *LEFT, *OTHERS):
        place = root / os.fsdecode(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"")
    (root / "empty").mkdir()
    with database.begin() as connection:
        library = add_library(connection, "library", os.fsencode(root), now=NOW)
        here = [(library.root_uuid, path) for path in (*OURS, *MISSING)]
        rows = [Entry(*at, "audio", 0, None, None, None, 1, None, 1, "t") for at in (*here, ("other", b"Bob/1.mp3"))]
        ledger.write(connection, rows, NOW)
        journal.plan(connection, [Transfer("busy", "publish", "planned", b"/", b"/", b"x", (), {}, 1, "boot")], NOW)
    assert explain(database, library) == Explained(len(OURS), len(TRASHED), MISSING, LEFT, OTHERS)


def test_nothing_is_missing_from_a_library_whose_disk_is_not_mounted(database: Database, tmp_path: Path) -> None:
    root = tmp_path / "library"
    root.mkdir()
    with database.begin() as connection:
        library = add_library(connection, "library", os.fsencode(root), now=NOW)
    root.rename(tmp_path / "elsewhere")
    root.mkdir()
    with pytest.raises(Misconfigured, match="is its disk mounted"):
        explain(database, library)
