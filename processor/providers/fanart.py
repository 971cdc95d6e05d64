"""fanart.tv: portraits, backgrounds, logos and banners of artists, covers and discs of albums, voted on by people."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from processor.artwork.offer import Offer
from processor.providers.lenient import Id, Lenient, Many, Number, Text
from processor.providers.pictures import MOST, address, language, pixels
from processor.providers.provider import AlbumAsked, KeyedSettings, Provider, base_url, key, order, per_second


class _Kind(NamedTuple):
    """What one of its lists holds, and which size it has unless it is told."""

    type: str
    width: int | None = None
    height: int | None = None


_ARTIST: Final = {
    "artistthumb": _Kind("thumb", 1000, 1000),
    "artistbackground": _Kind("fanart", 1920, 1080),
    "artist4kbackground": _Kind("fanart", 3840, 2160),
    "hdmusiclogo": _Kind("logo", 800, 310),
    "musiclogo": _Kind("logo", 400, 155),
    "musicbanner": _Kind("banner", 1000, 185),
}
_ALBUM: Final = {"albumcover": _Kind("front", 1000, 1000), "cdart": _Kind("disc", 1000, 1000)}


class FanartSettings(KeyedSettings):
    """fanart.tv: pictures of artists, and of albums."""

    base_url: str = base_url("https://webservice.fanart.tv/v3")
    per_second: float = per_second(2, "a courtesy: it states none")
    order: int = order(30)
    key: str = key(what="Key of its API, free at fanart.tv; without one it is not asked.")


class _Image(Lenient):
    id: Id = None
    url: Text = None
    lang: Text = None
    likes: Number = None
    width: Number = None
    height: Number = None
    size: Number = None  # of a disc: its side


class _Images(Lenient):
    images: Many[_Image] = ()


class Fanart(Provider):
    """Asks by MusicBrainz ids only."""

    name = "fanart"
    description = "fanart.tv: pictures of artists and albums, voted on by people."
    settings = FanartSettings
    probe = ("music/5b11f4ce-a62d-471e-81fc-a69a8278c7da", {})

    def credentials(self) -> Mapping[str, str]:
        """Return the key as a header, so that it stands in no address."""
        return {"api-key": self.line.key} if self.line.key else {}

    def artist_pictures(self, name: str, artist_id: str | None) -> list[Offer]:
        """Return the pictures of an artist of that MusicBrainz id."""
        found = self.ask(f"music/{artist_id}") if artist_id else None
        return self._offers(_flat(found, _ARTIST), _ARTIST)

    def album_pictures(self, asked: AlbumAsked) -> list[Offer]:
        """Return the pictures of a release group."""
        found = self.ask(f"music/albums/{asked.group_id}") if asked.group_id else None
        said = _flat(found, {"albums"})
        albums = said.get("albums") if isinstance(said, dict) else None
        return self._offers(_album(albums, asked.group_id), _ALBUM)

    def _offers(self, said: Any, kinds: Mapping[str, _Kind]) -> list[Offer]:
        lists = said if isinstance(said, dict) else {}
        found = [
            offer
            for name, kind in kinds.items()
            for image in _Images.model_validate({"images": lists.get(name)}).images[:MOST]
            if (offer := self._offer(image, kind)) is not None
        ]
        return list({offer.id: offer for offer in found}.values())

    def _offer(self, image: _Image, kind: _Kind) -> Offer | None:
        url = address(image.url, self.line.base_url)
        if url is None or image.id is None:
            return None
        return Offer(
            self.name, image.id, kind.type, url, preview=_small(url),
            width=pixels(image.width) or pixels(image.size) or kind.width,
            height=pixels(image.height) or pixels(image.size) or kind.height,
            language=language(image.lang), votes=image.likes,
        )  # fmt: skip


def _flat(said: Any, kinds: Collection[str]) -> Any:
    """Return what holds the lists: the answer itself, or in older ones what stands in it under the artist's name."""
    if not isinstance(said, dict) or any(name in said for name in kinds):
        return said
    inner = (value for value in said.values() if isinstance(value, dict) and any(name in value for name in kinds))
    return next(inner, {})


def _small(url: str) -> str | None:
    """Return where the small version of a picture is, if it is where they usually are."""
    return url.replace("/fanart/", "/preview/", 1) if "/fanart/" in url else None


def _album(albums: Any, group_id: str | None) -> Any:
    """Return the album of an id: of an object by ids, or of a list, as newer answers have it."""
    if isinstance(albums, dict):
        return albums.get(group_id)
    entries = albums if isinstance(albums, list) else []
    return next((one for one in entries if isinstance(one, dict) and one.get("release_group_id") == group_id), None)


PROVIDER = Fanart
