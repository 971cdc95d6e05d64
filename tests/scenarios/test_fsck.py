"""A staging library damaged in one way → what fsck says of it, what it repairs, and that it touches no music."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from config.backup import export_database, import_database
from config.database import Database
from config.errors import LeaseLost, Misconfigured, NeedsReview, Rejected
from config.libraries import list_libraries, suspend
from config.locks import hold
from config.tables import LeaseRow
from processor.fsck.finding import Finding, WriteSidecar
from processor.fsck.forget import forget
from processor.fsck.fsck import FsckReport
from processor.fsck.repairs import Workshop, perform
from processor.tables import StagingFile, StagingItem, TransferRow
from processor.transfers import sidecar
from processor.transfers.hidden import TX
from scanner.options import silent
from tests.scenarios.drops import JPEG, rights_bind, songs
from tests.scenarios.house import House
from workflow import history
from workflow.operations.fsck import forget_item, fsck
from workflow.roots import resolve_roots
from workflow.suspension import resume

ALBUMS = ("Low Tide", "High Tide", "Slack Water")
# What a restored row may have otherwise: it is a new row that waits for review.
NEW = {"id", "status", "revision", "created_at", "updated_at"}


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A house with three staged albums, one of them on two discs, on each kind of database."""
    made = House.make(tmp_path, database_url)
    for album in ALBUMS[:2]:
        made.drop(songs(album, "mp3", range(1, 3), album=album) | {f"{album}/cover.jpg": JPEG})
    for disc in ("1", "2"):
        made.drop(songs(f"Slack Water/CD{disc}", "mp3", range(1, 3), album="Slack Water", disc=f"{disc}/2"))
    assert [line.split()[0] for line in made.cycle(rehearsed=False)] == ["staged"] * 3
    yield made
    made.database.close()


def look(house: House, *, verify: bool = False) -> FsckReport:
    """Run fsck as a check; it must change nothing."""
    before, rows = house.look(), house.items()
    report = fsck(house.database, verify=verify, adopt=False, stop=threading.Event(), progress=silent)
    assert (house.look(), house.items()) == (before, rows), "a check changed something"
    return report


def adopt(house: House, *, verify: bool = False, moved: bool = False) -> FsckReport:
    """Run fsck --adopt: bytes stay what they were; a second run repairs nothing, changes nothing and finds no more."""
    before = house.contents()
    report = fsck(house.database, verify=verify, adopt=True, stop=threading.Event(), progress=silent)
    assert house.contents() == before, "bytes were lost, doubled or changed"
    settled, rows = house.look(), house.items()
    again = fsck(house.database, verify=verify, adopt=True, stop=threading.Event(), progress=silent)
    assert not [finding for finding in again.findings if finding.repaired], "a second run repaired more"
    assert {(f.code, f.paths) for f in again.findings} <= {(f.code, f.paths) for f in report.findings}
    assert (house.look(), house.items()) == (settled, rows), "a second run changed something"
    return report


def codes(report: FsckReport) -> dict[str, bool]:
    """What was found, and whether all of it was repaired."""
    found: dict[str, bool] = {}
    for finding in report.findings:
        found[finding.code] = found.get(finding.code, True) and finding.repaired
    return found


def content(house: House) -> dict[str, dict[str, Any]]:
    """The rows as their albums decide them."""
    return {key: {k: v for k, v in item.items() if k not in NEW} for key, item in house.items().items()}


def item(house: House, album: str) -> dict[str, Any]:
    return next(item for item in house.items().values() if item["album"] == album)


def folder(house: House, album: str) -> Path:
    return house.staging / os.fsdecode(item(house, album)["path"])


def track(house: House, album: str) -> Path:
    return sorted(folder(house, album).rglob("*.mp3"))[0]


def write(house: House, statement: Any) -> None:
    with house.database.begin() as connection:
        connection.execute(statement)


def test_a_library_as_a_cycle_leaves_it_is_clean(house: House) -> None:
    report = look(house)
    assert (report.findings, report.albums, report.files) == ((), 3, 10)
    assert adopt(house).findings == ()


