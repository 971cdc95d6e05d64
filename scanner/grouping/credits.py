"""The artists that the tracks of an album name → whose album it is, or Various Artists by rule."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from scanner.grouping.folding import alike, fold
from scanner.grouping.groups import Source
from scanner.grouping.patterns import pattern
from scanner.grouping.placeholders import is_various
from scanner.grouping.places import Place
from scanner.grouping.tracks import Track, known

VARIOUS_ARTISTS = "Various Artists"

MOST_SPELLINGS = 16
"""A folder with more names than this is a heap; looking for typos among them would find wrong ones, slowly."""

_GUESTS = pattern(  # a semicolon of HTML ends no name: "Bread &amp; Butter"
    r"\s*(?:(?<!&amp)(?<!&quot)(?<!&apos)(?<!&#39)(?<!&#039);|[(\[]?\s*\b(?:feat|ft|featuring)\b\.?\s).*",
    re.IGNORECASE | re.DOTALL,
)
_FEATURED = pattern(r"\s*[(\[]?\s*\b(?:feat|ft|featuring)\b\.?\s.*", re.IGNORECASE | re.DOTALL)
_COMMA = pattern(r"\s*,(?!\s*(?:the|an?)\s*\Z)", re.IGNORECASE)  # "Beatles, The" is one
_ARTICLE_LAST = pattern(r"([^,]+), (the|a|an)", re.IGNORECASE)
_SLASH = pattern(r"\s*[/\\]+\s*")  # between names in ID3v2.3
_SLASHED = " / "
_WITH_OTHERS = pattern(" (?:and|with|w|x|vs|und|mit|et|e|y|con|och|og|med|/) ")


class Credit(NamedTuple):
    """An album artist, and where it comes from. Unknown is None: no artist is ever invented."""

    artist: str | None
    source: Source | None
    together: str | None = None  # "A; B", where tags name several album artists; keys go by the first


BY_RULE = Credit(VARIOUS_ARTISTS, "rule")
_UNKNOWN = Credit(None, None)


@lru_cache(maxsize=4096)
def main_artist(text: str) -> str:
    """Return the artist without the guests: `"Queen feat. David Bowie"` → `"Queen"`."""
    return _GUESTS.sub("", text) or text


def commonest(texts: Iterable[str]) -> str:
    """Return the text that occurs most often; of equally frequent ones none in capitals alone, then by alphabet."""
    counts = Counter(texts)
    return next(iter(counts)) if len(counts) == 1 else min(counts, key=lambda text: (-counts[text], *_coarse(text)))


def _coarse(text: str) -> tuple[bool, str]:
    return text.isupper() or text.islower(), text


def whose(tracks: Sequence[Track]) -> list[str | None]:
    """Return the folded artist each track counts for; guests, "A & B" beside "A", and typos count as "A"."""
    return _same_names([_folded_credit(track) for track in tracks])


def _folded_credit(track: Track) -> str | None:
    credit = track.album_artist or (VARIOUS_ARTISTS if track.row.compilation else track.artist)
    return None if credit is None else _folded_main(credit)


@lru_cache(maxsize=4096)
def _folded_main(artist: str) -> str:
    if is_various(artist):
        return fold(VARIOUS_ARTISTS)
    said = _COMMA.sub(" &", main_artist(artist))
    return _SLASHED.join(filter(None, map(fold, _SLASH.split(said)))) or fold(said)


def _without_slash(name: str) -> str:
    return name.replace(_SLASHED, " ")  # "AC/DC" is "AC-DC", too


def _same_names(folded: list[str | None]) -> list[str | None]:
    """Map each name to the most frequent one that it is a spelling or an extension of: "A with B", "A/B" of "A"."""
    said = {*folded}
    folded = [plain if name and (plain := _without_slash(name)) in said else name for name in folded]
    counts = Counter(name for name in folded if name)
    same: dict[str | None, str | None] = {}
    kept: list[str] = []
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        leads = (name[: more.start()] for more in _WITH_OTHERS.finditer(name))
        typo = next((other for other in kept[:MOST_SPELLINGS] if alike(name, other)), None)
        same[name] = typo or next((lead for lead in leads if lead in counts), name)
        if same[name] == name:
            kept.append(name)
    return [same.get(name) for name in folded]


def credit_by_tags(tracks: Sequence[Track]) -> Credit:
    """Decide by album artist, compilation flag and artists, in this order.

    Without a majority of more than half, the album is one of various artists.
    """
    flagged = 2 * [track.row.compilation for track in tracks].count(True) > len(tracks)
    credited = [track.album_artist for track in tracks if track.album_artist]
    return credit_of(credited, [track.artist for track in tracks if track.artist], flagged)


def credit_of(credited: list[str], artists: list[str], flagged: bool) -> Credit:
    """Decide by all album artists and artists that were named, and by whether most tracks are flagged."""
    if credited:
        credit = _majority(credited)
        if credit.artist == VARIOUS_ARTISTS and 2 * len(credited) <= len(artists) and not flagged:
            alone = _majority(artists)  # a few tags say otherwise of an album that one sings alone
            if alone.source == "tag" and alone.artist != VARIOUS_ARTISTS:
                return alone._replace(source="majority")
        together = _FEATURED.sub("", credited[0]) if len(set(credited)) == 1 else None
        return credit._replace(together=together) if together and credit.artist != VARIOUS_ARTISTS else credit
    credit = _majority(artists)
    # players flag a "best of" of one artist as a compilation too
    if flagged and (len(artists) < 2 or credit.source != "tag"):
        return BY_RULE
    return credit


def _majority(artists: list[str]) -> Credit:
    if len(set(artists)) == 1 and (name := _folded_main(artists[0])):
        return Credit(VARIOUS_ARTISTS if name == fold(VARIOUS_ARTISTS) else main_artist(artists[0]), "tag")
    names = _same_names([_folded_main(artist) for artist in artists])
    counts = Counter(name for name in names if name)
    if not counts:
        return _UNKNOWN
    top = commonest(name for name in names if name)
    if 2 * counts[top] <= len(artists) and len(counts) > 1:
        return BY_RULE
    if top == fold(VARIOUS_ARTISTS):
        return Credit(VARIOUS_ARTISTS, "tag" if len(counts) == 1 else "majority")
    shown = [main_artist(artist) for artist, name in zip(artists, names, strict=True) if name == top]
    exact = [artist for artist in shown if _without_slash(_folded_main(artist)) == _without_slash(top)]
    return Credit(commonest(exact or shown), "tag" if len(counts) == 1 else "majority")


def credit_by_names(place: Place, album: str | None, tracks: Sequence[Track]) -> Credit:
    """Read the artist out of "Artist - Album", file names that all begin with it, or "Artist/Album".

    A folder named after something else than the album says nothing about its artist.
    """
    folder = place.named
    if place.is_root or album is None or folder.album is None or not _same_title(folder.album, album):
        return _UNKNOWN
    named = [fold(main_artist(track.named_artist)) for track in tracks if track.named_artist]
    if folder.artist:
        found = Credit(folder.artist, "folder")
    elif len(named) == len(tracks) > 1 and len(set(named)) == 1:
        found = Credit(commonest(track.named_artist for track in tracks if track.named_artist), "file_name")
    else:
        found = Credit(place.artist_above, "folder")
    artist = known(found.artist)
    if artist is None:
        return _UNKNOWN
    if sorted_by := _ARTICLE_LAST.fullmatch(artist):  # as folders are sorted
        name, article = sorted_by.groups()
        artist = f"{article.title() if name[0].isupper() else article} {name}"
    return found._replace(artist=VARIOUS_ARTISTS if is_various(artist) else artist)


def _same_title(one: str, other: str) -> bool:
    return fold(one) == fold(other) or alike(fold(one), fold(other))
