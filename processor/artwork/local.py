"""A staged album's files → its own pictures as offers: those in tags, each once, and those in its folder, by name.

Names are those that players and rippers use, in the languages they speak. A picture of another name is left alone, but
for the only one of an album, which is its cover whatever it is called, "00-artist-album-2001.jpg", unless it says that
it is the artist's. That one may be called as the album is, "Get Back.jpg".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from blake3 import blake3

from config.errors import Rejected
from processor.artwork.offer import EMBEDDED, FOLDER, Local, Offer
from processor.artwork.pool import PicturePool
from processor.artwork.readers import DEADLY
from processor.artwork.source import Refused, read_plain
from processor.artwork.wire import Listed, Task
from scanner.grouping.folding import fold

_BY_APIC: Final = {3: "front", 4: "back", 5: "booklet", 6: "disc"}  # picture types of ID3v2.4; 0 is any other
_ANY: Final = (0, 3)
_BACK: Final = "back|rear|inlay|rückseite|rueckseite|contraportada|trasera|arrière|achterkant|tył|задник|裏|背面|封底"
_COVER: Final = "(?:cover|folder|albumart)"
_NAMES: Final = (  # of a file without its extension, the first that fits
    (re.compile(r"(?:cd|disc|disk|cdart|discart|label)[ _.-]?\d*"), "disc"),
    (re.compile(rf"(?:{_BACK})(?:[ _.-](?!.*front).*|\d*)|.*[ _.([-](?:{_BACK})(?:[ _.-]?cover)?[)\]]?"), "back"),
    (re.compile(rf"{_COVER}[ _.-]?(?:art[ _.-]?)?(?:{_BACK})(?:[ _.-].*|\d*)|back[ _.-]?cover.*"), "back"),
    (re.compile(r"(?:fanart|background|backdrop)[ _.-]?\d*"), "fanart"),
    (re.compile(rf"(?:{_COVER}[ _.-]?)?(?:booklet|inside|inner|leaflet)(?:[ _.-].*|\d*)"), "booklet"),
    (re.compile(rf"{_COVER}.*"), "front"),
    (re.compile(r"(?:front|artwork|poster|jacket)(?:[ _.(-].*|\d*)|album|default"), "front"),
    (re.compile(r".*[ _.([-](?:front|cover)[)\]]?"), "front"),
    (
        re.compile(
            r"(?:pochette|portada|copertina|okładka|obal|omslag|hoes|обложка|カバー|ジャケット|封面|표지)(?:\W.*|_.*|\d*)"
        ),
        "front",
    ),
)
# Begins as such a picture is called, and goes on as only an album is: "Back to Black", "Inside Out".
_TITLE: Final = re.compile(r"(?:back|rear|inside|inner)[ _.-]+(?!cover|side|inlay|sleeve|left|right|large)[^\W\d].*")
# The same of an artist. In an album's folder they begin with the word: artist.jpg, artist-fanart.jpg.
_ARTIST: Final = re.compile(r"artist[ _.-]*")
_ARTIST_NAMES: Final = (
    (re.compile(r"(?:|artist|folder|cover|poster|thumb|portrait|photo)[ _.-]?\d*"), "thumb"),
    (re.compile(r"(?:fanart|background|backdrop)[ _.-]?\d*"), "fanart"),
    (re.compile(r"(?:clear)?logo[ _.-]?\d*"), "logo"),
    *((re.compile(rf"{name}[ _.-]?\d*"), name) for name in ("clearart", "banner", "landscape")),
)
_PASSING: Final = DEADLY | {"io_error", "reader_out_of_memory"}  # codes that say nothing of what is there
_EXTENSIONS: Final = frozenset(["jpg", "jpeg", "jpe", "jfif", "png", "gif", "webp"])


class AlbumFile(NamedTuple):
    """One file of a staged album; `pictures` is whether its tags are known to hold any, None if that is unknown."""

    path: bytes  # relative to the album's folder
    role: str  # audio, picture …
    pictures: bool | None = None


class Found(NamedTuple):
    """The album's own pictures, and where these are all: what is not offered from there any more is gone."""

    offers: tuple[Offer, ...]
    whole: frozenset[str]  # FOLDER and EMBEDDED, but where a disk or a process kept us from looking


