"""An approved item and a library → what publishing it would put where, and why; or what it would write anew there.

Reads only: a dry run shows the plan, processor.publish performs it.
"""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Connection

from config.database import Database
from config.errors import Misconfigured, NeedsReview
from config.libraries import Library, verify_root
from config.machine import boot_id
from config.reasons import Reason, show_path
from processor import journal, repository
from processor.artwork import rows as artwork
from processor.artwork.blobs import Blob, Blobs
from processor.artwork.offer import Subject, of_artist
from processor.files import Tree, within
from processor.item import NewItem
from processor.journal import Transfer
from processor.metadata import rows as metadata
from processor.metadata.known import AlbumMetadata, ArtistMetadata
from processor.publication import laying, ledger, making, pictures
from processor.publication.access import AS_IS, Access
from processor.publication.intent import Intent, Mode
from processor.publication.ledger import Publication
from processor.publication.making import Making
from processor.publication.names import Naming, artist_folder, disc_folders
from processor.publication.pictures import Picture, Profile
from processor.publication.routing import Rule, choose
from processor.publication.writing import read_blob

PUBLISHABLE: Final = ("approved", "publishing", "published")
VARIOUS_ARTISTS: Final = "89ad4ac3-39f7-470e-963a-56509c546377"  # MusicBrainz' artist that is nobody


class Chosen(NamedTuple):
    """The pictures selected of an album and of its artist."""

    album: Sequence[Picture] = ()
    artist: Sequence[Picture] = ()


Choose = Callable[[Connection, NewItem, ArtistMetadata | None], Chosen]


@dataclass(frozen=True, slots=True)
class Options:
    """What an admin may decide about publishing."""

    naming: Naming
    mode: Mode = "move"
    profile: Profile = "all"
    rules: tuple[Rule, ...] = ()
    assets: bool = True  # pictures
    whole: bool = False  # nothing is published while a selected picture cannot be had
    nfo: bool = True  # NFO files, and lyrics no file has
    reserve: int = 1 << 30  # bytes of the library's file system that stay free
    access: Access = AS_IS  # rights and owner of what is published


@dataclass(frozen=True, slots=True)
class Publishing:
    """What publishing is given to work with."""

    database: Database
    staging: Library
    libraries: Sequence[Library]  # of role library
    options: Options
    cache: Blobs
    chosen: Choose

    @property
    def blobs(self) -> bytes:
        """The folder of the cache."""
        return os.fsencode(self.cache.folder)


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing one item comes to. Paths are relative to the library."""

    item_id: int
    status: str
    library: Library
    folder: bytes
    kind: Literal["publish", "refresh", "unchanged"]
    transfer: Transfer | None  # about to be journalled; None where nothing is to be done
    files: tuple[bytes, ...]  # what would be in the folder, and beside it
    fresh: tuple[bytes, ...]  # of these, what would be written
    texts: dict[tuple[str, str], bytes] = field(default_factory=dict)  # what the cache has to have before
    reasons: tuple[Reason, ...] = ()
    news_at: dt.datetime | None = None  # the last change of what is known that it takes into account


def selected(connection: Connection, item: NewItem, artist: ArtistMetadata | None) -> Chosen:
    """Return the pictures that are selected of an album and its artist."""
    subjects = [Subject("album", item.key), *([of_artist(artist.name, artist.artist_id)] if artist else [])]
    found = [
        [Picture(one.type, one.rank, one.sha256, one.extension) for one in artwork.selected(connection, subject)]
        for subject in subjects
    ]
    return Chosen(*found)


class _Known(NamedTuple):
    """What is known of an item before anybody looked at a disk."""

    item_id: int
    status: str
    revision: int
    item: NewItem
    album: AlbumMetadata
    artist: ArtistMetadata | None  # None where there is not exactly one
    publication: Publication | None
    chosen: Chosen


def library_of(given: Publishing, item_id: int) -> Library:
    """Return the library an item is in, or would be published to. Raises what `plan` does before it looks at disks."""
    with given.database.read() as connection:
        return _library(given, _known(connection, given, item_id))


def plan(given: Publishing, item_id: int, *, fence: int = 0, actor: str = "chain", job_id: int | None = None) -> Plan:
    """Look, and decide what there is to do.

    Raises NeedsReview where a person has to decide first (`not_approved`, `target_exists`, `not_as_recorded`,
    `music_changed`), Misconfigured for a library that is not there, and what the disks raise.
    """
    with given.database.read() as connection:
        known = _known(connection, given, item_id)
    library = _library(given, known)
    verify_root(library)
    start = Transfer(
        str(uuid.uuid4()), "publish", "planned", given.staging.path, library.path, b"", (), {}, fence, boot_id(),
        before=known.item.to_json(),
    )  # fmt: skip
    intent = Intent(
        item_id, known.revision, library.root_uuid, given.options.mode, actor=actor, job_id=job_id,
        access=given.options.access,
        artist=None if known.artist is None else ledger.artist_key(known.artist.name, known.artist.artist_id),
        news_at=known.publication and known.publication.news_at,
    )  # fmt: skip
    if known.publication is None:
        return _first(given, known, library, start, intent)
    return _again(given, known, known.publication, library, start, intent)


def _known(connection: Connection, given: Publishing, item_id: int) -> _Known:
    found = repository.of_id(connection, item_id)
    if found is None:
        raise Misconfigured(f"there is no item {item_id}", code="unknown_item")
    if found.status not in PUBLISHABLE:
        message = f"item {item_id} is {found.status}; only what was approved is published"
        raise NeedsReview(message, code="not_approved")
    album = metadata.album(connection, item_id)
    artist = _artist(connection, item_id, album)
    chosen = given.chosen(connection, found.item, artist) if given.options.assets else Chosen()
    publication = ledger.publication(connection, item_id)
    return _Known(item_id, found.status, found.revision, found.item, album, artist, publication, chosen)


def _artist(connection: Connection, item_id: int, album: AlbumMetadata) -> ArtistMetadata | None:
    """Return the one artist an album is credited to; the folder of several, or of various, is nobody's."""
    if len(album.credits) != 1 or album.compilation or album.credits[0].artist_id == VARIOUS_ARTISTS:
        return None
    credit = album.credits[0]
    for artist in metadata.artists_of(connection, item_id):
        if artist.artist_id == credit.artist_id if credit.artist_id else artist.name == credit.name:
            known = metadata.artist(connection, artist.id)
            return replace(known, artist_id=known.artist_id or artist.artist_id)
    return ArtistMetadata(credit.name, credit.artist_id, credit.sort_name)


