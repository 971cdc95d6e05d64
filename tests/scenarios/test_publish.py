"""Approved albums → the library: names, NFO, pictures; again after changes; out of it again."""

from __future__ import annotations

from tests.scenarios.drops import songs
from tests.scenarios.house import House
from tests.scenarios.publishing import add_library, approve, publish, published, take_out, unexplained

ALBUM = "Ada/Low Tide (2014)"


def test_an_album_is_moved_into_the_library_with_its_nfo(house: House) -> None:
    library = add_library(house)
    house.drop(songs("Low Tide", "flac", range(1, 3), date="2014") | {"Low Tide/01 - Song 1.lrc": b"[00:01]la"})
    house.cycle()
    (item_id,) = approve(house)
    before = house.contents()
    outcome = publish(house, item_id)
    assert outcome.outcome == "published", outcome.reasons
    assert published(library) == [
        f"{ALBUM}/01 - Song 1.flac", f"{ALBUM}/01 - Song 1.lrc", f"{ALBUM}/02 - Song 2.flac",
        f"{ALBUM}/album.greenroom.json", f"{ALBUM}/album.nfo", "Ada/artist.nfo",
    ]  # fmt: skip
    assert unexplained(house, library) == []
    assert house.staged() == []
    assert (library / ALBUM / "album.nfo").read_text().count("<track>") == 2
    assert publish(house, item_id).outcome == "unchanged"
    taken = take_out(house, item_id)
    assert (taken.outcome, taken.reasons) == ("undone", ())
    assert published(library) == []
    assert house.contents() == before
    house.check_staging()
