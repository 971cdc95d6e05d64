"""Spellings that are one name, and names that only look alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.grouping.folding import alike, clean, fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Beatles", "beatles"),
        ("Beatles, The", "The Beatles"),
        ("R.E.M.", "REM"),
        ("AC/DC", "ac-dc"),
        ("Simon & Garfunkel", "Simon and Garfunkel"),
        ("Florence + The Machine", "Florence and the Machine"),
        ("Guns N’ Roses", "Guns N' Roses"),
        ("Sigur Rós", "SIGUR ROS"),
        ("Ｆｕｌｌ　Ｗｉｄｔｈ", "full width"),
        ("Straße", "STRASSE"),
        ("Mø", "mo"),
        ("Wait… What?!", "wait what"),
        ("Die drei ？？？", "DIE DREI ???"),
        ("ze\u200bro", "zero"),
        ("\u202dRight", "right"),
    ],
)
def test_spellings_of_one_name_fold_to_one_text(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("!!!", "???"),
        ("Die drei ???", "Die drei !!!"),
        ("÷", "×"),
        ("Album", "Album (Deluxe)"),
        ("1999", "99"),
        ("か", "が"),
        ("♥", "★"),
        ("The The", "Who"),
        ("A", "B"),
    ],
)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize("text", ["The", "A", "an", "The The"])
def test_an_article_alone_is_a_name(text: str) -> None:
    assert fold(text)


@given(st.text(alphabet=st.characters(codec=None), min_size=1))
def test_any_visible_text_folds_to_something_that_can_be_stored(text: str) -> None:
    shown = clean(text)
    if shown is not None:
        assert fold(shown)
        assert fold(shown).encode("utf-8").isascii() >= shown.isascii()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("abbey road", "abbey raod", True),
        ("abbey road", "abey road", True),
        ("abbey road", "abbey rxxd", False),
        ("help", "hell", False),
        ("greatest hits 1", "greatest hits 2", False),
        ("led zeppelin ii", "led zeppelin iii", False),
        ("songs for everybody part one", "songs for everybody part two", False),
        ("the complete collection of a b", "the complete collection of a c", False),
        ("the very long title of an album by a band", "the very long title of an album by a band live", False),
    ],
)
def test_typos_are_told_from_other_titles(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is alike(other, one) is same


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *((None, None), ("", None), (" \t\x00", None), (" a \n b ", "a b")),
        *(("e\u0301", "é"), ("\ud800x", "\\ud800x")),
        ("\u200fעופרה\u200e \u202bחזה\u202c\ufeff", "עופרה חזה"),
        ("Ze\u200bro", "Zero"),
        ("\u200e", None),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_tags_are_cleaned_for_showing(text: str | None, shown: str | None) -> None:
    assert clean(text) == shown
