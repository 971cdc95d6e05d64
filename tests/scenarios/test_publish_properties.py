"""Any sequence of publishing, editing, late tracks, renames and undos → every file of a library is explained."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import libraries
from config.errors import GreenroomError
from processor.metadata import rows as metadata
from processor.metadata.documents import ITSELF
from processor.publication import explaining
from processor.publication.given import Chosen
from processor.publication.pictures import Picture
from tests.faults import ALL
from tests.scenarios import publishing
from tests.scenarios.drops import songs
from tests.scenarios.house import NOW, House
from workflow.operations import deciding
from workflow.operations.publishing import publish_item, unpublish_item

SHM = Path("/dev/shm")
OWN = "by hand"  # how names of somebody's own files begin


class Shelf:
    """A house with a library, and two albums that go in and out of it; `own` counts the files of somebody's there."""

    def __init__(self, folder: Path, url: str, mode: str, chance: random.Random) -> None:
        self.house = House.make(folder, url)
        self.library = publishing.add_library(self.house)
        self.house.change(transfer=mode, replace="better")
        self.chance, self.own, self.late = chance, 0, 2
        self.fronts: list[Picture] = [publishing.picture(self.house, "front", b"picture %d" % n) for n in range(3)]
        for album in ("Low", "High"):
            self.house.drop(songs(album, "mp3", range(1, 3), album=album))
        self.house.run()
        publishing.approve(self.house)

    def item(self) -> int:
        return cast(int, self.chance.choice([item["id"] for item in self.house.items().values()]))

    def chosen(self) -> Chosen:
        fronts = self.chance.sample(self.fronts, self.chance.randint(0, 2))
        ranked = [one._replace(rank=rank) for rank, one in enumerate(fronts, 1)]
        return Chosen(ranked, [one._replace(type="thumb") for one in ranked[:1]])

    def explained(self) -> explaining.Explained:
        with self.house.database.read() as connection:
            (library,) = [one for one in libraries.list_libraries(connection) if one.role == "library"]
        return explaining.explain(self.house.database, library)


def publish(shelf: Shelf) -> None:
    rename = shelf.chance.random() < 0.3
    publish_item(
        publishing.given(shelf.house, shelf.chosen()), shelf.item(), threading.Event(), actor="eva", rename=rename
    )


def take_out(shelf: Shelf) -> None:
    unpublish_item(publishing.given(shelf.house), shelf.item(), threading.Event(), actor="eva")


def approve(shelf: Shelf) -> None:
    deciding.decide(shelf.house.database, shelf.item(), "approved", actor="eva", why="heard it")


def say(shelf: Shelf) -> None:
    field, value = shelf.chance.choice(
        [("title", f"Tide {shelf.chance.randint(1, 3)}"), ("genres", ["Folk"]), ("date", "1999"),
         ("credits", [[shelf.chance.choice(["Ada", "Eva"]), None]])]
    )  # fmt: skip
    with shelf.house.database.begin() as connection:
        metadata.say(connection, shelf.item(), ITSELF, field, value, NOW)


def late(shelf: Shelf) -> None:
    shelf.late += 1
    shelf.house.drop(songs(f"late {shelf.late}", "mp3", range(shelf.late, shelf.late + 1), album="Low"))
    shelf.house.run()


def better(shelf: Shelf) -> None:
    shelf.house.drop(songs(f"better {shelf.late}", "flac", range(1, shelf.late + 1), album="High"))
    shelf.house.run()


def add_own(shelf: Shelf) -> None:
    folder = shelf.chance.choice([path for path in (shelf.library, *shelf.library.rglob("*")) if _is_open(path)])
    (folder / f"{OWN} {shelf.own}.txt").write_bytes(b"mine")
    shelf.own += 1


def edit(shelf: Shelf) -> None:
    made = [path for path in shelf.library.rglob("*") if path.suffix in (".jpg", ".nfo") and _is_open(path.parent)]
    if made:
        path = shelf.chance.choice(made)
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data.replace(b"\n</a", b"\n  <mood>mine</mood>\n</a") if path.suffix == ".nfo" else b"mine")


def _is_open(path: Path) -> bool:
    return path.is_dir() and not any(part.startswith(".greenroom") for part in path.parts)


@pytest.fixture(scope="module")
def empty(_sqlite_template: Path) -> Path:
    """A database with all its tables and nothing in them."""
    return _sqlite_template


ACTS: tuple[Callable[[Shelf], None], ...] = (
    publish, publish, publish, take_out, approve, approve, say, late, better, add_own, edit,
)  # fmt: skip
KINDS = st.lists(st.sampled_from(ACTS), min_size=3, max_size=9)


@pytest.mark.skipif(not SHM.is_dir(), reason="needs a file system in memory, or it takes minutes")
@pytest.mark.timeout(7200 if ALL else 300)
@settings(max_examples=100 if ALL else 4, deadline=None, derandomize=not ALL)
@given(acts=KINDS, mode=st.sampled_from(["move", "copy", "hardlink"]), seed=st.integers(0, 1 << 16))
def test_every_file_of_a_library_is_explained(
    acts: list[Callable[[Shelf], None]], mode: str, seed: int, empty: Path
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="greenroom-", dir=SHM))
    shelf: Any = None
    try:
        url = f"sqlite:///{shutil.copy(empty, folder / 'greenroom.db')}"
        shelf = Shelf(folder, url, mode, random.Random(seed))
        for act in (publish, *acts):
            try:
                act(shelf)
            except GreenroomError:
                continue  # it was refused; what must hold does all the same
            finally:
                check(shelf)
    finally:
        if shelf is not None:
            shelf.house.database.close()
        shutil.rmtree(folder)


def check(shelf: Shelf) -> None:
    """Nothing is missing, nothing left behind, and what is of others is what somebody made or changed, all of it."""
    found = shelf.explained()
    assert (found.missing, found.left) == ([], [])
    for path in found.others:
        whole = shelf.library / os.fsdecode(path)
        assert whole.name.startswith(OWN) or b"mine" in whole.read_bytes(), f"nobody put {path!r} there"
    kept = sorted(path.name for path in shelf.library.rglob(f"{OWN}*") if _is_open(path.parent))
    assert kept == sorted(f"{OWN} {n}.txt" for n in range(shelf.own))
