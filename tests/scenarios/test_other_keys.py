"""Albums whose music an item of another key has: rules and tags change, and people drop again what they dropped."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
from sqlalchemy import update

from config.errors import Stopped
from processor import process
from processor.filesystem.files import Tree
from processor.staging import holders
from processor.tables import StagingItem
from processor.transfers.comparing import digest_at
from tests.scenarios.drops import Drop, Song, song, songs
from tests.scenarios.house import House, lines
from tests.scenarios.publishing import add_library, approve, hang, publish, published
from workflow.operations import deciding

KEY, OLD = "album:ada/low tide", "album:ada/low tide (by older rules)"
ONE, TWO, THREE = range(1, 2), range(1, 3), range(1, 4)
FOLDER = "AD/Ada/Low Tide"


def rename_key(house: House, key: str = KEY, other: str = OLD) -> int:
    """Let an item have been staged by rules that gave it another key; return its id."""
    with house.database.begin() as connection:
        query = update(StagingItem).where(StagingItem.key == key).values(key=other).returning(StagingItem.id)
        return int(connection.execute(query).scalar_one())


def staged_before(house: House, drop: Drop, key: str = KEY, other: str = OLD) -> int:
    house.drop(drop)
    assert [line.split()[0] for line in house.cycle()] == ["staged"]
    return rename_key(house, key, other)


def told(house: House, code: str) -> list[str]:
    """The sentences of a code in the last report."""
    return [reason["message"] for album in house.albums() for reason in album["reasons"] if reason["code"] == code]


def untagged(folder: str, *titles: str, **tags: Any) -> Drop:
    """Songs that say neither artist nor album."""
    return {f"{folder}/{n:02} - {title}.flac": song(n, title, **tags) for n, title in enumerate(titles, 1)}


def test_an_album_that_is_staged_under_another_key_is_a_duplicate(any_house: House) -> None:
    house = any_house
    house.drop(untagged("Ada - Low Tide", "Salt", "Foam", "Reed"))
    assert house.cycle() == ["staged Ada / Low Tide: 3 tracks"]
    items, tree = house.items(), house.staged()

    house.drop(
        untagged("b/Ada Band - The Low Tide", "Salt", "Foam", "Reed") | {"b/Ada Band - The Low Tide/notes.txt": b"mine"}
    )
    assert house.cycle() == ["duplicate Ada Band / The Low Tide: 3 tracks"]
    (album,) = house.report.albums
    assert (album.target, album.reasons[0].path) == (FOLDER.encode(), b"b/Ada Band - The Low Tide")
    (message,) = told(house, "same_content")
    (item,) = items.values()
    assert f"in staging already under another name, as item {item['id']}, Ada – Low Tide, in {FOLDER};" in message
    assert "but 1 file beside it may be nowhere else, such as b/Ada Band - The Low Tide/notes.txt." in message
    assert (house.items(), house.staged()) == (items, tree)
    assert len(list((house.inbound / "b").rglob("*.*"))) == 4


def test_of_two_albums_of_the_same_music_that_come_together_the_second_says_so(house: House) -> None:
    """As folders that were copied and renamed; which name is right nobody knows."""
    house.drop(untagged("Ada - Low Tide", "Salt", "Foam") | untagged("Ada - Low Tide old", "Salt", "Foam"))
    house.drop(untagged("Eva - Reed", "Salt", "Foam", "Ebb"))
    assert sorted(house.cycle()) == [
        "staged Ada / Low Tide old: 2 tracks",
        "staged Ada / Low Tide: 2 tracks",
        "staged Eva / Reed: 3 tracks",
    ]
    (message,) = told(house, "also_staged")
    assert message.endswith("another name, too, Ada – Low Tide, in Ada - Low Tide; keep one of them.")
    warned = {item["album"]: {warning["code"] for warning in item["warnings"]} for item in house.items().values()}
    assert [album for album, codes in warned.items() if "also_staged" in codes] == ["Low Tide old"]


def test_an_item_with_a_key_of_older_rules_is_found_by_its_music(any_house: House) -> None:
    house = any_house
    item_id = staged_before(house, songs("a", "flac", THREE), other="album:ada/ebb")
    with house.database.begin() as connection:
        connection.execute(update(StagingItem).values(path=b"AD/Ada/Ebb"))
    (house.staging / FOLDER).rename(house.staging / "AD/Ada/Ebb")
    house.drop(songs("b", "flac", THREE))
    assert house.cycle() == ["duplicate Ada / Low Tide: 3 tracks"]
    assert f"item {item_id}" in told(house, "same_content")[0]


def test_discs_that_were_items_of_their_own_make_an_album_that_says_so(any_house: House) -> None:
    """All of it is there, but what was two albums then may well be wanted as one now."""
    house = any_house
    discs = [songs(f"CD{n}", "flac", range(1, 3 + n), disc=f"{n}/2", album="Low Tide") for n in (1, 2)]
    first = staged_before(house, discs[0], other=f"{OLD} 1")
    second = staged_before(house, discs[1], other=f"{OLD} 2")
    house.drop({f"box/{path}": thing for disc in discs for path, thing in disc.items()})
    assert house.cycle() == ["staged Ada / Low Tide: 7 tracks on 2 discs"]
    (message,) = told(house, "also_staged")
    assert f"3 of its 7 tracks in item {first}, Ada – Low Tide, in {FOLDER}, which has 3." in message
    assert f"4 of its 7 tracks in item {second}, Ada – Low Tide, in {FOLDER} [2], which has 4; " in message
    item = house.items()[KEY]
    assert "also_staged" in {warning["code"] for warning in item["warnings"]}
    assert item["confidence"] <= 0.7
    assert len(house.staged()) == 14


def test_a_disc_of_a_staged_album_that_comes_alone_says_so(house: House) -> None:
    second = "Salt", "Foam", "Reed"
    house.drop(untagged("Ada - Low Tide/CD1", "Gull", "Wind", disc="1/2"))
    house.drop(untagged("Ada - Low Tide/CD2", *second, disc="2/2"))
    assert house.cycle() == ["staged Ada / Low Tide: 5 tracks on 2 discs"]
    house.drop(untagged("Ada - Ebb", *second, disc="2/2"))
    assert house.cycle() == ["staged Ada / Ebb: 3 tracks"]
    assert "3 of its 3 tracks in item 1, Ada – Low Tide, in" in told(house, "also_staged")[0]


def test_a_disc_that_is_an_item_of_its_own_does_not_join_the_first_one_again(house: House) -> None:
    staged_before(house, songs("a", "flac", THREE, disc="2/2"))
    house.drop(songs("b", "flac", THREE, disc="1/2"))
    assert house.cycle() == ["staged Ada / Low Tide: 3 tracks"]
    house.drop(songs("c", "flac", THREE, disc="2/2"))
    assert house.cycle() == ["duplicate Ada / Low Tide: 3 tracks"]
    assert house.items()[KEY]["track_count"] == 3


def test_late_tracks_that_are_in_another_item_join_and_say_so(house: House) -> None:
    staged_before(house, songs("a", "flac", range(3, 6)))
    house.drop(songs("b", "flac", TWO))
    house.cycle()
    house.drop(songs("c", "flac", range(3, 5)))
    assert house.cycle() == ["staged Ada / Low Tide: 2 tracks"]
    assert {"merged", "also_staged"} <= house.codes()
    assert {"merged", "also_staged"} <= {warning["code"] for warning in house.items()[KEY]["warnings"]}


def test_what_differs_from_the_album_of_its_name_may_be_a_copy_of_another_one(house: House) -> None:
    item_id = staged_before(house, songs("a", "flac", TWO))
    house.drop(songs("b", "mp3", TWO))
    house.cycle()
    house.drop(songs("c", "flac", TWO))
    assert house.cycle() == ["duplicate Ada / Low Tide: 2 tracks"]
    assert f"item {item_id}" in told(house, "same_content")[0]
    house.drop(songs("d", "flac", THREE))
    house.report = house.run()
    assert "conflict Ada / Low Tide: 3 tracks" in lines(house.report)
    assert "also_staged" not in house.codes()


def test_a_compilation_that_shares_a_track_with_an_album_is_left_in_peace(house: House) -> None:
    mixed = untagged("Ada - Low Tide", "Salt", "Foam", "Reed") | untagged("Bo - Sand", "Dune")
    house.drop(mixed)
    house.cycle()
    house.drop(
        {
            "Various - Sea/01 - Salt.flac": mixed["Ada - Low Tide/01 - Salt.flac"],
            "Various - Sea/02 - Dune.flac": mixed["Bo - Sand/01 - Dune.flac"],
            "Various - Sea/03 - Gull.flac": song(3, "Gull"),
            "Various - Sea/04 - Wind.flac": song(4, "Wind"),
        }
    )
    assert [line.split()[0] for line in house.cycle()] == ["staged"]
    assert "also_staged" not in house.codes()


def test_a_single_is_no_duplicate_of_its_album_nor_the_album_of_the_single(house: House) -> None:
    house.drop(untagged("Ada - Low Tide", "Salt", "Foam", "Reed"))
    house.cycle()
    house.drop(untagged("Ada - Salt", "Salt"))
    assert house.cycle() == ["staged Ada / Salt: 1 track"]
    assert "1 of its 1 track in item 1, Ada – Low Tide" in told(house, "also_staged")[0]
    house.drop(untagged("Ada - Salt and More", "Salt", "Sea", "Sun"))
    assert house.cycle() == ["staged Ada / Salt and More: 3 tracks"]
    assert "also_staged" not in house.codes()


def test_silence_that_two_albums_share_counts_once_for_each_track(house: House) -> None:
    silent = {f"{n:02}.flac": Song() for n in range(1, 5)}
    house.drop({f"Ada - Low Tide/{name}": thing for name, thing in silent.items() if name < "03"})
    house.drop({"Ada - Low Tide/03 - Salt.flac": song(3, "Salt"), "Ada - Low Tide/04 - Foam.flac": song(4, "Foam")})
    house.cycle()
    house.drop({f"Bo - Sand/{name}": thing for name, thing in silent.items()})
    assert house.cycle() == ["staged Bo / Sand: 4 tracks"]
    assert "also_staged" not in house.codes()


def test_of_many_items_with_a_track_of_one_size_few_are_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where music is plain PCM, most singles of one length have one size."""
    for n in range(1, 5):
        house.drop(untagged(f"Ada - Song {n}", f"Song {n}"))
    house.cycle()
    monkeypatch.setattr(holders, "MOST", 2)
    read: list[bytes] = []

    def counted(tree: Tree, path: bytes) -> str:
        read.append(path)
        return digest_at(tree, path)

    monkeypatch.setattr(process, "digest_at", counted)
    house.drop(untagged("Ada - Tune 1", "Tune 1"))
    house.report = house.run()
    assert lines(house.report) == ["staged Ada / Tune 1: 1 track"]
    assert len(read) == 3
    assert not {"also_staged", "alike_staged"} & house.codes()


