"""A proposal and the staged album of its key, looked at on disk and in the database → their encounter. Reads only."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext
from typing import NamedTuple

from config.answering import ANSWERS
from config.database import Database
from config.errors import Misconfigured, Retryable
from config.libraries import Library, Roots, verify_root
from config.reasons import Reason, show_path
from processor.filesystem.files import Tree, is_file
from processor.filesystem.paths import extension
from processor.items import repository, standing
from processor.items.item import NewFile, NewItem
from processor.planning.meeting import Encounter, Track
from processor.planning.naming import PlannedFile, Proposal
from processor.planning.quality import Sound
from scanner.facts import Facts
from scanner.identity import Identity
from scanner.kinds import KINDS

FactsOf = Callable[[Collection[int]], Mapping[int, Facts]]  # by file id, of the files that have any
# The digest of an unchanged file, by its tree, path and identity; read from the file when not known yet.
Digests = Callable[[Tree, bytes, Identity], str]


class Contents(NamedTuple):
    """What is known, or can be found out, of what is in files."""

    facts: FactsOf
    digests: Digests


class Encounters:
    """Brings the two sides of each meeting together."""

    def __init__(self, database: Database, roots: Roots, contents: Contents, libraries: Mapping[str, Library]):
        self._database = database
        self._inbound, self._staging = roots.inbound.path, roots.staging.path
        self._libraries = libraries  # by the uuids of their roots: a published item may be in another than staging
        self._facts, self._digests = contents

    def meet(self, proposal: Proposal, folder: bytes) -> Encounter:
        """Look at both sides; `folder` is the item's. Raises the typed error of what cannot be looked at."""
        with self._database.read() as connection:
            recorded = repository.recorded(connection, [proposal.group.key]).get(proposal.group.key)
        if recorded is None:
            message = f"the item of {show_path(folder)} went away while this was planned; the next cycle looks again"
            raise Retryable(message, code="vanished")
        library = self._libraries.get(recorded.item.root_uuid)
        if library is None:
            message = f"the album {show_path(folder)} is in a root that is no library any more; add that root again"
            raise Misconfigured(message, code="no_library")
        try:
            return self._look(proposal, folder, recorded.item, library)
        except Retryable:
            verify_root(library)  # that its disk is away says more than what is missed there
            raise

    def _look(self, proposal: Proposal, folder: bytes, item: NewItem, library: Library) -> Encounter:
        place = library.path
        asked = nullcontext() if place == self._staging else ANSWERS.beside(place)
        with asked, Tree(self._inbound) as inbound, Tree(place) as staging:
            stands = standing.look_at(staging, folder, item, "fsck" if place == self._staging else "verify --all")
            with staging.explained("look into", folder):
                is_gone = place != self._staging and staging.stat(folder) is None
                there = {} if is_gone else standing.files_below(staging, folder)
            if is_gone:
                verify_root(library)
            trouble, strangers = stands.trouble, stands.strangers
            if trouble is None and (music := list(filter(is_audio, strangers))):
                message = f"Its folder holds music that Greenroom did not put there, such as {show_path(min(music))}."
                trouble = Reason("strangers", message)
            return Encounter(
                folder=folder,
                home=proposal.group.home,
                newcomers=self._newcomers(proposal),
                staged=tuple(_staged(item)),
                checksum=item.checksum,
                there=tuple(sorted(there)),
                twins=dict(self._twins(proposal.files, inbound, staging, folder, there, item)),
                beside=tuple(file.source for file in proposal.beside),
                year=proposal.group.year,
                staged_year=item.year,
                trouble=trouble,
                strangers=(*strangers, *stands.edited),
            )

    def _newcomers(self, proposal: Proposal) -> tuple[Track, ...]:
        facts = self._facts([track.file_id for track in proposal.group.tracks])
        return tuple(
            _track(file.source, track.disc, track.track, track.title, facts.get(track.file_id, Facts())._asdict())
            for track, file in zip(proposal.group.tracks, proposal.files, strict=False)
        )

    def _twins(
        self,
        files: Iterable[PlannedFile],
        inbound: Tree,
        staging: Tree,
        folder: bytes,
        there: Mapping[bytes, os.stat_result],
        item: NewItem,
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield the files whose bytes the item has already: music under any name, other files under the same name."""
        audio = [file.path for file in item.files if file.role == "audio" and file.path in there]
        for file in files:
            candidates = audio if file.role == "audio" else {file.target} & there.keys()
            for path in sorted(candidates):
                found = there[path]
                if found.st_size != file.identity.size or not is_file(found):
                    continue
                where = os.path.join(folder, path)
                known = self._digests(staging, where, Identity.of(found))
                if known == self._digests(inbound, file.source, file.identity):
                    yield file.source, path
                    break


def is_audio(name: bytes) -> bool:
    """Tell whether a name is one of music, of any kind."""
    ending = extension(name)
    return any(ending in kind.audio_extensions for kind in KINDS.values())


def _staged(item: NewItem) -> Iterator[Track]:
    files: Iterable[NewFile] = (file for file in item.files if file.role == "audio")
    for file in files:
        yield _track(file.path, file.disc, file.track, file.title, file.facts)


def _track(path: bytes, disc: int | None, number: int | None, title: str | None, facts: Mapping[str, object]) -> Track:
    known = {"duration_ms": None, "mb_recording_id": None, **facts}
    return Track(path, disc or 1, number, title, known["duration_ms"], known["mb_recording_id"], Sound.of(known))  # type: ignore[arg-type]
