"""Paths and errors as people see them."""

from __future__ import annotations

import pytest

from config import errors
from config.errors import Busy, GreenroomError, LeaseLost, Misconfigured, Rejected, Retryable
from config.reasons import Reason, counted, path_text, show_path


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"Artist/Album", "Artist/Album"),
        ("Björk/Début".encode(), "Björk/Début"),
        (b"caf\xe9", "caf\\xe9"),
        (b"two words", "two words"),
        ("東京\u3000事変 \u00a0".encode(), "東京\u3000事変 \u00a0"),
        (b"a\nb\tc", "a\\nb\\tc"),
        (b"\x1b[2J", "\\x1b[2J"),
        ("\x9b31m".encode(), "\\x9b31m"),
        ("\u202egpj".encode(), "\\u202egpj"),
        (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
        ("می\u200cخواهم".encode(), "می\u200cخواهم"),  # Persian is not written without it
        ("👩\u200d👧 र्\u200d".encode(), "👩\u200d👧 र्\u200d"),
        ("a\u200cb\u200d".encode(), "a\\u200cb\\u200d"),  # it joins and parts nothing there
        ("é\u200d\u200d\u202e\u200c".encode(), "é\u200d\\u200d\\u202e\\u200c"),
        (b"", ""),
    ],
)
def test_a_path_is_shown_in_one_safe_line(path: bytes, shown: str) -> None:
    assert show_path(path) == shown


def test_scripts_read_a_path_as_it_is_unless_it_is_not_utf_8() -> None:
    assert path_text("a\nb\u202e\x9b".encode()) == "a\nb\u202e\x9b"
    assert path_text(b"caf\xe9") == "caf\\xe9"


def test_one_thing_is_no_things() -> None:
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]


def test_every_path_can_be_shown_on_any_terminal_and_in_any_log() -> None:
    for number in range(256):
        assert show_path(bytes([number])).isprintable()


def test_an_error_carries_its_own_code_unless_told_a_closer_one() -> None:
    assert Rejected("no").reason_code == "rejected"
    assert Rejected("no", code="no_audio", path=b"a").reason_code == "no_audio"
    assert Rejected("no", code="no_audio", path=b"a").path == b"a"


def test_exit_codes_are_those_scripts_rely_on() -> None:
    assert Busy("held").exit_code == 75
    assert {kind.exit_code for kind in (GreenroomError, Misconfigured, Retryable, LeaseLost)} == {1}


def test_every_error_says_by_its_kind_what_to_do() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GreenroomError)]
    codes = [kind.code for kind in kinds if "code" in vars(kind)]  # else that of the wider kind is meant
    assert len(set(codes)) == len(codes)
    for kind in kinds:
        assert kind.__doc__


def test_a_reason_without_a_path_is_about_the_whole() -> None:
    assert Reason("no_library", "There is no inbound library.").path is None


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("the disk is full", "The disk is full."),
        ("is the disk full?", "Is the disk full?"),
        ("a.mp3 is gone", "a.mp3 is gone."),
        ("It is there already.", "It is there already."),
    ],
)
def test_an_error_explains_a_decision_in_a_whole_sentence(message: str, told: str) -> None:
    error = Rejected(message, code="odd", path=b"album/a.mp3")
    assert error.reason() == Reason("odd", told, b"album/a.mp3")
    assert error.reason(b"album") == Reason("odd", told, b"album")
