"""What was recorded, what was seen before, what is there now → what is wrong with a file."""

from __future__ import annotations

import pytest

from processor.verification.judging import Known, Seen, Subject, is_anew, judge

MUSIC = Subject("root", b"a/1.flac", "audio", 10, 100, "blake3:aa")
FINE = MUSIC._replace(mtime_ns=3_123_456_789)
LINKED = MUSIC._replace(digest=None)
NFO = Subject("root", b"a/album.nfo", "nfo", 5, None, "sha256:aa", written_ns=100)
LATER = 100 + 3_000_000_000


@pytest.mark.parametrize(
    ("subject", "before", "seen", "code"),
    [
        (MUSIC, None, Seen(10, 100, "blake3:aa"), None),
        (MUSIC, None, Seen(10, 999, "blake3:aa"), None),  # touched, and the same
        (MUSIC, None, Seen(10, 100, "blake3:bb"), "rotten"),
        (MUSIC, None, Seen(12, 999, "blake3:bb"), "changed"),
        (FINE, None, Seen(10, 2_000_000_000, "blake3:bb"), "rotten"),  # the disk keeps two seconds, as FAT does
        (FINE, None, Seen(10, 3_123_456_700, "blake3:bb"), "rotten"),  # NTFS
        (FINE, None, Seen(10, 3_000_000_001, "blake3:bb"), "changed"),
        (MUSIC, None, None, "missing"),
        (MUSIC, None, Seen(0, 0, "", "unreadable"), "unreadable"),
        (LINKED, None, Seen(10, 100, "blake3:aa"), None),  # read for the first time
        (LINKED, None, Seen(11, 999, "blake3:aa"), "changed"),
        (LINKED, None, Seen(10, 999, "blake3:aa"), "changed"),
        (LINKED, None, Seen(11, 100, "blake3:aa"), "rotten"),
        (LINKED, Known(10, 100, "blake3:aa", None), Seen(10, 100, "blake3:bb"), "rotten"),
        (LINKED._replace(size=20, mtime_ns=200), Known(10, 100, "blake3:aa", None), Seen(20, 200, "blake3:bb"), None),
        (NFO, None, Seen(5, 90, "sha256:aa"), None),
        (NFO, None, Seen(5, 90, "sha256:bb"), "rotten"),
        (NFO, None, Seen(6, 101, "sha256:bb"), "edited"),  # by somebody who waited for it
        (NFO, None, Seen(6, LATER, "sha256:bb"), "edited"),
        (NFO, Known(6, LATER, "sha256:bb", "edited"), Seen(6, LATER, "sha256:bb"), "edited"),
        (NFO, Known(6, LATER, "sha256:bb", "edited"), Seen(6, LATER, "sha256:cc"), "rotten"),
        (NFO, Known(6, LATER, "sha256:bb", "edited"), Seen(5, LATER, "sha256:aa"), None),
        (NFO._replace(role="sidecar", digest=None), None, Seen(7, LATER, "blake3:xx"), None),
        (NFO, None, Seen(6, 100, "sha256:bb"), "rotten"),  # as old as what we wrote
        (NFO._replace(written_ns=None), None, Seen(6, 999, "sha256:bb"), "changed"),  # it came with the album
        (NFO._replace(role="audio"), None, Seen(6, LATER, "sha256:bb"), "changed"),  # music is nobody's to write
        (LINKED._replace(mtime_ns=None), None, Seen(10, 999, "blake3:aa"), None),
        (LINKED._replace(mtime_ns=None), None, Seen(11, 999, "blake3:aa"), "changed"),
    ],
)
def test_time_tells_damage_from_somebodys_doing(
    subject: Subject, before: Known | None, seen: Seen | None, code: str | None
) -> None:
    assert judge(subject, before, seen).code == code


@pytest.mark.parametrize("subject", [MUSIC, LINKED, NFO, NFO._replace(role="sidecar", digest=None)])
def test_what_is_as_it_should_be_is_so_at_every_look(subject: Subject) -> None:
    seen = Seen(subject.size, 100, subject.digest or "blake3:aa")
    first = judge(subject, None, seen)
    assert (first.code, judge(subject, first.known, seen)) == (None, first)


def test_damage_stays_damage_and_a_change_is_right_from_then_on() -> None:
    rotten = judge(MUSIC, None, Seen(10, 100, "blake3:bb"))
    assert judge(MUSIC, rotten.known, Seen(10, 100, "blake3:bb")).code == "rotten"
    assert judge(MUSIC, rotten.known, Seen(10, 100, "blake3:aa")).code is None  # put back from a backup
    changed = judge(MUSIC, None, Seen(12, 999, "blake3:bb"))
    assert judge(MUSIC, changed.known, Seen(12, 999, "blake3:bb")).code is None
    assert judge(MUSIC, changed.known, Seen(12, 999, "blake3:cc")).code == "rotten"


def test_what_rotted_is_remembered_as_it_was_so_that_it_is_known_again() -> None:
    good = judge(LINKED, None, Seen(10, 100, "blake3:aa"))
    rotten = judge(LINKED, good.known, Seen(10, 100, "blake3:bb"))
    assert rotten.known == Known(10, 100, "blake3:aa", "rotten")
    assert judge(LINKED, rotten.known, Seen(10, 100, "blake3:bb")).code == "rotten"
    assert judge(LINKED, rotten.known, Seen(10, 100, "blake3:aa")).code is None


def test_what_somebody_edited_is_edited_at_every_look() -> None:
    known: Known | None = None
    for _ in range(3):
        edited = judge(NFO, known, Seen(6, LATER, "sha256:bb"))
        known = edited.known
        assert (edited.code, known and known.code) == ("edited", "edited")


def test_a_file_is_anew_once_its_time_is_another_than_at_the_last_look_or_as_recorded() -> None:
    assert not is_anew(MUSIC, None, Seen(10, 100, "blake3:aa"))
    assert is_anew(MUSIC, None, Seen(10, 999, "blake3:aa"))
    assert not is_anew(MUSIC, Known(10, 999, "blake3:aa", None), Seen(10, 999, "blake3:aa"))