@pytest.mark.parametrize("seed", range(4))
def test_rows_deleted_at_random_come_back_equal(house: House, seed: int) -> None:
    before = content(house)
    chance = random.Random(seed)
    for row in house.items().values():
        if chance.random() < 0.5:
            write(house, delete(StagingItem).where(StagingItem.id == row["id"]))
            if chance.random() < 0.5:
                write(house, delete(TransferRow).where(TransferRow.id == row["transfer_id"]))
        for file in row["files"]:
            if chance.random() < 0.3:
                gone = (StagingFile.item_id == row["id"], StagingFile.path == file["path"])
                write(house, delete(StagingFile).where(*gone))
    assert look(house).left == sum(f.repair is not None for f in look(house).findings)
    report = adopt(house)
    assert report.left == 0
    assert content(house) == before
    with house.database.read() as connection:
        states = set(connection.scalars(select(TransferRow.state)))
        assert states == {"done"}
    house.check_staging()


def test_what_was_staged_after_a_backup_is_adopted_once_it_is_restored(house: House, tmp_path: Path) -> None:
    export_database(house.database, tmp_path / "backup", tmp_path)
    house.drop(songs("Neap", "mp3", range(1, 4), album="Neap"))
    house.cycle()
    after = content(house)
    house.database.close()
    house.database = Database(f"sqlite:///{tmp_path / 'restored.db'}")
    import_database(house.database, tmp_path / "backup", tmp_path)
    assert codes(look(house)) == {"unlisted_album": False}
    assert codes(adopt(house)) == {"unlisted_album": True}
    assert content(house) == after
    assert house.run().status == "done"
    house.check_staging()


def test_an_album_staged_anew_after_a_backup_is_told_by_its_sidecar(house: House, tmp_path: Path) -> None:
    export_database(house.database, tmp_path / "backup", tmp_path)
    shutil.rmtree(folder(house, "Low Tide"))
    house.drop(songs("Low Tide", "mp3", range(1, 5), album="Low Tide"))
    assert house.run().status == "done"
    after = content(house)
    house.database.close()
    house.database = Database(f"sqlite:///{tmp_path / 'restored.db'}")
    import_database(house.database, tmp_path / "backup", tmp_path)
    assert codes(adopt(house)) == {"row_outdated": True}
    assert content(house) == after


