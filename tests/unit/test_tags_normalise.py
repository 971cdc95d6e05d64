"""Raw values as taggers write them → the values of Facts."""

from __future__ import annotations

import pytest

from scanner.tags.normalise import (
    Stream,
    clean,
    date,
    decimal,
    facts_of,
    first,
    flag,
    number_and_total,
    r128_gain,
    texts,
)

SOUND = Stream("mp3", 1.5, 128_000, 44_100, 0, 2)


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
    ("values", "totals", "both"),
    [
        (["3/12"], None, (3, 12)),
        (["03"], ["12"], (3, 12)),
        (["3 / 12"], ["11"], (3, 11)),
        (["A1"], None, (None, None)),
        (["0/0"], None, (None, None)),
        (["20130405"], None, (None, None)),
        (["/9"], None, (None, 9)),
        (None, ["7"], (None, 7)),
        (["٣"], None, (None, None)),
        (["9" * 5000], None, (None, None)),
    ],
)
def test_numbers_are_counting_numbers(
    values: list[str] | None, totals: list[str] | None, both: tuple[int | None, int | None]
) -> None:
    assert number_and_total(values, totals) == both


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
        ("unknown", None),
        ("20031", None),
        ("", None),
    ],
)
def test_dates_keep_as_much_as_is_certain(raw: str, kept: str | None) -> None:
    assert date([raw]) == kept


@pytest.mark.parametrize(
    ("raw", "number"),
    [("-7.25 dB", -7.25), ("+3,5 db", 3.5), ("0.988553", 0.988553), ("nan", None), ("inf", None), ("loud", None)],
)
def test_replaygain_is_a_finite_number(raw: str, number: float | None) -> None:
    assert decimal([raw]) == number


def test_an_r128_gain_is_raised_to_the_reference_of_replaygain() -> None:
    assert r128_gain(["-512"], None) == 3.0
    assert r128_gain(["much"], -1.0) == -1.0
    facts = facts_of({"r128_track": ["256"], "rg_track_gain": ["-9 dB"]}, SOUND, [])
    assert facts.rg_track_gain == 6.0


def test_a_flag_is_true_false_or_unknown() -> None:
    assert [flag([raw]) for raw in ("1", "TRUE", "0", "maybe", "")] == [True, True, False, None, None]


def test_unknown_is_none_and_several_artists_are_shown_as_one() -> None:
    facts = facts_of({"artist": ["A", "B"], "album_artist": [""]}, Stream("mp3", 0.0, 0, 0, 0, 0), [])
    assert (facts.artist, facts.artists) == ("A; B", ("A", "B"))
    assert (facts.album_artist, facts.album_artists) == (None, ())
    assert (facts.duration_ms, facts.bitrate, facts.sample_rate, facts.bits, facts.channels) == (None,) * 5


def test_a_list_of_artists_does_not_change_what_is_shown() -> None:
    facts = facts_of({"artist": ["A feat. B"], "artists": ["A", "B"]}, SOUND, [])
    assert (facts.artist, facts.artists) == ("A feat. B", ("A", "B"))
