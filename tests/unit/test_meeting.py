"""What comes of an album of inbound that meets the staged one of its name; no disk is touched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from config.reasons import Reason
from processor.planning.meeting import Encounter, Rules, Track, meet
from processor.planning.quality import Sound

MP3, FLAC = Sound("mp3", None, 44_100, 128_000, 2), Sound("flac", 16, 44_100, 900_000, 2)
BETTER = Rules(replace=True)


def track(number: int | None, disc: int = 1, side: bytes = b"in/", **values: Any) -> Track:
    """A track of ten seconds a number; `values` are Track's."""
    path = side + b"%d-%d" % (disc, number or 0)
    plain = Track(path, disc, number, f"Song {number}", (number or 1) * 10_000, None, MP3)
    return plain._replace(**values)


def there(number: int | None, disc: int = 1, **values: Any) -> Track:
    return track(number, disc, b"", **values)


def encounter(newcomers: list[Track], staged: list[Track], **values: Any) -> Encounter:
    return replace(Encounter(b"A/Ada/Low", b"in", tuple(newcomers), tuple(staged)), **values)


def outcome(newcomers: list[Track], staged: list[Track], rules: Rules = BETTER, **values: Any) -> tuple[str, ...]:
    """The outcome, and the codes of its reasons."""
    meeting = meet(encounter(newcomers, staged, **values), rules)
    return meeting.outcome, *(reason.code for reason in meeting.reasons)


STAGED = [there(1), there(2)]
UPGRADE = [track(1, sound=FLAC), track(2, sound=FLAC)]


def test_what_is_there_byte_for_byte_is_a_duplicate() -> None:
    twins = {b"in/1-1": b"1-1", b"in/1-2": b"1-2"}
    assert outcome([track(1), track(2)], STAGED, twins=twins) == ("duplicate", "same_content")
    assert outcome([track(2)], STAGED, twins=twins) == ("duplicate", "same_content")


def test_what_is_there_byte_for_byte_is_a_duplicate_even_of_a_folder_in_trouble() -> None:
    trouble = Reason("not_as_recorded", "…")
    assert outcome([track(1)], STAGED, twins={b"in/1-1": b"1-1"}, trouble=trouble)[0] == "duplicate"


@pytest.mark.parametrize(
    "newcomers",
    [
        [track(3)],
        [track(1, 2), track(2, 2)],
        [track(1, 2, title="Song 1", duration_ms=10_000)],  # the same song again on another disc: a live version
        [track(3, title=None, duration_ms=None)],
        [track(3, sound=FLAC)],
        [track(3, title="Another", duration_ms=20_000)],  # as long as one that is there, by chance
    ],
)
def test_tracks_whose_numbers_are_free_join(newcomers: list[Track]) -> None:
    assert outcome(newcomers, STAGED) == ("merge", "merged")


def test_tracks_join_beside_those_that_are_there_already() -> None:
    assert outcome([track(1), track(2), track(3)], STAGED, twins={b"in/1-1": b"1-1", b"in/1-2": b"1-2"})[0] == "merge"


def test_another_disc_of_another_year_joins_but_late_tracks_do_not() -> None:
    years: dict[str, Any] = {"year": 2004, "staged_year": 2003}
    assert outcome([track(1, 2)], STAGED, **years)[0] == "merge"
    assert outcome([track(3)], STAGED, **years) == ("conflict", "target_differs", "other_year")


@pytest.mark.parametrize(
    ("newcomers", "code"),
    [
        ([track(None)], "no_number"),
        ([track(3), track(3, path=b"in/again")], "numbers_taken"),
        ([track(3, title="Song 2", duration_ms=20_400)], "same_recording"),
        ([track(1, 2, recording="r2")], "same_recording"),
    ],
)
def test_tracks_of_which_it_is_not_clear_where_they_belong_do_not_join(newcomers: list[Track], code: str) -> None:
    staged = [there(1), there(2, recording="r2")]
    assert outcome(newcomers, staged)[:3] == ("conflict", "target_differs", code)


def test_nothing_is_done_to_a_folder_that_is_not_what_its_item_says() -> None:
    trouble = Reason("not_as_recorded", "a track is missing from it")
    for newcomers in ([track(3)], UPGRADE):
        assert outcome(newcomers, STAGED, trouble=trouble) == ("conflict", "target_differs", "not_as_recorded")


