"""What the field drops: folders with something odd in them, as a table; what is odd → what becomes of the folder."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.scenarios.drops import (
    FIFO,
    FOLDER,
    JPEG,
    Drop,
    Song,
    link,
    rights_bind,
    song,
    sparse,
    unix_socket,
    untagged,
)
from tests.scenarios.shelves import APART, FOUR, SHELVES, TWO, shelved

MP3 = "01 - Song 1.mp3"
NO_RIGHT = 0o400 if rights_bind() else 0  # bytes a test may not read it cannot count
ZALGO = "z" + "\u0300\u0317\u0328" * 20


class Mess(NamedTuple):
    """One folder of inbound: two good songs of an album of its own and what else lies there, or only that."""

    extra: Drop
    becomes: str = TWO  # "outcome tracks" of each album that comes of it, sorted
    alone: bool = False


def alone(extra: Drop, becomes: str) -> Mess:
    """Describe a folder without any good song but those named."""
    return Mess(extra, becomes, alone=True)


def tagged(*all_tags: dict[str, Any], ext: str = "mp3") -> Drop:
    """Songs with exactly these tags."""
    return {f"{n}.{ext}": Song({"artist": "Ada", "album": "Odd", **tags}) for n, tags in enumerate(all_tags, 1)}


def numbered(artist: str, **tags: str) -> Mess:
    """Two songs whose numbers say the same."""
    return alone(tagged(*({"artist": artist, "title": title, **tags} for title in "ab")), TWO)


def like(path: str, ns: int) -> Callable[[str], None]:
    """Give a file that is there a time, as far as the file system can."""

    def touch(here: str) -> None:
        with suppress(OSError, OverflowError):
            os.utime(os.path.join(os.path.dirname(here), path), ns=(ns, ns))

    return touch


def mode(bits: int, data: bytes = b"x") -> Callable[[str], None]:
    """Describe a file with these rights."""

    def make(path: str) -> None:
        Path(path).write_bytes(data)
        Path(path).chmod(bits)

    return make


def marked(name: str, value: bytes) -> Callable[[str], None]:
    """Describe a file with an extended attribute, where there are any."""

    def make(path: str) -> None:
        Path(path).write_bytes(b"x")
        with suppress(OSError):
            os.setxattr(path, name, value)

    return make


def deep(levels: int, name: str) -> Callable[[str], None]:
    """Describe a chain of folders, however long its path gets, with a text at the end."""

    def make(path: str) -> None:
        here = os.open(os.path.dirname(path), os.O_RDONLY)
        for _ in range(levels):
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        file = os.open("end.txt", os.O_CREAT | os.O_WRONLY, dir_fd=here)
        os.write(file, b"the end")
        os.close(file)
        os.close(here)

    return make


def twin(of: str) -> Callable[[str], None]:
    """Describe one more name of a file that is there."""
    return lambda path: os.link(os.path.join(os.path.dirname(path), of), path)


def within(folder: str, drop: Drop) -> Drop:
    """Put a drop into a folder."""
    return {f"{folder}/{path}": thing for path, thing in drop.items()}


def raw(name: bytes) -> str:
    """A name that is not UTF-8, as a drop writes it."""
    return os.fsdecode(name)


PARTS = [
    *(
        "03.mp3" + end
        for end in (".part", ".crdownload", ".!qB", ".!ut", ".filepart", ".partial", ".opdownload", ".bc!")
    ),
    *("03.mp3.aria2", "03.mp3.download", ".syncthing.a.mp3.tmp", ".fuse_hidden0001", ".nfs0001"),
    *("INCOMPLETE" + "0f" * 16 + "03.mp3", "03.mp3.lftp-pget-status", "_unpack/03.mp3"),
    *(
        "03.mp3.!sync",
        ".03.mp3.~3f2a91",
        ".~tmp~/03.mp3",
        ".goutputstream-ABC",
        ".in.03.mp3.",
        "03.mp3-2.cyberducksegment",
    ),
    *("03.mp3.td", ".pending-1700000000-03.mp3", "___ARESTRA___03.mp3"),
]
JUNK = [
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
    "._01.mp3",
    "@eaDir/x.mp3@SynoEAStream",
    "__MACOSX/._a.mp3",
    ".AppleDouble/a.mp3",
    "lost+found/a.mp3",
    "$RECYCLE.BIN/a.mp3",
    ".Trash-1000/files/a.mp3",
    "#recycle/a.mp3",
    "@Recycle/a.mp3",
    "@Recently-Snapshot/a.mp3",
    "FOUND.000/a.mp3",
    ".stfolder/x",
    "~$a.doc",
    ".a.mp3.swp",
]
BESIDE = [
    "a.zip",
    "a.rar",
    "a.r00",
    "a.part01.rar",
    "a.7z",
    "a.iso",
    "setup.exe",
    "x.scr",
    "x.lnk",
    "x.url",
    "a.torrent",
    "a.nzb",
    "a.par2",
    "film.mkv",
    "scan.pdf",
    "scan.tif",
    "cover.webp",
    "cover.heic",
    "a.mid",
    "a.mod",
    "a.lrc",
    "a.accurip",
    "foo_dr.txt",
    "release.nfo",
    "list.xspf",
    "a.pls",
    "a.wpl",
    "a.bak",
    "noextension",
    ".hidden",
]
NAMES = (
    *("cafe\u0301.jpg", "caf\u00e9.jpg", "x" * 251 + ".txt", "é" * 127 + "x", ZALGO + ".txt", "\u202egnp.txt"),
    *("a\u200db.txt", "🎷🌊.jpg", "-rf", "$(reboot)", "`id`.txt", ";", "|", "*", "?", "CON", "nul.txt", "aux.jpg"),
    *(
        "a\x01\x7fb.txt",
        "a\nb.txt",
        "a\tb.txt",
        "cover.jpg.",
        "notes.txt ",
        " ",
        "...",
        "a\\b.txt",
        "a:b.txt",
        '"q".txt',
    ),
    *("<x>.txt", "%00.txt", "&amp;.txt", "..\u2215x.txt", raw(b"\xff\xfe.txt"), raw(b"caf\xe9.txt")),
    *(raw(b"\xed\xa0\x80.txt"), raw(b"\xc0\xaf.txt")),
)
TIMES = (-(2**31) * 10**9, 2**32 * 10**9, 0, -1, 15_032_385_535 * 10**9, 10**18 + 1, 1)
NUMBERS = ("0", "-1", "1/0", "0/0", "99999999999999999999", "A1", "1.5", "①", "１", "1/2/3", "", " ", "one", "1e3")
YEARS = ("0", "0000", "99999", "-500", "18. Dez", "2001-13-45", "", "20011", "2001-02-30T99:99")

ACCESS = struct.pack("<I", 2) + b"".join(  # rw for the owner, r for user 12; acl(5) as the kernel keeps it
    struct.pack("<HHI", *entry)
    for entry in ((1, 6, 2**32 - 1), (2, 4, 12), (4, 4, 2**32 - 1), (16, 4, 2**32 - 1), (32, 0, 2**32 - 1))
)


def pair(first: str, second: str, becomes: str = FOUR, ext: str = "mp3", start: int = 1, **tags: Any) -> Mess:
    """Two folders with two songs each of an album that nobody else has; the second begins with number `start`."""
    named = {"artist": f"{first} and {second}", "album": "Odd", **tags}
    return alone(
        {
            f"{folder}/{n:02}.{ext}": song(n, f"{folder} {n}", **named)
            for folder, since in ((first, 1), (second, start))
            for n in (since, since + 1)
        },
        becomes,
    )


def in_code_page(name: str, artist: str, *titles: str) -> Mess:
    """Songs whose tags hold the bytes of a code page, and say that they are Latin-1."""
    said = [text.encode(name).decode("latin-1") for text in (artist, *titles)]
    return alone(
        tagged(*({"artist": said[0], "title": title, "id3_version": 3, "encoding": 0} for title in said[1:])), TWO
    )


COLLECTIONS: dict[str, Mess] = {
    "discs of full width": pair("ＣＤ１", "ＣＤ２"),
    "discs in Russian": pair("Диск 1", "Диск 2"),
    "discs called by letters": pair("Disc A", "Disc B"),
    "a disc before the first": pair("Disc 0", "Disc 1"),
    "a drama CD": pair("DISC1", "ドラマCD"),
    "sides in German": pair("Seite A", "Seite B"),
    "volumes in Japanese": pair("上巻", "下巻"),
    "volumes in Chinese": pair("第一张", "第二张"),
    "parts in Russian": pair("Часть 1", "Часть 2"),
    "folders of numbers": pair("1", "2"),
    "an opera whose numbers run on": pair("Atto I", "Atto II", start=3),
    "records in German": pair("Platte 1", "Platte 2"),
    "reels": pair("Reel One", "Reel Two"),
    "a CD and a DVD": pair("CD", "DVD"),
    "media as a plugin calls them": pair("[media]01", "[media]02"),
    "singers of a compilation": alone(
        {f"{n}/Hits/{i}.mp3": song(i, artist=f"Singer {n}", album="All Hits") for i, n in enumerate("abcde", 1)},
        "staged 5",
    ),
    "names between slashes": alone(tagged({"artist": "Slash"}, {"artist": "Slash/Bo"}, {"artist": "Slash/Cy"}),
                                   "staged 3"),
    "versions": pair("A Ver.", "B Ver.", APART),
    "conductors": pair("Karajan 1963", "Solti 1972", APART, album_artist="Beethoven"),
    "stereo and multichannel": pair("Stereo", "Multichannel", APART, "dsf"),
    "two tapes of one show": pair("gd77-05-08.sbd.4982", "gd77-05-08.mtx.111493", APART),
    "two plays": alone(untagged("Folge 1 - A", "mp3", "01", "02") | untagged("Folge 2 - B", "mp3", "01", "02"), APART),
    "a show on two tapes": pair("gd77-05-08d1", "gd77-05-08d2", ext="flac"),
    "a show without tags": alone(
        untagged("gd77-05-08.sbd", "flac", *(f"gd77-05-08d{d}t0{n}" for d in (1, 2) for n in (1, 2))), FOUR
    ),
    "disc and track in one number": alone(tagged(*({"track": n} for n in ("101", "102", "201", "202"))), FOUR),
    "numbers of so many": alone(tagged({"track": "01of02"}, {"track": "02of02"}), TWO),
    "a podcast": alone({f"2014-01-0{n} Talk.mp3": song(artist="Talk", album="Talk") for n in (1, 2)}, TWO),
    "sound effects": alone({f"0700{n}.wav": song() for n in (1, 2)}, "needs_review 2"),
    "karaoke": alone({f"K{n}.{ext}": song(n, artist="Ada", album="K") if ext == "mp3" else b"g" * n
                      for n in (1, 2) for ext in ("mp3", "cdg")}, TWO),
    "modules and chips": alone({f"a.{ext}": b"x" * 99 for ext in ("mod", "xm", "s3m", "it", "spc", "vgm", "mid")}, ""),
    "Cyrillic bytes": in_code_page("cp1251", "Кино", "Группа крови", "Закрой за мной дверь"),
    "Japanese bytes": in_code_page("cp932", "サザンオールスターズ", "勝手にシンドバッド", "いとしのエリー"),
    "long names": alone({f"{'題' * 80}{n}.mp3": song(n, "題" * 120, artist="長" * 90, album="果" * 110)
                         for n in (1, 2)}, TWO),
}  # fmt: skip

FOLDERS: dict[str, Mess] = {
    **COLLECTIONS,
    **{name: alone(shelved(name, shelves), becomes) for name, (becomes, shelves) in SHELVES.items()},
    "names in hundreds": alone(
        {f"{n}-a.mp3": song(n % 100, artist="names in hundreds", album="Odd") for n in (101, 102, 201, 202)}, FOUR
    ),
    "clips": alone(
        untagged("", "opus", "Lofi - Beats [5qap5aO4i9A]") | {"Rick - Song.m4a": song(artist="RickVEVO")},
        "needs_review 2",
    ),
    "songs of no album": alone({f"Music/{n}.mp3": song(title=n, artist=n) for n in ("a", "b", "c")}, "needs_review 3"),
    "pipe": Mess({"03.mp3": FIFO}),
    "socket": Mess({"03.mp3": unix_socket}),
    "link to a song": Mess({"03.mp3": link(MP3)}),
    "link to nothing": Mess({"03.mp3": link("nowhere")}),
    "link to itself": Mess({"loop": link("loop")}),
    "link to the folder": Mess({"again": link(".")}),
    "link to the world": Mess({"world": link("/")}),
    "link to a device": Mess({"03.mp3": link("/dev/zero")}),
    "only links": alone({"1.mp3": link("/etc/passwd"), "2.mp3": link("gone")}, ""),
    "empty folders": Mess({"a/b/c": FOLDER, "d": FOLDER}),
    "only empty folders": alone({"a/b/c": FOLDER}, ""),
    "twins": Mess({"a twin.mp3": twin(MP3)}),
    "a twin of the picture": Mess({"cover.jpg": JPEG, "folder.jpg": twin("cover.jpg")}),
    "a hole beside": Mess({"log.txt": sparse(1 << 20)}, "waiting 2"),
    "nothing in a side file": Mess({"cover.jpg": b"", "rip.log": b"", "a.cue": b"", "a.m3u": b"", "a.sfv": b""}),
    "one level too many": Mess({"a/b/c/d/e/f/g/h/i/j/k/notes.txt": b"x"}),
    "a hundred levels": Mess({"deep": deep(100, "d")}),
    "a path that is nearly too long": Mess({"deep": deep(13, "d" * 250)}),
    "case": Mess({"Cover.jpg": JPEG, "cover.jpg": JPEG + b"2", "COVER.JPG": JPEG + b"3"}),
    "case of folders": Mess({"Scans/1.jpg": JPEG, "scans/1.jpg": JPEG + b"2", "SCANS/1.JPG": JPEG + b"3"}),
    "a folder like a file": Mess({"cover.jpg/cover.jpg": JPEG, "a.mp3/readme.txt": b"x", "a.cue/x": b"y"}),
    "our root mark": Mess({".greenroom-root": b"x", "sub/.greenroom-root": b"y"}),
    "our transfer folder": Mess({".greenroom-tx/x/a.txt": b"x", "sub/.greenroom-trash/y": b"z"}),
    "our sidecar, rubbish": Mess({"album.greenroom.json": b"{"}),
    "our sidecar, of somebody": Mess({"album.greenroom.json": b'{"version": 1, "transfer_id": "x", "files": []}'}),
    "our sidecar, endless": Mess({"album.greenroom.json": b"[" * 200_000}),
    "our sidecar, new": Mess({"album.greenroom.json.new": b"x"}),
    "an ignore file": Mess({".ignore": b"*.txt\n", ".plexignore": b"*", "a.txt": b"x"}),
    "a playlist that leads away": Mess({"a.m3u": b"/etc/passwd\n../../x.mp3\nhttp://x/\n" + b"\xff" * 99}),
    "an endless playlist": Mess({"a.m3u8": b"#EXTM3U\n" * 9999}),
    "a cue sheet that lies": Mess({"a.cue": b'FILE "gone.wav" WAVE\n  TRACK 99 AUDIO\n    INDEX 01 99:99:99\n'}),
    "a cue sheet of bytes": Mess({"a.cue": bytes(range(256)) * 9}),
    "a cue sheet that climbs": Mess({"a.cue": b'FILE "../../../etc/passwd" WAVE\n'}),
    "a log of 2 MiB": Mess({"rip.log": b"\xff\xfe" + b"x\0" * (1 << 20)}),
    "checksums of rubbish": Mess({"a.md5": bytes(range(256)), "b.sfv": b"\0" * 999}),
    "rights": Mess({"a.txt": mode(NO_RIGHT), "b.txt": mode(0o200 | NO_RIGHT)}),
    "odd rights": Mess({"c.sh": mode(0o4777), "d.txt": mode(0o1777)}),
    "attributes": Mess({"a.txt": marked("user.x", b"y" * 900), "b.txt": marked("security.capability", b"x")}),
    "an access list": Mess({"a.txt": marked("system.posix_acl_access", ACCESS)}),
    **{f"unfinished {n}": Mess({part: b"half"}, "waiting 2") for n, part in enumerate(PARTS)},
    **{f"junk {n}": Mess({name: b"junk"}) for n, name in enumerate(JUNK)},
    **{f"beside {n}": Mess({name: b"anything"}) for n, name in enumerate(BESIDE)},
    **{f"name {n}": Mess({name: b"x"}) for n, name in enumerate(NAMES)},
    **{f"named {n}": alone({name + ".mp3": song(1, artist=f"named {n}", album="Odd")}, "staged 1")
       for n, name in enumerate(NAMES) if len(os.fsencode(name)) < 250},
    **{f"time {n}": Mess({"touch": like(MP3, ns)}) for n, ns in enumerate(TIMES)},
    **{f"case {n} of numbers": numbered(f"case {n} of numbers", track=text) for n, text in enumerate(NUMBERS)},
    **{f"case {n} of discs": numbered(f"case {n} of discs", track="1", disc=text) for n, text in enumerate(NUMBERS)},
    **{f"case {n} of years": alone(tagged({"artist": f"case {n} of years", "date": text, "title": "a"}), "staged 1")
       for n, text in enumerate(YEARS)},
}  # fmt: skip


def drop_of(name: str, mess: Mess) -> Drop:
    """Return the drop of a mess, in a folder of its name."""
    good = {} if mess.alone else {f"{n:02} - Song {n}.mp3": song(n, artist=name, album="Odd") for n in (1, 2)}
    return within(name, good | mess.extra)


def cut(share: float) -> Callable[[bytes], bytes]:
    return lambda data: data[: int(len(data) * share)]


def over(start: int, what: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[:start] + what + data[start + len(what) :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "all but a tenth missing": cut(0.1),
    "half missing": cut(0.5),
    "the last bytes missing": cut(0.99),
    "one byte": lambda data: data[:1],
    "no header": over(0, bytes(64)),
    "a header of ones": over(0, b"\xff" * 64),
    "lengths without end": over(4, b"\xff" * 8),
    "text in front": lambda data: b"<html>" * 99 + data,
    "nothing in front": lambda data: bytes(4096) + data,
    "text behind": lambda data: data + b"</html>" * 99,
    "twice": lambda data: data * 2,
    "backwards": lambda data: data[::-1],
    "every tenth byte gone": lambda data: bytes(b for n, b in enumerate(data) if n % 10),
}
FORMATS = ("mp3", "flac", "m4a", "ogg", "opus", "wav", "aiff", "wma", "dsf", "wv")


def damaged(how: Callable[[bytes], bytes], ext: str, folder: str) -> Drop:
    """One song with a damage, alone in its folder."""

    def make(path: str) -> None:
        song(1, artist=folder, album="Odd")(path)
        Path(path).write_bytes(how(Path(path).read_bytes()))

    return {f"{folder}/01 - Song 1.{ext}": make}
