"""An approved album in staging, and a library: published, published anew, or taken out again; and what must hold."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from sqlalchemy import delete, select, update

from config import libraries
from config.database import Database
from config.libraries import Library
from config.tables import LibraryRow
from processor import publish
from processor.artwork.blobs import Blobs
from processor.artwork.tables import BlobHoldRow, BlobRow
from processor.items import repository, storing
from processor.items.item import Known, NewFile, NewItem
from processor.metadata import rows as metadata
from processor.metadata.documents import ITSELF
from processor.metadata.rows import ItemMetadataRow
from processor.moves.move import Performance, Record
from processor.publication import ledger, planning
from processor.publication.access import AS_IS, Access
from processor.publication.given import Chosen, Options, Publishing
from processor.publication.names import Naming
from processor.publication.pictures import Picture
from processor.recover import RecoveryReport, recover
from processor.tables import LedgerRow, PublicationRow, StagingFile, StagingItem, TransferRow
from processor.taking_back import TakenBack
from processor.transfers import journal, sidecar
from processor.transfers.guard import Guard
from processor.transfers.hidden import PLAYER_IGNORES, TX
from processor.transfers.steps import fill, switch
from processor.transfers.transfer import Strategy, Transfer, TransferFile
from processor.transfers.trash import TRASH
from scanner.identity import Identity
from tests.databases import opened
from tests.faults.world import NOW, Steps, empty_database, put, recovered_twice, tree
from workflow.events import EventRow
from workflow.history import ItemHistoryRow
from workflow.operations import published
from workflow.progress import ProgressRow

HOME: Final = b"A/Ada/Low"
FOLDER: Final = b"Ada/Low"
HIGH: Final = b"Ada/High"  # what it is called by a rename
RENAMED: Final = ("rename", "upgrade and rename")  # kinds that give the album another folder
UPGRADED: Final = ("upgrade", "upgrade and rename")  # kinds that put it with a late track into the place of itself
ANEW: Final = ("refresh", *UPGRADED, "rename")  # kinds that write anew what is said of it
KEPT: Final = (*ANEW, "restage")  # kinds that begin with a published album, and leave it one
MUSIC: Final = {b"01.mp3": b"one" * 900, b"CD 2/01.mp3": b"two" * 800, b"rip.log": b"log", b"caf\xe9.txt": b""}
NAMED: Final = {b"01.mp3": b"01 - One.mp3", b"CD 2/01.mp3": b"02 - Two.mp3", b"rip.log": b"rip.log",
                b"caf\xe9.txt": b"caf\xe9.txt"}  # fmt: skip
FRONTS: Final = (b"\xff\xd8\xff first front", b"\xff\xd8\xff second front")
LATE: Final = b"three" * 700  # a track that came when the album was published
NOTE: Final = b"signed copy"  # a file of somebody's own in the published folder
EDIT: Final = b"<mood>mine</mood>"  # what a person adds to an NFO, and must find there for ever
_TABLES: Final = (
    StagingFile, LedgerRow, PublicationRow, TransferRow, ProgressRow, ItemHistoryRow, EventRow, ItemMetadataRow,
    BlobHoldRow, BlobRow, StagingItem, LibraryRow,
)  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """`kind` is one of publishing, not begun yet; `strongest` is how music may get into the library."""

    kind: str
    folder: Path
    database: Database
    strongest: Strategy
    staging: Library
    library: Library
    item_id: int
    front: bytes  # the picture that is selected now
    recorded: Record = published.recorded
    access: Access = AS_IS
    template: str = "{album_artist}/{album}"  # of folders in the library

    @classmethod
    def make(
        cls, folder: Path, kind: str, strongest: Strategy, like: Scene | None = None, access: Access = AS_IS
    ) -> Scene:
        folder.mkdir()
        database = _emptied(folder, like)
        roots = []
        for role in ("staging", "library"):
            (folder / role).mkdir()
            with database.begin() as connection:
                roots.append(libraries.add_library(connection, role, bytes(folder / role), now=NOW))
        item_id = _staged(database, folder, roots[0])
        scene = cls(kind, folder, database, strongest, roots[0], roots[1], item_id, FRONTS[0], access=access)
        if kind != "publish":
            assert scene.perform_kind("publish", Steps(fence=1)) == "done"
        if kind in ("publish", "unpublish"):
            return scene
        (folder / "library" / "Ada" / "Low" / "note.txt").write_bytes(NOTE)
        if kind == "restage":
            return scene
        for name in ("Ada/artist.nfo", "Ada/Low/album.nfo"):
            path = folder / "library" / name
            path.write_bytes(path.read_bytes().replace(b"\n</a", b"\n  " + EDIT + b"\n</a"))
        with database.begin() as connection:
            metadata.say(connection, item_id, ITSELF, "genres", ["Folk"], NOW)
        if kind in RENAMED:
            with database.begin() as connection:
                metadata.say(connection, item_id, ITSELF, "title", "High", NOW)
        if kind in UPGRADED:
            assert scene.perform_kind("restage", Steps(fence=1)) == "undone"
            _late(database, folder, item_id)
        return replace(scene, front=FRONTS[1])

    @property
    def given(self) -> Publishing:
        cache = Blobs(self.database, self.folder)
        blob = cache.put(self.front, "jpg", NOW)
        picture = Picture("front", 1, blob.sha256, "jpg")
        chosen = Chosen([picture], [picture._replace(type="thumb")] if self.front == FRONTS[0] else [])
        naming = Naming.of(self.template, "[{track:02} - ]{title}")
        options = Options(naming, "move", "all", (), True, False, True, 0, self.access)
        return Publishing(self.database, self.staging, [self.library], options, cache, lambda *_: chosen)

    def perform(self, guard: Guard) -> str:
        """Do what the scene is about; return how it ended."""
        return self.perform_kind(self.kind, guard)

    def perform_kind(self, kind: str, guard: Guard) -> str:
        given, run = self.given, self._performance(guard)
        if kind == "unpublish":
            return self.take_out(guard).outcome
        if kind == "restage":
            return publish.restage(run, self.item_id).outcome
        planned = planning.plan(given, self.item_id, rename=kind in RENAMED)
        if planned.kind == "upgrade" and planned.transfer is None:
            staged = publish.restage(run, self.item_id)
            if staged.outcome != "undone":
                return f"not staged: {staged.reasons}"
            planned = planning.plan(given, self.item_id, rename=True)
        outcome = publish.perform(run, given.cache, planned, published.begun)
        return "done" if outcome.outcome != "failed" else str(outcome.trouble)

    def put_in(self, guard: Guard) -> publish.Outcome:
        """Publish the album for the first time."""
        planned = planning.plan(self.given, self.item_id)
        return publish.perform(self._performance(guard), self.given.cache, planned, published.begun)

    def take_out(self, guard: Guard) -> TakenBack:
        """Take the album out of the library again."""
        return publish.take_out(self._performance(guard), self.item_id, "eva")

    def _performance(self, guard: Guard, boot_id: str = "boot") -> Performance:
        cache = os.fsencode(Blobs(self.database, self.folder).folder)
        return Performance(self.database, guard, self.recorded, NOW, boot_id, self.strongest, 1, blobs=cache)

    def recovered(self, guard: Guard, boot_id: str = "boot") -> RecoveryReport:
        report = recover(self._performance(guard, boot_id), (self.staging.path, self.library.path))
        published.heal(self.database)
        return report

    def status(self) -> str:
        with self.database.read() as connection:
            found = repository.of_id(connection, self.item_id)
        assert found is not None
        return found.status


def _emptied(folder: Path, like: Scene | None) -> Database:
    if like is None:
        (folder / "greenroom.db").write_bytes(empty_database())
        return opened(f"sqlite:///{folder / 'greenroom.db'}")
    for path in ("staging", "library", "blobs"):
        shutil.rmtree(like.folder / path)  # the database of the first one stays
    with like.database.begin() as connection:
        for table in _TABLES:
            connection.execute(delete(table))
    return like.database


def _staged(database: Database, folder: Path, staging: Library) -> int:
    """Stage the album, approved; return its item."""
    inbound = os.fsencode(folder / "in")
    put(inbound, {b"Low/" + path: data for path, data in MUSIC.items()})
    members = tuple(
        TransferFile(b"Low/" + path, path, _role(path), Identity.of(os.lstat(os.path.join(inbound, b"Low", path))))
        for path in MUSIC
    )
    audio = {f.target: n for n, f in enumerate([f for f in members if f.role == "audio"], 1)}
    files = tuple(
        NewFile(f.target, f.role, f.source, None, audio.get(f.target), {1: "One", 2: "Two"}.get(audio.get(f.target, 0)),
                f.identity.size, f.identity.mtime_ns, None, Known({}))
        for f in members
    )  # fmt: skip
    item = NewItem(
        "k", "music_album", "Ada", "Low", None, 1, 2, None, 0, None, None, 1.0, staging.root_uuid, HOME,
        "[]", "[]", "{}", "", "first", None, files,
    ).summed()  # fmt: skip
    first = Transfer("first", "album", "planned", inbound, staging.path, HOME, members, item.to_json(), 1, "boot")
    switch(fill(first, Steps()), Steps())
    shutil.rmtree(inbound)
    with database.begin() as connection:
        journal.plan(connection, [first], NOW)
        for state in ("materialised", "published", "done"):
            (first,) = journal.advance(connection, [first], state, NOW)
        item_id = storing.upsert(connection, [item], NOW)["k"].id
        connection.execute(update(StagingItem).values(status="approved"))
    return item_id


def _late(database: Database, folder: Path, item_id: int) -> None:
    """Let a track join the staged album, which is approved anew."""
    path = os.path.join(bytes(folder), b"staging", HOME, b"03.mp3")
    Path(os.fsdecode(path)).write_bytes(LATE)
    seen = Identity.of(os.lstat(path))
    new = NewFile(b"03.mp3", "audio", b"Late/03.mp3", None, 3, "Three", seen.size, seen.mtime_ns, None, Known({}))
    with database.begin() as connection:
        found = repository.of_id(connection, item_id)
        assert found is not None
        joined = replace(found.item, track_count=3, files=(*found.item.files, new)).summed()
        storing.upsert(connection, [joined], NOW)
        connection.execute(update(StagingItem).values(status="approved"))


def _role(path: bytes) -> str:
    return {b"mp3": "audio", b"log": "log"}.get(path.rpartition(b".")[2], "other")


def _plain(root: bytes) -> dict[bytes, bytes]:
    """Every file of a root that people see, with its bytes."""
    return {path: data for path, data in tree(root).items() if not path.endswith(b"/") and not path.startswith(b".")}


def complaints(scene: Scene) -> Iterator[str]:
    """Say what is broken at any instant."""
    here, there = tree(scene.staging.path), tree(scene.library.path)
    somewhere = {sha256(data).digest() for data in (*here.values(), *there.values())}
    music = MUSIC | ({b"03.mp3": LATE} if scene.kind in UPGRADED else {})
    yield from (f"I1: {path!r} is lost" for path, data in music.items() if sha256(data).digest() not in somewhere)
    shown = [
        {
            path[len(home) + 1 :]: data
            for path, data in _plain(scene.library.path).items()
            if path.startswith(home + b"/")
        }
        for home in (FOLDER, HIGH)
    ]
    if all(shown):
        yield "it is shown twice"
    album = shown[0] or shown[1]
    wanted = {NAMED[path]: data for path, data in MUSIC.items()}
    with scene.database.read() as connection:
        moves = journal.unsettled(connection)
        entries = ledger.entries(connection)
        found = repository.of_id(connection, scene.item_id)
        done = set(connection.scalars(select(TransferRow.kind).where(TransferRow.state.in_(("published", "done")))))
    if (
        album
        and scene.kind != "unpublish"
        and not (wanted.items() <= album.items() and {b"album.nfo", b"cover.jpg", b"folder.jpg"} <= album.keys())
    ):
        yield f"half an album: {sorted(album)}"
    if scene.kind in KEPT and album.get(b"note.txt") != NOTE:
        yield "somebody's own file is not there"
    if scene.kind in ANEW:
        for data in (there.get(b"Ada/artist.nfo", b""), album.get(b"album.nfo", b"")):
            if EDIT not in data:
                yield f"an edit is lost: {data!r}"
    assert found is not None
    at = here if found.item.root_uuid == scene.staging.root_uuid else there
    for file in found.item.files:
        if len(at.get(found.item.path + b"/" + file.path, b"?" * (file.size + 1))) != file.size:
            yield f"I2: the item lists {file.path!r}, which is missing or different"
    left = [path for path in MUSIC if here.get(HOME + b"/" + path) is None]
    if left and "publish" not in done:
        yield f"I3: {left} were removed from staging before the album was published"
    changing = {move.kind for move in moves if move.state in ("materialised", "published")}
    for entry in entries:
        placed = there.get(entry.path)
        edited = entry.sha256 and placed and sha256(placed).hexdigest() != entry.sha256
        if (placed is None or (edited and EDIT not in placed)) and not (
            changing and (entry.sha256 or scene.kind in RENAMED)
        ):
            yield f"the ledger says otherwise of {entry.path!r}"


def unfinished(scene: Scene) -> Iterator[str]:
    """Say what is left over where everything should be settled."""
    home = HIGH if scene.kind in RENAMED else FOLDER
    here, there = tree(scene.staging.path), tree(scene.library.path)
    for path in (*here, *there):
        if (
            path.startswith(TX + b"/") and path.split(b"/")[1] not in (b"", *PLAYER_IGNORES)
        ) or b"/.greenroom-" in path:
            yield f"left behind: {path!r}"
    with scene.database.read() as connection:
        entries = {entry.path for entry in ledger.entries(connection)}
        for row in connection.execute(select(TransferRow.state, TransferRow.error)):
            if row.state not in ("done", "cancelled"):
                yield f"a transfer is {row.state}: {row.error}"
    if unknown := _plain(scene.library.path).keys() - entries - {home + b"/note.txt"}:
        yield f"the ledger does not know {sorted(unknown)}"
    out = scene.kind == "unpublish"
    if scene.status() != ("pending_review" if out else "published"):
        yield f"the item is {scene.status()}"
    staged = [HOME + b"/" + path for path in (*MUSIC, sidecar.NAME)] if out or scene.kind == "restage" else []
    if sorted(_plain(scene.staging.path)) != sorted(staged):
        yield f"in staging: {sorted(_plain(scene.staging.path))}"
    made = (b"album.nfo", b"cover.jpg", b"folder.jpg", sidecar.NAME)
    names = [] if out else [b"Ada/artist.nfo", *(home + b"/" + name for name in (*NAMED.values(), *made))]
    names += [b"Ada/artist.jpg", b"Ada/folder.jpg", b"Ada/poster.jpg"] if scene.kind in ("publish", "restage") else []
    names += [home + b"/note.txt"] if scene.kind in KEPT else []
    names += [home + b"/03 - Three.mp3"] if scene.kind in UPGRADED else []
    if sorted(_plain(scene.library.path)) != sorted(names):
        yield f"in the library: {sorted(_plain(scene.library.path))}"
    if scene.kind in ANEW and there[home + b"/cover.jpg"] != FRONTS[1]:
        yield "the picture is the old one"
    trashed = [path for path in there if path.startswith(TRASH + b"/") and path.endswith(b"/01 - One.mp3")]
    if len(trashed) != (scene.kind in (*UPGRADED, *RENAMED)):
        yield f"in the trash: {trashed}"


def converges(scene: Scene) -> list[str]:
    """Recover twice and do what was never done; return what is broken on the way or left over at the end."""
    roots = (scene.staging.path, scene.library.path)
    wrong = recovered_twice(scene.recovered, lambda: complaints(scene), roots)
    if scene.kind != "unpublish" or scene.status() == "published":
        ended = scene.perform(Steps(fence=5))
        wrong += [] if ended in ("done", "undone") else [f"afterwards it is {ended}"]
    return [*wrong, *complaints(scene), *unfinished(scene)]
