"""What mutagen read of a file's tags, container by container → field → values, and its pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from scanner.facts import Picture
from scanner.smallfiles import text_of
from scanner.tags import fields
from scanner.tags.apev2 import BINARY, TEXT, Item
from scanner.tags.id3_frames import LINK, MUSICBRAINZ_OWNER
from scanner.tags.mp4_tags import FRONT_COVER, PNG
from scanner.tags.normalise import Tags
from scanner.tags.vorbis_comment import PICTURE_HEAD, PICTURE_KEY, add_picture

Converted = tuple[Tags, list[Picture]]
_OLD_FORMS = {"JPG": "image/jpeg", "PNG": "image/png"}  # of ID3v2.2; of two pictures alike mutagen leaves one so
SHEET = "CUESHEET"  # not a field: the sheet of an image, as it stands beside others


def tags_of(tags: Any, container: str) -> Converted:
    """Return what mutagen's tags of a container say; nothing where it has none."""
    return _CONVERTERS.get(container, from_id3)(tags) if tags else ({}, [])


def from_id3(tag: Any) -> Converted:
    """Return what the frames of an ID3 tag say."""
    tags: Tags = {}
    named: Tags = {}
    pictures: list[Picture] = []
    for frame in tag.values():
        name = frame.FrameID
        if name in fields.ID3:
            tags[fields.ID3[name]] = [str(value) for value in frame.text]
        elif name == "TXXX" and (field := fields.NAMED.get(frame.desc.upper())):
            named.setdefault(field, []).extend(frame.text)
        elif name == "UFID" and frame.owner.encode("latin-1") == MUSICBRAINZ_OWNER:
            tags["mb_recording_id"] = [frame.data.decode("ascii", "replace")]
        elif name == "APIC" and frame.mime != LINK:
            pictures.append(Picture(len(frame.data), int(frame.type), _OLD_FORMS.get(frame.mime, frame.mime) or None))
    return {**named, **tags}, pictures


def _from_vorbis(comments: Iterable[tuple[str, str]]) -> Converted:
    tags: Tags = {}
    pictures: list[Picture] = []
    for name, value in comments:
        name = name.upper()  # noqa: PLW2901 - the same name
        if field := SHEET if name == SHEET else fields.NAMED.get(name):
            tags.setdefault(field, []).append(value)
        elif name == PICTURE_KEY:
            add_picture(value[:PICTURE_HEAD].encode("ascii", "replace"), len(value), pictures)
    return tags, pictures


def _from_mp4(atoms: Any) -> Converted:
    tags: Tags = {}
    named: Tags = {}
    pictures: list[Picture] = []
    for key, values in atoms.items():
        if values == []:  # an empty box says nothing
            continue
        if key in fields.MP4:
            tags[fields.MP4[key]] = list(values)
        elif key in ("trkn", "disk"):
            field = "track" if key == "trkn" else "disc"
            tags[field] = [str(number) if number else "" for number, _ in values]
            tags[field + "_total"] = [str(total) if total else "" for _, total in values]
        elif key == "cpil":
            tags["compilation"] = ["1" if values else "0"]
        elif key == "covr":
            pictures += [_cover(cover) for cover in values]
        elif key.startswith("----:com.apple.iTunes:") and (field := fields.NAMED.get(key[22:].upper(), "")):
            named.setdefault(field, []).extend(
                bytes(value).decode("utf-8", "replace") for value in values if value.dataformat in (0, 1)
            )
    return {**named, **tags}, pictures


def _cover(cover: Any) -> Picture:
    return Picture(len(cover), FRONT_COVER, "image/png" if cover.imageformat == PNG else "image/jpeg")


def from_ape(items: Iterable[Item]) -> Converted:
    """Return what an APEv2 tag says.

    Text items are lists separated by NUL; a picture is a name, NUL, and the bytes (wiki.hydrogenaud.io, APE key).
    """
    tags: Tags = {}
    pictures: list[Picture] = []
    for key, kind, size, value in items:
        name = key.upper()
        if name.startswith("COVER ART") and kind == BINARY:
            named, nul, _ = value.partition(b"\0")
            pictures.append(Picture(size - len(named + nul), FRONT_COVER if "FRONT" in name else 0, None))
        elif kind == TEXT and (field := SHEET if name == SHEET else fields.NAMED.get(name)):
            tags.setdefault(field, []).extend(text_of(value).split("\0"))
    return tags, pictures


def _from_asf(attributes: Iterable[tuple[str, Any]]) -> Converted:
    tags: Tags = {}
    named: Tags = {}
    pictures: list[Picture] = []
    for key, value in attributes:
        name = key.upper()
        if name == "WM/PICTURE":
            pictures += _asf_picture(value.value)
        elif field := fields.ASF.get(name):
            tags.setdefault(field, []).append(_plain(value))
        elif field := fields.NAMED.get(name):
            named.setdefault(field, []).append(_plain(value))
    return {**named, **tags}, pictures


def _plain(value: Any) -> str:
    return str(int(value.value)) if isinstance(value.value, bool) else str(value)


def _asf_picture(data: bytes) -> list[Picture]:
    """Read type (1 byte), size (4, little endian), then mime and description in UTF-16, each with a NUL."""
    if len(data) < 5:
        return []
    mime = data[5:].decode("utf-16-le", "replace").partition("\0")[0]
    return [Picture(int.from_bytes(data[1:5], "little"), data[0], mime or None)]


_CONVERTERS: dict[str, Callable[[Any], Converted]] = {
    "mp4": _from_mp4,
    "asf": _from_asf,
    **dict.fromkeys(("vorbis", "opus", "flac", "oggflac", "speex"), _from_vorbis),
}
