"""Settings, libraries and an item's rows → all that publishing it takes into account, before any disk is looked at."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from sqlalchemy import Connection

from config.database import Database
from config.errors import Misconfigured, NeedsReview
from config.libraries import Library
from processor.artwork import rows as artwork
from processor.artwork.blobs import Blob, Blobs
from processor.artwork.offer import Subject, of_artist
from processor.items import repository
from processor.items.item import NewItem
from processor.metadata import rows as metadata
from processor.metadata.artists import artist_metadata, artists_of
from processor.metadata.known import VARIOUS_ARTISTS, AlbumMetadata, ArtistMetadata, Credit
from processor.publication import ledger
from processor.publication.access import Access
from processor.publication.intent import Mode
from processor.publication.ledger import Publication
from processor.publication.names import Naming
from processor.publication.pictures import Picture, Profile
from processor.publication.routing import Rule, choose

PUBLISHABLE: Final = ("approved", "publishing", "published")


class Chosen(NamedTuple):
    """The pictures selected of an album and of its artist."""

    album: Sequence[Picture] = ()
    artist: Sequence[Picture] = ()


Choose = Callable[[Connection, NewItem, ArtistMetadata | None], Chosen]


@dataclass(frozen=True, slots=True)
class Options:
    """What an admin may decide about publishing."""

    naming: Naming
    mode: Mode
    profile: Profile
    rules: tuple[Rule, ...]
    assets: bool  # pictures
    whole: bool  # nothing is published while a selected picture cannot be had
    nfo: bool  # NFO files, and lyrics no file has
    reserve: int  # bytes of the library's file system that stay free
    access: Access  # rights and owner of what is published


@dataclass(frozen=True, slots=True)
class Publishing:
    """What publishing is given to work with."""

    database: Database
    staging: Library
    libraries: Sequence[Library]  # of role library
    options: Options
    cache: Blobs
    chosen: Choose

    @property
    def blobs(self) -> bytes:
        """The folder of the cache."""
        return os.fsencode(self.cache.folder)

    def size(self, picture: Picture) -> int | None:
        """Return how many bytes a picture has in the cache; None where that has lost it."""
        try:
            return self.cache.path(Blob(picture.sha256, picture.ext, 0)).stat().st_size
        except FileNotFoundError:
            return None


class Known(NamedTuple):
    """What is known of an item."""

    item_id: int
    status: str
    revision: int
    item: NewItem
    album: AlbumMetadata
    artist: ArtistMetadata | None  # None where there is not exactly one
    publication: Publication | None
    chosen: Chosen

    @property
    def artist_key(self) -> str | None:
        """What the ledger calls the artist."""
        return None if self.artist is None else ledger.artist_key(self.artist.name, self.artist.artist_id)


def selected(connection: Connection, item: NewItem, artist: ArtistMetadata | None) -> Chosen:
    """Return the pictures that are selected of an album and its artist."""
    subjects = [Subject("album", item.key), *([of_artist(artist.name, artist.artist_id)] if artist else [])]
    found = [
        [Picture(one.type, one.rank, one.sha256, one.extension) for one in artwork.selected(connection, subject)]
        for subject in subjects
    ]
    return Chosen(*found)


def known(given: Publishing, item_id: int) -> Known:
    """Return what is known of an item. Raises Misconfigured `unknown_item`, and NeedsReview `not_approved`."""
    with given.database.read() as connection:
        found = repository.of_id(connection, item_id)
        if found is None:
            raise Misconfigured(f"there is no item {item_id}", code="unknown_item")
        require_approved(item_id, found.status)
        album = metadata.album(connection, item_id)
        artist = _artist(connection, item_id, album)
        chosen = given.chosen(connection, found.item, artist) if given.options.assets else Chosen()
        publication = ledger.publication(connection, item_id)
    return Known(item_id, found.status, found.revision, found.item, album, artist, publication, chosen)


def require_approved(item_id: int, status: str) -> None:
    """Raise NeedsReview `not_approved` for an item that nobody approved."""
    if status not in PUBLISHABLE:
        message = f"item {item_id} is {status}; only what was approved is published"
        way = "; `greenroom fsck` says what can be done" if status == "missing" else ""  # it cannot be approved, either
        raise NeedsReview(message + (way or f", with `greenroom review approve {item_id}`"), code="not_approved")


def library_of(given: Publishing, one: Known) -> Library:
    """Return the library an item is in, or would be published to. Raises Misconfigured."""
    if one.publication is None:
        return choose(one.album, given.options.rules, given.libraries)
    for library in given.libraries:
        if library.root_uuid == one.publication.root_uuid:
            return library
    message = f"item {one.item_id} was published in a root that is no library any more; add that root again"
    raise Misconfigured(message, code="no_library")


def _artist(connection: Connection, item_id: int, album: AlbumMetadata) -> ArtistMetadata | None:
    """Return the one artist an album is credited to; the folder of several, or of various, is nobody's."""
    if len(album.credits) != 1 or album.compilation or album.credits[0].artist_id == VARIOUS_ARTISTS:
        return None
    credit = album.credits[0]
    if found := _enriched(connection, item_id, credit):
        return found
    # Nobody has asked about this album yet: it says what the first one says that is published, and not another thing.
    key = ledger.artist_key(credit.name, credit.artist_id)
    first = ledger.first_of(connection, key)
    if first is not None and first != item_id:
        if found := _enriched(connection, first, credit):
            return found
        theirs = metadata.album(connection, first).credits
        credit = next((one for one in theirs if ledger.artist_key(one.name, one.artist_id) == key), credit)
    return ArtistMetadata(credit.name, credit.artist_id, credit.sort_name)


def _enriched(connection: Connection, item_id: int, credit: Credit) -> ArtistMetadata | None:
    """Return what counts of the artist of a credit, if an item was linked to that one."""
    for artist in artists_of(connection, item_id):
        # Albums may spell one artist in several ways, and all share the artist's folder.
        same_name = ledger.artist_key(artist.name, None) == ledger.artist_key(credit.name, None)
        if artist.artist_id == credit.artist_id if credit.artist_id else same_name:
            found = artist_metadata(connection, artist.id)
            return replace(found, artist_id=found.artist_id or artist.artist_id)
    return None
