"""Names of files or folders whose style tells the disc, too → the disc of each, and the track. Pure.

Files of a record are called after its sides, "A1 Title", and each side is a disc, as a folder "Side A" is one; others
write both into one number, "101 Title", "201 Title". Rips without tags count behind one word: "Track 01", "(01) Title".
Folders "Part 1", "上巻" may be discs as well as albums. A style is believed only if all files of a place, or all
folders of one album, follow it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from scanner.grouping.discs import SIZED, WORDS, is_medium, narrow
from scanner.grouping.folding import clean
from scanner.grouping.names import TrackName, parse_track, spaced, split_artist
from scanner.grouping.patterns import pattern
from scanner.grouping.placeholders import is_word_for_track

_SIDE_FIRST = pattern(  # a side of one song has no number: "B - Title", but not "A Title"
    r"(?P<side>aa|[a-h]|[a-t](?=\s?\d))(?:\s?(?P<track>\d{1,2})(?:[\s._)\]–-]+|\Z)|\s?[._)\]–-]+\s|\Z)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_COUNTING = pattern(r"(?P<before>\D{0,80})(?P<number>\d{1,4})(?P<after>(?!\d).*)", re.DOTALL)
_TITLE_AFTER = pattern(r"(?:\.cdda)?|[話曲章回集首]?(?:[\s.:,、．)\]）】–—-]+|(?=\W))(?P<title>.*)", re.DOTALL)
_DASH_LAST = " - ", " – ", " — "  # "Artist - Album - 01 Title", as Bandcamp calls files
_FIRST = 1, 1  # disc and track
_PARTS = (
    pattern(
        r"[\W_]*(?:vol(?:umen?)?|part[ei]?|pt|teil|deel|del|band|book|buch|tome?|act|akt|disco|skiva|levy|lemez|mc|set|night"
        r"|часть|том)[\W_]*(?P<number>\d{1,2}|[ivx]+)(?![^\W_]).*",
        re.IGNORECASE | re.DOTALL,
    ),
    pattern(r"第?(?P<number>\d{1,2}|[一二三四五六七八九十])[张張枚碟盤盘巻卷集部幕].*", re.DOTALL),
    pattern(r"(?P<number>[上前中下後后])[巻卷編编篇集部]?"),
    pattern(  # not the size of a record that has a number, too
        rf"(?!(?:7|8|10|12){SIZED}\D*\d)(?P<number>\d{{1,2}})(?:[\W_]+\D.*)?",
        re.IGNORECASE | re.DOTALL,
    ),
)
_COUNTING_FOLDERS = (  # whatever the word is: "Platte 1", "Reel One", "Second Disc"
    pattern(
        r"(?P<before>\D{0,80}?)(?P<number>\d{1,2})(?:\W*(?:cd|lp|dis[ck]|dvd))?(?![^\W_]).*", re.IGNORECASE | re.DOTALL
    ),
    pattern(
        rf"(?P<before>(?:.{{0,80}}?[\W_])??)(?P<number>[ivx]+|{WORDS}"
        r"|first|second|third|fourth|fifth)(?![^\W_]).*",
        re.IGNORECASE | re.DOTALL,
    ),
)
_COUNTED = {word: n for n, word in enumerate(["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"], 1)}
_COUNTED |= {word: n for n, word in enumerate("一二三四五六七八九十", 1)}
_COUNTED |= {word: n for n, word in enumerate(WORDS.split("|"), 1)}
_COUNTED |= {word: n for n, word in enumerate(["first", "second", "third", "fourth", "fifth"], 1)}
_COUNTED |= {"上": 1, "前": 1, "中": 2, "下": 3, "後": 3, "后": 3}


def by_sides(stems: Sequence[str]) -> list[TrackName] | None:
    """Read names without extension that all begin with a side; None if one does not, or A1 is not among them."""
    named = [_side(stem) for stem in stems]
    sides = [name for name in named if name]
    numbers = {name[:2] for name in sides}
    return sides if 1 < len(stems) == len(numbers) and _FIRST in numbers else None


def _side(stem: str) -> TrackName | None:
    found = _SIDE_FIRST.fullmatch(stem.replace("_", " ").strip())
    if found is None:
        return None
    side = found["side"].lower()
    disc = ord(side[0]) - ord("a") + len(side)  # "AA" is the other side of "A"
    return TrackName(disc, int(found["track"] or 1), *split_artist(clean(found["rest"])))


def by_counting(stems: Sequence[str]) -> list[TrackName] | None:
    """Read names of one folder without extension that count up behind the same word; None if any does not."""
    found = [_COUNTING.fullmatch(spaced(stem)) for stem in stems]
    counted = [name for name in found if name]
    numbers = [int(name["number"]) for name in counted]
    if not 1 < len(stems) == len(set(numbers)) or len({name["before"].casefold() for name in counted}) > 1:
        return None
    split = by_hundreds(numbers)
    if not split and 1 not in numbers:  # symphonies, years
        return None
    places: Sequence[tuple[int | None, int | None]] = split or [(None, number or None) for number in numbers]
    before = counted[0]["before"]
    spare = is_word_for_track(before) or before.endswith(_DASH_LAST)
    return [TrackName(*place, None, _title(name, spare=spare)) for name, place in zip(counted, places, strict=True)]


def _title(name: re.Match[str], *, spare: bool) -> str | None:
    """Return what stands behind the number, None if nothing does; the whole name if what is before says something."""
    found = _TITLE_AFTER.fullmatch(name["after"]) if spare else None
    return clean(found["title"] if found else name[0])


def by_hundreds(numbers: Sequence[int | None]) -> list[tuple[int, int]] | None:
    """Split 101, 102, 201 … into disc and track; None unless there are several discs, each with its first track."""
    split = [divmod(number or 0, 100) for number in numbers]
    discs = {disc for disc, _ in split}
    whole = 0 not in discs and len(discs) == max(discs) > 1 and all(track for _, track in split)
    return split if whole and {(disc, 1) for disc in discs}.issubset(split) else None


def discs_of(stems: Sequence[str], tracks: Sequence[int | None]) -> list[int] | None:
    """Return the disc of each name, "2-01", "201" or "B1", if all tell one, the track that is known, and none twice."""
    named = [parse_track(stem) for stem in stems]
    for style in (named, by_hundreds([name.track for name in named]), by_sides(stems)):
        split = [name[:2] for name in style or ()]
        discs = [disc for disc, _ in split if disc]
        if len(discs) == len(stems) == len({*split}) and [track for _, track in split] == tracks:
            return discs
    return None


def is_part(folder: str) -> bool:
    """Tell whether a folder's name says no more than which part of something it is: "Volume 2"."""
    return not folder[:1].isdecimal() and by_parts([folder]) is not None


