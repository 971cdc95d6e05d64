"""Discogs: releases by barcode and catalogue number, their styles, and with a token their pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from processor.artwork.offer import Offer
from processor.providers.provider import (
    AlbumAsked,
    KeyedSettings,
    Provider,
    Search,
    base_url,
    key,
    order,
    per_second,
)
from processor.providers.release import Release

SAME_TITLE: Final = 0.3  # distance up to which what has the same number is the same album
SEARCHED: Final = 25


class DiscogsSettings(KeyedSettings):
    """Discogs: editions by their numbers, styles, ratings and pictures."""

    base_url: str = base_url("https://api.discogs.com")
    per_second: float = per_second(1, "that of a token, 60 a minute")
    order: int = order(60)
    key: str = key(what="Personal access token, made at discogs.com; without one it is not asked.")


class Discogs(Provider):
    """Asks by number where there is one, for names of Discogs and of tags differ often."""

    name = "discogs"
    description = "Discogs: editions by barcode and catalogue number, styles, ratings, covers."
    settings = DiscogsSettings
    probe = ("oauth/identity", {})
    remaining: ClassVar[str | None] = "x-discogs-ratelimit-remaining"

    def credentials(self) -> Mapping[str, str]:
        """Return the token as a header."""
        return {"Authorization": f"Discogs token={self.line.key}"} if self.line.key else {}

    def release(self, release_id: str) -> Release | None:
        """Return a release with its tracks; None when there is none of that number."""
        from processor.providers.discogs_answers import release_of

        said = self.ask(f"releases/{release_id}") if release_id.isascii() and release_id.isdigit() else None
        return release_of(said)

    def releases(self, wanted: Search) -> list[Release]:
        """Return what a search by number finds, or by names, without tracks."""
        if wanted.barcode:
            return self._search({"barcode": wanted.barcode})
        names = {"release_title": wanted.title, "artist": wanted.artist}
        if wanted.catalog_number:
            return self._search({"catno": wanted.catalog_number, **names})
        return self._search(names) if wanted.title and not wanted.is_loose else []

    def album_fields(self, asked: AlbumAsked) -> Mapping[str, Any]:
        """Return genres, styles, labels, numbers and rating of the edition with the album's number."""
        from processor.providers.discogs_answers import told_of

        return told_of(self._edition(asked))

    def album_pictures(self, asked: AlbumAsked) -> list[Offer]:
        """Return the cover of the edition with the album's number; what else there are pictures of it does not say."""
        from processor.providers.discogs_answers import picture_of

        offer = picture_of(self.name, self._edition(asked), self.line.base_url)
        return [offer] if offer is not None else []

    def _edition(self, asked: AlbumAsked) -> Any:
        if not asked.barcode and not asked.catalog_number:
            return None
        params = {"barcode": asked.barcode, "catno": None if asked.barcode else asked.catalog_number}
        same = [found for found in self._search(params) if _is_same(asked, found)]
        return self.ask(f"releases/{same[0].id}") if same else None

    def _search(self, params: Mapping[str, str | None]) -> list[Release]:
        from processor.providers.discogs_answers import found_of

        return found_of(self.ask("database/search", {"type": "release", "per_page": SEARCHED, **params}))


def _is_same(asked: AlbumAsked, found: Release) -> bool:
    """Whether it is the album: by its title, or where that is not known by its barcode alone."""
    from processor.matching.names import title_distance

    if asked.title is None or found.title is None:
        return asked.barcode is not None
    return title_distance(asked.title, found.title) <= SAME_TITLE


PROVIDER = Discogs
