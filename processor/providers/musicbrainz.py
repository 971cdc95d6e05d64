"""MusicBrainz: releases by id and by search, and who artists are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from processor.metadata.fields import mbid
from processor.metadata.known import VARIOUS_ARTISTS
from processor.providers.provider import Provider, ProviderSettings, Search, base_url, order, per_second
from processor.providers.release import Release

SEARCHED: Final = 25  # releases of one search; an album that was reissued more often is for a person anyway
# Parts are apart by spaces, which a URL writes as "+".
_OF_RELEASE: Final = "recordings artist-credits labels release-groups genres aliases isrcs release-rels media"
_OF_ARTIST: Final = "aliases genres"


class MusicBrainzSettings(ProviderSettings):
    """MusicBrainz: which release an album is."""

    base_url: str = base_url("https://musicbrainz.org/ws/2")
    per_second: float = per_second(1)
    order: int = order(10)


class MusicBrainz(Provider):
    """Asks MusicBrainz, or a mirror of it."""

    name = "musicbrainz"
    description = "MusicBrainz: which release an album is, its tracks and credits, and its artists."
    settings = MusicBrainzSettings
    probe = (f"artist/{VARIOUS_ARTISTS}", {"fmt": "json"})

    def release(self, release_id: str) -> Release | None:
        """Return a release with its tracks; None when there is none of that id."""
        from processor.providers.musicbrainz_answers import release_of

        its_id = mbid(release_id)
        answer = self.ask(f"release/{its_id}", {"fmt": "json", "inc": _OF_RELEASE}) if its_id else None
        return None if answer is None else release_of(answer, its_id)

    def releases(self, wanted: Search) -> list[Release]:
        """Return what a search finds, the likeliest first, without tracks."""
        from processor.providers.musicbrainz_answers import releases_of
        from processor.providers.musicbrainz_questions import query_of

        query = query_of(wanted)
        answer = self.ask("release", {"fmt": "json", "query": query, "limit": SEARCHED}) if query else None
        return [] if answer is None else releases_of(answer)

    def artist_fields(self, name: str, artist_id: str | None) -> Mapping[str, Any]:
        """Return the fields of an artist; nothing of one without an id, nor of the one that stands for many."""
        if artist_id is None or artist_id == VARIOUS_ARTISTS:
            return {}
        from processor.providers.musicbrainz_answers import artist_of

        answer = self.ask(f"artist/{quote(artist_id, safe='')}", {"fmt": "json", "inc": _OF_ARTIST})
        return {} if answer is None else artist_of(answer)


PROVIDER = MusicBrainz
