"""The tracks of a place → shares, each an album by its tags, joined where they are only spelt or filed otherwise."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scanner.grouping.credits import MOST_SPELLINGS, commonest, whose
from scanner.grouping.cut_names import uncut
from scanner.grouping.discs import split_disc
from scanner.grouping.folding import alike, differ_in_a_letter, fold, numerals
from scanner.grouping.patterns import pattern
from scanner.grouping.places import Place
from scanner.grouping.tracks import Track, known

MAJORITY = 0.75
"""A folder is one release if its commonest album covers so much of it (Lidarr's track grouping uses the same share)."""

_BRACKET_LAST = pattern(r"(?P<bare>.*\S)\s*[(\[{](?P<inside>[^()\[\]{}]+)[)\]}]")
_YEAR = pattern(r"(?:19|20)\d\d")

SHORTEST_SLIP = 5
"""Letters of a name that one of them may be wrong in: "Low" is not "Law"."""


class Share(NamedTuple):
    """Some tracks of a place while it is being split."""

    name: str  # folded album, "" if no tag names one
    release_id: str | None
    tracks: list[Track]
    strays: list[Track]

    def take(self, tracks: list[Track], *, stray: bool = False) -> None:
        """Add tracks; strays are remembered, because their own tags do not say that they belong here."""
        self.tracks.extend(tracks)
        if stray:
            self.strays.extend(tracks)


def nearly_one_a_track(artists: Counter[str]) -> bool:
    """Tell whether so many artists can only be a compilation (Lidarr's rule)."""
    total = artists.total()
    return len(artists) > MAJORITY * total and max(artists.values()) < (1 - MAJORITY) * total


def by_album(place: Place, tracks: list[Track]) -> list[Share]:
    """Share the tracks out by release id and album tag; then join what is only spelt, tagged or filed otherwise."""
    tracks = _without_ids_of_parts(tracks)
    named, nameless = _by_name(tracks)
    if len(named) > 1 and (whole := uncut(tracks)) is not tracks:
        named, nameless = _by_name(whole)
    shares = [Share(name or _album_name(members), rid, members, []) for (rid, name), members in named.items()]
    kept = _join_spellings(place, shares)
    if place.is_root:  # loose files without an album have nothing to do with one another
        return kept + [Share("", None, [track], []) for track in nameless]
    return _join_nameless(place, kept, nameless) if nameless else kept


def _without_ids_of_parts(tracks: list[Track]) -> list[Track]:
    """Forget release ids of which none has the whole album, and all together have it."""
    if len({track.release_id for track in tracks if track.release_id}) < 2:
        return tracks
    albums: dict[str, list[Track]] = defaultdict(list)
    for track in tracks:
        if track.release_id:
            albums[fold(track.album or "")].append(track)
    found = [
        members for name, members in albums.items() if name and (_are_discs(members) or _fill_one_another(members))
    ]
    ids = {track.release_id for members in found for track in members}
    return [track._replace(release_id=None) if track.release_id in ids else track for track in tracks]


def _are_discs(tracks: Iterable[Track]) -> bool:
    """Tell whether each id has a disc, called "Album (disc 2)", and each disc one: MusicBrainz had those until 2011."""
    ids, discs = zip(
        *{(track.release_id, split_disc(known(track.row.album) or "")[1]) for track in tracks}, strict=True
    )
    return len(ids) > 1 and None not in discs and len({*ids}) == len({*discs}) == len(ids)


def _fill_one_another(tracks: list[Track]) -> bool:
    """Tell whether several ids share the numbers of one artist's album, whose totals say that it is more than each has.

    Programs that look each disc or song up by itself find another edition for each.
    """
    numbers = [track.number for track in tracks]
    if len({track.release_id for track in tracks}) < 2 or len({*numbers} - {None}) < len(tracks):
        return False
    discs: dict[int, list[Track]] = defaultdict(list)
    for track in tracks:
        discs[track.disc or 1].append(track)
    if len({*whose(tracks)}) > 1 or any((track.row.disc_total or 1) < len(discs) for track in tracks):
        return False
    return all(_is_of_one(members) or _is_all_there(members) for members in discs.values())


def _is_of_one(tracks: Iterable[Track]) -> bool:
    return len({track.release_id for track in tracks}) == 1


def _is_all_there(tracks: Sequence[Track]) -> bool:
    """Tell whether these are all the tracks of a disc that each of them counts."""
    numbers = {track.track for track in tracks}
    return numbers == {*range(1, len(tracks) + 1)} and {track.row.track_total for track in tracks} == {len(tracks)}


def _by_name(tracks: Iterable[Track]) -> tuple[dict[tuple[str | None, str], list[Track]], list[Track]]:
    """Return the tracks by release id or album tag, and those that have neither."""
    named: dict[tuple[str | None, str], list[Track]] = defaultdict(list)
    nameless = []
    for track in tracks:
        if track.album or track.release_id:
            named[track.release_id, "" if track.release_id else fold(track.album or "")].append(track)
        else:
            nameless.append(track)
    return named, nameless


def _album_name(tracks: Iterable[Track]) -> str:
    names = [fold(track.album) for track in tracks if track.album]
    return commonest(names) if names else ""


def _join_spellings(place: Place, shares: list[Share]) -> list[Share]:
    """Let each share join the release of its name, the album it is a typo of, or the one whose gap it fills."""
    total = sum(len(share.tracks) for share in shares)
    heap = len(shares) > MOST_SPELLINGS  # comparing each with each would take for ever there, and prove nothing
    few = len(shares) <= (1 - MAJORITY) * total
    kept: list[Share] = []
    releases: dict[str, Share] = {}
    for share in sorted(shares, key=lambda s: (s.release_id is None, -len(s.tracks), s.name, s.release_id or "")):
        if share.release_id is not None:
            releases.setdefault(share.name, share)
            kept.append(share)
        elif host := releases.get(share.name) or (None if heap else _correctly_spelt(place, kept, share)):
            host.take(share.tracks)
        elif not (heap or place.is_root) and (
            host := _with_a_bracket_more(kept, share) or _with_gap(kept, share, total, few=few)
        ):
            host.take(share.tracks, stray=True)
        else:
            kept.append(share)
    return kept


def _correctly_spelt(place: Place, kept: list[Share], share: Share) -> Share | None:
    """Find the larger share whose name this one misspells; two albums of alike names would both have a track 1."""
    for big in kept:
        larger = len(big.tracks) > len(share.tracks) and (alike(big.name, share.name) or _slipped(place, big, share))
        if larger and _fit(big, share) and (not place.is_root or _share_artist(big, share)):
            return big
    return None


def _slipped(place: Place, big: Share, share: Share) -> bool:
    """Tell whether a short name differs in a letter, and both together count one artist's album without a gap."""
    short = not place.is_root and min(len(big.name), len(share.name)) >= SHORTEST_SLIP
    return short and differ_in_a_letter(big.name, share.name) and _is_whole(big, share) and _share_artist(big, share)


def _with_a_bracket_more(kept: list[Share], share: Share) -> Share | None:
    """Find the album whose name has "(Deluxe Edition)" more or less, if both together count from one without a gap."""
    for one in kept:
        called_so = share.name == _before_bracket(one) or one.name == _before_bracket(share)
        if called_so and _is_whole(one, share) and _share_artist(one, share):
            return one
    return None


def _before_bracket(share: Share) -> str | None:
    """Fold an album's name without the bracket at its end; None if there is none, or it counts: "(Vol. 2)"."""
    name = next((track.album for track in share.tracks if fold(track.album or "") == share.name), None)
    found = _BRACKET_LAST.fullmatch(name or "")
    if found is None or any(not _YEAR.fullmatch(word) for word in numerals(fold(found["inside"]))):
        return None
    return fold(found["bare"])


def _is_whole(one: Share, other: Share) -> bool:
    """Tell whether each number up to the last is there once, on one disc."""
    numbers = [track.number for track in (*one.tracks, *other.tracks)]
    return {*numbers} == {(1, n) for n in range(1, len(numbers) + 1)}


def _with_gap(kept: list[Share], share: Share, total: int, *, few: bool) -> Share | None:
    """Find the album that is nearly all of the place, by the same artist, and has these track numbers free.

    Where the albums of a place are not few, it has to lack just these, before its last one.
    """
    big = max(kept, key=lambda one: len(one.tracks), default=None)
    if big is None or len(big.tracks) < MAJORITY * total or not all(t.number for t in share.tracks):
        return None
    fits = _fit(big, share) and _share_artist(big, share)
    return big if fits and (few or _is_in_between(big, share)) else None


def _is_in_between(big: Share, share: Share) -> bool:
    last = (1, len(big.tracks) + len(share.tracks))
    return _is_whole(big, share) and last in {track.number for track in big.tracks}


def _fit(one: Share, other: Share) -> bool:
    """Tell whether no disc and track is in both."""
    return {t.number for t in one.tracks if t.number}.isdisjoint(t.number for t in other.tracks)


def _share_artist(one: Share, other: Share) -> bool:
    artists = whose([*one.tracks, *other.tracks])
    return bool(set(artists[: len(one.tracks)]) & set(artists[len(one.tracks) :]))


def _join_nameless(place: Place, shares: list[Share], nameless: list[Track]) -> list[Share]:
    """Let tracks without an album tag join the album that is nearly all of the place, or the one the folder names."""
    folder = fold(place.named.album or "")
    total = sum(len(share.tracks) for share in shares)
    for share in shares:
        if len(share.tracks) >= MAJORITY * total or share.name == folder:
            share.take(nameless, stray=True)
            return shares
    return [*shares, Share("", None, nameless, [])]
