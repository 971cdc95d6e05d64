"""Two roots, a database, an album or two; the verb under test; and the checker of what must hold whatever happens."""

from __future__ import annotations

import datetime as dt
import functools
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from config.database import Database
from config.errors import GreenroomError, LeaseLost
from config.tables import whole_schema
from processor.moves.move import Performance
from processor.recover import RecoveryReport, recover
from processor.tables import StagingFile, StagingItem, TransferRow
from processor.transfers import journal, sidecar, source_folders
from processor.transfers.building import build, sync_sources
from processor.transfers.clearing import remove_sources
from processor.transfers.guard import Guard
from processor.transfers.hidden import TX
from processor.transfers.rolling_back import roll_back
from processor.transfers.steps import above_hidden, above_target, rename, sync_above, sync_built
from processor.transfers.transfer import State, Strategy, Transfer, TransferFile
from scanner.identity import Identity
from tests.databases import opened

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
TWO_DISCS = {b"Band - Two/CD 1/01.flac": b"disc one" * 900, b"Band - Two/CD 2/01.flac": b"disc two" * 800}
ALBUMS = {
    b"Band - Two": TWO_DISCS | {b"Band - Two/caf\xe9.jpg": b"cover", b"Band - Two/empty.log": b""},
    b"Solo - One": {b"Solo - One/1.mp3": b"solo" * 5000},
}
ALBUM = {b"Band - Two": {b"Band - Two/CD 1/1.mp3": b"one", b"Band - Two/caf\xe9.jpg": b"cover"}}
ONE, COVER = ALBUM[b"Band - Two"]
FINAL = b"B/Band - Two/"
FOREIGN = {b"M/Mine/2000 - Kept/1.mp3": b"was here before"}


class Killed(BaseException):
    """The process ends here: nothing in the program may catch this, as nothing catches SIGKILL."""


class Steps:
    """A guard that counts the steps, and dies before the one it was told to, by its number or its label."""

    def __init__(self, die_at: int | str | None = None, fence: int = 1) -> None:
        self.fence = fence
        self.labels: list[str] = []
        self._die_at = die_at

    def check(self, label: str) -> None:
        self.labels.append(label)
        if self._die_at in (len(self.labels), label):
            raise Killed(label)

    def check_stop(self) -> None:
        """Nobody asks for a stop here."""


class At(Steps):
    """A guard that does something once, before the first step whose label begins so."""

    def __init__(self, label: str, act: Callable[[], object], fence: int = 2) -> None:
        super().__init__(fence=fence)
        self._label, self._act = label, act

    def check(self, label: str) -> None:
        super().check(label)
        if label.startswith(self._label) and sum(told.startswith(self._label) for told in self.labels) == 1:
            self._act()


@dataclass(frozen=True)
class World:
    """`inbound` and `staging` may be on two file systems; the database is on the first."""

    inbound: bytes
    staging: bytes
    database: Database
    albums: dict[bytes, dict[bytes, bytes]]
    strongest: Strategy

    @classmethod
    def make(
        cls,
        folder: Path,
        albums: dict[bytes, dict[bytes, bytes]],
        strongest: Strategy,
        like: World | None = None,
        elsewhere: Path | None = None,
    ) -> World:
        """Make a new world; with the emptied database of another one, which is quicker, if `like` is given.

        Its staging root is below `elsewhere`, if that is given.
        """
        inbound, staging = os.fsencode(folder / "in"), os.fsencode((elsewhere or folder) / "out")
        if like is None:
            (folder / "greenroom.db").write_bytes(empty_database())
            database = opened(f"sqlite:///{folder / 'greenroom.db'}")
        else:
            database = like.database
            with database.begin() as connection:
                for table in (StagingFile, StagingItem, TransferRow):
                    connection.execute(delete(table))
        made = cls(inbound, staging, database, albums, strongest)
        os.mkdir(inbound)
        os.mkdir(staging)
        put(inbound, {path: data for files in albums.values() for path, data in files.items()})
        put(staging, FOREIGN)
        return made

    def target(self, album: bytes) -> bytes:
        return album[:1] + b"/" + album

    def plan(self, connection: Connection, fence: int) -> list[Transfer]:
        """What the planner would do: one transfer for each album whose folder is there and whose place is free."""
        taken = journal.reserved(connection, self.inbound, self.staging)
        planned = []
        for album, files in self.albums.items():
            there = [
                path
                for path in files
                if os.path.lexists(os.path.join(self.inbound, path)) and path not in taken.sources
            ]
            if not there or os.path.lexists(os.path.join(self.staging, self.target(album))):
                continue
            members = tuple(
                TransferFile(
                    path, path[len(album) + 1 :], "audio", Identity.of(os.lstat(os.path.join(self.inbound, path)))
                )
                for path in there
            )
            item = {"key": album.decode("utf-8", "backslashreplace"), "note": "Ærø ☃"}
            roots = (self.inbound, self.staging)
            transfer = Transfer(
                str(uuid.uuid4()), "album", "planned", *roots, self.target(album), members, item, fence, "boot"
            )
            folders = source_folders.look_at(self.inbound, there)
            planned.append(replace(transfer, source_folders=tuple(folders.values())))
        return planned

    def planned(self) -> Transfer:
        """Plan the only album there is."""
        with self.database.read() as connection:
            (transfer,) = self.plan(connection, 1)
        return transfer

    def perform(self, guard: Guard) -> list[Transfer]:
        """Take every album through all its states."""
        return move(self, guard)

    def recovered(self, guard: Guard) -> RecoveryReport:
        """Recover, once."""
        return recovered(self, guard)


