"""Albums in the styles people and programs write them → one album, wherever it lies and whatever lies beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from processor.planning.layout import album_folder, track_name
from scanner.grouping.groups import Group
from tests.shelf import Shelf

ARTISTS: Final = [
    "The Beatles",
    "Sigur Rós",
    "AC-DC",
    "2Pac",
    "Die Ärzte",
    "Blink-182",
    "Sunn O)))",
    "Кино",
    "M",
    "10cc",
]
ALBUMS: Final = [
    "Abbey Road",
    "1989",
    "Live",
    "21",
    "Vol. 4",
    "Works 85-92",
    "10,000 Days",
    "Demo",
    "( )",
    "Side by Side",
]
WORDS: Final = [
    "Love",
    "99 Luftballons",
    "7 Seconds",
    "Part 1",
    "1999",
    "Één",
    "Live at X",
    "Side A",
    "Coda",
    "Fade-In",
]
FOLDERS: Final = [
    "{artist} - {album} ({year})",
    "{artist} - {album}",
    "{artist} - {year} - {album}",
    "{artist} - {album} ({year}) [FLAC]",
    "{artist}/{album}",
    "{artist}/{album} [FLAC]",
    "{artist}/{album} ({year})",
    "{artist}/{year} - {album}",
    "{artist}/[{year}] {album}",
]
FILES: Final = ["{n:02} - {title}", "{n:02}. {title}", "{n} {title}", "{n:02} {title}", "{n:02} - {artist} - {title}"]
DISCS: Final = ["CD{disc}/", "Disc {disc}/", "CD {disc}/", "{disc}-"]
SHELVES: Final = ["Incoming", "2026-11-24", "Music", "new stuff", "downloads/complete"]
LACKING: Final = [[], ["album_artist"], ["track", "disc"], ["year"], ["title"]]


@dataclass(frozen=True)
class Drop:
    """One album, and how it is written down. `lacking` names tags that no file has, None is for no tags at all."""

    artist: str
    album: str
    year: int
    titles: tuple[tuple[str, ...], ...]  # by disc
    folder: str
    file: str
    disc: str
    lacking: list[str] | None

    def put(self, shelf: Shelf, above: str = "", *, small: bool = False) -> None:
        """Put it on a shelf; `small` writes the names of files and folders without capitals."""
        folder = self.folder.format(artist=self.artist, album=self.album, year=self.year)
        for number, titles in enumerate(self.titles, 1):
            part = self.disc.format(disc=number) if len(self.titles) > 1 else ""
            for n, title in enumerate(titles, 1):
                path = f"{folder}/{part}{self.file.format(n=n, title=title, artist=self.artist)}.flac"
                shelf.track(above + (path.lower() if small else path), **self._tags(number, n, title, len(titles)))

    def _tags(self, disc: int, track: int, title: str, total: int) -> dict[str, Any]:
        if self.lacking is None:
            return {}
        tags: dict[str, Any] = {"artist": self.artist, "album_artist": self.artist, "album": self.album, "title": title}
        tags |= {"year": self.year, "track": track, "track_total": total}
        if len(self.titles) > 1:
            tags |= {"disc": disc, "disc_total": len(self.titles)}
        return {name: value for name, value in tags.items() if name not in self.lacking}


@st.composite
def drops(draw: st.DrawFn) -> Drop:
    """Draw an album of up to three discs in any of the styles."""
    titles = st.builds("{} {}".format, st.sampled_from(WORDS), st.sampled_from(WORDS))
    songs = draw(st.lists(titles, min_size=2, max_size=12, unique=True))
    discs = draw(st.sampled_from([1, 1, 2, 3]))
    parts = tuple(
        tuple(part) for n in range(discs) if (part := songs[n * len(songs) // discs : (n + 1) * len(songs) // discs])
    )
    return Drop(
        draw(st.sampled_from(ARTISTS)),
        draw(st.sampled_from(ALBUMS)),
        draw(st.integers(1962, 2024)),
        parts,
        draw(st.sampled_from(FOLDERS)),
        draw(st.sampled_from(FILES)),
        draw(st.sampled_from(DISCS)),
        draw(st.sampled_from([None, *LACKING])),
    )


def _grouped(*put: tuple[Drop, str]) -> list[Group]:
    shelf = Shelf()
    for drop, above in put:
        drop.put(shelf, above)
    return shelf.groups()


def _is_doubtful(drop: Drop) -> bool:
    """Tell what may be "Fog - 1989" of that year in the folder of its artist, or a part of an album called "Fog"."""
    dated = "{year}" in drop.folder
    return not dated and (drop.album == "Vol. 4" if "/" in drop.folder else drop.album == "1989")


def _said(group: Group) -> tuple[Any, ...]:
    """What an album is, without the numbers of its files."""
    tracks = [(track.disc, track.track, track.title) for track in group.tracks]
    return group.key, group.album_artist, group.album, group.year, group.discs, group.verdict, tracks


@settings(max_examples=100)
@given(drops())
def test_what_is_tagged_is_told_from_the_tags_in_every_style(drop: Drop) -> None:
    (group,) = _grouped((replace(drop, lacking=[]), ""))
    assert (group.album_artist, group.album, group.year) == (drop.artist, drop.album, drop.year)
    assert [track.title for track in group.tracks] == [title for titles in drop.titles for title in titles]
    assert group.discs == len(drop.titles)


@settings(max_examples=100)
@given(drops())
def test_an_album_without_tags_is_one_and_has_its_songs_in_order(drop: Drop) -> None:
    (group,) = _grouped((replace(drop, lacking=None), ""))
    assert (group.album_artist, group.album) == (drop.artist, drop.album)
    assert group.year in (drop.year, None)
    assert len(group.tracks) == sum(map(len, drop.titles))


@settings(max_examples=100)
@given(drops(), st.sampled_from(SHELVES))
def test_an_album_is_the_same_on_any_shelf(drop: Drop, shelf: str) -> None:
    if shelf == "new stuff" and drop.lacking is None and _is_doubtful(drop):
        return  # that may be somebody
    (there,) = _grouped((drop, ""))
    (below,) = _grouped((drop, shelf + "/"))
    assert _said(below) == _said(there)


@settings(max_examples=100)
@given(drops(), drops())
def test_an_album_is_the_same_beside_another(drop: Drop, other: Drop) -> None:
    if drop.artist == other.artist or drop.album == other.album:
        return
    (alone,) = _grouped((drop, ""))
    (neighbour,) = _grouped((other, ""))
    together = _grouped((drop, ""), (other, ""))
    assert sorted(map(_said, together), key=str) == sorted([_said(alone), _said(neighbour)], key=str)


@settings(max_examples=100)
@given(drops())
def test_the_key_of_an_album_does_not_depend_on_capitals(drop: Drop) -> None:
    small = Shelf()
    drop.put(small, small=True)
    (group,) = _grouped((drop, ""))
    assert small.only().key == group.key


@settings(max_examples=100)
@given(drops())
def test_what_was_staged_is_the_same_album_when_it_comes_in_again(drop: Drop) -> None:
    """As somebody finds it who moves the staging tree back because the database is lost."""
    shelf = Shelf()
    drop.put(shelf)
    (group,) = shelf.groups()
    assert group.album is not None
    folder = album_folder(group.album_artist, group.album, group.year).decode()
    rows, again = {row.file_id: row for row in shelf.tracks}, Shelf()
    for track in group.tracks:
        row, discs = rows[track.file_id], group.discs
        name = track_name(disc=track.disc, track=track.track, title=track.title, source=row.name, discs=discs)
        again.track(f"{folder}/{name.decode()}", **dict(zip(row._fields[3:], row[3:], strict=True)))
    assert _said(again.only()) == _said(group)
