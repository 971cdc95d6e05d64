"""Raw values as taggers write them → the values of Facts."""

from __future__ import annotations

import pytest

from scanner.facts import Facts
from scanner.tags.normalise import (
    clean,
    date,
    decimal,
    disc,
    first,
    flag,
    ids,
    r128_gain,
    texts,
    track,
)
from scanner.tags.said import Stream, joined, row_of, say

SOUND: Stream = ("mp3", 1.5, 128_000, 44_100, 0, 2)


def facts(stream: Stream = SOUND, **tags: list[str]) -> Facts:
    return Facts._make(row_of([say(field, values) for field, values in tags.items()], stream, []))


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (" Blue \0\0", "Blue"),
        ("", None),
        (" \0 \t", None),
        ("a\0b", "a b"),
        ("\ud800x", "\ufffdx"),
        ("日本語", "日本語"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_text_loses_only_what_nobody_can_store(raw: str, kept: str | None) -> None:
    assert clean(raw) == kept


def test_a_long_text_is_cut_at_a_character() -> None:
    kept = clean("ü" * 5000)
    assert kept is not None
    assert len(kept.encode()) == 4096


def test_a_list_keeps_order_says_nothing_twice_and_ends() -> None:
    assert texts(["b", "", "a", "b"]) == ("b", "a")
    assert len(texts([str(n) for n in range(100)])) == 64
    assert first(["", "x"]) == "x"


@pytest.mark.parametrize(
    ("raw", "both"),
    [
        ("3/12", (3, 12)),
        ("3 / 12", (3, 12)),
        ("3 of 12", (3, 12)),
        ("03of12", (3, 12)),
        ("1 OF many", (1, None)),
        ("03", (3, None)),
        ("0/0", (None, None)),
        ("20130405", (None, None)),
        ("/9", (None, 9)),
        ("٣", (None, None)),
        ("9" * 5000, (None, None)),
        ("", (None, None)),
    ],
)
def test_numbers_are_counting_numbers(raw: str, both: tuple[int | None, int | None]) -> None:
    assert track([raw]) == (*both, None)
    assert disc([raw]) == both


@pytest.mark.parametrize(
    ("raw", "number", "on_disc"),
    [
        ("1-05", 5, 1),
        ("2-12/24", 12, 2),
        ("A1", 1, 1),
        ("b2", 2, 2),
        ("D10", 10, 4),
        ("A0", None, None),
        ("1-00", None, None),
        ("3-9", 9, 3),
        ("10-12", None, None),
        ("A", 1, 1),
        ("AA", 1, 2),
        ("AA2", 2, 2),
        ("AB1", None, None),
        ("8A", None, None),
        ("A-1", 1, 1),
        ("b.2", 2, 2),
        ("T3", 3, 20),  # a box of ten records
        ("T03", 3, None),
        ("t-3", 3, None),
        ("Track 3", 3, None),
        ("No. 3/9", 3, None),
        ("#3", 3, None),
        ("03.", 3, None),
        ("-1", None, None),
        ("1.03", None, None),
        ("I", None, None),  # may be a numeral
        ("X1", None, None),
        ("A1 Steak", None, None),
    ],
)
def test_a_track_may_be_told_with_its_disc_or_its_side(raw: str, number: int | None, on_disc: int | None) -> None:
    found = facts(track=[raw], disc_total=["4"])
    assert (found.track, found.disc) == (number, on_disc)


def test_a_side_tells_more_than_the_disc_that_has_two() -> None:
    assert [facts(track=[side], disc=["1/2"]).disc for side in ("A1", "B1", "1")] == [1, 2, 1]


@pytest.mark.parametrize(
    ("raw", "both"),
    [
        ("A", (1, None)),
        ("b", (2, None)),
        ("B/2", (2, 2)),
        ("CD1", (1, None)),
        ("Disc 2", (2, None)),
        ("disk 02 of 03", (2, 3)),
        ("Side B", (2, None)),
        ("LP 2/2", (2, 2)),
        ("CD0", (None, None)),
        ("CD 2003", (None, None)),
        ("Bonus", (None, None)),
        ("K", (None, None)),
    ],
)
def test_a_disc_may_be_told_by_its_name_or_as_a_side(raw: str, both: tuple[int | None, int | None]) -> None:
    assert disc([raw]) == both


def test_a_total_with_a_tag_of_its_own_wins() -> None:
    both = facts(track=["3/12"], track_total=["11"], disc_total=["2"])
    assert (both.track, both.track_total, both.disc, both.disc_total) == (3, 11, None, 2)
    assert facts(disc=["1/2"], disc_total=["many"]).disc_total == 2


def test_values_that_stand_apart_are_read_as_one_list() -> None:
    said = [say("genre", ["Rock"]), say("artist", ["A"]), say("genre", ["Pop"]), say("artist", ["B"])]
    found = Facts._make(row_of(joined([*said, say("genre", ["Rock", "Folk"])]), SOUND, []))
    assert (found.genres, found.artist) == (("Rock", "Pop", "Folk"), "A; B")


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("2003", "2003"),
        ("2003-5", "2003-05"),
        ("2003-05-01T10:00:00Z", "2003-05-01"),
        ("2003-00-00", "2003"),
        ("2003-13-01", "2003"),
        ("20030501", "2003-05-01"),
        ("01.05.2003", "2003"),
        ("0000", None),
        ("c. 1950", "1950"),
        ("© 1950", "1950"),
        ("1950s", "1950"),
        ("195?", None),
        ("unknown", None),
        ("20031", None),
        ("", None),
    ],
)
def test_dates_keep_as_much_as_is_certain(raw: str, kept: str | None) -> None:
    assert date([raw]) == kept


