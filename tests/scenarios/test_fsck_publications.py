"""Publications nobody could settle → a second try, as of any move, where that cannot lose anything."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import select, update

from config.backup import export_database, import_database
from config.database import Database
from processor.filesystem.files import Tree
from processor.moves import upgrade
from processor.tables import TransferRow
from tests.scenarios.drops import songs
from tests.scenarios.house import House
from tests.scenarios.publishing import LOW_TIDE, add_library, approve, check_libraries, publish, published, take_out
from tests.scenarios.test_fsck import adopt, codes, look, write
from tests.scenarios.test_publish import say
from workflow.operations import publishing
from workflow.operations.fsck import forget_item
from workflow.recovering import recover


@pytest.fixture
def home(house: House) -> tuple[House, int, Path]:
    """An album that is published, after so many cycles that the locks of the roots were not held equally often."""
    library = add_library(house)
    house.drop(LOW_TIDE)
    for _ in range(3):
        house.run()
    (item_id,) = approve(house)
    publish(house, item_id)
    return house, item_id, library


def leave(house: House, kind: str) -> None:
    """Let the last transfer of a kind wait for a person."""
    stuck = update(TransferRow).where(TransferRow.kind == kind)
    write(house, stuck.values(state="attention", error="the disk was pulled"))


@pytest.mark.parametrize("kind", ["publish", "refresh", "upgrade", "restage", "unpublish"])
def test_what_waits_for_a_person_goes_on_when_one_says_so(home: tuple[House, int, Path], kind: str) -> None:
    house, item_id, library = home
    if kind == "refresh":
        say(house, item_id, "genres", ["Folk"])
        publish(house, item_id)
    if kind == "upgrade":
        house.drop(songs("late", "flac", range(3, 4), date="2014"))
        house.run()
        approve(house)
        publish(house, item_id)
    if kind == "restage":
        assert publishing.restage(house.database, house.data, [*house.items()], Event()) == {}
    if kind == "unpublish":
        assert take_out(house, item_id).outcome == "undone"
    before = published(library)
    leave(house, kind)
    assert "Nothing can be lost by going on with it" in "".join(found.message for found in look(house).findings)
    assert "unsettled_transfer" not in codes(adopt(house))
    recover(house.database, house.data, Event())
    with house.database.read() as connection:
        assert set(connection.scalars(select(TransferRow.state))) == {"done"}
    assert published(library) == before
    check_libraries(house)
    assert codes(look(house)) == {}


class _Killed(BaseException):
    """The process ends here."""


def test_an_upgrade_whose_old_album_is_in_the_trash_already_goes_on(
    home: tuple[House, int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no call lets two folders change places, there is a moment in which neither is in its place."""
    house, item_id, library = home
    house.drop(songs("late", "flac", range(3, 4), date="2014"))
    house.run()
    approve(house)
    album, whole = library / "Ada" / "Low Tide (2014)", sorted(house.staging.rglob("*.flac"))

    def refused(*_: object) -> None:
        raise OSError(errno.EINVAL, "no such call")

    def killed(*_: object) -> None:
        raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr(Tree, "exchange", refused)
        patched.setattr(upgrade, "rename_folder", killed)
        with pytest.raises(_Killed):
            publish(house, item_id)
    assert not album.exists()
    leave(house, "upgrade")
    assert "Nothing can be lost by going on with it" in "".join(found.message for found in look(house).findings)
    adopt(house)
    report = recover(house.database, house.data, Event())
    assert (report.cancelled, report.reasons) == ((), ())
    with house.database.read() as connection:
        assert set(connection.scalars(select(TransferRow.state))) == {"done"}
    assert sorted(path.name for path in album.glob("*.flac")) == [path.name for path in whole]
    check_libraries(house)
    assert codes(look(house)) == {}


@contextmanager
def a_backup_is_restored_after(house: House, folder: Path) -> Iterator[None]:
    """Back the database up, and let what is done meanwhile be known to the disks alone."""
    export_database(house.database, folder / "backup", folder)
    yield
    house.database.close()
    house.database = Database(f"sqlite:///{folder / 'restored.db'}")
    import_database(house.database, folder / "backup", folder)


def test_what_was_published_since_a_backup_is_put_back_into_staging_by_hand(house: House, tmp_path: Path) -> None:
    library = add_library(house)
    house.drop(LOW_TIDE)
    house.run()
    ((_, item),) = house.items().items()
    with a_backup_is_restored_after(house, tmp_path):
        publish(house, approve(house)[0])
    (found,) = look(house).findings
    assert (found.code, found.item_id) == ("missing", item["id"])
    assert "where an older database was restored: from a library" in found.message
    (album,) = (file.parent for file in library.rglob("album.nfo"))
    (album / "album.nfo").unlink()
    staged = house.staging / os.fsdecode(item["path"])
    staged.parent.mkdir(parents=True, exist_ok=True)
    album.rename(staged)
    adopt(house)
    assert codes(look(house)) == {}
    house.check_staging()
    publish(house, approve(house)[0])
    check_libraries(house)


def test_what_was_taken_out_of_its_library_since_a_backup_is_told_and_can_be_adopted(
    home: tuple[House, int, Path], tmp_path: Path
) -> None:
    house, item_id, _ = home
    with a_backup_is_restored_after(house, tmp_path):
        take_out(house, item_id)
    leave(house, "publish")
    assert "published_here" not in codes(look(house)), "the publication says what becomes of that folder"
    write(house, update(TransferRow).values(state="done"))
    (found,) = adopt(house).findings
    assert (found.code, found.item_id) == ("published_here", item_id)
    assert f"`greenroom items forget {item_id}`, then this with --adopt" in found.message
    forget_item(house.database, item_id, stop=Event())
    assert codes(adopt(house)) == {"unlisted_album": True}
    house.check_staging()
    publish(house, approve(house)[0])
    check_libraries(house)
