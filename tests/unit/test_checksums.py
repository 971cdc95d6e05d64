"""Lists of checksums → what they say, and which files are not so."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.checksums import Listed, failures, parse
from scanner.identity import Identity
from scanner.smallfiles import MAX_SMALL

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
        (MD5.encode() + b"  [shntool]  d1t01.flac", Listed(b"d1t01.flac", "flac", MD5.lower())),
        ("Ærø.flac".encode() + b" 01020304", Listed("Ærø.flac".encode(), "crc32", "01020304")),
        (b"caf\xe9.flac 01020304", Listed(b"caf\xe9.flac", "crc32", "01020304")),
    ],
)
def test_every_common_form_of_a_line_is_understood(line: bytes, said: Listed) -> None:
    assert parse(b"\xef\xbb\xbf; made by something\r\n# more\r\n\r\n" + line + b"\r\n") == (said,)


@pytest.mark.parametrize(
    "line",
    [
        b"../../etc/passwd 01020304",
        b"/etc/passwd 01020304",
        b"C:\\Music\\1.flac 01020304",
        b"just words",
        b"",
        b"\x00\xff" * 50,
        b"x 0102",
    ],
)
def test_what_says_nothing_or_leads_out_of_the_folder_is_passed_by(line: bytes) -> None:
    assert parse(line) == ()


@pytest.mark.parametrize("filling", [b" ", b"\t", b"a ", b"("])
def test_a_list_full_of_nothing_is_read_in_a_moment(filling: bytes) -> None:
    line = b"a" + filling * (MAX_SMALL // len(filling) - 2) + b"b"
    assert parse(line) == ()  # what tries each blank with all those behind it takes hours


def always(_path: bytes, _identity: Identity, _algorithm: str, compute: Callable[[], str | None]) -> str | None:
    return compute()


def found(root: Path, text: str | bytes) -> list[tuple[str, bytes | None]]:
    (root / "a").mkdir(exist_ok=True)
    (root / "a" / "list.sfv").write_bytes(text if isinstance(text, bytes) else text.encode())
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


@pytest.mark.parametrize("encoding", ["latin-1", "cp437", "cp1251"])
def test_a_name_in_another_code_page_is_the_only_one_that_is_the_same_but_for_it(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a").mkdir()
    names = "01 Öl.flac", "02 Öl.flac", "Öl.flac", "Äl.flac"
    for name in names if encoding != "cp1251" else ["01 Кино.flac"]:
        (tmp_path / "a" / name).write_bytes(b"x")
    listed = "01 кино.FLAC" if encoding == "cp1251" else "01 öl.FLAC"
    crc = f" {zlib.crc32(b'x'):08x}\n".encode()
    assert found(tmp_path, listed.encode(encoding) + crc) == []
    assert found(tmp_path, listed.encode(encoding) + b" 00000000") == [
        ("checksum_differs", f"a/{'01 Кино' if encoding == 'cp1251' else '01 Öl'}.flac".encode())
    ]
    assert found(tmp_path, b"\xd6l.flac" + crc) == [("listed_file_missing", b"a/\xd6l.flac")]  # it may be either


def test_a_name_is_the_same_however_its_accents_are_written(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "Am\u00e9lie.flac").write_bytes(b"x")
    assert found(tmp_path, f"Ame\u0301lie.flac {zlib.crc32(b'x'):08x}") == []


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
