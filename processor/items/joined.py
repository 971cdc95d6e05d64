"""A staged item and what joins or follows it → what the item says then, and that somebody decided before. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from math import prod
from typing import Final

from config.reasons import Reason, counted
from processor.items.item import NewFile, NewItem, as_reasons, reasons_of
from processor.planning.layout import fold
from scanner.grouping.doubts import DOUBT
from scanner.grouping.missing import Numbered, missing

OF_THE_RIP: Final = frozenset({"cue", "log", "checksum", "playlist"})  # they speak of the old files, and go with them
_PASSING: Final = frozenset({"tracks_missing", "same_album_elsewhere", "merged", "replaced"})


def joined(old: NewItem, new: NewItem, status: str) -> NewItem:
    """Return the staged item with the files of another one added; `new` names only what joins.

    What the album is called stays; what was unknown is filled in; the warnings are those of the whole.
    """
    files = (*old.files, *new.files)
    tracks = [file for file in files if file.role == "audio"]
    discs = len({file.disc or 1 for file in tracks})
    warnings = [*_lasting(old), *_lasting(new), *_missing(tracks)]
    note = Reason("merged", f"{counted(len(new.files), 'file')} joined it after it was staged{_decided(status)}.")
    evidence = _distinct([*reasons_of(old.evidence), *reasons_of(new.evidence)])
    filled = {name: getattr(new, name) for name in ("year", "release_id") if getattr(old, name) is None}
    sources = {**json.loads(new.sources), **json.loads(old.sources)}
    return _remade(
        replace(old, **filled, discs=discs, evidence=as_reasons(evidence), sources=json.dumps(sources, sort_keys=True)),
        files,
        _distinct([*warnings, note]),
        new,
    )


def succeeded(old: NewItem, new: NewItem, status: str) -> NewItem:
    """Return what the item says once a better album took its place: in the old folder, with the side files kept."""
    note = Reason("replaced", f"A better one took the place of the album staged before{_decided(status)}.")
    files = (*new.files, *kept(old, new.files))
    return _remade(replace(new, path=old.path), files, [*reasons_of(new.warnings), note], new)


def kept(old: NewItem, files: Iterable[NewFile]) -> tuple[NewFile, ...]:
    """Return the side files of a replaced album that go on beside the new one: lyrics, pictures, booklets.

    Those whose name the new one uses, in whatever case, and those that speak of the old files, stay with the old album.
    """
    names, going = {fold(file.path) for file in files}, {"audio", *OF_THE_RIP}
    return tuple(file for file in old.files if file.role not in going and fold(file.path) not in names)


def renamed(old: NewItem, new: NewItem) -> dict[bytes, bytes]:
    """Return what the tracks of an album that are not there any more are called now, by disc and number."""
    gone, come = ({file.path for file in one.files} for one in (old, new))
    then, now = _numbered(old), _numbered(new)
    pairs = ((then[number], now[number]) for number in then.keys() & now.keys())
    return {before: after for before, after in pairs if before not in come and after not in gone}


def _numbered(item: NewItem) -> dict[tuple[int, int], bytes]:
    """Return the tracks by disc and number; those whose number others have, or that have none, are left out."""
    tracks = [((file.disc or 1, file.track), file.path) for file in item.files if file.role == "audio"]
    counted = Counter(number for number, _ in tracks)
    return {(disc, track): path for (disc, track), path in tracks if track is not None and counted[disc, track] == 1}


def _remade(item: NewItem, files: tuple[NewFile, ...], warnings: Iterable[Reason], new: NewItem) -> NewItem:
    """Return the item with all that follows from its files."""
    warnings = list(warnings)
    tracks = [file for file in files if file.role == "audio"]
    durations = [file.facts.get("duration_ms") for file in tracks]
    codes = {reason.code for reason in (*reasons_of(item.evidence), *warnings)}
    return replace(
        item,
        files=files,
        track_count=len(tracks),
        duration_ms=None if None in durations else sum(d for d in durations if d is not None),
        size=sum(file.size for file in files),
        warnings=as_reasons(warnings),
        confidence=round(prod(DOUBT.get(code, 1.0) for code in codes), 3),
        transfer_id=new.transfer_id,
        run_id=new.run_id,
    ).summed()


def _lasting(item: NewItem) -> list[Reason]:
    return [reason for reason in reasons_of(item.warnings) if reason.code not in _PASSING]


def _missing(tracks: Iterable[NewFile]) -> list[Reason]:
    return list(
        missing(Numbered(f.disc or 1, f.track, f.facts.get("disc_total"), f.facts.get("track_total")) for f in tracks)
    )


def _decided(status: str) -> str:
    was = status.replace("_", " ")
    return "" if status == "pending_review" else f"; it was {was} before and waits for review again"


def _distinct(reasons: Iterable[Reason]) -> list[Reason]:
    return list(dict.fromkeys(reasons))