def _library(given: Publishing, known: _Known) -> Library:
    if known.publication is None:
        return choose(known.album, given.options.rules, given.libraries)
    for library in given.libraries:
        if library.root_uuid == known.publication.root_uuid:
            return library
    message = f"item {known.item_id} was published in a root that is no library any more; add that root again"
    raise Misconfigured(message, code="no_library")


def _first(given: Publishing, known: _Known, library: Library, start: Transfer, intent: Intent) -> Plan:
    """Plan the album's way from staging into the library."""
    options, item = given.options, known.item
    if options.mode == "hardlink" and os.stat(given.staging.path).st_dev != os.stat(library.path).st_dev:
        message = f"{show_path(library.path)} is on another file system than staging, so nothing can be hard-linked"
        raise NeedsReview(f"{message}; set phase.publish.transfer to copy or move", code="cannot_hardlink")
    with Tree(given.staging.path) as staging, Tree(library.path) as tree:
        laying.check_whole(staging, item)
        folder = laying.free_folder(tree, options.naming, known.album, intent.artist, _below(given, library))
        made = Making()
        laid = laying.lay_out(staging, item, known.album, options.naming, known.chosen.album, options.profile)
        wanted = [*making.of_pictures(folder, laid.pictures, _sizes(given), made)]
        if options.nfo:
            wanted += making.of_album(folder, known.album, making.lyrics_of(known.album, laid.places))
        making.compare(made, tree, wanted, (), _blobs(given))
        reasons = _beside(given, known, library, tree, folder, made)
        files = laying.transfer_files(staging, item, laid.places)
    links = options.mode in ("move", "hardlink") and os.stat(given.staging.path).st_dev == os.stat(library.path).st_dev
    need = sum(one.size for one in made.made) + (0 if links else item.size)
    laying.check_space(library.path, need, options.reserve)
    located = None
    if options.mode == "move":
        there = tuple(file._replace(path=laid.places[file.path]) for file in item.files)
        located = replace(item, root_uuid=library.root_uuid, path=folder, transfer_id=start.id, files=there).summed()
    intent = replace(intent, made=tuple(made.made), gone=tuple(made.gone), located=located)
    transfer = replace(start, target=folder, files=files, item=_said(item, intent))
    paths = tuple(sorted([*(within(folder, file.target) for file in files), *(one.path for one in made.made)]))
    return Plan(known.item_id, known.status, library, folder, "publish", transfer, paths, paths, made.texts, reasons)


