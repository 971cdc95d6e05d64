"""Cover Art Archive: the pictures people uploaded to a MusicBrainz release, and the cover of its release group."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from processor.artwork.offer import Offer
from processor.providers.lenient import Flag, Id, Lenient, Many, One, Text, Texts
from processor.providers.pictures import MOST, address
from processor.providers.provider import AlbumAsked, Provider, ProviderSettings, base_url, order, per_second

# Our types by theirs, the first that fits counts; what carries one of the others is no clean picture of anything.
_TYPES: Final = {"Front": "front", "Back": "back", "Medium": "disc", "Booklet": "booklet"}
_UNUSABLE: Final = {"Raw/Unedited", "Watermark", "Matrix/Runout"}


class CoverArtSettings(ProviderSettings):
    """Cover Art Archive: pictures of MusicBrainz releases."""

    base_url: str = base_url("https://coverartarchive.org")
    per_second: float = per_second(4, "a courtesy: it states none")
    order: int = order(20)


class _Thumbnails(Lenient):
    of_1200: Text = Field(None, alias="1200")  # pixels
    large: Text = None  # 500
    small: Text = None  # 250

    @property
    def largest(self) -> str | None:
        return self.of_1200 or self.large or self.small


class _Image(Lenient):
    id: Id = None
    types: Texts = ()
    front: Flag = False
    back: Flag = False
    image: Text = None
    thumbnails: One[_Thumbnails] = _Thumbnails()


class _Answer(Lenient):
    images: Many[_Image] = ()


class CoverArt(Provider):
    """Asks by ids only, so it never offers another album's picture."""

    name = "coverart"
    description = "Cover Art Archive: front, back, discs and booklets of MusicBrainz releases."
    settings = CoverArtSettings
    probe = ("release-group/f5093c06-23e3-404f-aeaa-40f72885ee3a", {})  # of an album that has one

    def album_pictures(self, asked: AlbumAsked) -> list[Offer]:
        """Return the pictures of the release; the group's, of another edition, only where it has no front."""
        found: list[Offer] = []
        for kind, its_id in (("release", asked.release_id), ("release-group", asked.group_id)):
            if its_id is not None and not any(offer.type == "front" for offer in found):
                found += self._offers(self.ask(f"{kind}/{its_id}"))
        return list({offer.id: offer for offer in found}.values())

    def _offers(self, answer: Any) -> list[Offer]:
        images = _Answer.of(answer).images[:MOST]
        has_front = any(image.front for image in images)
        return [offer for image in images if (offer := self._offer(image, has_front=has_front)) is not None]

    def _offer(self, image: _Image, *, has_front: bool) -> Offer | None:
        url, kind = address(image.image, self.line.base_url), _type(image, has_front=has_front)
        if url is None or kind is None or image.id is None:
            return None
        preview = address(image.thumbnails.largest, self.line.base_url)
        return Offer(self.name, image.id, kind, url, preview=preview)


def _type(image: _Image, *, has_front: bool) -> str | None:
    """Return what a picture shows; of several fronts it is the one that is said to be the release's, if one is.

    Others are of a slipcase, a disc of a box, or the same with a sticker, and may well be larger.
    """
    if not _UNUSABLE.isdisjoint(image.types):
        return None
    flags = [name for name, is_it in (("Front", image.front), ("Back", image.back)) if is_it]
    types = [name for name in (*image.types, *flags) if name != "Front" or image.front or not has_front]
    return next((_TYPES[name] for name in types if name in _TYPES), None)


PROVIDER = CoverArt
