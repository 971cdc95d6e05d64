"""MusicBrainz: releases by id and by search, artists with where else they are described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from config.errors import Rejected
from processor.client.client import Client
from processor.client.service import Answer, Service
from processor.matching.lookup import Wanted
from processor.providers.musicbrainz_answers import artist_of, release_of, releases_of
from processor.providers.musicbrainz_questions import query_of
from processor.providers.release import VARIOUS, Release

SEARCHED: Final = 25  # releases of one search; an album that was reissued more often is for a person anyway
# Parts are apart by spaces, which a URL writes as "+".
_OF_RELEASE: Final = "recordings artist-credits labels release-groups genres aliases isrcs release-rels media"
_OF_ARTIST: Final = "aliases genres url-rels"


class MusicBrainz:
    """Asks MusicBrainz, or a mirror of it. What the client raises passes through."""

    name = "musicbrainz"

    def __init__(self, client: Client, service: Service, base_url: str, *, fresh: bool = False) -> None:
        self._client, self._service, self._fresh = client, service, fresh
        self._base = base_url.rstrip("/")

    def release(self, release_id: str) -> Release | None:
        """Return a release with its tracks; None when there is none of that id."""
        answer = self._ask(f"release/{quote(release_id, safe='')}", {"inc": _OF_RELEASE})
        return None if answer is None else release_of(answer, release_id)

    def releases(self, wanted: Wanted) -> list[Release]:
        """Return what a search finds, the likeliest first, without tracks."""
        answer = self._ask("release", {"query": query_of(wanted), "limit": SEARCHED})
        return [] if answer is None else releases_of(answer)

    def artist_fields(self, name: str, artist_id: str | None) -> Mapping[str, Any]:
        """Return the fields of an artist; nothing of one without an id, nor of the one that stands for many."""
        if artist_id is None or artist_id == VARIOUS:
            return {}
        answer = self._ask(f"artist/{quote(artist_id, safe='')}", {"inc": _OF_ARTIST})
        return {} if answer is None else artist_of(answer)

    def _ask(self, path: str, params: Mapping[str, Any]) -> Any:
        def asked(*, fresh: bool) -> Answer:
            url, given = f"{self._base}/{path}", {"fmt": "json", **params}
            return self._client.get(url, service=self._service, params=given, fresh=fresh)

        answer = asked(fresh=self._fresh)
        try:
            return answer.json() if answer.found else None
        except Rejected:
            if not answer.from_cache:
                raise
            return asked(fresh=True).json()  # nonsense was remembered