def _again(
    given: Publishing, known: _Known, home: Publication, library: Library, start: Transfer, intent: Intent
) -> Plan:
    """Plan what is to be written anew in an album that is in the library; its music, and all names, stay."""
    options = given.options
    with given.database.read() as connection:
        entries = ledger.entries(connection, item_id=known.item_id)
        brought = journal.named(connection, home.transfer_id)
    _check_music(known, entries)
    audio = [entry.path[len(home.path) + 1 :] for entry in entries if entry.role == "audio"]
    places = _places(brought, home)
    with Tree(library.path) as tree:
        made = Making()
        named = pictures.names("album", known.chosen.album, options.profile, disc_folders(audio))
        dropped = {entry.path for entry in entries if entry.sha256 is None}
        named = {name: one for name, one in named.items() if within(home.path, name) not in dropped}
        wanted = [*making.of_pictures(home.path, named, _sizes(given), made)]
        if options.nfo:
            wanted += making.of_album(home.path, known.album, making.lyrics_of(known.album, places))
        making.compare(made, tree, wanted, [entry for entry in entries if entry.sha256], _blobs(given))
        reasons = _beside(given, known, library, tree, home.path, made)
    fresh = [one for one in made.made if one.path not in made.same]
    files = tuple(sorted([*(one.path for one in made.made), *(e.path for e in entries if e.sha256 is None)]))
    written = tuple(one.path for one in fresh)
    same = not fresh and not made.gone and known.status == "published" and known.revision == home.revision
    mode: Any = home.mode
    intent = replace(intent, mode=mode, made=tuple(fresh), gone=tuple(made.gone))
    said = _said(known.item, intent) | {"home": home.transfer_id}
    transfer = None if same else replace(start, kind="refresh", target=home.path, item=said, before=None)
    kind: Literal["refresh", "unchanged"] = "unchanged" if same else "refresh"
    return Plan(
        known.item_id, known.status, library, home.path, kind, transfer, files, written, made.texts, reasons,
        home.news_at,
    )  # fmt: skip


def _beside(
    given: Publishing, known: _Known, library: Library, tree: Tree, album: bytes, made: Making
) -> tuple[Reason, ...]:
    """Add what is the artist's; return all there is to say."""
    options = given.options
    folder = artist_folder(options.naming, album)
    if known.artist is not None and folder is not None:
        key = ledger.artist_key(known.artist.name, known.artist.artist_id)
        with given.database.read() as connection:
            entries = ledger.entries(connection, artist=key, root_uuid=library.root_uuid)
        entries = [entry for entry in entries if os.path.dirname(entry.path) == folder]
        named = pictures.names("artist", known.chosen.artist, options.profile)
        wanted = [*making.of_pictures(folder, named, _sizes(given), made)]
        if options.nfo:
            wanted += making.of_artist(folder, known.artist)
        making.compare(made, tree, wanted, entries, _blobs(given))
    return tuple(made.reasons)


def _places(brought: Sequence[Transfer], home: Publication) -> dict[bytes, bytes]:
    """Return the places of a published album's files in its folder, by what the item calls them."""
    named = {file.source: file.target for transfer in brought for file in transfer.files}
    if home.mode == "move":
        return {target: target for target in named.values()}
    staged = [NewItem.from_json(transfer.before).path for transfer in brought if transfer.before]
    return {source[len(staged[0]) + 1 :]: target for source, target in named.items()} if staged else {}


def _check_music(known: _Known, entries: Sequence[ledger.Entry]) -> None:
    there = sorted(entry.size for entry in entries if entry.role == "audio")
    if there != sorted(file.size for file in known.item.files if file.role == "audio"):
        message = (
            f"the music of item {known.item_id} is other than what was published; take that back with `greenroom "
            f"publish --undo {known.item_id}`, and publish it again"
        )
        raise NeedsReview(message, code="music_changed")


def _below(given: Publishing, library: Library) -> laying.Below:
    def below(folder: bytes) -> dict[bytes, str | None]:
        with given.database.read() as connection:
            return ledger.below(connection, library.root_uuid, folder)

    return below


def _said(item: NewItem, intent: Intent) -> dict[str, Any]:
    return {"key": item.key, "album": item.album, "album_artist": item.album_artist, "intent": intent.to_json()}


def _sizes(given: Publishing) -> making.Size:
    def size(picture: Picture) -> int | None:
        try:
            return given.cache.path(Blob(picture.sha256, picture.ext, 0)).stat().st_size
        except FileNotFoundError:
            return None

    return size


def _blobs(given: Publishing) -> making.Blob:
    return lambda sha256, ext: read_blob(given.blobs, sha256, ext)
