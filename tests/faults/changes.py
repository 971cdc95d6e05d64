"""A staged album and what changes it: late tracks that join, or a better album that replaces it; and what must hold."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, delete, select

from config.database import Database
from processor.items import repository
from processor.items.item import Known, NewFile, NewItem
from processor.moves.move import Performance
from processor.recover import RecoveryReport, recover
from processor.settle import settle
from processor.staging.changing import change
from processor.staging.staged import record_item
from processor.tables import StagingFile, StagingItem, TransferRow
from processor.transfers import journal, sidecar, source_folders
from processor.transfers.clearing import remove_sources
from processor.transfers.guard import Guard
from processor.transfers.hidden import TX
from processor.transfers.steps import fill, switch
from processor.transfers.transfer import State, Strategy, Transfer, TransferFile
from processor.transfers.trash import TRASH
from scanner.identity import Identity
from tests.databases import opened
from tests.faults.traced import mark
from tests.faults.world import NOW, Steps, empty_database, put, recovered_twice, tree

TARGET: Final = b"A/Ada/Low"
OLD: Final = {b"01.mp3": b"old one" * 900, b"02.mp3": b"old two" * 800, b"art/cover.jpg": b"cover", b"rip.log": b"log"}
NEW: Final = {
    "merge": {b"03.mp3": b"late" * 700, b"CD 2/01.mp3": b"disc two" * 900, b"caf\xe9.txt": b""},
    "replace": {b"01.flac": b"new one" * 900, b"02.flac": b"new two" * 900, b"CD 2/01.flac": b"bonus" * 99},
}
KEPT: Final = {b"art/cover.jpg": b"cover"}  # of the old album, beside the new one
SEEDED: Final = b"seeds"  # second names of all files, outside both roots


@dataclass(frozen=True)
class Scene:
    """`inbound` and `staging` hold one change that was not begun; `seeds` has a second name of every file."""

    kind: str
    folder: Path
    inbound: bytes
    staging: bytes
    database: Database
    strongest: Strategy

    @classmethod
    def make(cls, folder: Path, kind: str, strongest: Strategy, like: Scene | None = None) -> Scene:
        folder.mkdir()
        if like is None:
            (folder / "greenroom.db").write_bytes(empty_database())
            database = opened(f"sqlite:///{folder / 'greenroom.db'}")
        else:
            database = like.database
            for root in (like.inbound, like.staging, os.path.join(os.fsencode(like.folder), SEEDED)):
                shutil.rmtree(root)  # the database of the first one stays
            with database.begin() as connection:
                for table in (StagingFile, StagingItem, TransferRow):
                    connection.execute(delete(table))
        scene = cls(kind, folder, os.fsencode(folder / "in"), os.fsencode(folder / "out"), database, strongest)
        os.mkdir(scene.inbound)
        os.mkdir(scene.staging)
        put(scene.inbound, {b"old/" + path: data for path, data in OLD.items()})
        first = scene._transfer("album", b"old/", OLD, "first", 1)
        filled = fill(first, Steps(), strongest=strongest)
        switch(filled, Steps())
        with database.begin() as connection:
            journal.plan(connection, [filled], NOW)
            _publish(connection, filled)
        remove_sources(filled, Steps())
        with database.begin() as connection:
            for state in ("materialised", "published", "done"):
                (filled,) = journal.advance(connection, [filled], state, NOW)
        put(scene.inbound, {b"new/" + path: data for path, data in NEW[kind].items()})
        for root in (scene.inbound, scene.staging):
            for path in tree(root):
                seed = os.path.join(os.fsencode(folder), SEEDED, os.path.basename(root), path)
                if not path.endswith(b"/") and os.path.basename(path) != sidecar.NAME:
                    os.makedirs(os.path.dirname(seed), exist_ok=True)
                    os.link(os.path.join(root, path), seed)
        return scene

    def _transfer(self, kind: str, base: bytes, files: dict[bytes, bytes], id: str, fence: int) -> Transfer:
        members = tuple(
            TransferFile(base + path, path, _role(path), Identity.of(os.lstat(os.path.join(self.inbound, base + path))))
            for path in files
        )
        rows = tuple(
            NewFile(f.target, f.role, f.source, None, n, "Song", f.identity.size, f.identity.mtime_ns, None, Known({}))
            for n, f in enumerate(members, 1)
        )
        item = NewItem(
            "k", "music_album", "Ada", "Low", None, 1, len(rows), None, 0, None, None, 1.0, "", TARGET,
            "[]", "[]", "{}", "", id, None, rows,
        ).summed()  # fmt: skip
        roots = (self.inbound, self.staging)
        transfer = Transfer(id, kind, "planned", *roots, TARGET, members, item.to_json(), fence, "boot")
        folders = source_folders.look_at(self.inbound, [file.source for file in members])
        return replace(transfer, source_folders=tuple(folders.values()))

    def performance(self, guard: Guard, boot_id: str = "boot") -> Performance:
        return Performance(self.database, guard, _publish, NOW, boot_id, self.strongest, 1)

    def perform(self, guard: Guard) -> State:
        """Plan the change and take it through all its steps."""
        with self.database.read() as connection:
            known = journal.states(connection, ["second", "third"])
        id = "third" if "second" in known else "second"
        transfer = self._transfer("album", b"new/", NEW[self.kind], id, guard.fence)
        return settle(self.performance(guard), change(self.database, self.kind, transfer, NOW)).state

    def recovered(self, guard: Guard, boot_id: str = "boot") -> RecoveryReport:
        roots = (self.inbound, self.staging)
        return recover(self.performance(guard, boot_id), roots)

    def after(self) -> dict[bytes, bytes]:
        """What the folder holds in the end."""
        return NEW[self.kind] | (OLD if self.kind == "merge" else KEPT)

    def seeds(self) -> dict[bytes, tuple[int, int, int, bytes]]:
        """Inode, time, mode and bytes of every second name."""
        root = os.path.join(os.fsencode(self.folder), SEEDED)
        found = {}
        for path, data in tree(root).items():
            stat = os.lstat(os.path.join(root, path))
            found[path] = (stat.st_ino, stat.st_mtime_ns, stat.st_mode, data)
        return {path: value for path, value in found.items() if not path.endswith(b"/")}


def _role(path: bytes) -> str:
    return {b"mp3": "audio", b"flac": "audio", b"jpg": "picture", b"log": "log"}.get(path.rpartition(b".")[2], "other")


def _publish(connection: Connection, transfer: Transfer) -> None:
    mark("published")
    record_item(connection, transfer)


def complaints(scene: Scene) -> Iterator[str]:
    """Say what is broken at any instant."""
    here, there = tree(scene.inbound), tree(scene.staging)
    somewhere = {sha256(data).digest() for data in (*here.values(), *there.values())}
    for data in (*OLD.values(), *NEW[scene.kind].values()):
        if sha256(data).digest() not in somewhere:
            yield f"I1: {data[:9]!r} is lost"
    shown = {
        path[len(TARGET) + 1 :]: data
        for path, data in there.items()
        if path.startswith(TARGET + b"/") and not path.endswith(b"/") and sidecar.NAME not in path
    }
    whole = [OLD, scene.after()]
    if scene.kind == "replace" and shown not in whole:
        yield f"half an album: {sorted(shown)}"
    if scene.kind == "merge" and not (OLD.items() <= shown.items() <= scene.after().items()):
        yield f"not the album, nor what joins it: {sorted(shown)}"
    with scene.database.read() as connection:
        rows = connection.execute(select(StagingFile.path, StagingFile.size)).all()
        states = journal.states(connection, ["second", "third"])
        undos = set(connection.scalars(select(TransferRow.state).where(TransferRow.undoes.is_not(None))))
    if len(rows) not in (len(OLD), len(scene.after())):
        yield f"the item lists {len(rows)} files"
    # Between the exchange and its commit the row tells of the album that was there a moment ago.
    exchanged = scene.kind == "replace" and "materialised" in {*states.values(), *undos}
    if not exchanged and any(len(shown.get(path, b"?" * (size + 1))) != size for path, size in rows):
        yield f"I2: the item lists {[row.path for row in rows]}, there is {sorted(shown)}"
    gone = [path for path in NEW[scene.kind] if b"new/" + path not in here]
    if gone and not {"published", "done"} & set(states.values()):
        yield f"I3: {gone} were removed while the transfer is {states}"
    with_sidecar = there.get(TARGET + b"/" + sidecar.NAME)
    if with_sidecar is None or sidecar.decode(with_sidecar).transfer_id not in ("first", "second", "third"):
        yield "I6: the album's folder has no sidecar"


def unfinished(scene: Scene) -> Iterator[str]:
    """Say what is left over where everything should be settled."""
    here, there = tree(scene.inbound), tree(scene.staging)
    yield from (f"left in inbound: {path!r}" for path in here)
    for path in there:
        if path.startswith(TX + b"/") and path.count(b"/") > 1:
            yield f"left in the transfer folder: {path!r}"
    parts = {path: path.split(b"/", 2) for path in there if not path.endswith(b"/")}
    trashed = {names[2]: there[path] for path, names in parts.items() if names[0] == TRASH and len(names) == 3}
    trashed.pop(sidecar.NAME, None)
    if trashed != (OLD if scene.kind == "replace" else {}):
        yield f"in the trash: {sorted(trashed)}"
    with scene.database.read() as connection:
        recorded = repository.recorded(connection, ["k"])["k"]
        rows = connection.execute(select(TransferRow.state, TransferRow.error)).all()
    if {file.path: file.size for file in recorded.item.files} != {p: len(d) for p, d in scene.after().items()}:
        yield f"the item lists {[file.path for file in recorded.item.files]}"
    if (recorded.revision, recorded.status) != (2, "pending_review"):
        yield f"the item is {recorded.status} at revision {recorded.revision}"
    yield from (f"a transfer is {row.state}: {row.error}" for row in rows if row.state not in ("done", "cancelled"))
    written = sidecar.decode(there[TARGET + b"/" + sidecar.NAME])
    if {
        file.target for file in written.files
    } != scene.after().keys() or written.transfer_id != recorded.item.transfer_id:
        yield "the sidecar tells of another album"


def converges(scene: Scene) -> list[str]:
    """Recover twice and do what was never begun; return what is broken on the way or left over at the end."""
    seeds = scene.seeds()
    wrong = recovered_twice(scene.recovered, lambda: complaints(scene), (scene.inbound, scene.staging))
    if any(not path.endswith(b"/") for path in tree(scene.inbound)):
        scene.perform(Steps(fence=5))
    wrong += [*complaints(scene), *unfinished(scene)]
    if scene.seeds() != seeds:
        wrong.append("a seeding twin changed")
    return wrong