def test_who_is_to_stop_while_music_is_compared_stages_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.drop(untagged("Ada - Low Tide", "Salt", "Foam"))
    house.cycle()
    house.drop(untagged("Bo - Low Tide", "Salt", "Foam"))
    before = house.look(), house.items()

    def stopped(_tree: Tree, _path: bytes) -> str:
        raise Stopped("stopped on request")

    with monkeypatch.context() as reading:
        reading.setattr(process, "digest_at", stopped)
        assert house.run().status == "failed"
    assert (house.look(), house.items()) == before
    assert house.cycle() == ["duplicate Bo / Low Tide: 2 tracks"]


def test_an_item_that_somebody_rejected_keeps_no_album_out(house: House) -> None:
    house.drop(untagged("Ada - Low Tide", "Salt", "Foam"))
    house.cycle()
    ((_, item),) = house.items().items()
    house.drop(untagged("Bo - Low Tide", "Salt", "Foam"))
    assert house.cycle() == ["duplicate Bo / Low Tide: 2 tracks"]
    deciding.decide(house.database, item["id"], "rejected", actor="eva", why="wrong name")
    assert house.cycle() == ["staged Bo / Low Tide: 2 tracks"]
    assert f"item {item['id']} (rejected)" in told(house, "also_staged")[0]