def test_copied_albums_are_adopted_byte_by_byte(house: House) -> None:
    """Digests stand in the sidecar of an album that was copied; a single other byte is not adopted."""
    assert codes(adopt(house, verify=True)) == {"no_digest": True}
    before = content(house)
    write(house, delete(StagingItem))
    bad = next(house.staging.rglob("Low Tide/*.mp3"))
    stat = bad.stat()
    data = bad.read_bytes()
    bad.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(bad, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    report = adopt(house)
    assert codes(report) == {"unlisted_album": False}
    assert [f.repaired for f in report.findings].count(False) == 1
    assert "is not what was put there" in next(f.message for f in report.findings if not f.repaired)
    bad.write_bytes(data)  # at another time: its digest vouches for it
    assert codes(adopt(house)) == {"unlisted_album": True}
    assert {key: row["size"] for key, row in content(house).items()} == {
        key: row["size"] for key, row in before.items()
    }


def test_an_album_without_a_row_that_lost_a_file_is_not_adopted_and_says_which(house: House) -> None:
    write(house, delete(StagingItem).where(StagingItem.album == "Low Tide"))
    lost = next(house.staging.rglob("*Low Tide/*.mp3"))
    lost.unlink()
    (found,) = adopt(house).findings
    assert (found.code, found.repaired) == ("unlisted_album", False)
    assert house.staging / os.fsdecode(found.paths[0]) == lost
    assert "Put them back" in found.message


def test_a_folder_that_was_removed_is_missing_and_found_again(house: House, tmp_path: Path) -> None:
    place = folder(house, "Low Tide")
    before, other = item(house, "Low Tide"), item(house, "High Tide")
    place.rename(tmp_path / "away")
    report = adopt(house)
    assert codes(report) == {"missing": False}, "it is a finding until somebody decides"
    assert item(house, "Low Tide")["status"] == "missing"
    (tmp_path / "away").rename(place)
    assert codes(adopt(house)) == {"found_again": True}
    after = item(house, "Low Tide")
    assert after["status"] == "pending_review"
    assert (after["id"], after["files"]) == (before["id"], before["files"])
    assert item(house, "High Tide") == other
    with house.database.read() as connection:
        happened = [[one["why"] for one in history.of_item(connection, one["id"])][1:] for one in (after, other)]
    assert happened == [["fsck found its folder or files gone", "fsck found it whole in its folder again"], []]


def test_a_file_that_is_missing_is_named_and_nothing_is_forgotten(house: House) -> None:
    lost = track(house, "Slack Water")
    data, stat = lost.read_bytes(), lost.stat()
    lost.unlink()
    report = adopt(house)
    (found,) = report.findings
    assert found.code == "file_missing"
    assert os.fsencode(house.staging / os.fsdecode(found.paths[0])) == os.fsencode(lost)
    assert len(item(house, "Slack Water")["files"]) == 4
    assert item(house, "Slack Water")["status"] == "missing"
    lost.write_bytes(data)
    os.utime(lost, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert codes(adopt(house)) == {"found_again": True}


def test_a_file_that_was_changed_is_named_and_left_as_it_is(house: House) -> None:
    track(house, "Low Tide").write_bytes(b"edited by hand")
    rows = house.items()
    report = adopt(house)
    assert codes(report) == {"file_changed": False}
    assert "Put back what was there" in report.findings[0].message
    assert house.items() == rows


def test_bits_that_rot_are_only_seen_by_reading(house: House) -> None:
    first = adopt(house, verify=True)
    assert codes(first) == {"no_digest": True}
    assert (first.unproven, look(house, verify=True).compared) == (0, 10)
    rotten = track(house, "High Tide")
    data, stat = bytearray(rotten.read_bytes()), rotten.stat()
    data[len(data) // 2] ^= 1
    rotten.write_bytes(data)
    os.utime(rotten, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    unread = look(house)
    assert (unread.findings, unread.compared, unread.unproven) == ((), 0, 0)
    assert codes(look(house, verify=True)) == {"file_damaged": False}
    assert codes(adopt(house, verify=True)) == {"file_damaged": False}
    os.utime(rotten)
    assert codes(adopt(house)) == {"file_changed": False}, "its sidecar knows no better than its row"


@pytest.mark.parametrize("grain", [100, 10_000_000, 1_000_000_000, 2_000_000_000])
def test_a_disk_that_cuts_off_times_shows_no_file_as_touched(house: House, grain: int) -> None:
    """NTFS keeps 100 ns, exFAT 10 ms or a second, FAT two."""
    adopt(house, verify=True)
    for path in house.staging.rglob("*.mp3"):
        given = path.stat().st_mtime_ns
        os.utime(path, ns=(given, given - given % grain))
    assert look(house, verify=True).findings == ()


def test_without_digests_a_verify_says_how_much_it_could_not_compare(house: House) -> None:
    report = look(house, verify=True)
    assert (report.findings, report.compared, report.unproven) == ((), 0, 10)


def test_a_file_whose_time_alone_changed_is_read_and_its_row_follows(house: House) -> None:
    adopt(house, verify=True)
    touched = track(house, "Low Tide")
    os.utime(touched, ns=(1, 1))
    assert codes(look(house)) == {"file_touched": False}
    assert codes(adopt(house)) == {"file_touched": True}
    assert 1 in {file["mtime_ns"] for file in item(house, "Low Tide")["files"]}


def test_a_digest_survives_the_database(house: House) -> None:
    adopt(house, verify=True)
    before = content(house)
    write(house, delete(StagingItem))
    assert codes(adopt(house)) == {"unlisted_album": True}
    assert content(house) == before


def test_foreign_files_in_an_album_are_named_and_left_alone(house: House) -> None:
    (folder(house, "Low Tide") / "notes.txt").write_text("mine")
    (folder(house, "Low Tide") / "more").mkdir()
    (folder(house, "Low Tide") / "more" / "b.jpg").write_bytes(JPEG)
    (folder(house, "Low Tide") / "link").symlink_to("/etc/passwd")
    (folder(house, "Low Tide") / ".DS_Store").write_bytes(b"a program's, not a person's")
    (found,) = adopt(house).findings
    assert found.code == "foreign_file"
    assert sorted(os.path.basename(path) for path in found.paths) == [b"b.jpg", b"link", b"notes.txt"]


def test_a_folder_nobody_knows_is_named_and_left_alone(house: House) -> None:
    mine = house.staging / "Mine" / "Album"
    mine.mkdir(parents=True)
    (mine / "1.mp3").write_bytes(b"music")
    (found,) = adopt(house).findings
    assert (found.code, found.root, found.paths) == ("unknown_folder", bytes(house.staging), (b"Mine/Album",))


def test_a_folder_without_row_and_with_a_broken_sidecar_is_nobodys(house: House) -> None:
    place = folder(house, "Low Tide")
    (place / "album.greenroom.json").write_bytes(b"{")
    write(house, delete(StagingItem).where(StagingItem.album == "Low Tide"))
    assert codes(adopt(house)) == {"unknown_folder": False}
    assert (place / "album.greenroom.json").read_bytes() == b"{"


@pytest.mark.parametrize("year", ["1e30", str(1 << 80), '"then"', "[1999]"])
def test_a_sidecar_with_a_value_no_row_holds_keeps_no_other_album_from_being_adopted(house: House, year: str) -> None:
    path = folder(house, "Low Tide") / "album.greenroom.json"
    path.write_text(re.sub(r'"year": \w+', f'"year": {year}', path.read_text()))
    write(house, delete(StagingItem))
    report = adopt(house)
    assert sorted(f.repaired for f in report.findings) == [False, True, True]
    assert sorted(row["album"] for row in house.items().values()) == ["High Tide", "Slack Water"]


@pytest.mark.sqlite
def test_a_sidecar_whose_item_lacks_a_file_that_it_lists_is_not_adopted(house: House) -> None:
    """Else the file would lie there, and no row would know it."""
    path = folder(house, "Low Tide") / "album.greenroom.json"
    said = json.loads(path.read_bytes())
    del said["item"]["files"][0]
    path.write_text(json.dumps(said))
    write(house, delete(StagingItem).where(StagingItem.album == "Low Tide"))
    (found,) = adopt(house).findings
    assert (found.code, found.repaired) == ("unlisted_album", False)
    assert "lists other files than its item has" in found.message


@pytest.mark.sqlite
def test_of_an_album_that_changed_since_it_was_looked_at_no_sidecar_is_written(house: House) -> None:
    path = folder(house, "Low Tide") / "album.greenroom.json"
    path.unlink()
    low = item(house, "Low Tide")["id"]
    wanted = Finding("sidecar_wrong", "…", repair=WriteSidecar(low))
    roots = resolve_roots(house.database)
    song = track(house, "Low Tide")
    data = song.read_bytes()
    with hold(house.database, roots.both, "a test", threading.Event()) as guard:
        shop = Workshop(house.database, guard, roots)
        for change in (song.unlink, lambda: song.write_bytes(b"changed meanwhile")):
            change()
            (left,) = perform(shop, [wanted])
            assert (left.repaired, left.repair, "changed just now" in left.message) == (False, None, True)
            assert not path.exists()
        song.write_bytes(data)
        assert perform(shop, [wanted])[0].repaired
    assert path.exists()


@pytest.mark.parametrize("broken", [None, b"", b"{", b"not json", b'{"greenroom_sidecar": 1}'])
def test_a_sidecar_that_is_missing_or_broken_is_written_from_the_row(house: House, broken: bytes | None) -> None:
    before = content(house)
    path = folder(house, "Slack Water") / "album.greenroom.json"
    path.unlink()
    if broken is not None:
        path.write_bytes(broken)
    assert codes(adopt(house)) == {"sidecar_wrong": True}
    assert sidecar.decode(path.read_bytes()).item["album"] == "Slack Water"
    write(house, delete(StagingItem))
    write(house, delete(TransferRow))
    assert codes(adopt(house)) == {"unlisted_album": True}
    assert content(house) == before, "what was written tells less than what was there before"


def test_a_sidecar_of_another_transfer_is_written_from_the_row(house: House) -> None:
    """Whoever changes the album later looks there whether the folder is what the item knows."""
    path = folder(house, "Low Tide") / "album.greenroom.json"
    old = item(house, "Low Tide")["transfer_id"]
    path.write_bytes(path.read_bytes().replace(old.encode(), b"another"))
    assert codes(adopt(house)) == {"sidecar_wrong": True}
    assert sidecar.decode(path.read_bytes()).transfer_id == old


def test_a_sidecar_of_another_version_is_left_alone(house: House) -> None:
    path = folder(house, "Low Tide") / "album.greenroom.json"
    path.write_bytes(b'{"greenroom_sidecar": 99}')
    assert codes(adopt(house)) == {"unreadable": False}
    assert path.read_bytes() == b'{"greenroom_sidecar": 99}'


def test_a_row_follows_its_folder_within_staging(house: House) -> None:
    old, before = folder(house, "Slack Water"), item(house, "Slack Water")
    new = house.staging / "Renamed" / "by hand \udcff"
    new.parent.mkdir()
    old.rename(new)
    assert codes(look(house)) == {"folder_moved": False}
    assert codes(adopt(house)) == {"folder_moved": True}
    after = item(house, "Slack Water")
    assert after["path"] == os.fsencode("Renamed/by hand \udcff")
    kept = ("id", "status", "files", "transfer_id")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    house.check_staging()


def test_a_moved_folder_that_lost_a_file_is_not_followed(house: House) -> None:
    old = folder(house, "Low Tide")
    old.rename(house.staging / "elsewhere")
    next((house.staging / "elsewhere").glob("*.mp3")).unlink()
    assert codes(adopt(house)) == {"missing": False}
    assert item(house, "Low Tide")["status"] == "missing"
    assert folder(house, "Low Tide") == old


def test_a_copy_of_an_album_is_named_and_left_alone(house: House) -> None:
    shutil.copytree(folder(house, "Low Tide"), house.staging / "copy")
    rows = house.items()
    assert codes(adopt(house)) == {"copied_folder": False}
    assert house.items() == rows


def test_of_two_copies_without_a_row_the_one_in_its_place_is_adopted(house: House) -> None:
    before = content(house)
    shutil.copytree(folder(house, "Low Tide"), house.staging / "copy")
    write(house, delete(StagingItem).where(StagingItem.album == "Low Tide"))
    assert codes(adopt(house)) == {"unlisted_album": True, "copied_folder": False}
    assert content(house) == before


def test_two_rows_for_one_folder_are_told_apart_by_its_sidecar(house: House) -> None:
    mine, other = item(house, "Low Tide"), item(house, "High Tide")
    write(house, update(StagingItem).where(StagingItem.id == other["id"]).values(path=mine["path"]))
    report = adopt(house)
    assert codes(report) == {"folder_moved": True}, "the other one is found by its own sidecar"
    house.check_staging()


def test_two_rows_for_one_folder_without_a_sidecar_are_a_persons_to_decide(house: House) -> None:
    mine = item(house, "Low Tide")
    (folder(house, "Low Tide") / "album.greenroom.json").unlink()
    (folder(house, "High Tide") / "album.greenroom.json").unlink()
    with house.database.begin() as connection:
        other = item(house, "High Tide")["id"]
        connection.execute(delete(StagingFile).where(StagingFile.item_id == other))
        for file in mine["files"]:
            connection.execute(insert(StagingFile).values({**file, "item_id": other}))
        size = sum(file["size"] for file in mine["files"])
        connection.execute(update(StagingItem).where(StagingItem.id == other).values(path=mine["path"], size=size))
    rows = house.items()
    assert codes(adopt(house))["listed_twice"] is False
    assert house.items() == rows


def test_many_albums_that_are_gone_at_once_are_not_marked(house: House, tmp_path: Path) -> None:
    (house.staging / "AD").rename(tmp_path / "unplugged")
    rows = house.items()
    assert codes(adopt(house)) == {"mass_vanished": False, "missing": False}
    assert house.items() == rows
    resume(house.database, os.fsencode(house.staging))
    assert {row["status"] for row in house.items().values()} == {"missing"}
    (tmp_path / "unplugged").rename(house.staging / "AD")
    assert codes(adopt(house)) == {"found_again": True}


def test_a_root_that_is_not_mounted_is_refused_and_a_suspended_one_can_be_looked_at(house: House) -> None:
    with house.database.begin() as connection:
        suspend(connection, next(lib for lib in list_libraries(connection) if lib.role == "staging"), "a test")
    assert look(house).findings == ()
    with pytest.raises(Misconfigured, match="suspended"):
        adopt(house)
    (house.staging / ".greenroom-root").unlink()
    with pytest.raises(Misconfigured, match="is its disk mounted"):
        look(house)


def test_a_link_in_the_place_of_a_folder_is_not_followed(house: House) -> None:
    place = folder(house, "Low Tide")
    place.rename(place.with_name("x"))
    place.symlink_to(place)
    assert codes(adopt(house)) == {"folder_moved": True, "unknown_folder": False}


def test_who_was_taken_over_while_it_looked_repairs_nothing(house: House) -> None:
    """Another host has the root then, and moves albums that only seem to be gone."""

    def take_over(*_said: Any) -> None:
        write(house, update(LeaseRow).values(fence=LeaseRow.fence + 1))

    def was_missing() -> None:
        write(house, update(StagingItem).where(StagingItem.album == "Low Tide").values(status="missing"))

    def has_no_row() -> None:
        write(house, delete(StagingItem).where(StagingItem.album == "Low Tide"))

    def stands_elsewhere() -> None:
        folder(house, "Low Tide").rename(house.staging / "elsewhere")

    def is_gone() -> None:
        shutil.rmtree(folder(house, "Low Tide"))

    stop = threading.Event()
    for damage in (was_missing, has_no_row, stands_elsewhere, is_gone):
        damage()
        before = house.items()
        with pytest.raises(LeaseLost):
            fsck(house.database, verify=False, adopt=True, stop=stop, progress=take_over)
        assert house.items() == before
        fsck(house.database, verify=False, adopt=True, stop=stop, progress=silent)
        assert item(house, "Low Tide")["status"] == ("missing" if damage is is_gone else "pending_review")


def test_who_was_taken_over_meanwhile_forgets_nothing_and_writes_no_sidecar(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another host has the root then, and may have found the album."""

    def lost(_label: str) -> None:
        raise LeaseLost("taken over")

    gone, path = item(house, "Low Tide"), folder(house, "Slack Water") / "album.greenroom.json"
    shutil.rmtree(folder(house, "Low Tide"))
    path.unlink()
    before, roots = house.items(), resolve_roots(house.database)
    with hold(house.database, roots.both, "a test", threading.Event()) as guard:
        write(house, update(LeaseRow).values(fence=LeaseRow.fence + 1))
        with pytest.raises(LeaseLost):
            forget(house.database, guard, gone["id"])
        wanted = Finding("sidecar_wrong", "…", repair=WriteSidecar(item(house, "Slack Water")["id"]))
        monkeypatch.setattr(guard, "check", lost)
        with pytest.raises(LeaseLost):
            perform(Workshop(house.database, guard, roots), [wanted])
    assert (house.items(), path.exists()) == (before, False)


def test_sources_that_came_back_are_named_and_left_alone(house: House) -> None:
    """As after a power cut on a disk that lied: a second name of a file that is staged."""
    final = track(house, "Low Tide")
    source = next(
        file["source"] for file in item(house, "Low Tide")["files"] if final.match(f"*{os.fsdecode(file['path'])}")
    )
    back = house.inbound / os.fsdecode(source)
    back.parent.mkdir(exist_ok=True)
    back.write_bytes(b"another song that came under the old name")
    assert adopt(house).findings == ()  # or somebody would be told to remove it
    back.unlink()
    os.link(final, back)
    (found,) = adopt(house).findings
    assert (found.code, found.root, found.paths) == ("source_still_there", bytes(house.inbound), (source,))


def test_published_albums_are_not_looked_for_in_staging(house: House) -> None:
    shutil.rmtree(folder(house, "Low Tide"))
    write(house, update(StagingItem).where(StagingItem.album == "Low Tide").values(status="published"))
    assert adopt(house).findings == ()


def test_an_item_is_forgotten_only_when_nothing_of_it_is_left(house: House, tmp_path: Path) -> None:
    gone = item(house, "Low Tide")
    with pytest.raises(NeedsReview, match=f"still has files below {folder(house, 'Low Tide')}:"):
        forget_item(house.database, gone["id"], stop=threading.Event())
    with pytest.raises(Rejected, match="there is no item 999"):
        forget_item(house.database, 999, stop=threading.Event())
    place = folder(house, "Low Tide")
    place.rename(tmp_path / "away")
    about = update(TransferRow).where(TransferRow.id == gone["transfer_id"])
    write(house, about.values(state="attention"))
    with pytest.raises(NeedsReview, match="is not settled; `greenroom fsck` says"):
        forget_item(house.database, gone["id"], stop=threading.Event())
    write(house, about.values(state="done"))
    write(house, update(TransferRow).where(TransferRow.id != gone["transfer_id"]).values(state="attention"))
    place.write_bytes(b"a file in the place of the folder")
    assert forget_item(house.database, gone["id"], stop=threading.Event()).key == gone["key"]
    place.unlink()
    assert len(house.items()) == 2
    write(house, update(TransferRow).values(state="done"))
    assert look(house).findings == ()
    (tmp_path / "away").rename(place)
    assert codes(adopt(house)) == {"unlisted_album": True}


def test_an_item_whose_place_is_anothers_by_now_is_forgotten_and_the_other_stays(house: House) -> None:
    gone, place = item(house, "Low Tide"), folder(house, "Low Tide")
    shutil.rmtree(place)
    folder(house, "High Tide").rename(place)
    assert codes(adopt(house)) == {"folder_moved": True, "missing": False}
    before = house.contents()
    assert forget_item(house.database, gone["id"], stop=threading.Event()).key == gone["key"]
    assert (house.contents(), look(house).findings) == (before, ())
    assert sorted(row["album"] for row in house.items().values()) == ["High Tide", "Slack Water"]


def test_a_link_in_the_transfer_folder_is_nobodys_move(house: House) -> None:
    (house.staging / os.fsdecode(TX)).mkdir(exist_ok=True)
    (house.staging / os.fsdecode(TX) / "something").mkdir()
    (house.staging / os.fsdecode(TX) / "something" / "1.mp3").write_bytes(b"music")
    assert codes(adopt(house)) == {"orphan_transfer_folder": False}


@pytest.mark.skipif(not rights_bind(), reason="root may look into every folder")
def test_a_folder_that_is_closed_to_us_proves_nothing(house: House) -> None:
    artist = folder(house, "Low Tide").parent
    rows = house.items()
    artist.chmod(0)
    try:
        report = fsck(house.database, verify=False, adopt=True, stop=threading.Event(), progress=silent)
    finally:
        artist.chmod(0o755)
    assert codes(report) == {"unreadable": False}
    assert house.items() == rows


def test_an_album_that_was_joined_or_replaced_is_told_by_its_sidecar_as_it_is_now(house: House) -> None:
    house.change(replace="better")
    house.drop(songs("late", "mp3", range(3, 5), album="Low Tide"))
    house.drop(songs("better", "flac", range(1, 3), album="High Tide"))
    house.run()
    after = content(house)
    assert (item(house, "Low Tide")["track_count"], item(house, "High Tide")["track_count"]) == (4, 2)
    assert list(folder(house, "High Tide").glob("*.flac"))
    assert adopt(house).findings == ()
    write(house, delete(StagingItem))
    write(house, delete(TransferRow))
    assert codes(adopt(house)) == {"unlisted_album": True}
    assert content(house) == after
