"""Any damage at all → no byte lost or changed, no row deleted, and a second run that finds nothing more to repair."""

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
from sqlalchemy import Connection, delete, select, update

from config.database import Database
from config.errors import Rejected
from config.lease import Guard
from config.locks import hold
from config.tables import LibraryRow
from processor.fsck.fsck import repair
from processor.fsck.repairs import Workshop
from processor.fsck.sighting import Effort
from processor.items.presence import Limits
from processor.tables import StagingFile, StagingItem, TransferRow
from processor.transfers import sidecar
from processor.transfers.hidden import TX
from scanner.options import silent
from tests.faults import ALL
from tests.memory import memory
from tests.scenarios.drops import JPEG, songs
from tests.scenarios.house import House
from tests.scenarios.test_fsck import adopt, content, look
from workflow.roots import resolve_roots

SIDECAR = os.fsdecode(sidecar.NAME)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, _sqlite_template: Path) -> Path:
    """The folder of a house with four staged albums, one of which has digests."""
    folder = tmp_path_factory.mktemp("fsck")
    house = House.make(folder, f"sqlite:///{shutil.copy(_sqlite_template, folder / 'greenroom.db')}")
    house.drop(songs("One", "mp3", range(1, 3), album="One"))
    house.run()
    adopt(house, verify=True)
    for album in ("Two", "Three"):
        house.drop(songs(album, "mp3", range(1, 3), album=album) | {f"{album}/cover.jpg": JPEG})
    for disc in ("1", "2"):
        house.drop(songs(f"Four/CD{disc}", "mp3", range(1, 3), album="Four", disc=f"{disc}/2"))
    house.run()
    house.database.close()
    return folder