def by_parts(folders: Sequence[str]) -> list[int] | None:
    """Read names of folders side by side: "Part 1", "Vol. II", "下巻", "2", "03 Late"; None if they do not count."""
    texts = [narrow(folder).strip() for folder in folders]
    if len(texts) > 2 and [text.lower() for text in texts].count("encore") == 1:  # behind the sets of a show
        sets = by_parts([text for text in texts if text.lower() != "encore"])
        count = iter(sets or ())
        return [max(sets) + 1 if text.lower() == "encore" else next(count) for text in texts] if sets else None
    for style in _PARTS:
        found = [part["number"].lower() for part in map(style.fullmatch, texts) if part]
        if len(found) == len(texts):
            numbers = [int(number) if number.isdecimal() else _COUNTED.get(number, 0) for number in found]
            if not numbers.count(2):
                numbers = [2 if number in "下後后" else n for number, n in zip(found, numbers, strict=True)]
            return numbers if all(numbers) and len(set(numbers)) == len(numbers) else None
    return None


def by_same_word(folders: Sequence[str]) -> list[int] | None:
    """Read names that count from one behind the same word, whichever it is: "Platte 1", "Reel One", "Second Disc".

    Folders that are called after media, "CD" and "DVD", count as well, the CD first.
    """
    texts = [narrow(folder).strip().casefold() for folder in folders]
    if all(map(is_medium, texts)):
        order = sorted(texts, key=lambda text: (not text.startswith(("cd", "dis")), text))
        return [order.index(text) + 1 for text in texts] if len(set(texts)) == len(texts) else None
    for style in _COUNTING_FOLDERS:
        found = [name for name in map(style.fullmatch, texts) if name]
        if len(found) == len(texts) and len({name["before"].strip() for name in found}) == 1:
            said = [name["number"] for name in found]
            numbers = [int(number) if number.isdecimal() else _COUNTED.get(number, 0) for number in said]
            return numbers if sorted(numbers) == [*range(1, len(numbers) + 1)] else None
    return None