def test_of_a_year_and_its_date_the_date_counts_in_any_order() -> None:
    assert date(["2003", "2003-05-01"]) == date(["2003-05-01", "2003"]) == "2003-05-01"
    assert date(["0000", "1999", "2003-05-01"]) == "1999"


def test_ids_that_were_joined_are_several() -> None:
    one, two = "a" * 36, "b" * 36
    assert ids([f"{one}/{two}"]) == ids([f"{one}; {two}"]) == ids([one, two]) == (one, two)
    assert ids(["no id"]) == ("no id",)


@pytest.mark.parametrize(
    ("raw", "number"),
    [("-7.25 dB", -7.25), ("+3,5 db", 3.5), ("0.988553", 0.988553), ("nan", None), ("inf", None), ("loud", None)],
)
def test_replaygain_is_a_finite_number(raw: str, number: float | None) -> None:
    assert decimal([raw]) == number


def test_an_r128_gain_is_raised_to_the_reference_of_replaygain() -> None:
    assert r128_gain(["-512"]) == 3.0
    assert facts(r128_track=["256"], rg_track_gain=["-9 dB"]).rg_track_gain == 6.0
    assert facts(r128_album=["much"], rg_album_gain=["-1 dB"]).rg_album_gain == -1.0


def test_a_flag_is_true_false_or_unknown() -> None:
    assert [flag([raw]) for raw in ("1", "TRUE", "0", "maybe", "")] == [True, True, False, None, None]


def test_unknown_is_none_and_several_artists_are_shown_as_one() -> None:
    found = facts(("mp3", 0.0, 0, 0, 0, 0), artist=["A", "B"], album_artist=[""])
    assert (found.artist, found.artists) == ("A; B", ("A", "B"))
    assert (found.album_artist, found.album_artists) == (None, ())
    assert (found.duration_ms, found.bitrate, found.sample_rate, found.bits, found.channels) == (None,) * 5


def test_a_list_of_artists_does_not_change_what_is_shown() -> None:
    found = facts(artist=["A feat. B"], artists=["A", "B"])
    assert (found.artist, found.artists) == ("A feat. B", ("A", "B"))
