"""Lists of checksums → what they say, and which files are not so."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.checksums import MAX_LIST, Listed, failures, parse
from scanner.identity import Identity

MD5 = "0123456789abcdef0123456789ABCDEF"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"01 - One.flac DEADBEEF", Listed(b"01 - One.flac", "crc32", "deadbeef")),
        (b"CD1\\01 One.mp3\t00ff00ff", Listed(b"CD1/01 One.mp3", "crc32", "00ff00ff")),
        (MD5.encode() + b"  a b.flac", Listed(b"a b.flac", "md5", MD5.lower())),
        (MD5.encode() + b" *./a.flac", Listed(b"a.flac", "md5", MD5.lower())),
        (b"MD5 (a (live).flac) = " + MD5.encode(), Listed(b"a (live).flac", "md5", MD5.lower())),
        (b"a" * 64 + b"  x.flac", Listed(b"x.flac", "sha256", "a" * 64)),
        (b"01 - One.flac:" + MD5.encode(), Listed(b"01 - One.flac", "flac", MD5.lower())),
        ("Ærø.flac".encode() + b" 01020304", Listed("Ærø.flac".encode(), "crc32", "01020304")),
        (b"caf\xe9.flac 01020304", Listed(b"caf\xe9.flac", "crc32", "01020304")),
    ],
)
def test_every_common_form_of_a_line_is_understood(line: bytes, said: Listed) -> None:
    assert parse(b"\xef\xbb\xbf; made by something\r\n# more\r\n\r\n" + line + b"\r\n") == (said,)


@pytest.mark.parametrize(
    "line", [b"../../etc/passwd 01020304", b"/etc/passwd 01020304", b"just words", b"", b"\x00\xff" * 50, b"x 0102"]
)
def test_what_says_nothing_or_leads_out_of_the_folder_is_passed_by(line: bytes) -> None:
    assert parse(line) == ()


@pytest.mark.parametrize("filling", [b" ", b"\t", b"a ", b"("])
def test_a_list_full_of_nothing_is_read_in_a_moment(filling: bytes) -> None:
    line = b"a" + filling * (MAX_LIST // len(filling) - 2) + b"b"
    assert parse(line) == ()  # what tries each blank with all those behind it takes hours


def always(_path: bytes, _identity: Identity, _algorithm: str, compute: Callable[[], str | None]) -> str | None:
    return compute()


def found(root: Path, text: str) -> list[tuple[str, bytes | None]]:
    (root / "a").mkdir(exist_ok=True)
    (root / "a" / "list.sfv").write_text(text)
    said = failures(bytes(root), b"a/list.sfv", lambda name: name.lower().endswith(b".flac"), always)
    return [(reason.code, reason.path) for reason in said]


def test_a_file_that_is_missing_or_other_than_its_list_says_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "One.flac").write_bytes(b"one")
    (tmp_path / "a" / "two.flac").write_bytes(b"cut")
    text = f"one.FLAC {zlib.crc32(b'one'):08X}\ntwo.flac {zlib.crc32(b'two'):08X}\nthree.flac 00000000\ncover.jpg 0000"
    assert found(tmp_path, text) == [
        ("checksum_differs", b"a/two.flac"),
        ("listed_file_missing", b"a/three.flac"),
    ]


def test_whatever_the_algorithm_a_whole_file_passes_and_another_does_not(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.flac").write_bytes(b"music")
    for algorithm in ("md5", "sha1", "sha256", "sha512"):
        right = hashlib.new(algorithm, b"music").hexdigest()
        assert found(tmp_path, f"{right}  1.flac") == []
        wrong = hashlib.new(algorithm, b"noise").hexdigest()
        assert found(tmp_path, f"{wrong}  1.flac") == [("checksum_differs", b"a/1.flac")]


def test_a_fingerprint_is_compared_with_the_one_in_the_flac(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    md5 = hashlib.md5(b"pcm", usedforsecurity=False)
    (tmp_path / "a" / "1.flac").write_bytes(b"fLaC" + bytes(4) + bytes(18) + md5.digest() + b"...")
    assert found(tmp_path, f"1.flac:{md5.hexdigest()}") == []
    assert found(tmp_path, f"1.flac:{'1' * 32}") == [("checksum_differs", b"a/1.flac")]
    (tmp_path / "a" / "1.flac").write_bytes(b"fLaC" + bytes(38))
    assert found(tmp_path, f"1.flac:{'1' * 32}") == []  # it has none to compare with
