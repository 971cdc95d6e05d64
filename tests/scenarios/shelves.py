"""How people keep albums, as a table: folders of two songs each, and their tags → what becomes of them."""

from __future__ import annotations

from typing import Any

from tests.scenarios.drops import Drop, songs

TWO = "staged 2"
FOUR = "staged 4"
APART = f"{TWO}, {TWO}"

SHELVES: dict[str, tuple[str, list[tuple[str, dict[str, Any]]]]] = {
    "an album for each format": (APART, [("Odd/FLAC", {"ext": "flac"}), ("Odd/MP3", {})]),
    "formats in one folder": (APART, [("Odd", {"ext": "flac"}), ("Odd", {})]),
    "mono and stereo": (APART, [(f"Odd/{mix}", {"genre": mix}) for mix in ("Mono", "Stereo")]),
    "a remaster that says so": (APART, [("Odd", {}), ("Odd R", {"album": "Odd (2011 Remaster)"})]),
    "a remaster of another year": (APART, [("1972", {"date": "1972"}), ("2007", {"date": "2007"})]),
    "a deluxe edition": (APART, [("Odd", {}), ("Odd Deluxe", {"album": "Odd (Deluxe Edition)"})]),
    "three albums of one name": (f"{TWO}, {TWO}, {TWO}", [(y, {"date": y}) for y in ("1977", "1978", "1980")]),
    "best of two bands": (APART, [("a", {"artist": "Best One"}), ("b", {"artist": "Second Best"})]),
    "discs of three in tags": ("staged 6", [(f"Odd {n}", {"album": f"Odd (Disc {n} of 3)"}) for n in (1, 2, 3)]),
    "discs with names": (FOUR, [("Odd/CD1 - Sun", {"disc": "1"}), ("Odd/CD2 - Moon", {"disc": "2"})]),
    "a bonus disc beside": (FOUR, [("Odd", {}), ("Odd [Bonus Disc]", {"album": "Odd [Bonus Disc]"})]),
    "a bonus disc by its tags": (
        FOUR, [("Odd", {"disc": "1/2"}), ("More", {"disc": "2/2", "album": "Odd (Bonus CD)"})]),
    "bonus tracks that go on": (FOUR, [("Odd", {}), ("Odd/Bonus Tracks", {"first": 3})]),
    "bonus tracks that begin anew": (FOUR, [("Odd", {}), ("Odd/Bonus Tracks", {})]),
    "albums of their own in a box": (APART, [("Box/CD1", {"album": "Even"}), ("Box/CD2", {})]),
    "volumes": (APART, [(f"Vol. {n}", {"album": f"Odd, Vol. {n}"}) for n in (1, 2)]),
    "nights of a tour": (APART, [(f"1977-05-0{n}", {"album": f"1977-05-0{n} Cornell"}) for n in (8, 9)]),
    "words for various": (
        "staged 6", [(f"Odd/CD{n}", {"album": "Words", "album_artist": various, "disc": str(n)})
                     for n, various in enumerate(("VA", "V.A.", "Various"), 1)]),
    "a discography": (
        f"{TWO}, {TWO}, {TWO}, staged 4",
        [(f"Discography/{folder}", {"album": folder.partition(" - ")[2].partition("/")[0]})
         for folder in ("Albums/1971 - Fragile", "Live/1973 - Songs", "Singles/1971 - Bout", "Albums/1972 - Edge/CD1",
                        "Albums/1972 - Edge/CD2")]),
    "a heap of downloads": (APART, [("Downloads", {}), ("Downloads", {"album": "Even", "ext": "ogg"})]),
    "an album in an album": (APART, [("Odd", {}), ("Odd/Even (2002)", {"album": "Even"})]),
    "instrumentals below": (APART, [("Odd", {}), ("Odd/Instr", {"album": "Odd (Instrumentals)"})]),
}  # fmt: skip
"""Name of a row → what becomes of it, its folders of two songs each, and what the tags say; unless they say otherwise,
the artist is the row's name and the album "Odd"."""


def shelved(name: str, shelves: list[tuple[str, dict[str, Any]]]) -> Drop:
    """Two songs in each folder; `first` and `ext` are no tags."""
    drop: Drop = {}
    for folder, said in shelves:
        tags: dict[str, Any] = {"ext": "mp3", "first": 1, "artist": name, "album": "Odd", **said}
        first = tags.pop("first")
        drop |= songs(folder, tags.pop("ext"), range(first, first + 2), **tags)
    return drop