def copy_of(template: Path, folder: Path) -> House:
    """Make a house like the template's; times are kept, inodes are other ones."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    house = House(folder / "inbound", folder / "staging", folder / "data", Database(f"sqlite:///{folder}/greenroom.db"))
    with house.database.begin() as connection:
        for role in ("inbound", "staging"):
            path = os.fsencode(folder / role)
            connection.execute(update(LibraryRow).where(LibraryRow.role == role).values(path=path))
        roots = {"src_root": os.fsencode(house.inbound), "dst_root": os.fsencode(house.staging)}
        connection.execute(update(TransferRow).values(roots))
    return house


Chance = random.Random
Damage = Callable[[House, Chance], None]


def write(house: House, statement: Any) -> None:
    with house.database.begin() as connection:
        connection.execute(statement)


def an_item(house: House, chance: Chance) -> int:
    with house.database.read() as connection:
        return chance.choice([*connection.scalars(select(StagingItem.id)).all(), -1])


def a_folder(house: House, chance: Chance) -> Path:
    return chance.choice([path.parent for path in sorted(house.staging.rglob(SIDECAR))] or [house.staging / "none"])


def a_file(house: House, chance: Chance) -> Path | None:
    files = sorted(path for path in a_folder(house, chance).rglob("*") if path.is_file() and path.name != SIDECAR)
    return chance.choice(files) if files else None


def lose_an_item(house: House, chance: Chance) -> None:
    write(house, delete(StagingItem).where(StagingItem.id == an_item(house, chance)))


def lose_a_file_row(house: House, chance: Chance) -> None:
    with house.database.read() as connection:
        rows = [tuple(row) for row in connection.execute(select(StagingFile.item_id, StagingFile.path))]
    if rows:
        item_id, path = chance.choice(sorted(rows))
        write(house, delete(StagingFile).where(StagingFile.item_id == item_id, StagingFile.path == path))


def lose_a_transfer(house: House, chance: Chance) -> None:
    with house.database.read() as connection:
        ids = sorted(connection.scalars(select(TransferRow.id)))
    write(house, delete(TransferRow).where(TransferRow.id == chance.choice([*ids, ""])))


def unsettle_a_transfer(house: House, chance: Chance) -> None:
    with house.database.read() as connection:
        ids = sorted(connection.scalars(select(TransferRow.id)))
    write(house, update(TransferRow).where(TransferRow.id == chance.choice([*ids, ""])).values(state="attention"))


def point_a_row_elsewhere(house: House, chance: Chance) -> None:
    path = chance.choice([b"nowhere", os.fsencode(a_folder(house, chance).relative_to(house.staging))])
    write(house, update(StagingItem).where(StagingItem.id == an_item(house, chance)).values(path=path))


def call_an_item_missing(house: House, chance: Chance) -> None:
    write(house, update(StagingItem).where(StagingItem.id == an_item(house, chance)).values(status="missing"))


def take_a_folder_away(house: House, chance: Chance) -> None:
    shutil.rmtree(a_folder(house, chance), ignore_errors=True)


def move_a_folder(house: House, chance: Chance) -> None:
    folder, to = a_folder(house, chance), house.staging / f"moved {chance.randrange(3)}"
    if folder.exists() and not to.exists():
        folder.rename(to)


def hide_a_folder(house: House, chance: Chance) -> None:
    folder = a_folder(house, chance)
    if folder.exists() and (folder / SIDECAR).read_bytes()[:1] == b"{":
        try:
            told = sidecar.decode((folder / SIDECAR).read_bytes())
        except Rejected:
            return
        to = house.staging / os.fsdecode(TX) / told.transfer_id
        if not to.exists() and to.parent.is_dir():
            folder.rename(to)


def copy_a_folder(house: House, chance: Chance) -> None:
    folder, to = a_folder(house, chance), house.staging / f"copy {chance.randrange(3)}"
    if folder.exists() and not to.exists():
        shutil.copytree(folder, to)


def take_a_file_away(house: House, chance: Chance) -> None:
    if file := a_file(house, chance):
        file.unlink()


def write_to_a_file(house: House, chance: Chance) -> None:
    if file := a_file(house, chance):
        stat, data = file.stat(), bytearray(file.read_bytes())
        data[chance.randrange(len(data))] ^= 1
        file.write_bytes(data)
        if chance.random() < 0.5:
            os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def touch_a_file(house: House, chance: Chance) -> None:
    if file := a_file(house, chance):
        os.utime(file, ns=(1, chance.randrange(10**18)))


def add_a_file(house: House, chance: Chance) -> None:
    folder = chance.choice([house.staging, a_folder(house, chance)])
    if folder.is_dir():
        (folder / f"mine {chance.randrange(9)}.txt").write_text("mine")


def break_a_sidecar(house: House, chance: Chance) -> None:
    path = a_folder(house, chance) / SIDECAR
    if path.exists():
        path.write_bytes(chance.choice([b"", b"{", b"[]", b"\xff", b'{"greenroom_sidecar": 1, "transfer": 3}']))


def take_a_sidecar_away(house: House, chance: Chance) -> None:
    (a_folder(house, chance) / SIDECAR).unlink(missing_ok=True)


def bring_a_source_back(house: House, chance: Chance) -> None:
    if file := a_file(house, chance):
        (house.inbound / "One").mkdir(exist_ok=True)
        shutil.copy2(file, house.inbound / "One" / "01 - Song 1.mp3")


DAMAGES: tuple[Damage, ...] = (
    lose_an_item, lose_a_file_row, lose_a_transfer, unsettle_a_transfer, point_a_row_elsewhere, call_an_item_missing,
    take_a_folder_away, move_a_folder, hide_a_folder, copy_a_folder, take_a_file_away, write_to_a_file, touch_a_file,
    add_a_file, break_a_sidecar, take_a_sidecar_away, bring_a_source_back,
)  # fmt: skip


@given(
    damages=st.lists(st.sampled_from(DAMAGES), min_size=1, max_size=8),
    chance=st.randoms(use_true_random=False),
    verify=st.booleans(),
)
@settings(max_examples=int(os.environ.get("GREENROOM_EXAMPLES", "40")))
def test_whatever_is_damaged_nothing_is_lost_and_a_second_run_has_nothing_to_repair(
    template: Path, damages: list[Damage], chance: Chance, verify: bool
) -> None:
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        house = copy_of(template, Path(folder))
        try:
            for damage in damages:
                damage(house, chance)
            ids = {row["id"] for row in house.items().values()}
            look(house, verify=verify)
            adopt(house, verify=verify)
            assert ids <= {row["id"] for row in house.items().values()}, "a row was deleted"
        finally:
            house.database.close()


class Killed(BaseException):
    """The process ends here."""


class Mortal:
    """A real guard that dies at the n-th thing it is asked."""

    def __init__(self, guard: Guard, die_at: int) -> None:
        self.fence = guard.fence
        self.asked = 0
        self._guard, self._die_at = guard, die_at

    def _count(self) -> None:
        self.asked += 1
        if self.asked == self._die_at:
            raise Killed

    def check(self, label: str) -> None:
        self._count()
        self._guard.check(label)

    def check_stop(self) -> None:
        self._count()

    def confirm(self, connection: Connection) -> None:
        self._count()
        self._guard.confirm(connection)


def damaged(template: Path, folder: Path) -> House:
    """A house that needs every kind of repair."""
    house = copy_of(template, folder)
    items = {row["album"]: row for row in house.items().values()}
    places = {album: house.staging / os.fsdecode(row["path"]) for album, row in items.items()}
    hidden = items["One"]["transfer_id"]
    places["One"].rename(house.staging / os.fsdecode(TX) / hidden)
    write(house, update(TransferRow).where(TransferRow.id == hidden).values(state="attention"))
    (places["Two"] / SIDECAR).unlink()
    write(house, delete(StagingItem).where(StagingItem.album.in_(["One", "Three"])))
    write(house, update(StagingItem).where(StagingItem.album == "Four").values(status="missing"))
    places["Four"].rename(house.staging / "moved")
    return house


def repair_until(house: House, die_at: int) -> int:
    """Repair, and die on the way; return how often the guard was asked."""
    roots = resolve_roots(house.database)
    with hold(house.database, [roots.staging, roots.inbound], "test", threading.Event()) as guard:
        mortal = Mortal(guard, die_at)
        try:
            effort = Effort(verify=True, baseline=True, workers=1)
            shop = Workshop(house.database, cast(Guard, mortal), roots)
            repair(shop, effort, Limits(), silent)
        except Killed:
            pass
        return mortal.asked


def test_a_repair_that_is_killed_anywhere_is_finished_by_the_next_one(template: Path) -> None:
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        house = damaged(template, Path(folder))
        steps = repair_until(house, 0)
        whole = content(house)
        house.database.close()
    assert steps > 30
    for die_at in range(1, steps + 1, 1 if ALL else 5):
        with tempfile.TemporaryDirectory(dir=memory()) as folder:
            house = damaged(template, Path(folder))
            before = house.contents()
            repair_until(house, die_at)
            assert house.contents() == before
            assert adopt(house, verify=True).left == 0
            assert timeless(content(house)) == timeless(whole), f"killed at {die_at}"
            house.database.close()


def timeless(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Leave the times of files out: each copy of the house has its own."""
    without = {"mtime_ns"}
    files = {
        key: [{k: v for k, v in file.items() if k not in without} for file in row["files"]] for key, row in rows.items()
    }
    return {key: {**row, "files": files[key], "checksum": None, "root_uuid": None} for key, row in rows.items()}
