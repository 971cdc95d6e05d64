"""An album whose release is known, or not → the words of providers about it, its tracks and its artists, each kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from processor.enriching.owed import Owed
from processor.enriching.own_words import with_words
from processor.enriching.shop import Shop
from processor.items import repository
from processor.matching import rows
from processor.metadata import rows as metadata
from processor.metadata.artists import artists_of, write_artist
from processor.metadata.documents import ITSELF, part_of
from processor.metadata.known import AlbumMetadata, TrackMetadata, credited
from processor.providers.provider import AlbumAsked, Question, TrackAsked


def describe_album(shop: Shop, item_id: int, owed: Owed) -> None:
    """Ask for reviews, genres, moods."""
    asked = album_asked(_album(shop, item_id))
    with shop.database.read() as connection:
        told = {one.source for one in rows.candidates(connection, item_id) if one.chosen_by}
    for provider in _askable(shop, "album_fields", owed):
        if provider.name in told:
            continue  # its release says so already
        with owed.asking(provider.name, "albums"):
            _say(shop, item_id, provider.name, {ITSELF: provider.album_fields(asked)})


def describe_tracks(shop: Shop, item_id: int, owed: Owed) -> None:
    """Ask for lyrics of tracks that bring none, if they are wanted."""
    providers = [*_askable(shop, "track_fields", owed)] if shop.with_lyrics else []
    if not providers:
        return
    album = _album(shop, item_id)
    own = _with_words(shop, item_id, album)
    for provider in providers:
        with owed.asking(provider.name, "tracks"):
            said: dict[str, Mapping[str, Any]] = {}
            for track in album.tracks:
                shop.check()
                if track.path in own:
                    said[part_of(track.path)] = {}
                elif asked := track_asked(album, track):
                    said[part_of(track.path)] = provider.track_fields(asked)
            _say(shop, item_id, provider.name, said)


def describe_artists(shop: Shop, item_id: int, owed: Owed) -> None:
    """Ask who the artists are that the album is credited to."""
    with shop.database.read() as connection:
        artists = artists_of(connection, item_id)
    for artist in artists:
        for provider in _askable(shop, "artist_fields", owed):
            shop.check()
            with owed.asking(provider.name, "artists"):
                fields = provider.artist_fields(artist.name, artist.artist_id)
                with shop.database.begin() as connection:
                    said = {ITSELF: dict(fields)} if fields else {}
                    write_artist(connection, artist.id, provider.name, said, shop.now())


def album_asked(album: AlbumMetadata) -> AlbumAsked:
    """Return how an album is asked about."""
    number = next(iter(album.catalog_numbers), None)
    return AlbumAsked(album.title, album.release_id, album.release_group_id, album.barcode, number)


def track_asked(album: AlbumMetadata, track: TrackMetadata) -> TrackAsked | None:
    """Return how a track is asked about; None for one without a title."""
    if track.title is None:
        return None
    artist = credited(track.credits) or credited(album.credits)
    return TrackAsked(track.title, artist, album.title, track.duration_ms)


def _with_words(shop: Shop, item_id: int, album: AlbumMetadata) -> set[bytes]:
    """Return the tracks whose tags hold their words."""
    with shop.database.read() as connection:
        item, _ = repository.item(connection, item_id)
    folder = shop.folder_of(item)
    return set() if folder is None else with_words(folder, [track.path for track in album.tracks])


def _askable(shop: Shop, question: Question, owed: Owed) -> Iterator[Any]:
    return (provider for provider in shop.providers.answering(question) if provider.name not in owed)


def _album(shop: Shop, item_id: int) -> AlbumMetadata:
    with shop.database.read() as connection:
        return metadata.album(connection, item_id)


def _say(shop: Shop, item_id: int, source: str, said: Mapping[str, Mapping[str, Any]]) -> None:
    """Write down what a provider says beside what it said of other parts."""
    with shop.database.begin() as connection:
        before = metadata.read(connection, item_id).get(source, {})
        after = {part: dict(fields) for part, fields in {**before, **said}.items() if fields}
        metadata.write(connection, item_id, source, after, shop.now())
