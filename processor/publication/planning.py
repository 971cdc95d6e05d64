"""An approved item and a library → what publishing it would put where, and why; or what it would write anew there.

Reads only: a dry run shows the plan, processor.publish performs it.
"""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from config.errors import NeedsReview
from config.libraries import Library, verify_root
from config.machine import boot_id
from config.reasons import Reason, show_path
from processor import journal
from processor.artwork.blobs import Blob
from processor.files import Tree, within
from processor.item import NewItem
from processor.journal import Transfer
from processor.publication import laying, ledger, making, pictures
from processor.publication.given import Known, Publishing, known, library_of
from processor.publication.intent import Intent
from processor.publication.laying import Standing
from processor.publication.ledger import Entry, Publication
from processor.publication.making import Making
from processor.publication.names import artist_folder, disc_folders
from processor.publication.pictures import Picture
from processor.publication.writing import read_blob


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing one item comes to. Paths are relative to the library."""

    item_id: int
    status: str
    library: Library
    folder: bytes
    kind: Literal["publish", "refresh", "upgrade", "unchanged"]
    transfer: Transfer | None  # about to be journalled; None where nothing is to be done
    files: tuple[bytes, ...]  # what would be in the folder, and beside it
    fresh: tuple[bytes, ...]  # of these, what would be written
    texts: Mapping[tuple[str, str], bytes] = field(default_factory=dict)  # what the cache has to have before
    reasons: tuple[Reason, ...] = ()
    news_at: dt.datetime | None = None  # the last change of what is known that it takes into account


def plan(given: Publishing, item_id: int, *, fence: int = 0, actor: str = "chain", job_id: int | None = None) -> Plan:
    """Look, and decide what there is to do.

    Raises NeedsReview where a person has to decide first (`not_approved`, `target_exists`, `not_as_recorded`,
    `music_changed`), Misconfigured for a library that is not there, and what the disks raise.
    """
    one = known(given, item_id)
    library, home = library_of(given, one), one.publication
    verify_root(library)
    start = Transfer(
        str(uuid.uuid4()), "publish", "planned", given.staging.path, library.path, b"", (), {}, fence, boot_id(),
        before=one.item.to_json(),
    )  # fmt: skip
    intent = Intent(
        item_id, one.revision, library.root_uuid, given.options.mode, actor=actor, job_id=job_id,
        access=given.options.access,
        artist=one.artist_key, news_at=home and home.news_at,
    )  # fmt: skip
    draft = _Draft(given, one, library, start, intent)
    if home is None:
        return draft.whole(None, Standing())
    with given.database.read() as connection:
        entries = ledger.entries(connection, item_id=item_id)
    if _is_same_music(one.item, entries):
        return draft.again(home, entries)
    if one.item.root_uuid != given.staging.root_uuid:
        message = (
            f"the music of item {item_id} is other than what was published; take that back with `greenroom publish "
            f"--undo {item_id}`, and publish it again"
        )
        raise NeedsReview(message, code="music_changed")
    with Tree(library.path) as tree:
        return draft.whole(home, laying.look(tree, home, entries))


def _is_same_music(item: NewItem, entries: Sequence[Entry]) -> bool:
    there = sorted(entry.size for entry in entries if entry.role == "audio")
    return there == sorted(file.size for file in item.files if file.role == "audio")


@dataclass(frozen=True, slots=True)
class _Draft:
    """A plan under way."""

    given: Publishing
    known: Known
    library: Library
    start: Transfer
    intent: Intent

    def whole(self, home: Publication | None, there: Standing) -> Plan:
        """Plan an album's way from staging into a folder that is free, or into the place of the one of its item."""
        given, options, item = self.given, self.given.options, self.known.item
        self._check_links()
        with Tree(given.staging.path) as staging, Tree(self.library.path) as tree:
            laying.check_whole(staging, item)
            folder = home.path if home else self._free_folder(tree)
            laid = laying.lay_out(
                staging, item, self.known.album, options.naming, self.known.chosen.album, options.profile, there.others
            )
            made = self._made(tree, folder, laid.pictures, laid.places, there.entries)
            beside = self._beside(tree, folder)
            files = laying.transfer_files(staging, item, laid.places)
        need = sum(one.size for one in made.made) + (0 if self._links else item.size)
        laying.check_space(self.library.path, need, options.reserve)
        located = None
        if options.mode == "move":
            moved = tuple(file._replace(path=laid.places[file.path]) for file in item.files)
            root, id = self.library.root_uuid, self.start.id
            located = replace(item, root_uuid=root, path=folder, transfer_id=id, files=moved).summed()
        intent = replace(self.intent, made=(*made.made, *beside.made), gone=tuple(beside.gone), located=located)
        said = self._said(intent) | (there.to_json(home) if home else {})
        kind: Literal["publish", "upgrade"] = "upgrade" if home else "publish"
        transfer = replace(self.start, kind=kind, target=folder, files=files, item=said)
        paths = tuple(sorted([*(within(folder, file.target) for file in files), *(one.path for one in intent.made)]))
        return self._plan(kind, folder, transfer, paths, paths, made, beside)

    def again(self, home: Publication, entries: Sequence[Entry]) -> Plan:
        """Plan what is to be written anew in an album that is in the library; its music, and all names, stay."""
        options, known = self.given.options, self.known
        with self.given.database.read() as connection:
            brought = journal.named(connection, home.transfer_id)
        audio = [entry.path[len(home.path) + 1 :] for entry in entries if entry.role == "audio"]
        named = pictures.names("album", known.chosen.album, options.profile, disc_folders(audio))
        dropped = {entry.path for entry in entries if entry.sha256 is None}
        named = {name: one for name, one in named.items() if within(home.path, name) not in dropped}
        with Tree(self.library.path) as tree:
            made = self._made(tree, home.path, named, _places(brought, home), entries)
            beside = self._beside(tree, home.path)
        fresh = [one for one in (*made.made, *beside.made) if one.path not in {*made.same, *beside.same}]
        gone = [*made.gone, *beside.gone]
        files = sorted([*(one.path for one in (*made.made, *beside.made)), *dropped])
        mode: Any = home.mode
        said = self._said(replace(self.intent, mode=mode, made=tuple(fresh), gone=tuple(gone)))
        said |= {"home": home.transfer_id}
        transfer = replace(self.start, kind="refresh", target=home.path, item=said, before=None)
        same = not fresh and not gone and known.status == "published" and known.revision == home.revision
        written = tuple(one.path for one in fresh)
        if same:
            return self._plan("unchanged", home.path, None, tuple(files), written, made, beside)
        return self._plan("refresh", home.path, transfer, tuple(files), written, made, beside)

    def _plan(
        self,
        kind: Literal["publish", "refresh", "upgrade", "unchanged"],
        folder: bytes,
        transfer: Transfer | None,
        files: tuple[bytes, ...],
        fresh: tuple[bytes, ...],
        *makings: Making,
    ) -> Plan:
        texts = {name: text for making in makings for name, text in making.texts.items()}
        reasons = tuple(reason for making in makings for reason in making.reasons)
        one = self.known
        return Plan(
            one.item_id, one.status, self.library, folder, kind, transfer, files, fresh, texts, reasons,
            self.intent.news_at,
        )  # fmt: skip

    def _made(
        self,
        tree: Tree,
        folder: bytes,
        named: Mapping[bytes, Picture],
        places: Mapping[bytes, bytes],
        entries: Sequence[Entry],
    ) -> Making:
        """Return what is to be made in an album's folder."""
        made, album = Making(), self.known.album
        wanted = [*making.of_pictures(folder, named, self._size, made)]
        if self.given.options.nfo:
            wanted += making.of_album(folder, album, making.lyrics_of(album, places))
        making.compare(made, tree, wanted, [entry for entry in entries if entry.sha256], self._blob)
        return made

    def _beside(self, tree: Tree, album: bytes) -> Making:
        """Return what is to be made in the artist's folder."""
        options, artist, made = self.given.options, self.known.artist, Making()
        folder = artist_folder(options.naming, album)
        if artist is not None and folder is not None:
            with self.given.database.read() as connection:
                entries = ledger.entries(connection, artist=self.known.artist_key, root_uuid=self.library.root_uuid)
            named = pictures.names("artist", self.known.chosen.artist, options.profile)
            wanted = [*making.of_pictures(folder, named, self._size, made)]
            if options.nfo:
                wanted += making.of_artist(folder, artist)
            known = [entry for entry in entries if os.path.dirname(entry.path) == folder]
            making.compare(made, tree, wanted, known, self._blob)
        return made

    @property
    def _links(self) -> bool:
        """Whether music costs no room in the library."""
        is_one = os.stat(self.given.staging.path).st_dev == os.stat(self.library.path).st_dev
        return is_one and self.given.options.mode in ("move", "hardlink")

    def _check_links(self) -> None:
        if self.given.options.mode == "hardlink" and not self._links:
            where = show_path(self.library.path)
            message = f"{where} is on another file system than staging, so nothing can be hard-linked"
            raise NeedsReview(f"{message}; set phase.publish.transfer to copy or move", code="cannot_hardlink")

    def _free_folder(self, tree: Tree) -> bytes:
        def below(folder: bytes) -> dict[bytes, str | None]:
            with self.given.database.read() as connection:
                return ledger.below(connection, self.library.root_uuid, folder)

        return laying.free_folder(tree, self.given.options.naming, self.known.album, self.known.artist_key, below)

    def _said(self, intent: Intent) -> dict[str, Any]:
        item = self.known.item
        return {"key": item.key, "album": item.album, "album_artist": item.album_artist, "intent": intent.to_json()}

    def _size(self, picture: Picture) -> int | None:
        try:
            return self.given.cache.path(Blob(picture.sha256, picture.ext, 0)).stat().st_size
        except FileNotFoundError:
            return None

    def _blob(self, sha256: str, ext: str) -> bytes | None:
        return read_blob(self.given.blobs, sha256, ext)


def _places(brought: Sequence[Transfer], home: Publication) -> dict[bytes, bytes]:
    """Return the places of a published album's files in its folder, by what the item calls them."""
    named = {file.source: file.target for transfer in brought for file in transfer.files}
    if home.mode == "move":
        return {target: target for target in named.values()}
    staged = [NewItem.from_json(transfer.before).path for transfer in brought if transfer.before]
    return {source[len(staged[0]) + 1 :]: target for source, target in named.items()} if staged else {}