@pytest.mark.parametrize("trouble", ["gone", "changed", "edited in place", "a track gone"])
def test_what_is_not_there_any_more_keeps_no_album_out(house: House, trouble: str) -> None:
    staged_before(house, songs("a", "flac", TWO))
    folder = house.staging / FOLDER
    first = folder / "01 - Song 1.flac"
    if trouble == "gone":
        shutil.rmtree(folder)
    elif trouble == "a track gone":
        first.unlink()
    else:
        data = first.read_bytes()
        first.write_bytes(data[:-1] + b"!" if trouble == "edited in place" else data + b"!")
    house.drop(songs("b", "flac", TWO))
    report = house.run()
    assert lines(report) == ["staged Ada / Low Tide: 2 tracks"]
    assert all((house.inbound / "b" / f"0{n} - Song {n}.flac").exists() is False for n in TWO)


def test_music_of_the_same_sizes_and_other_bytes_is_another_album(house: House) -> None:
    drop = songs("a", "flac", TWO)
    staged_before(house, drop)
    house.drop(songs("b", "flac", TWO))
    for path in (house.inbound / "b").iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert house.cycle() == ["staged Ada / Low Tide: 2 tracks"]
    assert "also_staged" not in house.codes()


def test_an_album_that_got_other_tags_says_that_it_is_like_one_that_is_staged(house: House) -> None:
    house.drop(songs("a", "flac", THREE, album="Low Tide"))
    house.cycle()
    house.drop(songs("b", "flac", THREE, album="Low Time"))
    assert house.cycle() == ["staged Ada / Low Time: 3 tracks"]
    (message,) = told(house, "alike_staged")
    assert "3 of its 3 tracks in item 1, Ada – Low Tide, in AD/Ada/Low Tide, which has 3" in message
    assert "alike_staged" in {warning["code"] for warning in house.items()["album:ada/low time"]["warnings"]}
    assert "also_staged" not in house.codes()


