"""What an item says once other files joined it, or a better album took its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from config.reasons import Reason
from processor.items.item import Known, NewFile, NewItem, as_reasons, reasons_of
from processor.items.joined import joined, kept, renamed, succeeded
from tests.items import album


def file(path: bytes, role: str = "audio", number: int | None = None, disc: int | None = None, **facts: int) -> NewFile:
    return NewFile(path, role, b"in/" + path, disc, number, "Song", 100, 5, None, Known(facts))


def item(*files: NewFile, **values: Any) -> NewItem:
    return replace(album(), **{"files": files, "warnings": "[]", "evidence": "[]", **values}).summed()


OLD = item(
    file(b"01.mp3", number=1, duration_ms=10_000, track_total=2, disc_total=2),
    file(b"cover.jpg", "picture"),
    file(b"rip.log", "log"),
    file(b"01.lrc", "lyrics"),
    warnings=as_reasons([Reason("tracks_missing", "1 of 2 tracks"), Reason("missing_tags", "1 without artist")]),
)
LATE = item(
    file(b"02.mp3", number=2, duration_ms=20_000), transfer_id="t2", run_id="r2", year=2001, release_id="x", path=b"new"
)


def codes(one: NewItem) -> list[str]:
    return [reason.code for reason in reasons_of(one.warnings)]


def test_the_whole_is_counted_anew() -> None:
    whole = joined(OLD, LATE, "pending_review")
    assert [f.path for f in whole.files] == [b"01.mp3", b"cover.jpg", b"rip.log", b"01.lrc", b"02.mp3"]
    assert (whole.track_count, whole.duration_ms, whole.size, whole.discs) == (2, 30_000, 500, 1)
    assert whole.checksum not in (OLD.checksum, LATE.checksum)
    assert whole.checksum == whole.summed().checksum


def test_what_is_still_missing_is_told_and_nothing_else() -> None:
    whole = joined(OLD, LATE, "pending_review")
    assert codes(whole) == ["missing_tags", "tracks_missing", "merged"]
    assert "1 of 2 discs" in reasons_of(whole.warnings)[1].message
    disc_two = item(file(b"2-01.mp3", number=1, disc=2), file(b"2-02.mp3", number=2, disc=2))
    all_there = joined(whole, disc_two, "pending_review")
    assert codes(all_there) == ["missing_tags", "merged"]
    assert all_there.discs == 2


def test_the_album_keeps_its_name_and_place_and_learns_what_was_unknown() -> None:
    whole = joined(OLD, replace(LATE, album="Other", album_artist="Other"), "pending_review")
    assert (whole.album, whole.album_artist, whole.path) == (OLD.album, OLD.album_artist, OLD.path)
    assert (whole.year, whole.release_id, whole.transfer_id, whole.run_id) == (2001, "x", "t2", "r2")
    known = replace(OLD, year=1999)
    assert joined(known, LATE, "pending_review").year == 1999


def test_an_unknown_length_makes_the_whole_unknown() -> None:
    assert joined(OLD, item(file(b"02.mp3", number=2)), "pending_review").duration_ms is None


def test_an_earlier_decision_is_told() -> None:
    for made in (joined(OLD, LATE, "approved"), succeeded(OLD, LATE, "approved")):
        assert "it was approved before" in reasons_of(made.warnings)[-1].message
    assert "before and waits" not in reasons_of(joined(OLD, LATE, "pending_review").warnings)[-1].message


def test_a_better_album_takes_the_folder_and_the_side_files_that_do_not_speak_of_the_old_one() -> None:
    new = item(file(b"01.flac", number=1, duration_ms=10_000), file(b"cover.jpg", "picture"), path=b"elsewhere")
    made = succeeded(OLD, new, "pending_review")
    assert [f.path for f in made.files] == [b"01.flac", b"cover.jpg", b"01.lrc"]
    assert (made.path, made.track_count, made.duration_ms, made.size) == (OLD.path, 1, 10_000, 300)
    assert codes(made) == ["replaced"]


def test_a_side_file_whose_name_the_better_album_spells_otherwise_does_not_go_on_beside_its() -> None:
    """On a disk that tells no case one would be written over the other."""
    new = item(file(b"01.flac", number=1), file(b"Cover.JPG", "picture"))
    assert [f.path for f in kept(OLD, new.files)] == [b"01.lrc"]
    assert [f.path for f in kept(OLD, new.files)] == [b"01.lrc"]


def test_a_track_that_is_called_otherwise_now_is_known_by_disc_and_number() -> None:
    """What was said of it, under its old name, goes on under the new one."""
    old = item(
        file(b"1.mp3", number=1), file(b"2.mp3", number=2), file(b"3.mp3", number=3), file(b"4.mp3", number=1, disc=2),
        file(b"cover.jpg", "picture", number=9),
    )  # fmt: skip
    new = item(
        file(b"one.flac", number=1, disc=1), file(b"2.mp3", number=2), file(b"4.flac", number=1, disc=2),
        file(b"cover.png", "picture", number=9),
    )  # fmt: skip
    assert renamed(old, new) == {b"1.mp3": b"one.flac", b"4.mp3": b"4.flac"}


def test_a_name_that_is_still_there_or_was_there_before_is_not_taken_for_another() -> None:
    one, two = file(b"1.mp3", number=1), file(b"2.mp3", number=2)
    turned = item(one._replace(track=2), two._replace(track=1))
    assert renamed(item(one, two), turned) == {}
    assert renamed(item(one, two), item(two._replace(track=1))) == {}, "the name it would get was another track's"
    assert renamed(item(one), item(one._replace(track=2), file(b"0.mp3", number=1))) == {}, "its file is still there"


def test_of_tracks_with_no_number_or_one_number_none_is_taken_for_another() -> None:
    assert renamed(item(file(b"1.mp3")), item(file(b"one.mp3"))) == {}
    twice = item(file(b"1.mp3", number=1), file(b"1b.mp3", number=1))
    assert renamed(twice, item(file(b"one.mp3", number=1))) == {}
    assert renamed(item(file(b"one.mp3", number=1)), twice) == {}


def test_where_the_values_are_from_is_told_of_both_the_first_counting() -> None:
    old = item(file(b"1.mp3", number=1), sources='{"album":"tag","year":"folder"}')
    new = item(file(b"2.mp3", number=2), sources='{"album":"folder","label":"tag"}')
    assert joined(old, new, "pending_review").sources == '{"album": "tag", "label": "tag", "year": "folder"}'


def test_a_track_of_no_disc_is_of_the_first() -> None:
    old = item(file(b"1.mp3", number=1, track_total=2))
    whole = joined(old, item(file(b"2.mp3", number=2, disc=1, track_total=2)), "pending_review")
    assert (whole.discs, codes(whole)) == (1, ["merged"])


def test_only_tracks_have_discs_and_a_reason_is_told_once() -> None:
    same = as_reasons([Reason("missing_tags", "1 without artist")])
    old = item(file(b"1.mp3", number=1), file(b"x.jpg", "picture", disc=7), warnings=same, evidence=same)
    whole = joined(old, item(file(b"2.mp3", number=2), warnings=same, evidence=same), "pending_review")
    assert (whole.discs, codes(whole), len(reasons_of(whole.evidence))) == (1, ["missing_tags", "merged"], 1)
