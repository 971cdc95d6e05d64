"""What is known of an item, and its library → the plan of one publication: where each file goes, what is made beside.

Reads only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from config.errors import NeedsReview
from config.libraries import Library
from config.reasons import Reason, show_path
from processor.filesystem.files import Tree
from processor.filesystem.paths import relative, within
from processor.items import standing
from processor.items.item import NewItem
from processor.planning import layout
from processor.publication import laying, ledger, making, pictures
from processor.publication.above import Above
from processor.publication.given import Known, Publishing
from processor.publication.intent import STRONGEST, Intent
from processor.publication.laying import Standing
from processor.publication.ledger import Entry, Publication
from processor.publication.making import Making
from processor.publication.names import disc_folders
from processor.publication.pictures import Picture
from processor.publication.writing import read_blob
from processor.transfers import journal
from processor.transfers.materialise import expected_way
from processor.transfers.transfer import Strategy, Transfer


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing one item comes to. Paths are relative to the library."""

    item_id: int
    library: Library
    folder: bytes
    kind: Literal["publish", "refresh", "upgrade", "unchanged"]
    transfer: Transfer | None  # about to be journalled; None where nothing is to be done
    files: tuple[bytes, ...]  # what would be in the folder, and beside it
    fresh: tuple[bytes, ...]  # of these, what would be written
    texts: Mapping[tuple[str, str], bytes] = field(default_factory=dict)  # what the cache has to have before
    reasons: tuple[Reason, ...] = ()
    news_at: dt.datetime | None = None  # the last change of what is known that it takes into account


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan under way."""

    given: Publishing
    known: Known
    library: Library
    start: Transfer
    intent: Intent

    @property
    def is_staged(self) -> bool:
        """Whether the item's files are in staging, and not only in its library."""
        return self.known.item.root_uuid == self.given.staging.root_uuid

    @property
    def _above(self) -> Above:
        """What is the artist's."""
        return Above(self.given, self.known, self.library)

    def is_misnamed(self, home: Publication, others: Collection[bytes] = ()) -> bool:
        """Whether the folder of a published album, or what came with it, would be called otherwise beside `others`."""
        with self.given.database.read() as connection:
            now = _places(journal.named(connection, home.transfer_id), self.is_staged)
        with self._files() as files, Tree(self.library.path) as tree:
            laid = laying.lay_out(files, self.known, self.given.options, others)
            folder = self._free_folder(tree, home)
        return folder != home.path or any(place != now.get(path) for path, place in laid.places.items())

    def whole(self, home: Publication | None, there: Standing, *, rename: bool = False) -> Plan:
        """Plan an album's way from staging into a folder that is free, or into the place of the one of its item."""
        options, item = self.given.options, self.known.item
        self._check_links()
        with self._files() as staging, Tree(self.library.path) as tree:
            standing.check(staging, item.path, item, alone=False)
            folder = home.path if home and not rename else self._free_folder(tree, home)
            at = home.path if home else folder
            laid = laying.lay_out(staging, self.known, options, there.others)
            made = self._made(tree, at, laid.pictures, laid.places, there.entries)
            made.made = [one._replace(path=folder + one.path[len(at) :]) for one in made.made]
            beside = self._above.made(tree, folder)
            beside.gone += self._above.left(home, folder) if home else []
            files = laying.transfer_files(staging, item, laid.places)
            laying.check_bytes(staging, item)  # which takes minutes; what is written to meanwhile is not these files
        need = sum(one.size for one in made.made) + (item.size if self._way == "copy" else 0)
        laying.check_space(self.library.path, need, options.reserve)
        located = self._located(folder, laid.places) if options.mode == "move" else None
        intent = replace(self.intent, made=(*made.made, *beside.made), gone=tuple(beside.gone), located=located)
        said = self._said(intent) | (there.to_json(home) if home else {})
        kind: Literal["publish", "upgrade"] = "upgrade" if home else "publish"
        transfer = replace(self.start, kind=kind, target=folder, files=files, item=said)
        paths = tuple(sorted([*(within(folder, file.target) for file in files), *(one.path for one in intent.made)]))
        return self._plan(kind, folder, transfer if self.is_staged else None, paths, paths, made, beside)

    def _located(self, folder: bytes, places: Mapping[bytes, bytes]) -> NewItem:
        """Return the item as it is once its files were moved into the library."""
        item = self.known.item
        moved = tuple(file._replace(path=places[file.path]) for file in item.files)
        root, id = self.library.root_uuid, self.start.id
        return replace(item, root_uuid=root, path=folder, transfer_id=id, files=moved).summed()

    def again(self, home: Publication, entries: Sequence[Entry]) -> Plan:
        """Plan what is to be written anew in an album that is in the library; its music, and all names, stay."""
        options, known = self.given.options, self.known
        with self.given.database.read() as connection:
            brought = journal.named(connection, home.transfer_id)
        music = [entry.path for entry in entries if entry.role == "audio"]
        discs = disc_folders([relative(path, home.path) for path in music])
        named = pictures.names("album", known.chosen.album, options.profile, discs)
        dropped = {layout.fold(entry.path): entry.path for entry in entries if entry.sha256 is None}
        ours = {name: one for name, one in named.items() if layout.fold(within(home.path, name)) not in dropped}
        with Tree(self.library.path) as tree:
            made_by_us = [entry for entry in entries if entry.sha256]
            made = self._made(tree, home.path, ours, _places(brought, self.is_staged), made_by_us)
            making.note_missing(made, tree, music, known.item_id)
            for name, picture in named.items():
                if name not in ours:
                    making.note_dropped(made, tree, dropped[layout.fold(within(home.path, name))], picture)
            for name in pictures.rivals(named):
                if (place := dropped.get(layout.fold(within(home.path, name)))) is not None:
                    making.note_rival(made, tree, place)
            beside = self._above.made(tree, home.path)
        fresh = [one for one in (*made.made, *beside.made) if one.path not in {*made.same, *beside.same}]
        gone = [*made.gone, *beside.gone]
        files = sorted([*(one.path for one in (*made.made, *beside.made)), *dropped.values()])
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
            one.item_id, self.library, folder, kind, transfer, files, fresh, texts, reasons,
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
        wanted = [*making.of_pictures(folder, named, self.given.size, made)]
        if self.given.options.nfo:
            wanted += making.of_album(folder, album, making.lyrics_of(album, places))
        making.compare(made, tree, wanted, entries, partial(read_blob, self.given.blobs))
        return made

    @property
    def _way(self) -> Strategy:
        """How music gets into the library: only copies take room there."""
        return expected_way(self.given.staging.path, self.library.path, STRONGEST[self.given.options.mode])

    def _check_links(self) -> None:
        if self.given.options.mode == "hardlink" and self._way != "link":
            where = show_path(self.library.path)
            message = f"{where} is on another file system than staging, so nothing can be hard-linked"
            raise NeedsReview(f"{message}; set phase.publish.transfer to copy or move", code="cannot_hardlink")

    def _files(self) -> Tree:
        """Return the tree that has the item's files."""
        return Tree(self.given.staging.path if self.is_staged else self.library.path)

    def _free_folder(self, tree: Tree, home: Publication | None) -> bytes:
        def below(folder: bytes) -> dict[bytes, str | None]:
            with self.given.database.read() as connection:
                return ledger.below(connection, self.library.root_uuid, folder)

        own, gone = (home.path, self._above.left(home, b"")) if home else (None, [])
        return laying.free_folder(tree, self.given.options.naming, self.known, below, own, gone)

    def _said(self, intent: Intent) -> dict[str, Any]:
        item = self.known.item
        return {"key": item.key, "album": item.album, "album_artist": item.album_artist, "intent": intent.to_json()}


def _places(brought: Sequence[Transfer], is_staged: bool) -> dict[bytes, bytes]:
    """Return the places of a published album's files in its folder, by what the item calls them."""
    named = {file.source: file.target for transfer in brought for file in transfer.files}
    if not is_staged:
        return {target: target for target in named.values()}
    staged = [NewItem.from_json(transfer.before).path for transfer in brought if transfer.before]
    return {relative(source, staged[0]): target for source, target in named.items()} if staged else {}
