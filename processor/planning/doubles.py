"""An album as it came → the album with each track once; copies of a track with the same bytes stay in inbound. Pure.

"03 - Song (1).mp3", "03 - Song - Kopie.mp3" and "Copy of 03 - Song.mp3" are what downloads and file managers leave
beside a track. What has a number of its own is a track of its own: an album may have the same silence three times.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from config.reasons import Reason, show_path
from processor.filesystem.paths import stem_of
from processor.planning import naming
from processor.planning.layout import fold
from processor.planning.naming import PlannedFile, Proposal
from scanner.grouping.doubts import confidence_of, repeats
from scanner.grouping.groups import Group
from scanner.ignore import unconflicted_name

LOOSE: Final = 100  # files of one size without a number; more are no album, but samples of somebody
Content = Callable[[PlannedFile], str]  # a digest of what is in a file
Copies = tuple[tuple[PlannedFile, int], ...]  # each with the file id of the track it is a copy of


class _Track(NamedTuple):
    file: PlannedFile
    disc: int | None
    number: int | None
    name: str  # of the file, folded, without its extension

    @property
    def place(self) -> tuple[int, int | None]:
        return self.disc or 1, self.number

    def may_copy(self, other: _Track) -> bool:
        """Whether it is a copy of another one, if the bytes are the same."""
        if self.number is not None and other.number is not None:
            return self.place == other.place
        return other.name in self.name and (self.disc or other.disc) == (other.disc or self.disc)


def singled(proposal: Proposal, content: Content) -> tuple[Proposal, Copies]:
    """Return an album without copies of its own tracks, and these."""
    copies = tuple(_copies(proposal, content))
    if not copies:
        return proposal, ()
    gone = {file.file_id for file, _ in copies}
    group = proposal.group
    tracks = tuple(track for track in group.tracks if track.file_id not in gone)
    before, after = ([*repeats((t.disc or 1, t.track) for t in some)] for some in (group.tracks, tracks))
    warnings = (*(one for one in group.warnings if one not in before), *after)
    confidence = confidence_of((*group.evidence, *warnings))
    group = group._replace(tracks=tracks, warnings=warnings, confidence=confidence)
    return naming.join(replace(proposal, group=group), (), 1, 0), copies


def staying(copies: Copies, files: Sequence[PlannedFile]) -> tuple[tuple[PlannedFile, ...], tuple[Reason, ...]]:
    """Return the copies, with the places of their bytes among the `files` of their album, and why each one stays."""
    if not copies:
        return (), ()
    places = {file.file_id: file.target for file in files}
    stay = tuple(replace(file, target=places[track]) for file, track in copies)
    return stay, tuple(_told(file) for file in stay)


def without_original(group: Group, music: Sequence[PlannedFile]) -> Reason | None:
    """Say of music that sync programs kept beside files which are not there any more that a person has to look."""
    called = [unconflicted_name(os.path.basename(file.source)) for file in music]
    if None in called or not called:
        return None
    message = (
        f"By its name a sync program kept it beside {show_path(called[0] or b'')}, as two machines had changed it; "
        "that one is not here any more, maybe it is staged. If this one is wanted, give it that name; else remove it."
    )
    return Reason("conflict_copy", message, music[0].source if len(music) == 1 else group.home)


def _copies(proposal: Proposal, content: Content) -> Iterator[tuple[PlannedFile, int]]:
    tracks = proposal.group.tracks
    music = proposal.files[: len(tracks)]
    if len({file.identity.size for file in music}) == len(music):  # as nearly always
        return
    sizes: defaultdict[int, list[_Track]] = defaultdict(list)
    for file, track in zip(music, tracks, strict=True):
        name = fold(stem_of(os.path.basename(file.source)))
        sizes[file.identity.size].append(_Track(file, track.disc, track.track, name))
    played = frozenset[str]().union(*proposal.cues.values())
    for alike in sizes.values():
        contents: defaultdict[str, list[_Track]] = defaultdict(list)
        for one in sorted(_worth_reading(alike), key=lambda one: _lesser(one, played)):
            kept = contents[content(one.file)]
            first = next((other for other in kept if one.may_copy(other)), None)
            if first is None:
                kept.append(one)
            else:
                yield one.file, first.file.file_id


def _worth_reading(alike: Sequence[_Track]) -> Iterator[_Track]:
    """Yield those files of one size that may be copies of each other."""
    places = Counter(one.place for one in alike if one.number is not None)
    loose = [one for one in alike if one.number is None]
    loose = loose if len(loose) <= LOOSE else []
    pairs = (
        (one, other)
        for one in loose
        for other in alike
        if one is not other and (one.may_copy(other) or other.may_copy(one))
    )
    partners = {each.file.file_id for pair in pairs for each in pair}
    return (one for one in alike if places[one.place] > 1 or one.file.file_id in partners)


def _lesser(one: _Track, played: frozenset[str]) -> tuple[bool, bool, int, bytes]:
    """Order files so that the one people mean comes first: with a number, named by a cue sheet, of a plain name."""
    source = one.file.source
    return one.number is None, fold(os.path.basename(source)) not in played, len(source), source


def _told(file: PlannedFile) -> Reason:
    message = (
        f"The same bytes came with the album as {show_path(file.target)}; this copy was left where it is and can be "
        "removed."
    )
    return Reason("already_there", message, file.source)
