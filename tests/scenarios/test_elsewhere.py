"""The same promises on PostgreSQL, between two file systems, on a staging tree that takes nothing, and for the demo."""

from __future__ import annotations

import pytest

from tests.demo import make_inbound
from tests.scenarios import test_belonging, test_beside, test_discs, test_hostile_names, test_odd_files
from tests.scenarios.drops import rights_bind, songs
from tests.scenarios.house import House
from tests.scenarios.play import Scenario, play

TWO = range(1, 3)
SUBSET = [
    test_discs.SCENARIOS[0],
    test_belonging.COMPILATIONS[1],
    test_belonging.FOLDERS[2],
    test_belonging.NO_TAGS[1],
    test_beside.SCENARIOS[0],
    test_odd_files.LINKS[0],
    test_odd_files.BROKEN[2],
    *test_hostile_names.TAGS[3:6],
    *test_hostile_names.NAMES[1:3],
]


@pytest.mark.postgres
@pytest.mark.parametrize("scenario", SUBSET, ids=lambda scenario: scenario.name)
def test_the_same_on_postgresql(postgres_house: House, scenario: Scenario) -> None:
    play(postgres_house, scenario)


@pytest.mark.parametrize("scenario", SUBSET, ids=lambda scenario: scenario.name)
def test_the_same_between_two_file_systems(divided_house: House, scenario: Scenario) -> None:
    play(divided_house, scenario)


def test_what_was_copied_carries_the_digest_of_its_bytes(divided_house: House) -> None:
    divided_house.drop(songs("a", "flac", TWO))
    divided_house.cycle()
    (item,) = divided_house.items().values()
    assert all(file["digest"].startswith("blake3:") for file in item["files"])
    assert not (divided_house.inbound / "a").exists()


def test_a_duplicate_is_known_across_file_systems(divided_house: House) -> None:
    for _ in range(2):
        divided_house.drop(songs("a", "flac", TWO))
        divided_house.cycle()
    assert [album["outcome"] for album in divided_house.albums()] == ["duplicate"]


@pytest.mark.skipif(not rights_bind(), reason="root may do everything")
@pytest.mark.parametrize("below", ["", "AD", "AD/Ada"])
def test_nothing_moves_into_a_staging_folder_that_may_not_be_changed(house: House, below: str) -> None:
    house.drop(songs("a", "flac", TWO))
    folder = house.staging / below
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o555)
    try:
        report = house.run()
        told: list[str] = [album.outcome for album in report.albums] or [report.status]
        assert told == ["failed"]
        assert len(list((house.inbound / "a").iterdir())) == 2
    finally:
        folder.chmod(0o755)


@pytest.mark.skipif(not rights_bind(), reason="root may do everything")
def test_a_staging_folder_that_cannot_be_listed_fails_its_albums_alone(house: House) -> None:
    house.drop(songs("a", "flac", TWO) | songs("b", "flac", TWO, artist="Bo"))
    folder = house.staging / "AD" / "Ada"
    folder.mkdir(parents=True)
    folder.chmod(0)
    try:
        house.report = house.run()
        assert {album["album_artist"]: album["outcome"] for album in house.albums()} == {
            "Ada": "failed",
            "Bo": "staged",
        }
    finally:
        folder.chmod(0o755)


def test_the_demo_shows_every_kind_of_outcome(house: House) -> None:
    make_inbound(house.inbound)
    assert house.cycle() == [
        "quarantined Damaged / Scratched (2003): 1 track",
        "staged Gran's Kitchen / Sunday Songs (1987): 2 tracks",
        "staged Nora Vale / Low Tide (2014): 4 tracks",
        "staged Still Arriving / Half a Song (2026): 1 track",
        "staged The Paper Kites of Ålesund / Live at the Cannery (2019): 5 tracks on 2 discs",
        "staged Various Artists / Harbour Radio, Vol. 2 (2021): 4 tracks",
    ]
    assert house.ignored() == {}
    assert "NV/Nora Vale/2014 - Low Tide/cover.jpg" in house.staged()