def local_offers(folder: bytes, files: Sequence[AlbumFile], pool: PicturePool) -> Found:
    """Return what an album at an absolute path has of its own; what many tracks carry is offered once."""
    pictures = pictures_of((file[:2] for file in sorted(files)), folder)
    found = {FOLDER: list(_of_folder(folder, pictures)), EMBEDDED: list(_of_tags(folder, files, pool))}
    offers: dict[tuple[str, str, str], Offer] = {}
    for one in chain.from_iterable(found.values()):
        if isinstance(one, Offer):
            offers.setdefault((one.provider, one.type, one.id), one)
    whole = frozenset(place for place, told in found.items() if _PASSING.isdisjoint(told))
    return Found(tuple(offers.values()), whole)


def pictures_of(files: Iterable[tuple[bytes, str]], folder: bytes = b"") -> list[tuple[bytes, str]]:
    """Return the picture files of an album that are known to show something, and what, of its files and their roles.

    `folder` is the album's, if it has one of its own.
    """
    pictures = [path for path, role in files if role == "picture" and _stem(path)]
    pictures = [path for path in pictures if type_of(path) or not artist_type_of(path, is_album=True)]
    if len(pictures) == 1:
        stem = _stem(pictures[0]) or ""
        is_title = _TITLE.fullmatch(stem) or _is_called_as(folder, stem)
        return [(path, (not is_title and type_of(path)) or "front") for path in pictures]
    return [(path, kind) for path in pictures if (kind := type_of(path))]


def _is_called_as(folder: bytes, stem: str) -> bool:
    """Whether a name of several words stands in that of a folder, or of the one above it and that together."""
    name, above = fold(stem), fold(os.fsdecode(b" ".join(folder.split(b"/")[-2:])))
    return " " in name and f" {name} " in f" {above} "


def type_of(path: bytes) -> str | None:
    """Return the type of picture a file's name says it is; None if it says nothing."""
    stem = _stem(path)
    return next((name for pattern, name in _NAMES if stem and pattern.fullmatch(stem)), None)


def artist_offers(folder: bytes, names: Iterable[bytes], *, is_album: bool) -> list[Offer]:
    """Return the pictures of an artist in a folder, by their names: in an album's those that say so."""
    pictures = [(name, kind) for name in sorted(names) if (kind := artist_type_of(name, is_album=is_album))]
    return [one for one in _of_folder(folder, pictures) if isinstance(one, Offer)]


def artist_type_of(path: bytes, *, is_album: bool) -> str | None:
    """Return the type of an artist's picture a file's name says it is; None if it says nothing."""
    stem = _stem(path)
    said = _ARTIST.match(stem or "")
    if stem is None or (is_album and said is None):
        return None
    bare = stem[said.end() :] if said else stem
    return next((name for pattern, name in _ARTIST_NAMES if pattern.fullmatch(bare)), None)


def _stem(path: bytes) -> str | None:
    """Return the name of a picture in lower case, without its extension; None for what is none."""
    stem, _, extension = os.fsdecode(path.rpartition(b"/")[2]).lower().rpartition(".")
    return stem if extension in _EXTENSIONS else None


def _of_folder(folder: bytes, pictures: Iterable[tuple[bytes, str]]) -> Iterator[Offer | str]:
    """Yield an offer for each picture that can be used, and the code of why another cannot."""
    for name, kind in pictures:
        path = os.path.join(folder, name)
        try:
            content = blake3(read_plain(path)).hexdigest()
        except Refused as refused:
            yield refused.code
        else:  # the content is its name, so that another picture under the old name is another candidate
            yield Offer(FOLDER, content, kind, local=Local(path))


def _of_tags(folder: bytes, files: Iterable[AlbumFile], pool: PicturePool) -> Iterator[Offer | str]:
    """Yield an offer for each picture in tags, and the code of why a file could not be looked into."""
    with_pictures = [one for one in sorted(files) if one.role == "audio" and one.pictures is not False]
    tasks = [Task("list", os.path.join(folder, one.path)) for one in with_pictures]
    for task, found in pool.each(tasks):
        if isinstance(found, Rejected):
            yield found.reason_code
            continue
        listed: list[Listed] = found
        any_is_front = not any(one.type == 3 for one in listed)
        for one in listed:
            kind = "front" if any_is_front and one.type in _ANY else _BY_APIC.get(one.type)
            if kind is not None:
                yield Offer(EMBEDDED, one.content, kind, local=Local(task.path, one.content))
