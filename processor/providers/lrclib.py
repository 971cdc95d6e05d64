"""LRCLIB: the words of songs, plain and with times, of whoever recorded the same song as long."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from processor.providers.lenient import Decimal, Flag, Lenient, LongText, Text, named
from processor.providers.provider import Provider, ProviderSettings, TrackAsked, base_url, order, per_second

SAME_NAME: Final = 0.15  # distance of titles and of artists up to which they are the same
SAME_RECORDING: Final = 3.0  # seconds apart up to which times of words fit
UNKNOWN: Final = 1e6  # seconds apart are songs of which one does not say how long it is
SAME_SONG: Final = 20.0  # the same, of the words alone: another edit has them, too
_NO_WORDS: Final = re.compile(r"\W*(?:instrumental)?\W*", re.IGNORECASE)  # what people write where nobody sings
_TIMED: Final = re.compile(r"^\[\d{1,3}:\d\d(?:[.:]\d{1,3})?\]", re.MULTILINE)


class LrclibSettings(ProviderSettings):
    """LRCLIB: lyrics, plain and with times."""

    base_url: str = base_url("https://lrclib.net/api")
    per_second: float = per_second(2, "a courtesy: it states none")
    order: int = order(50)


class _Song(Lenient):
    trackName: Text = None
    artistName: Text = None
    albumName: Text = None
    duration: Decimal = None  # seconds
    instrumental: Flag = False
    plainLyrics: LongText = None
    syncedLyrics: LongText = None


class Lrclib(Provider):
    """Searches, and chooses itself: its own choice wants the very spelling."""

    name = "lrclib"
    description = "LRCLIB: lyrics, plain and with times."
    settings = LrclibSettings
    probe = ("search", {"track_name": "Gymnopédie", "artist_name": "Satie"})

    def track_fields(self, asked: TrackAsked) -> Mapping[str, Any]:
        """Return the words of a track, or that it has none; nothing of a track whose artist is not known."""
        if not asked.artist:
            return {}
        found = self.ask("search", {"track_name": asked.title, "artist_name": asked.artist})
        songs = [_song(one) for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        return lyrics(asked, songs)


def _song(said: Mapping[str, Any]) -> _Song:
    song = _Song.model_validate(said)
    if song.plainLyrics and not song.syncedLyrics and _NO_WORDS.fullmatch(song.plainLyrics):
        return song.model_copy(update={"instrumental": True, "plainLyrics": None})
    return song


def lyrics(asked: TrackAsked, songs: Sequence[_Song]) -> dict[str, Any]:
    """Return what the nearest of the songs says. Pure.

    Times are believed of a recording that is as long; words alone also of another one, or where no length is known. A
    song without words is one only where nobody wrote any of a recording as long.
    """
    same = sorted(filter(lambda song: _is_same(asked, song), songs), key=lambda song: _rank(asked, song))
    timed = next((song for song in same if _is_timed(song) and _apart(asked, song) <= SAME_RECORDING), None)
    if timed is not None:
        return named(synced_lyrics=timed.syncedLyrics, lyrics=timed.plainLyrics or _untimed(timed.syncedLyrics or ""))
    sung = next((song for song in same if _words(song)), None)
    silent = next((song for song in same if song.instrumental and _apart(asked, song) <= SAME_RECORDING), None)
    if silent is not None and (sung is None or _apart(asked, sung) > SAME_RECORDING):
        return {"instrumental": True}
    return named(lyrics=sung and _words(sung))


def _is_same(asked: TrackAsked, song: _Song) -> bool:
    from processor.matching.names import artist_distance, title_distance

    if not song.trackName or not song.artistName:
        return False
    if title_distance(asked.title, song.trackName) > SAME_NAME:
        return False
    if artist_distance(asked.artist or "", song.artistName) > SAME_NAME:
        return False
    apart = _apart(asked, song)
    return apart <= SAME_SONG or apart == UNKNOWN


def _rank(asked: TrackAsked, song: _Song) -> tuple[int, bool]:
    """Order by how much longer or shorter it is, in seconds, then by the album."""
    from processor.matching.names import title_distance

    is_of_album = bool(asked.album and song.albumName and title_distance(asked.album, song.albumName) <= SAME_NAME)
    return round(_apart(asked, song)), not is_of_album


def _apart(asked: TrackAsked, song: _Song) -> float:
    if asked.duration_ms is None or not song.duration:
        return UNKNOWN
    return abs(asked.duration_ms / 1000 - song.duration)


def _is_timed(song: _Song) -> bool:
    return bool(song.syncedLyrics and _TIMED.search(song.syncedLyrics))


def _words(song: _Song) -> str | None:
    return song.plainLyrics or (_untimed(song.syncedLyrics or "") if _is_timed(song) else None)


def _untimed(text: str) -> str | None:
    return "\n".join(_TIMED.sub("", line).strip() for line in text.splitlines()).strip() or None


PROVIDER = Lrclib
