"""TheAudioDB: biographies, reviews and moods in many languages, and pictures of artists and albums."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from processor.artwork.offer import Offer
from processor.providers.lenient import Decimal, Lenient, LongText, Mbid, Number, Text, named, paragraphs
from processor.providers.pictures import address, tail
from processor.providers.provider import AlbumAsked, KeyedSettings, Provider, base_url, key, order, per_second
from scanner.grouping.folding import fold

# Our types of pictures by its fields, the best first.
_ALBUM: Final = {
    "strAlbumThumbHQ": "front",
    "strAlbumThumb": "front",
    "strAlbumBack": "back",
    "strAlbumCDart": "disc",
}
_ARTIST: Final = {
    "strArtistThumb": "thumb",
    **{f"strArtistFanart{n}": "fanart" for n in ("", "2", "3", "4")},
    "strArtistLogo": "logo",
    "strArtistClearart": "clearart",
    "strArtistBanner": "banner",
    "strArtistWideThumb": "landscape",
}


class TheAudioDbSettings(KeyedSettings):
    """TheAudioDB: texts about artists and albums, and pictures."""

    base_url: str = base_url("https://www.theaudiodb.com/api/v1/json")
    per_second: float = per_second(0.5, "that of its free key, 30 a minute")
    order: int = order(40)
    key: str = key("123", "Key of its API; 123 is the free one.")


class _Album(Lenient):
    strMusicBrainzID: Mbid = None
    intYearReleased: Number = None
    strGenre: Text = None
    strStyle: Text = None
    strMood: Text = None
    strTheme: Text = None
    strLabel: Text = None
    strReview: LongText = None
    intScore: Decimal = None
    intScoreVotes: Number = None


class _Artist(Lenient):
    strMusicBrainzID: Mbid = None
    strArtist: Text = None
    intFormedYear: Number = None
    intBornYear: Number = None
    intDiedYear: Number = None
    intMembers: Number = None
    strDisbanded: Text = None
    strGenre: Text = None
    strSubGenre: Text = None
    strStyle: Text = None
    strMood: Text = None
    strCountryCode: Text = None


class TheAudioDb(Provider):
    """Asks by MusicBrainz ids; artists without one by their name, which must be the very same."""

    name = "theaudiodb"
    description = "TheAudioDB: biographies, reviews, moods, and pictures of artists and albums."
    settings = TheAudioDbSettings
    probe = ("artist-mb.php", {"i": "5b11f4ce-a62d-471e-81fc-a69a8278c7da"})

    def path(self, path: str) -> str:
        """Return the URL of a path; the key stands in it."""
        return f"{self.line.base_url}/{self.line.key}/{path}"

    def album_fields(self, asked: AlbumAsked) -> Mapping[str, Any]:
        """Return review, rating, genres, styles, moods, themes, labels and the year of a release group."""
        said = self._album(asked)
        album = _Album.model_validate(said)
        return named(
            original_date=_year(album.intYearReleased),
            genres=[album.strGenre],
            styles=[album.strStyle],
            moods=[album.strMood],
            themes=[album.strTheme],
            labels=[album.strLabel],
            review=self._text(said, "strDescription") or album.strReview,
            rating=album.intScore if album.intScore is not None and 0 < album.intScore <= 10 else None,
            votes=album.intScoreVotes,
        )

    def artist_fields(self, name: str, artist_id: str | None) -> Mapping[str, Any]:
        """Return the biography, genres, style, mood, country and years of an artist."""
        said = self._artist(name, artist_id)
        artist = _Artist.model_validate(said)
        return named(
            **_years(artist),
            country=artist.strCountryCode if artist.strCountryCode and len(artist.strCountryCode) == 2 else None,
            genres=[artist.strGenre, artist.strSubGenre],
            styles=[artist.strStyle],
            moods=[artist.strMood],
            biography=self._text(said, "strBiography"),
        )

    def album_pictures(self, asked: AlbumAsked) -> list[Offer]:
        """Return the pictures of a release group."""
        return self._offers(self._album(asked), _ALBUM)

    def artist_pictures(self, name: str, artist_id: str | None) -> list[Offer]:
        """Return the pictures of an artist."""
        return self._offers(self._artist(name, artist_id), _ARTIST)

    def _album(self, asked: AlbumAsked) -> dict[str, Any]:
        answer = self.ask("album-mb.php", {"i": asked.group_id}) if asked.group_id else None
        return _of_id(_entries(answer, "album"), asked.group_id)

    def _artist(self, name: str, artist_id: str | None) -> dict[str, Any]:
        if artist_id:
            return _of_id(_entries(self.ask("artist-mb.php", {"i": artist_id}), "artists"), artist_id)
        found = [one for one in _entries(self.ask("search.php", {"s": name}), "artists") if _is_called(one, name)]
        return found[0] if len(found) == 1 else {}  # of two that are called the same nobody knows which it is

    def _text(self, said: Mapping[str, Any], field: str) -> str | None:
        """Return a text in the wanted language, else in English."""
        names = (f"{field}{self.line.language.upper()}", f"{field}EN", field)
        return next(filter(None, (paragraphs(said.get(name)) for name in names)), None)

    def _offers(self, said: Mapping[str, Any], types: Mapping[str, str]) -> list[Offer]:
        urls = ((address(said.get(name), self.line.base_url), kind) for name, kind in types.items())
        offers = [Offer(self.name, tail(url), kind, url, preview=f"{url}/preview") for url, kind in urls if url]
        return list({offer.id: offer for offer in offers}.values())


def _entries(answer: Any, name: str) -> list[dict[str, Any]]:
    found = answer.get(name) if isinstance(answer, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _of_id(entries: list[dict[str, Any]], its_id: str | None) -> dict[str, Any]:
    """Return what is said of an id; what says that it is about another one is not."""
    known = ((one, _Album.model_validate(one).strMusicBrainzID) for one in entries)
    return next((one for one, its in known if its in (None, its_id)), {})


def _is_called(said: Mapping[str, Any], name: str) -> bool:
    theirs = _Artist.model_validate(said).strArtist
    return theirs is not None and fold(theirs) == fold(name)


def _years(artist: _Artist) -> dict[str, str | None]:
    """Return when a group was formed and disbanded, or a person born and died; nothing where it is not said which."""
    first, last = _year(artist.intFormedYear or artist.intBornYear), _year(artist.intDiedYear)
    if artist.intMembers is None:
        return {}
    if artist.intMembers > 1:
        return {"formed": first, "disbanded": last if artist.strDisbanded == "Yes" else None}
    return {"born": _year(artist.intBornYear), "died": last}


def _year(value: int | None) -> str | None:
    return str(value) if value and 1000 <= value <= 9999 else None


PROVIDER = TheAudioDb
