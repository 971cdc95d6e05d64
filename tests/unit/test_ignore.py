"""Names and patterns: what is never taken, what makes its album wait, what an admin may ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from config.errors import Misconfigured
from scanner.globs import Glob
from scanner.ignore import (
    HIDDEN,
    JUNK,
    MAX_PATTERNS,
    OWN,
    PARTIAL,
    PARTIAL_FOLDER,
    PATTERN,
    IgnoreRules,
    built_in,
    finished_name,
    refused,
    unconflicted_name,
)


@pytest.mark.parametrize(
    "name",
    [b".DS_Store", b"._01.flac", b"Thumbs.db", b"THUMBS.DB", b"desktop.ini", b"icon\r", b".nomedia", b".Trash-1000"],
)
def test_what_other_programs_leave_behind_is_junk(name: bytes) -> None:
    assert built_in(name, False) is JUNK


@pytest.mark.parametrize(
    "name",
    [
        *(b"@eaDir", b"lost+found", b"#recycle", b"$RECYCLE.BIN", b"System Volume Information", b"__MACOSX"),
        *(b".stversions", b"@Recycle", b"@Recently-Snapshot", b"~snapshot", b"RECYCLED", b"RECYCLER"),
        *(b"FOUND.000", b"Temporary Items", b"TheVolumeSettingsFolder"),
    ],
)
def test_folders_of_other_programs_are_junk(name: bytes) -> None:
    assert built_in(name, True) is JUNK


@pytest.mark.parametrize(
    "name",
    [
        *[
            b"01.flac" + suffix
            for suffix in b".part .PART .partial .!qB .!ut .bc! .crdownload .tmp .aria2 .st .filepart .!sync".split()
        ],
        *(b"a.mp4.part-Frag12", b"a.flac.partial~", b"~syncthing~a.flac.tmp", b".syncthing.a.flac.tmp", b".nfs0000a1"),
        *(b"INCOMPLETE" + b"0f" * 16 + b"01 a.mp3", b"INCOMPLETE~01 a.mp3", b"a.flac.lftp-pget-status"),
        *(b".getxfer.12.34.mega", b".01 - a.flac.eUoihF", b".fuse_hidden0001", b".01 - a.flac.~3f2a91", b".01 - a.~0"),
        *(b"a.flac" + suffix for suffix in b".!bt .az! .bt! .ob! .td .td.cfg .xltd.cfg .dtapart".split()),
        *(b".pending-1700000000-a.flac", b"___ARESTRA___a.flac"),
        *(b".in.01 - a.flac.", b".goutputstream-AB12CD", b"a.flac-2.cyberducksegment", b"a.baiduyun.p.downloading"),
    ],
)
def test_what_is_still_being_written_by_its_name_waits(name: bytes) -> None:
    assert built_in(name, False) is PARTIAL


@pytest.mark.parametrize(
    "name", [b"_UNPACK_Album", b"_unpack", b"Album.part", b"Album.!qB", b".~tmp~", b"a.flac.cyberducksegment"]
)
def test_a_folder_that_is_still_being_filled_by_its_name_is_not_looked_into(name: bytes) -> None:
    assert built_in(name, True) is PARTIAL_FOLDER


def test_a_folder_whose_unpacking_failed_is_told_as_that() -> None:
    why = built_in(b"_FAILED_Album", True)
    assert why is not None
    assert why.code == "partial_folder"
    assert "failed" in why.message


@pytest.mark.parametrize("name", [b".hidden.flac", b".git", b".cache"])
def test_hidden_names_are_left_alone(name: bytes) -> None:
    assert built_in(name, True) is HIDDEN


@pytest.mark.parametrize("name", [b".greenroom-root", b".greenroom-trash", b".greenroomignore"])
def test_our_own_files_are_told_apart_from_junk(name: bytes) -> None:
    assert built_in(name, False) is OWN


@pytest.mark.parametrize(
    "name",
    [b"...And Justice for All", b".5: The Gray Chapter", b"Alles.st", b"E.S.T.", b"\xff\xfe", b"a\nb", b"Recycler"],
)
def test_odd_but_honest_album_names_are_taken(name: bytes) -> None:
    assert built_in(name, True) is None


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        (b"01.flac.aria2", b"01.flac"),
        (b"01.flac.PART", b"01.flac"),
        (b"a.mp4.part-Frag3", b"a.mp4"),
        (b".01.flac.eUoihF", b"01.flac"),
        (b".01.flac.~3f2a91", b"01.flac"),
        (b"INCOMPLETE" + b"0f" * 16 + b"01.flac", b"01.flac"),
        (b"INCOMPLETE~01.flac", b"01.flac"),
        (b"01.flac.td.cfg", b"01.flac"),
        (b".pending-1700000000-01.flac", b"01.flac"),
        (b"___ARESTRA___01.flac", b"01.flac"),
    ],
)
def test_a_temporary_name_says_which_file_it_will_become(name: bytes, whole: bytes) -> None:
    assert finished_name(name) == whole


def test_patterns_mean_what_they_mean_in_gitignore() -> None:
    rules = IgnoreRules.of(["*.log", "!rip.log", "Samples/", "/top.flac"])
    assert rules.why(b"A/b.log", False) is PATTERN
    assert rules.why(b"A/rip.log", False) is None
    assert rules.why(b"A/Samples", True) is PATTERN
    assert rules.why(b"A/Samples", False) is None
    assert rules.why(b"top.flac", False) is PATTERN
    assert rules.why(b"A/top.flac", False) is None


def test_the_nearest_ignore_file_decides() -> None:
    rules, bad = IgnoreRules.of(["*.log"]).inside(b"\xffA", b"!keep.log\n/01.flac\n")
    assert bad == ()
    assert rules.why(b"\xffA/keep.log", False) is None
    assert rules.why(b"\xffA/other.log", False) is PATTERN
    assert rules.why(b"\xffA/01.flac", False) is PATTERN
    assert rules.why(b"\xffA/CD1/01.flac", False) is None


def test_the_mark_that_notepad_writes_first_is_no_part_of_a_pattern() -> None:
    rules, bad = IgnoreRules().inside(b"", b"\xef\xbb\xbf/Drafts/\r\n")
    assert bad == ()
    assert rules.why(b"Drafts", True) is PATTERN


@pytest.mark.parametrize(
    "pattern",
    [
        *("*a*a*a*a*b", "a****b", "*a*a*a/*a*a*b", "**/*a*/**/*a*b", "a/**/b/**/c/**", "*[!a]*[!a]*b", "x" * 256),
        *("*[+-9]*[a]*b", "*[a.]*[a]*b"),
        *("a\\", "!"),
    ],
)
def test_a_pattern_that_is_wrong_or_could_be_made_slow_is_refused(pattern: str) -> None:
    assert refused(pattern)
    with pytest.raises(Misconfigured, match="is refused"):
        IgnoreRules.of([pattern])
    rules, bad = IgnoreRules().inside(b"", pattern.encode() + b"\n*.log\n")
    assert bad == (pattern,)
    assert rules.why(b"a.log", False) is PATTERN


@pytest.mark.parametrize(
    "pattern",
    [
        "**/*sample*/**",
        "*a*a*b",
        "*a*/*a*b",
        "*/*/*/*.log",
        "**/*a*a*b",
        "a***b",
        "**",
        r"*\[*\]*",
        "*[Ss]cans*[0-9a]*",
        "*[a]*[a]*b",
    ],
)
def test_no_pattern_that_is_taken_is_slow_whatever_it_is_asked(pattern: str) -> None:
    assert refused(pattern) is None
    assert IgnoreRules.of([pattern]).why(b"/".join([b"a" * 250] * 15), False) in (None, PATTERN)


@pytest.mark.parametrize("pattern", ["*a*a*a", "**/*a*a*b", "**/*a*/**/*b"])
def test_a_file_full_of_patterns_is_slow_on_no_name(pattern: str) -> None:
    """Whoever packed a download may have put one in; the scan of all albums would stand still for minutes a name."""
    lines = "\n".join(f"{pattern}{number}" for number in range(MAX_PATTERNS)).encode()
    rules, bad = IgnoreRules().inside(b"", lines)
    assert bad == ()
    for depth in range(1, 16):
        assert rules.why(b"/".join([b"a" * 250] * depth), False) is None


@given(
    pattern=st.lists(
        st.sampled_from(["a", "b", *"**?/.!\\", "[ab]", "[a-c.]", "[0-9a-b]", "[!a]", "[+-9]"]), max_size=9
    ).map("".join),
    names=st.lists(st.text("aab.*/", min_size=1, max_size=12), max_size=20),
)
def test_a_quick_pattern_takes_what_the_slow_one_did(pattern: str, names: list[str]) -> None:
    try:
        slow = GitIgnoreSpec.from_lines([pattern])
    except ValueError:
        return
    quick = GitIgnoreSpec.from_lines(Glob, [pattern])
    for name in names:
        assert quick.check_file(name).include == slow.check_file(name).include, name


def test_an_ignore_file_without_end_is_cut_off() -> None:
    rules, bad = IgnoreRules().inside(b"", b"".join(b"%d.flac\n" % number for number in range(300)))
    assert len(bad) == 100
    assert rules.why(b"199.flac", False) is PATTERN
    assert rules.why(b"200.flac", False) is None


@pytest.mark.parametrize(
    ("name", "original"),
    [
        (b"a.sync-conflict-20260101-120000-ABCDEFG.sync-conflict-20260102-120000-HIJKLMN.mp3", b"a.mp3"),
        (b"a (Ada's conflicted copy 2026-01-01).mp3", b"a.mp3"),
        (b"Conflict.mp3", None),
        (b"03 - Conflicted Copy (conflicted copy).mp3", None),
        (b"a (conflicted copy 2026-01-01)", None),
        (b"_conflict-20200101-120000.mp3", None),
    ],
)
def test_a_copy_of_a_sync_program_says_what_it_is_a_copy_of(name: bytes, original: bytes | None) -> None:
    assert unconflicted_name(name) == original