def test_an_album_that_is_published_under_another_key_is_a_duplicate(house: House) -> None:
    library = add_library(house)
    item_id = staged_before(house, songs("a", "flac", TWO))
    approve(house)
    assert publish(house, item_id).outcome == "published"
    before = published(library)
    house.drop(songs("b", "flac", TWO))
    assert house.cycle() == ["duplicate Ada / Low Tide: 2 tracks"]
    (message,) = told(house, "same_content")
    assert f"published already under another name, as item {item_id}, Ada – Low Tide, in {library}/" in message
    assert house.report.albums[0].target is None
    assert published(library) == before


def test_a_published_album_does_not_come_back_for_tracks_that_are_an_item_of_their_own(house: House) -> None:
    library = add_library(house)
    staged_before(house, songs("a", "flac", range(3, 5)))
    house.drop(songs("b", "flac", TWO))
    house.cycle()
    (item_id,) = approve(house, KEY)
    publish(house, item_id)
    before = published(library), house.items()
    house.drop(songs("c", "flac", range(3, 5)))
    assert house.cycle() == ["duplicate Ada / Low Tide: 2 tracks"]
    assert (published(library), house.items()) == before


def test_a_library_that_is_away_keeps_no_album_out(house: House) -> None:
    library = add_library(house)
    item_id = staged_before(house, songs("a", "flac", TWO))
    approve(house)
    publish(house, item_id)
    os.rename(library, f"{library}.away")
    house.drop(songs("b", "flac", TWO))
    assert lines(house.run()) == ["staged Ada / Low Tide: 2 tracks"]


@pytest.mark.parametrize("is_known", [True, False], ids=["its own", "another"])
def test_a_library_whose_disk_hangs_keeps_no_cycle(
    house: House, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    """It was published under its own key, or under another one: neither may be looked at for ever."""
    library = add_library(house)
    house.drop(songs("a", "flac", TWO))
    house.cycle()
    (item_id,) = approve(house, KEY)
    publish(house, item_id)
    if not is_known:
        rename_key(house)
    answers = hang(library, monkeypatch)
    house.drop(songs("b", "flac", TWO))
    house.report = house.run()
    answers.set()
    if is_known:
        assert lines(house.report) == ["failed Ada / Low Tide: 2 tracks"]
        assert "has not answered yet" in told(house, "disk_late")[0]
    else:
        assert lines(house.report) == ["staged Ada / Low Tide: 2 tracks"]
