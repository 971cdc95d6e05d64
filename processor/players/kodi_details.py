"""What is published of an album and its artist → what Kodi's SetAlbumDetails and SetArtistDetails take. Pure.

Measured on Kodi 20.1: they take what scans leave as it is. Where tags and NFO differ its scans believe the tags, and of
an album or artist it has pictures of they take no other ones, and keep those whose files are gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from processor.metadata.known import AlbumMetadata, ArtistMetadata
from processor.players.paths import joined, separator_of

Art = Mapping[str, str]  # type → URL
_THUMBS: Final = ("folder", "cover", "thumb")  # files it takes for the front, the first there is
_FAMILIES: Final = ("back", "banner", "booklet", "clearart", "clearlogo", "discart", "fanart", "landscape", "thumb")


def as_folder(path: str) -> str:
    """Return a folder as Kodi spells one, with a separator at its end."""
    separator = separator_of(path)
    return path if path.endswith(separator) else path + separator


def picture_url(path: str) -> str:
    """Return the beginning of the URL of a picture, or of all pictures of a folder that ends with a separator.

    Kodi escapes in lower case, and spares few characters.
    """
    return "image://" + "".join(
        c if c.isascii() and (c.isalnum() or c in "-_.!()") else quote(c, safe="").lower() for c in path
    )


def album_texts(album: AlbumMetadata) -> dict[str, Any]:
    """Return what album.nfo says, but for title and artists: a scan finds albums again by those of the tags.

    What is unknown stays as it is.
    """
    return _known(
        description=album.review, genre=album.genres, style=album.styles, mood=album.moods, theme=album.themes,
        albumlabel=" / ".join(album.labels), type=" / ".join(filter(None, (album.type, *album.secondary_types))),
        musicbrainzalbumid=album.release_id, musicbrainzreleasegroupid=album.release_group_id,
        releasedate=album.date or album.original_date, originaldate=album.original_date,
        rating=album.rating, votes=album.votes,
    )  # fmt: skip


def artist_texts(artist: ArtistMetadata) -> dict[str, Any]:
    """Return what artist.nfo says; what is unknown stays as it is."""
    return _known(
        description=artist.biography, genre=artist.genres, style=artist.styles, mood=artist.moods,
        instrument=artist.instruments, yearsactive=artist.years_active, born=artist.born, formed=artist.formed,
        died=artist.died, disbanded=artist.disbanded, sortname=artist.sort_name,
        type=artist.type and artist.type.capitalize(), gender=artist.gender and artist.gender.capitalize(),
        disambiguation=artist.disambiguation,
    )  # fmt: skip


def _known(**texts: Any) -> dict[str, Any]:
    return {name: list(text) if isinstance(text, tuple) else text for name, text in texts.items() if text}


def art_changes(shown: Art, folder: str, names: Sequence[str]) -> dict[str, str | None]:
    """Return what to set so that the pictures of a folder are shown, and none that is no more; None takes one away.

    `names` are the files there, those of discs with their folder. Pictures from elsewhere are a person's, and stay.
    """
    urls = {name: f"{picture_url(joined(folder, name.split('/')))}/" for name in sorted(names)}
    there = {kind: urls[name] for kind, name in _types([name for name in urls if "/" not in name]).items()}
    below = picture_url(as_folder(folder))
    gone = {
        kind: None
        for kind, url in shown.items()
        if url.startswith(below) and url not in urls.values() and kind not in there and "." not in kind
    }  # "artist.thumb" of an album is its artist's
    return {**gone, **{kind: url for kind, url in there.items() if shown.get(kind) != url}}


def _types(names: Sequence[str]) -> dict[str, str]:
    """Return files by the type of picture Kodi has for each, which is its name; of other players' names none."""
    stems = {name.rpartition(".")[0].lower(): name for name in names}
    found = {stem: name for stem, name in stems.items() if stem.rstrip("0123456789") in _FAMILIES and stem != "thumb"}
    thumb = next((stem for stem in _THUMBS if stem in stems), None)
    return found if thumb is None else {"thumb": stems[thumb], **found}
