"""An album and its artists → their pictures: own ones, and those providers offer; the best selected, in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from processor.artwork.local import AlbumFile, Found, local_offers
from processor.artwork.offer import LOCAL, Offer, Subject, of_artist
from processor.artwork.pictures import Pass, refresh
from processor.enriching.beside import artist_pictures
from processor.enriching.describe import album_asked
from processor.enriching.owed import Owed
from processor.enriching.shop import Shop, Studio
from processor.items import repository
from processor.metadata import rows as metadata
from processor.metadata.artists import artists_of
from processor.providers.provider import Question


def depict_album(shop: Shop, item_id: int, owed: Owed) -> None:
    """Look at the album's own pictures and at those on offer, and select."""
    if shop.studio is None:
        return
    with shop.database.read() as connection:
        item, files = repository.item(connection, item_id)
        asked = album_asked(metadata.album(connection, item_id))
    own = _own(shop, shop.studio, item, files)
    theirs, who = _offered(shop, shop.studio, "album_pictures", owed, lambda provider: provider.album_pictures(asked))
    _refresh(shop, shop.studio, Subject("album", item["key"]), [*own.offers, *theirs], {*own.whole, *who}, owed)


def depict_artists(shop: Shop, item_id: int, owed: Owed) -> None:
    """Do the same for the artists the album is credited to."""
    if shop.studio is None:
        return
    with shop.database.read() as connection:
        artists = artists_of(connection, item_id)
    for _, name, artist_id in artists:

        def ask(provider: Any, name: str = name, artist_id: str | None = artist_id) -> list[Offer]:
            found: list[Offer] = provider.artist_pictures(name, artist_id)
            return found

        offers, who = _offered(shop, shop.studio, "artist_pictures", owed, ask)
        own = artist_pictures(shop, item_id)  # none, unless there is one artist; what other albums brought stays
        _refresh(shop, shop.studio, of_artist(name, artist_id), [*own, *offers], who, owed)


def _own(shop: Shop, studio: Studio, item: dict[str, Any], files: Iterable[repository.StagedFile]) -> Found:
    """Return the pictures the album came with, if its folder is here."""
    folder = shop.folder_of(item)
    if folder is None:
        return Found((), frozenset())
    listed = [
        AlbumFile(file.path, file.role, bool(file.facts.get("pictures")) if file.role == "audio" else None)
        for file in files
    ]
    return local_offers(folder, listed, studio.gallery.pool)


def _offered(
    shop: Shop, studio: Studio, question: Question, owed: Owed, ask: Callable[[Any], list[Offer]]
) -> tuple[list[Offer], set[str]]:
    """Return what providers offer, and which of them answered."""
    offers: list[Offer] = []
    answered: set[str] = set()
    if not studio.wanted.fetch_provider_assets:
        return offers, answered
    for provider in shop.providers.answering(question):
        shop.check()
        if provider.name in owed:
            continue
        with owed.asking(provider.name, "pictures"):
            offers += ask(provider)
            answered.add(provider.name)
    return offers, answered


def _refresh(shop: Shop, studio: Studio, subject: Subject, offers: list[Offer], answered: set[str], owed: Owed) -> None:
    names = [provider.name for question in ("album_pictures", "artist_pictures")
             for provider in shop.providers.answering(question)]  # fmt: skip
    that = Pass(
        studio.gallery, subject, studio.wanted, studio.fetch, shop.now(), tuple(dict.fromkeys(names)), shop.check
    )
    outcome = refresh(that, offers, answered, force=studio.is_forced)
    for provider in sorted(outcome.owed.difference(LOCAL)):
        owed.note(provider, "pictures", "some of its pictures could not be downloaded")