@pytest.mark.parametrize(
    "newcomers",
    [
        UPGRADE,
        [*UPGRADE, track(3, sound=FLAC)],
        [track(1, sound=FLAC), track(2)],  # one is better, the other the same
        [track(1, sound=FLAC, title="SONG  1"), track(2, sound=FLAC, duration_ms=22_000)],
        [track(1, sound=FLAC, title=None), track(2, sound=FLAC, duration_ms=None)],
    ],
)
def test_better_in_a_track_and_worse_in_none_replaces(newcomers: list[Track]) -> None:
    assert outcome(newcomers, STAGED) == ("replace", "replaced")
    assert outcome(newcomers, STAGED, Rules()) == ("conflict", "target_differs", "quality_better")


@pytest.mark.parametrize(
    ("newcomers", "code"),
    [
        ([track(1), track(2)], "quality_same"),
        ([track(1, sound=FLAC), track(2, sound=MP3._replace(bitrate=64_000))], "quality_worse"),
        ([track(1, sound=FLAC), track(2, sound=Sound("opus", bitrate=128_000))], "quality_unlike"),
        ([track(1, sound=FLAC)], "partial_cover"),
        ([track(1, sound=FLAC), track(3, sound=FLAC)], "partial_cover"),
        ([*UPGRADE[:1], track(2, sound=FLAC, title="Another")], "other_recording"),
        ([*UPGRADE[:1], track(2, sound=FLAC, duration_ms=90_000)], "other_recording"),
        ([*UPGRADE[:1], track(2, sound=FLAC._replace(channels=6))], "other_recording"),
        ([*UPGRADE[:1], track(2, sound=FLAC, recording="other")], "other_recording"),
        ([*UPGRADE[:1], track(2, sound=FLAC, title=None, duration_ms=None)], "other_recording"),
        ([*UPGRADE, track(2, sound=FLAC, path=b"in/again")], "numbers_taken"),
        ([*UPGRADE, track(None, sound=FLAC)], "numbers_taken"),
    ],
)
def test_anything_else_replaces_nothing_and_says_why(newcomers: list[Track], code: str) -> None:
    staged = [there(1), there(2, recording="r2")]
    assert outcome(newcomers, staged)[:3] == ("conflict", "target_differs", code)


def test_of_music_that_is_neither_better_nor_the_same_it_is_said_what_may_differ() -> None:
    reasons = meet(encounter([track(1), track(2)], STAGED), BETTER).reasons
    assert "other tags or pictures in the files, or another encoding" in reasons[0].message


def test_an_album_is_not_replaced_over_files_of_somebody_else() -> None:
    assert outcome(UPGRADE, STAGED, strangers=(b"notes.txt",)) == ("conflict", "target_differs", "strangers")
    assert outcome([track(3)], STAGED, strangers=(b"notes.txt",))[0] == "merge"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"year": 2001, "staged_year": 1994}, "beside"),
        ({"year": 2001}, "conflict"),
        ({"year": 1994, "staged_year": 1994}, "conflict"),
    ],
)
def test_another_year_and_no_title_in_common_is_another_album(values: dict[str, Any], expected: str) -> None:
    newcomers = [track(1, title="Photograph"), track(2, title="Simple")]
    assert outcome(newcomers, STAGED, **values)[0] == expected


def test_a_title_in_common_or_an_unknown_one_makes_it_a_conflict() -> None:
    for title in ("song 1", None):
        newcomers = [track(1, title="Photograph"), track(2, title=title)]
        assert outcome(newcomers, STAGED, year=2001, staged_year=1994)[0] == "conflict"


def test_a_conflict_says_first_in_what_the_two_differ() -> None:
    meeting = meet(encounter([track(1, sound=FLAC)], STAGED), BETTER)
    assert "A/Ada/Low" in meeting.reasons[0].message
    assert "lacks 1 of the 2 staged tracks" in meeting.reasons[0].message


def test_no_tag_text_reaches_a_terminal_as_it_is() -> None:
    meeting = meet(encounter([UPGRADE[0], track(2, sound=FLAC, title="\x1b[31m")], STAGED), BETTER)
    assert all(reason.message.isprintable() for reason in meeting.reasons)