@functools.cache
def empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        database = Database(f"sqlite:///{path}")
        whole_schema().create_all(database.engine)
        database.close()
        return path.read_bytes()


def put(root: bytes, files: dict[bytes, bytes]) -> None:
    for path, data in files.items():
        where = os.path.join(root, path)
        os.makedirs(os.path.dirname(where), exist_ok=True)
        Path(os.fsdecode(where)).write_bytes(data)


def publish(connection: Connection, transfer: Transfer) -> None:
    """Record the item and its files, as the repository would: again is the same."""
    connection.execute(delete(StagingItem).where(StagingItem.key == transfer.item["key"]))
    row = {
        "key": transfer.item["key"], "kind": "music_album", "status": "pending_review", "revision": 1, "discs": 1,
        "track_count": len(transfer.files), "size": 0, "confidence": 1.0, "root_uuid": "", "path": transfer.target,
        "evidence": [], "warnings": [], "sources": {}, "checksum": "", "transfer_id": transfer.id,
        "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    (item_id,) = connection.execute(insert(StagingItem).values(row).returning(StagingItem.id)).one()
    for file in transfer.files:
        values = {"path": file.target, "role": file.role, "source": file.source, "size": file.identity.size}
        values |= {"item_id": item_id, "mtime_ns": file.identity.mtime_ns, "digest": file.digest, "facts": {}}
        connection.execute(insert(StagingFile).values(values))


def move(world: World, guard: Guard, workers: int = 2) -> list[Transfer]:
    """Take every album through all its states, as the verb of a cycle does; return the transfers as they ended."""
    with world.database.begin() as connection:
        planned = world.plan(connection, guard.fence)
        journal.plan(connection, planned, NOW)
    ended: list[Transfer] = []

    def step(transfers: list[Transfer], acts: list[object], to: State, publishing: bool = False) -> list[Transfer]:
        acted = transfers
        for act in acts:  # with all albums, before any goes on
            transfers, acted = acted, []
            for transfer in transfers:
                try:
                    acted.append(act(transfer) or transfer)  # type: ignore[operator]  # build returns one, others none
                except LeaseLost:
                    raise
                except GreenroomError as error:
                    ended.append(_give_up(world, transfer, guard, error))
        guard.check(f"commit {to}")
        with world.database.begin() as connection:
            if publishing:
                for transfer in acted:
                    publish(connection, transfer)
            return list(journal.advance(connection, acted, to, NOW))

    def fill(t: Transfer) -> Transfer:
        durable = sync_sources(t, guard) if world.strongest == "link" else None
        return build(t, guard, strongest=world.strongest, workers=workers, durable=durable)

    def sync_above_hidden(t: Transfer) -> None:
        sync_above(t.dst_root, above_hidden(t), guard)

    def sync_above_target(t: Transfer) -> None:
        sync_above(t.dst_root, above_target(t), guard)

    filled = step(planned, [fill, lambda t: sync_built(t, guard), sync_above_hidden], "materialised")
    switched = step(filled, [lambda t: rename(t, guard), sync_above_target], "published", publishing=True)
    return ended + step(switched, [lambda t: remove_sources(t, guard) and None], "done")


def _give_up(world: World, transfer: Transfer, guard: Guard, error: GreenroomError) -> Transfer:
    if transfer.state == "published":
        return replace(transfer, error=error.reason_code)
    try:
        state = roll_back(transfer, guard)
    except LeaseLost:
        raise
    except GreenroomError as second:
        return replace(transfer, error=second.reason_code)  # it stays open, and recovery looks at it
    if state != transfer.state:
        with world.database.begin() as connection:
            journal.advance(connection, [replace(transfer, error=error.message)], state, NOW)
    return replace(transfer, state=state, error=error.reason_code)


def recovered(world: World, guard: Guard, boot_id: str = "boot") -> RecoveryReport:
    """Recover, once."""
    roots = (world.inbound, world.staging)
    return recover(Performance(world.database, guard, publish, NOW, boot_id, world.strongest), roots)


def tree(root: bytes) -> dict[bytes, bytes]:
    """Every file below a root with its content; folders end in a slash."""
    found: dict[bytes, bytes] = {}
    for folder, names, files in os.walk(root):
        inner = os.path.relpath(folder, root)
        prefix = b"" if inner == b"." else inner + b"/"
        found |= {prefix + name + b"/": b"" for name in names}
        found |= {prefix + name: Path(os.fsdecode(os.path.join(folder, name))).read_bytes() for name in files}
    return found


def complaints(world: World) -> Iterator[str]:
    """Say what is broken, at any instant, however the process ended: I1–I4, and "whole or not at all"."""
    here, there = tree(world.inbound), tree(world.staging)
    somewhere = {sha256(data).digest() for data in (*here.values(), *there.values())}
    with world.database.read() as connection:
        rows = connection.execute(
            select(StagingItem.path, StagingFile.path, StagingFile.source).join(StagingFile)
        ).all()
        moves = select(TransferRow.target, TransferRow.state).where(TransferRow.undoes.is_(None))
        states = {row.target: row.state for row in connection.execute(moves)}
    for album, files in world.albums.items():
        final = world.target(album)
        for path, data in files.items():
            placed = final + b"/" + path[len(album) + 1 :]
            if sha256(data).digest() not in somewhere:
                yield f"I1: {path!r} is lost"
            if final + b"/" in there and there.get(placed) != data:
                yield f"half an album: {placed!r} is missing or different"
            if path not in here and states.get(final) not in ("published", "done"):
                yield f"I3: {path!r} was removed while its transfer is {states.get(final)}"
    for folder, path, source in rows:
        if there.get(folder + b"/" + path) != world.albums[source.split(b"/")[0]][source]:
            yield f"I2: a row names {path!r}, which is missing or different"
    for path, data in FOREIGN.items():
        if there.get(path) != data:
            yield f"I4: {path!r} was overwritten"


def unfinished(world: World) -> Iterator[str]:
    """Say what is left over where everything should be settled."""
    for path in tree(world.inbound):
        yield f"left in the inbound folder: {path!r}"
    for path in tree(world.staging):
        if path.startswith(TX + b"/") and path.count(b"/") > 1:
            yield f"left in the transfer folder: {path!r}"
    for album in world.albums:
        if world.target(album) + b"/" + sidecar.NAME not in tree(world.staging):
            yield f"not staged: {album!r}"
    with world.database.read() as connection:
        for row in connection.execute(select(TransferRow.state, TransferRow.error)):
            if row.state not in ("done", "cancelled"):
                yield f"a transfer is {row.state}: {row.error}"


def recovered_twice(
    recover: Callable[[Steps], RecoveryReport], complain: Callable[[], Iterator[str]], roots: Sequence[bytes]
) -> list[str]:
    """Recover twice; return what is broken on the way."""
    wrong = [*complain()]
    recover(Steps(fence=3))
    wrong += complain()
    before = [tree(root) for root in roots]
    again = recover(Steps(fence=4))
    if again.done or again.cancelled or before != [tree(root) for root in roots]:
        wrong.append("I5: a second recovery changed something")
    return wrong


def converges(world: World) -> list[str]:
    """Recover twice and finish what was never begun; return what is broken on the way or left over at the end."""
    wrong = recovered_twice(world.recovered, lambda: complaints(world), (world.inbound, world.staging))
    move(world, Steps(fence=5))
    wrong += [*complaints(world), *unfinished(world)]
    world.database.close()
    return wrong
