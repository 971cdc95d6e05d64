"""A seed → albums of tagged audio as people have them, with the truth about every file beside them; made once."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import sys
import uuid
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tests.music import write_track

FORMATS = {"mp3": 44, "flac": 32, "m4a": 8, "ogg": 7, "opus": 9}  # per cent of albums
WITH_PICTURE, WITH_IDS, COMPILATIONS, TWO_DISCS = 0.85, 0.6, 0.06, 0.08
PICTURE_SIZES = (93_000, 448_000)  # bytes
FILES = {False: 2_000, True: 20_000}  # by whether the large one is meant
EMPTY_FILES, EMPTY_FOLDERS = 200_000, 33_647
_WORDS = (
    *(
        "night",
        "river",
        "glass",
        "paper",
        "north",
        "winter",
        "signal",
        "garden",
        "velvet",
        "static",
        "harbour",
        "ember",
    ),
    *("hollow", "silver", "mirror", "machine", "ocean", "orchard", "satellite", "marble", "Größe", "été", "garçon"),
    *("夜の庭", "東京", "Небо", "Москва", "Ψυχή", "서울", "ночь"),
)
_GENRES = ("Rock", "Jazz", "Electronic", "Folk", "Classical")


class Corpus(NamedTuple):
    """A folder of albums. `truth` says of every file, by its path relative to the folder, what its tags are."""

    root: Path
    truth: dict[str, dict[str, Any]]

    @property
    def paths(self) -> list[bytes]:
        """Return the absolute path of every audio file."""
        return [os.fsencode(self.root / path) for path in self.truth]


def home() -> Path:
    """Return the folder where everything that is made once is kept."""
    given = os.environ.get("GREENROOM_BENCH_DIR")
    folder = (
        Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "greenroom-bench"
    )
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def corpus(large: bool = False) -> Corpus:
    """Return a corpus of FILES: albums of 1 to 24 tracks, in five formats, most with pictures."""
    files = FILES[large]
    name = f"c{files // 1000}k"
    root, manifest = home() / name, home() / f"{name}.json"
    if not manifest.exists():
        print(f"bench: making {files} audio files in {root}", file=sys.stderr)
        shutil.rmtree(root, ignore_errors=True)
        manifest.write_text(json.dumps(_make(root, files)))
    return Corpus(root, json.loads(manifest.read_text()))


def empty_tree() -> Path:
    """Return a tree of EMPTY_FILES empty files in EMPTY_FOLDERS folders."""
    root = home() / "t200k"
    done = home() / "t200k.done"
    if not done.exists():
        print(f"bench: making {EMPTY_FILES} empty files in {root}", file=sys.stderr)
        shutil.rmtree(root, ignore_errors=True)
        folders = [root / f"Artist {n // 12}" / f"Album {n}" for n in range(EMPTY_FOLDERS - EMPTY_FOLDERS // 13 - 1)]
        for folder in folders:
            folder.mkdir(parents=True)
        for n in range(EMPTY_FILES):
            (folders[n % len(folders)] / f"{n // len(folders) + 1:02} - Track {n}.flac").touch()
        done.touch()
    return root


def _make(root: Path, files: int) -> dict[str, dict[str, Any]]:
    draw = random.Random(files)
    albums: list[tuple[Path, int, int, int]] = []
    while files > 0:
        tracks = min(files, draw.choice((1, 4, 8, 10, 11, 12, 12, 13, 14, 16, 24)))
        albums.append((root, len(albums), tracks, draw.getrandbits(64)))
        files -= tracks
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("forkserver")) as pool:
        made = pool.map(_make_album, albums, chunksize=8)
        return {path: tags for album in made for path, tags in album.items()}


def _make_album(task: tuple[Path, int, int, int]) -> dict[str, dict[str, Any]]:
    root, number, tracks, seed = task
    draw = random.Random(seed)
    extension = draw.choices(list(FORMATS), list(FORMATS.values()))[0]
    artist, album = _name(draw), f"{_name(draw)} {number}"
    various, discs = draw.random() < COMPILATIONS, 2 if tracks > 8 and draw.random() < TWO_DISCS else 1
    year = draw.randrange(1965, 2026)
    picture = b"\xff\xd8\xff\xe0" + draw.randbytes(draw.randrange(*PICTURE_SIZES))
    has_picture, has_ids = draw.random() < WITH_PICTURE, draw.random() < WITH_IDS
    common: dict[str, Any] = {
        "album": album,
        "album_artist": "Various Artists" if various else artist,
        "date": f"{year}-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}" if draw.random() < 0.5 else str(year),
        "genre": draw.choice(_GENRES),
        "compilation": True if various else None,
    }
    ids = {name: _uuid(draw) for name in ("release_id", "release_group_id", "album_artist_ids")} if has_ids else {}
    if ids and not various:
        ids["artist_ids"] = ids["album_artist_ids"]
    written: dict[str, Any] = {"id3_version": draw.choice((3, 4))} if extension == "mp3" else {}
    truth = {}
    for n in range(tracks):
        disc, of = (n * discs // tracks) + 1, -(-tracks // discs)
        track = n - (disc - 1) * of + 1
        name = f"{track:02} - {_name(draw)}.{extension}"
        place = Path(
            "Various Artists" if various else artist, f"{year} - {album}", f"CD{disc}" if discs > 1 else "", name
        )
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        tags = common | {"title": _name(draw), "artist": _name(draw) if various else artist, "track": f"{track}/{of}"}
        if discs > 1:
            tags["disc"] = f"{disc}/{discs}"
        mine = {**({name: _uuid(draw) for name in ("recording_id", "track_id", "artist_ids")} if ids else {}), **ids}
        more: dict[str, Any] = {"mb": mine, **({"picture": (picture, "image/jpeg")} if has_picture else {})}
        write_track(root / place, seconds=1.0, **written, **tags, **more)
        truth[str(place)] = {**tags, "mb": mine, "picture": len(picture) if has_picture else None}
    return truth


def _name(draw: random.Random) -> str:
    return " ".join(draw.choices(_WORDS, k=draw.randrange(1, 4))).title()


def _uuid(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128)))
