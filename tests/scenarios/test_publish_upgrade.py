"""Late tracks and better copies of albums that are published → staged beside, reviewed, then in their place at once."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import pytest
from sqlalchemy import delete

from config import libraries
from config.errors import NeedsReview
from config.locks import hold
from processor.metadata import rows as metadata
from processor.metadata.documents import ITSELF, part_of
from processor.publication import ledger, names
from processor.publication.given import Chosen
from processor.tables import TransferRow
from processor.transfers import trash
from tests.scenarios.conftest import SHM
from tests.scenarios.drops import Drop, songs
from tests.scenarios.house import NOW, House
from tests.scenarios.publishing import (
    LOW_TIDE,
    add_library,
    approve,
    given,
    picture,
    publish,
    published,
    staged,
    take_out,
    unexplained,
)
from workflow import events, history
from workflow.operations import deciding, publishing
from workflow.operations.tagging import tag_item
from workflow.operations.undo import undo

FOLDER = "Ada/Low Tide (2014)"
LATE = songs("late", "flac", range(3, 4), date="2014")
RELEASE = "00000000-0000-4000-8000-000000000001"
MODES = pytest.mark.parametrize("mode", ["move", "copy", "hardlink"])


def home(house: House, mode: str = "move", drop: Drop = LOW_TIDE) -> tuple[Path, int]:
    """A library, and an album that is published there with a picture, in which somebody has a note of their own."""
    library = add_library(house)
    house.change(transfer=mode)
    house.drop(drop)
    house.cycle(rehearsed=False)
    (item_id,) = approve(house)
    publish(house, item_id, Chosen([picture(house, "front", b"front")]))
    (library / FOLDER / "notes.txt").write_bytes(b"signed copy")
    return library, item_id


def inside(library: Path) -> Mapping[str, bytes]:
    """Return the files of the album that is published."""
    folder = library / FOLDER
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def in_trash(root: Path) -> list[str]:
    """Return the names of the files in the trash of a root."""
    return sorted(path.name for path in (root / os.fsdecode(trash.TRASH)).rglob("*.flac"))


@MODES
def test_late_tracks_join_a_published_album_when_a_person_has_looked(house: House, mode: str) -> None:
    library, item_id = home(house, mode)
    nfo = library / FOLDER / "album.nfo"
    nfo.write_text(nfo.read_text().replace("</album>", "  <mood>mine</mood>\n</album>"))
    before, was = inside(library), (library / FOLDER).stat().st_ino
    with house.database.read() as connection:
        first = ledger.publication(connection, item_id)
    house.drop(LATE)
    report = house.run(dry_run=True)
    assert [album["outcome"] for album in report.to_json()["albums"]] == ["waiting" if mode == "move" else "staged"]
    house.report = house.run()
    assert {"merged"} <= house.codes()
    assert inside(library) == before  # nothing of it is to be seen before somebody has looked
    (item,) = house.items().values()
    assert (item["id"], item["status"], item["track_count"]) == (item_id, "pending_review", 3)
    approve(house)
    outcome = publish(house, item_id, Chosen([picture(house, "front", b"front")]))
    assert (outcome.outcome, {reason.code for reason in outcome.reasons}) == ("upgraded", {"edits_kept", "trashed"})
    now = inside(library)
    assert now.keys() == before.keys() | {"03 - Song 3.flac"}
    assert {name: now[name] for name in before if name not in ("album.nfo", "album.greenroom.json")} == {
        name: data for name, data in before.items() if name not in ("album.nfo", "album.greenroom.json")
    }
    assert now["album.nfo"].count(b"<track>") == 3
    assert b"<mood>mine</mood>" in now["album.nfo"]
    assert (library / FOLDER).stat().st_ino != was
    assert unexplained_here(house, library) == [f"{FOLDER}/notes.txt"]
    assert in_trash(library) == ["01 - Song 1.flac", "02 - Song 2.flac"]
    assert house.staged() == ([] if mode == "move" else [f"{STAGED}/{name}" for name in TRACKS])
    with house.database.read() as connection:
        second = ledger.publication(connection, item_id)
    assert first is not None
    assert second is not None
    assert (second.published_at, second.path) == (first.published_at, first.path)
    assert second.transfer_id != first.transfer_id
    assert publish(house, item_id, Chosen([picture(house, "front", b"front")])).outcome == "unchanged"


STAGED = "AD/Ada/2014 - Low Tide"
TRACKS = [f"0{n} - Song {n}.flac" for n in range(1, 4)]


def unexplained_here(house: House, library: Path) -> list[str]:
    """Return the files of a library the ledger does not know, but for those in its trash."""
    return [path for path in unexplained(house, library) if not path.startswith(trash.TRASH.decode())]


def test_a_library_on_another_file_system_gets_late_tracks_and_names_by_verified_copies(house: House) -> None:
    far = Path(tempfile.mkdtemp(prefix="greenroom-", dir=SHM))
    if far.stat().st_dev == house.staging.stat().st_dev:
        pytest.skip("needs a second file system at /dev/shm")
    try:
        add_library(house, root=far)
        house.drop(LOW_TIDE)
        house.run()
        (item_id,) = approve(house)
        publish(house, item_id, Chosen())
        before = sorted(path.read_bytes() for path in far.rglob("*.flac"))
        house.drop(LATE)
        house.run()
        with house.database.begin() as connection:
            metadata.say(connection, item_id, ITSELF, "title", "High Tide", NOW)
        approve(house)
        assert publish(house, item_id, Chosen(), rename=True).outcome == "upgraded"
        now = [path.read_bytes() for path in (far / "Ada" / "High Tide (2014)").glob("*.flac")]
        assert len(now) == 3
        assert set(before) < set(now)
        assert house.staged() == []
        assert unexplained_here(house, far) == []
    finally:
        shutil.rmtree(far)


def test_a_better_copy_takes_the_place_of_what_is_published(house: House) -> None:
    house.change(replace="better")
    library, item_id = home(house, drop=songs("Low Tide", "mp3", range(1, 3), date="2014"))
    house.drop(songs("better", "flac", range(1, 3), date="2014"))
    house.report = house.run()
    assert {"replaced"} <= house.codes()
    approve(house)
    assert publish(house, item_id, Chosen()).outcome == "upgraded"
    assert inside(library).keys() == {
        "01 - Song 1.flac", "02 - Song 2.flac", "album.greenroom.json", "album.nfo", "notes.txt",
    }  # fmt: skip
    assert in_trash(library) == []
    assert [path for path in house.staged() if not path.startswith(".greenroom-trash")] == []


def test_what_people_said_of_tracks_stays_with_them(house: House) -> None:
    library, item_id = home(house)
    (item,) = house.items().values()
    part = part_of(next(file["path"] for file in item["files"] if file["track"] == 2))
    with house.database.begin() as connection:
        metadata.say(connection, item_id, part, "title", "Second", NOW)
        metadata.say(connection, item_id, ITSELF, "genres", ["Folk"], NOW)
        metadata.say(connection, item_id, ITSELF, "title", "High Tide", NOW)
    house.drop(LATE)
    house.run()
    approve(house)
    publish(house, item_id, Chosen())
    assert "02 - Second.flac" in inside(library), "its folder gets another name only where that is asked for"
    assert b"<title>Second</title>" in inside(library)["album.nfo"]
    assert b"<genre>Folk</genre>" in inside(library)["album.nfo"]


@MODES
def test_a_published_album_gets_another_name_with_all_that_is_in_it(house: House, mode: str) -> None:
    library, item_id = home(house, mode)
    chosen = Chosen([picture(house, "front", b"front")])
    staged, before = house.staged(), inside(library)
    assert publish(house, item_id, chosen, rename=True).outcome == "unchanged"
    with house.database.begin() as connection:
        metadata.say(connection, item_id, ITSELF, "title", "High Tide", NOW)
        metadata.say(connection, item_id, ITSELF, "credits", [["Eva", None]], NOW)
    outcome = publish(house, item_id, chosen)
    assert (outcome.outcome, outcome.reasons) == ("refreshed", ())
    assert "<name>Eva</name>" in (library / "Ada" / "artist.nfo").read_text()
    assert inside(library).keys() == before.keys()
    assert publish(house, item_id, chosen, rename=True).outcome == "upgraded"
    shown = [path for path in published(library) if not path.startswith(".greenroom-trash")]
    assert shown == sorted([*(f"Eva/High Tide (2014)/{name}" for name in before), "Eva/artist.nfo"])
    assert unexplained_here(house, library) == ["Eva/High Tide (2014)/notes.txt"]
    assert not (library / "Ada").exists()
    assert house.staged() == staged
    with house.database.read() as connection:
        times = {one["at"] for one in history.of_item(connection, item_id)}
        told = [one for one in events.of_item(connection, item_id, "published", times) if one.facts["was"]]
    assert [(one.facts["was"], one.facts["folder"], one.facts["again"]) for one in told] == [
        (FOLDER, "Eva/High Tide (2014)", False)
    ]
    assert publish(house, item_id, chosen, rename=True).outcome == "unchanged"
    (library / "Eva/High Tide (2014)/notes.txt").unlink()
    assert take_out(house, item_id).outcome == "undone"
    assert [path for path in published(library) if not path.startswith(".greenroom-trash")] == []


DISCS = (
    songs("Low Tide/CD1", "flac", range(1, 3), date="2014", disc="1/2")
    | songs("Low Tide/CD2", "flac", range(1, 3), date="2014", disc="2/2")
    | {"Low Tide/CD1/cover.jpg": b"one", "Low Tide/CD1/Artwork/front.jpg": b"front", "Low Tide/CD2/rip.log": b"log"}
    | {"Low Tide/cover.jpg": b"both"}
)
BESIDE = {"CD 1/cover.jpg": b"one", "CD 1/Artwork/front.jpg": b"front", "CD 2/rip.log": b"log", "cover.jpg": b"both"}


def beside(library: Path) -> dict[str, bytes]:
    """Return the files of the published album that are no music and came with it."""
    ours = (".flac", ".nfo", ".json")
    return {name: data for name, data in inside(library).items() if not name.endswith(ours)}


@MODES
def test_each_disc_has_one_folder_in_which_is_all_that_came_with_it(house: House, mode: str) -> None:
    library = add_library(house)
    house.change(transfer=mode)
    house.drop(DISCS)
    house.cycle(rehearsed=False)
    (item_id,) = approve(house)
    before = house.staged()
    publish(house, item_id, Chosen())
    assert beside(library) == BESIDE
    assert {path.name for path in (library / FOLDER).iterdir() if path.is_dir()} == {"CD 1", "CD 2"}
    assert publish(house, item_id, Chosen(), rename=True).outcome == "unchanged"
    house.drop(songs("late/CD2", "flac", range(3, 4), date="2014", disc="2/2") | {"late/CD2/back.jpg": b"back"})
    house.run()
    approve(house)
    assert publish(house, item_id, Chosen()).outcome == "upgraded"
    assert (library / FOLDER / "CD 2" / "03 - Song 3.flac").exists()
    assert BESIDE.items() <= beside(library).items()
    assert b"back" in beside(library).values()
    assert unexplained_here(house, library) == []
    assert take_out(house, item_id).outcome == "undone"
    assert set(before) <= set(house.staged())


def test_an_album_that_was_published_with_two_folders_for_a_disc_is_so_until_it_gets_new_names(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = add_library(house)
    house.drop(DISCS)
    house.cycle(rehearsed=False)
    (item_id,) = approve(house)
    before = house.staged()
    with monkeypatch.context() as older:
        older.setattr(names, "_with_its_disc", lambda file, went: file.path)
        publish(house, item_id, Chosen())
    was = {name.replace("CD 1", "CD1").replace("CD 2", "CD2"): data for name, data in BESIDE.items()}
    assert beside(library) == was
    assert publish(house, item_id, Chosen()).outcome == "unchanged"
    with house.database.begin() as connection:
        metadata.say(connection, item_id, ITSELF, "genres", ["Folk"], NOW)
    assert publish(house, item_id, Chosen()).outcome == "refreshed"
    assert beside(library) == was
    assert publish(house, item_id, Chosen(), rename=True).outcome == "upgraded"
    assert beside(library) == BESIDE
    assert not (library / FOLDER / "CD1").exists()
    assert unexplained_here(house, library) == []
    assert publish(house, item_id, Chosen(), rename=True).outcome == "unchanged"
    assert take_out(house, item_id).outcome == "undone"
    assert house.staged() == before


def test_a_name_that_somebody_has_is_not_taken(house: House) -> None:
    library, item_id = home(house)
    (library / "Ada" / "High Tide (2014)").mkdir()
    with house.database.begin() as connection:
        metadata.say(connection, item_id, ITSELF, "title", "High Tide", NOW)
    before = inside(library)
    with pytest.raises(NeedsReview, match="Greenroom did not put it there"):
        publish(house, item_id, rename=True)
    assert inside(library) == before


def test_a_name_of_a_track_that_somebody_has_is_not_taken_and_not_tried_for_ever(house: House) -> None:
    library, item_id = home(house)
    (library / FOLDER / "01 - New.flac").write_bytes(b"theirs")
    with house.database.begin() as connection:
        first = metadata.album(connection, item_id).tracks[0].path
        metadata.say(connection, item_id, part_of(first), "title", "New", NOW)
    assert publish(house, item_id, rename=True).outcome == "upgraded"
    assert inside(library)["01 - New.flac"] == b"theirs"
    assert "01 - New [2].flac" in inside(library)
    assert publish(house, item_id, rename=True).outcome == "unchanged"


@pytest.mark.parametrize(
    ("title", "other"), [("Low Tide", "{album_artist}/{album}[ ({year})]/{year}"), ("Ada", "{album}")]
)
def test_a_folder_cannot_be_renamed_into_itself_nor_into_one_it_is_in(house: House, title: str, other: str) -> None:
    library, item_id = home(house)
    before = inside(library)
    house.change(folder=other)
    with house.database.begin() as connection:
        metadata.say(connection, item_id, ITSELF, "title", title, NOW)
    with pytest.raises(NeedsReview, match="one lies in the other"):
        publish(house, item_id, rename=True)
    assert inside(library) == before


@pytest.mark.parametrize(
    ("part", "field", "value", "name"),
    [(part_of(b"01 - Song 1.flac"), "title", "Sung", "01 - Sung"), (ITSELF, "genres", ["Folk"], "01 - Song 1")],
)
def test_new_tags_that_fit_into_the_room_of_the_old_ones_are_other_music_whatever_it_is_called(
    house: House, part: str, field: str, value: object, name: str
) -> None:
    library, item_id = home(house, "copy")
    with house.database.begin() as connection:
        metadata.say(connection, item_id, part, field, value, NOW)
    assert tag_item(house.database, item_id, threading.Event()).outcome == "retagged"
    song = next(house.staging.glob("[!.]*/*/*/01*.flac"))
    assert song.stat().st_size == (library / FOLDER / "01 - Song 1.flac").stat().st_size
    assert publish(house, item_id).outcome == "upgraded"
    assert inside(library)[f"{name}.flac"] == song.read_bytes()
    assert publish(house, item_id).outcome == "unchanged"


def test_a_library_that_keeps_no_times_is_believed_its_bytes(house: House) -> None:
    library, item_id = home(house, "copy")
    for song in (library / FOLDER).glob("*.flac"):
        os.utime(song, (1, 1))
    house.drop(LATE)
    house.run()
    approve(house)
    assert publish(house, item_id).outcome == "upgraded"
    assert len([name for name in inside(library) if name.endswith(".flac")]) == 3


@MODES
def test_late_tracks_stay_with_an_album_that_is_taken_out_before_they_are_published(house: House, mode: str) -> None:
    library, item_id = home(house, mode)
    (library / FOLDER / "notes.txt").unlink()
    house.drop(LATE)
    house.run()
    approve(house)
    assert take_out(house, item_id).outcome == "undone"
    (item,) = house.items().values()
    assert len(item["files"]) == 3
    assert approve(house) == [item_id]
    assert publish(house, item_id).outcome == "published"
    assert len([name for name in inside(library) if name.endswith(".flac")]) == 3
    assert unexplained(house, library) == []


def test_music_somebody_changed_in_the_library_is_not_replaced(house: House) -> None:
    library, item_id = home(house, "copy")
    house.drop(LATE)
    house.run()
    approve(house)
    mine = library / FOLDER / "01 - Song 1.flac"
    mine.write_bytes(mine.read_bytes() + b"retagged")
    before = inside(library)
    with pytest.raises(NeedsReview, match="was changed in the library"):
        publish(house, item_id)
    assert inside(library) == before


def test_an_album_that_was_changed_in_the_library_is_not_staged_again(house: House) -> None:
    library, _ = home(house)
    mine = library / FOLDER / "01 - Song 1.flac"
    mine.write_bytes(mine.read_bytes() + b"retagged")
    house.drop(LATE)
    house.report = house.run()
    (album,) = house.albums()
    assert album["outcome"] != "staged"
    assert house.staged() == []


@pytest.mark.parametrize("why", ["away", "removed", "suspended", "busy", "forgotten", "taken"])
def test_late_tracks_say_why_they_wait_while_what_they_join_cannot_be_staged_again(
    house: House, why: str, tmp_path: Path
) -> None:
    library, _ = home(house)
    house.drop(LATE)
    with house.database.begin() as connection:
        (root,) = libraries.music_libraries(connection, "library")
        match why:
            case "removed":
                libraries.remove_library(connection, root.path)
            case "suspended":
                libraries.suspend(connection, root, "its disk makes noises")
            case "forgotten":
                connection.execute(delete(TransferRow).where(TransferRow.kind == "publish"))
    if why == "away":
        library.rename(tmp_path / "elsewhere")
        library.mkdir()
    mine = house.staging / STAGED / TRACKS[0]
    if why == "taken":
        mine.parent.mkdir(parents=True)
        mine.write_bytes(b"mine")
    before, staged_before = published(library), house.staged()
    with hold(house.database, [root], "a test", threading.Event()) if why == "busy" else nullcontext():
        house.report = house.run()
    (album,) = house.albums()
    code, sentence = {
        "away": ("root_not_mounted", "is its disk mounted?"),
        "removed": ("no_library", "no library any more"),
        "suspended": ("suspended", "its disk makes noises"),
        "busy": ("busy", "is being worked on"),
        "forgotten": ("unknown_transfer", "does not know any more"),
        "taken": ("name_taken", "in staging is taken"),
    }[why]
    assert (album["outcome"], album["reasons"][0]["code"]) == ("waiting", code)
    assert sentence in album["reasons"][0]["message"]
    assert (published(library), house.staged()) == (before, staged_before)
    assert (house.inbound / "late" / "03 - Song 3.flac").exists()


def test_an_album_whose_place_in_staging_somebody_has_keeps_its_name_and_that_is_told(house: House) -> None:
    library, item_id = staged(house)
    (item,) = house.items().values()
    publish(house, item_id)
    before = published(library)
    mine = house.staging / os.fsdecode(item["path"]) / "01 - Song 1.flac"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with house.database.begin() as connection:
        metadata.say(connection, item_id, ITSELF, "title", "High Tide", NOW)
    with pytest.raises(NeedsReview) as refused:
        publishing.publish_item(given(house), item_id, threading.Event(), actor="eva", rename=True)
    assert refused.value.path is not None
    assert refused.value.path.endswith(b"01 - Song 1.flac")
    assert (published(library), mine.read_bytes()) == (before, b"mine")


def test_all_of_it_can_be_taken_back(house: House) -> None:
    library, item_id = home(house)
    house.drop(LATE)
    late = house.run()
    approve(house)
    publish(house, item_id, Chosen())
    (library / FOLDER / "notes.txt").unlink()
    assert take_out(house, item_id).outcome == "undone"
    assert [path for path in published(library) if not path.startswith(".greenroom-trash")] == []
    assert house.staged() == [f"{STAGED}/{name}" for name in TRACKS]
    assert late.run_id is not None
    report = undo(house.database, late.run_id, dry_run=False, stop=threading.Event())
    assert [one.outcome for one in report.albums] == ["undone"]
    assert (house.inbound / "late" / "03 - Song 3.flac").exists()
    assert house.staged() == [f"{STAGED}/{name}" for name in TRACKS[:2]]
    house.check_staging()
    approve(house)
    assert publish(house, item_id, Chosen()).outcome == "published"


@MODES
def test_what_was_staged_of_a_published_album_is_taken_back_once_it_is_in_no_library(house: House, mode: str) -> None:
    """How it came to staging, and, where it was moved, how late tracks joined it there, which are published, too."""
    add_library(house)
    house.change(transfer=mode)
    house.drop(LOW_TIDE)
    first = house.run()
    house.drop(LATE)
    late = house.run()
    (item_id,) = approve(house)
    publish(house, item_id, Chosen())
    for run in (first, late) if mode == "move" else (first,):
        report = undo(house.database, run.run_id or "", dry_run=False, stop=threading.Event())
        ((outcome, (reason,)),) = [(one.outcome, one.reasons) for one in report.albums]
        assert (outcome, reason.code, f"publish {item_id} --undo" in reason.message) == ("refused", "published", True)


def test_late_tracks_can_leave_a_published_album_again_before_it_is_published_with_them(house: House) -> None:
    library, _ = home(house)
    before = published(library)
    house.drop(LATE)
    late = house.run()
    assert late.run_id is not None
    report = undo(house.database, late.run_id, dry_run=False, stop=threading.Event())
    assert [one.outcome for one in report.albums] == ["undone"]
    assert (house.inbound / "late" / "03 - Song 3.flac").exists()
    assert house.staged() == [f"{STAGED}/{name}" for name in TRACKS[:2]]
    assert published(library) == before
    house.check_staging()


def test_an_album_is_not_taken_out_into_the_place_that_another_one_has_by_now(house: House) -> None:
    library, item_id = home(house)
    (library / FOLDER / "notes.txt").unlink()
    house.drop(songs("other", "mp3", range(1, 3), date="2014", mb={"release_id": RELEASE}))
    house.cycle(rehearsed=False)
    (other,) = (item for item in house.items().values() if item["id"] != item_id)
    before = house.look()
    taken = take_out(house, item_id)
    assert (taken.outcome, [reason.code for reason in taken.reasons]) == ("refused", ["name_taken"])
    assert house.look() == before
    deciding.decide(house.database, other["id"], "approved", actor="eva", why="heard it")
    assert publish(house, other["id"]).outcome == "published"
    assert take_out(house, item_id).outcome == "undone"
    assert [item["path"] for item in house.items().values() if item["id"] == item_id] == [other["path"]]


def test_an_album_that_comes_again_when_it_is_gone_from_its_library_is_told_and_waits_for_no_scan(house: House) -> None:
    library, _ = home(house)
    shutil.rmtree(library / FOLDER)
    house.drop(LOW_TIDE)
    house.report = house.run()
    assert [album["outcome"] for album in house.albums()] == ["conflict"]
    (message,) = [reason["message"] for reason in house.albums()[0]["reasons"] if reason["code"] == "published"]
    assert "does not hold the album Greenroom put there; `greenroom verify --all` tells more" in message
    (library / ".greenroom-root").unlink()
    house.report = house.run()
    assert [album["outcome"] for album in house.albums()] == ["waiting"], "where no disk is mounted nothing is gone"
