"""An album of inbound meets the staged one of its key → duplicate, merge, replace, beside or conflict, and why. Pure.

duplicate   every music file is in the staged album already, byte for byte
beside      the tags say that it is another release: both years are known and differ, and no title is in both
merge       every other track has a place of its own: another disc, or numbers nobody has
replace     it has every staged track, the same recordings, none worse and at least one better by the order
conflict    anything else
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from config.reasons import Reason, counted, show_path, show_text
from processor.planning.quality import CRITERIA, Sound, Verdict, better
from scanner.grouping.folding import fold

SAME_LENGTH: Final = 3000  # ms; two encodings of one recording differ by padding, two recordings mostly by more
TOLD: Final = 5  # tracks a decision names


class Track(NamedTuple):
    """One music file on either side."""

    path: bytes  # a newcomer's relative to inbound, a staged one's to the album's folder
    disc: int  # 1 where nothing says otherwise
    number: int | None
    title: str | None
    duration_ms: int | None
    recording: str | None  # MusicBrainz recording
    sound: Sound


@dataclass(frozen=True, slots=True)
class Encounter:
    """Both albums, as far as deciding takes."""

    folder: bytes  # of the staged one, relative to the staging root
    home: bytes  # of the newcomer, relative to the inbound root
    newcomers: tuple[Track, ...]
    staged: tuple[Track, ...]
    there: tuple[bytes, ...] = ()  # every file in the folder
    twins: Mapping[bytes, bytes] = field(default_factory=dict)  # files of the newcomer → the same bytes in the folder
    beside: tuple[bytes, ...] = ()  # files of the newcomer that are no music
    year: int | None = None
    staged_year: int | None = None
    trouble: Reason | None = None  # why the folder is not what its rows say, so that nothing may be done to it
    strangers: tuple[bytes, ...] = ()  # files in the folder that its rows do not know, or not so
    checksum: str = ""  # of the staged one, as its item says


@dataclass(frozen=True, slots=True)
class Rules:
    """What an admin may decide about meetings."""

    replace: bool = False
    quality: tuple[str, ...] = tuple(CRITERIA)


class Meeting(NamedTuple):
    """What comes of an encounter."""

    outcome: Literal["duplicate", "merge", "replace", "beside", "conflict"]
    reasons: tuple[Reason, ...] = ()
    alone: tuple[bytes, ...] = ()  # files beside the music of a duplicate that the staged album has not


def meet(encounter: Encounter, rules: Rules) -> Meeting:
    """Decide. A conflict says first that the two differ, then in what, naming tracks."""
    e = encounter
    fresh = [track for track in e.newcomers if track.path not in e.twins]
    if not fresh:
        alone = tuple(path for path in e.beside if path not in e.twins)
        return Meeting("duplicate", (_same_content(e, alone),), alone)
    taken = {(track.disc, track.number): track for track in e.staged}
    collide = any((track.disc, track.number) in taken for track in fresh)
    if collide and _is_other_release(e):
        return Meeting("beside", (_other_release(e),))
    if e.trouble is not None:
        return _conflict(e, [e.trouble])
    if not collide:
        refusals = list(_why_not_join(e, fresh))
        return _conflict(e, refusals) if refusals else Meeting("merge", (_merged(e, fresh),))
    pairs, refusals = _pairs(e, taken)
    if refusals or e.strangers:
        return _conflict(e, refusals or [_strange(e)])
    return _by_quality(e, pairs, rules)


def _is_other_release(e: Encounter) -> bool:
    if e.year is None or e.staged_year is None or e.year == e.staged_year or e.twins:
        return False
    titles, others = ([track.title for track in side] for side in (e.newcomers, e.staged))
    if None in titles or None in others:
        return False
    return not {fold(title) for title in titles if title} & {fold(title) for title in others if title}


def _why_not_join(e: Encounter, fresh: Sequence[Track]) -> Iterator[Reason]:
    """Say what keeps tracks whose numbers are free from joining the album."""
    staged_discs = {track.disc for track in e.staged}
    if e.year and e.staged_year and e.year != e.staged_year and staged_discs & {track.disc for track in fresh}:
        message = f"It is of {e.year}, the staged one of {e.staged_year}."
        yield Reason("other_year", message, e.home)
    times = Counter((track.disc, track.number) for track in fresh)
    for track in fresh:
        if track.number is None:
            yield Reason("no_number", "It has no track number, so it cannot be told where it belongs.", track.path)
        elif times[track.disc, track.number] > 1:
            yield Reason("numbers_taken", f"Several files want to be {_place(track)}.", track.path)
        elif (twin := next((one for one in e.staged if _is_renumbered(track, one)), None)) is not None:
            message = f"It seems to be {show_path(twin.path)}, which has another number there."
            yield Reason("same_recording", message, track.path)


def _is_renumbered(track: Track, other: Track) -> bool:
    if track.recording and track.recording == other.recording:
        return True
    return track.disc == other.disc and _one_title(track, other) is True and _one_length(track, other) is True


def _pairs(
    e: Encounter, taken: Mapping[tuple[int, int | None], Track]
) -> tuple[list[tuple[Track, Track]], list[Reason]]:
    """Pair every staged track with its newcomer, by disc and number; or say why that cannot be done."""
    newcomers = {(track.disc, track.number): track for track in e.newcomers}
    unclear = None in {number for _, number in (*newcomers, *taken)}
    if unclear or len(newcomers) < len(e.newcomers) or len(taken) < len(e.staged):
        message = "Some tracks have no number or share one, so the two cannot be compared track by track."
        return [], [Reason("numbers_taken", message, e.home)]
    refusals: list[Reason] = []
    missing = [track for place, track in taken.items() if place not in newcomers]
    if missing:
        message = f"It lacks {len(missing)} of the {len(e.staged)} staged tracks: {_listed(t.path for t in missing)}."
        refusals.append(Reason("partial_cover", message, e.home))
    pairs = [(newcomers[place], track) for place, track in taken.items() if place in newcomers]
    for new, old in pairs:
        if new.path not in e.twins and (why := _other_recording(new, old)):
            message = f"{_place(new).capitalize()} is another recording: {why}."
            refusals.append(Reason("other_recording", message, new.path))
    return pairs, refusals


def _other_recording(new: Track, old: Track) -> str | None:
    """Say why two tracks of one number are not known to be one recording; None if they are."""
    if new.sound.channels and old.sound.channels and new.sound.channels != old.sound.channels:
        return f"it has {new.sound.channels} channels, the staged one {old.sound.channels}"
    if _one_length(new, old) is False:
        return f"it lasts {_seconds(new.duration_ms)}, the staged one {_seconds(old.duration_ms)}"
    if new.recording and old.recording:
        return None if new.recording == old.recording else "they carry different MusicBrainz recording ids"
    same_title = _one_title(new, old)
    if same_title is False:
        return f"it is called “{show_text(new.title or '')}”, the staged one “{show_text(old.title or '')}”"
    if same_title is None and _one_length(new, old) is None:
        return "neither titles nor lengths are known"
    return None


def _by_quality(e: Encounter, pairs: Sequence[tuple[Track, Track]], rules: Rules) -> Meeting:
    """Replace only if no track is worse and at least one is better."""
    judged: defaultdict[Verdict, list[tuple[Track, Track]]] = defaultdict(list)
    for new, old in pairs:
        judged[0 if new.path in e.twins else better(new.sound, old.sound, rules.quality)].append((new, old))
    if worse := judged[-1] or judged[None]:
        code, what = ("quality_worse", "is worse") if judged[-1] else ("quality_unlike", "cannot be ranked")
        new, old = worse[0]
        message = f"{new.sound} instead of {old.sound} {what}, in {len(worse)} of {len(pairs)} tracks."
        return _conflict(e, [Reason(code, message, new.path)])
    if not judged[1]:
        message = (
            f"It is no better by the order {', '.join(rules.quality)}: {pairs[0][0].sound} on both sides; so it has "
            "other tags or pictures in the files, or another encoding."
        )
        return _conflict(e, [Reason("quality_same", message, e.home)])
    new, old = judged[1][0]
    gain = f"{new.sound} instead of {old.sound} in {len(judged[1])} of {len(pairs)} tracks"
    if not rules.replace:
        message = f"It is better ({gain}), but staging_scan.replace is off; set it to better, and it takes that place."
        return _conflict(e, [Reason("quality_better", message, e.home)])
    message = f"It replaces {show_path(e.folder)}, which goes to the trash, because it is better: {gain}."
    return Meeting("replace", (Reason("replaced", message, e.home),))


def _conflict(e: Encounter, refusals: Sequence[Reason]) -> Meeting:
    message = (
        f"Staging already has {show_path(e.folder)}, and this one differs. {refusals[0].message} "
        "Nothing was moved; join the two or remove one."
    )
    return Meeting("conflict", (Reason("target_differs", message, e.home), *refusals[:TOLD]))


def _same_content(e: Encounter, alone: Collection[bytes]) -> Reason:
    message = f"The same music is in staging already, in {show_path(e.folder)}; {left_there(alone)}"
    return Reason("same_content", message, e.home)


def left_there(alone: Collection[bytes]) -> str:
    """Say of a copy of music whether it can go, where some files beside it are not known to be anywhere else."""
    if not alone:
        return "this copy was left where it is and can be removed."
    what = f"{counted(len(alone), 'file')} beside it may be nowhere else, such as {show_path(min(alone))}"
    return f"this copy was left where it is. Its music can be removed, but {what}."


def _other_release(e: Encounter) -> Reason:
    message = (
        f"Staging has an album of the same name, {show_path(e.folder)}, but of {e.staged_year} and with other titles, "
        "so this one stands beside it."
    )
    return Reason("other_release", message, e.home)


def _merged(e: Encounter, fresh: Sequence[Track]) -> Reason:
    places = ", ".join(_place(track) for track in fresh[:TOLD])
    more = f" and {len(fresh) - TOLD} more" if len(fresh) > TOLD else ""
    message = f"It joins the staged album {show_path(e.folder)}, file by file: {places}{more}."
    return Reason("merged", message, e.home)


def _strange(e: Encounter) -> Reason:
    message = f"Its folder holds files that Greenroom did not put there, or not so: {_listed(e.strangers)}."
    return Reason("strangers", message, e.home)


def _one_title(new: Track, old: Track) -> bool | None:
    return fold(new.title) == fold(old.title) if new.title and old.title else None


def _one_length(new: Track, old: Track) -> bool | None:
    if new.duration_ms is None or old.duration_ms is None:
        return None
    return abs(new.duration_ms - old.duration_ms) <= SAME_LENGTH


def _place(track: Track) -> str:
    return f"disc {track.disc} track {track.number}"


def _seconds(ms: int | None) -> str:
    return f"{(ms or 0) / 1000:.0f} s"


def _listed(paths: Iterable[bytes]) -> str:
    shown = [show_path(path) for path in paths]
    return ", ".join(shown[:TOLD]) + (" …" if len(shown) > TOLD else "")
