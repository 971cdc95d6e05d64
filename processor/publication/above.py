"""The artist of an album and a library → what is to be made in the artist's folder above it, and what goes from there.

Reads only.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from config.libraries import Library
from processor.filesystem.files import Tree
from processor.metadata.known import ArtistMetadata
from processor.publication import ledger, making, pictures
from processor.publication.given import Known, Publishing
from processor.publication.intent import Gone
from processor.publication.ledger import Entry, Publication
from processor.publication.making import Making
from processor.publication.names import artist_folder, is_called_after
from processor.publication.writing import read_blob


@dataclass(frozen=True, slots=True)
class Above:
    """What is the artist's, as an item knows it."""

    given: Publishing
    known: Known
    library: Library

    def made(self, tree: Tree, album: bytes) -> Making:
        """Return what is to be made in the artist's folder; where an id says whose it is, nothing for one without."""
        options, artist, made = self.given.options, self.known.artist, Making()
        folder = artist_folder(options.naming, album)
        if artist is not None and folder is not None and not self._is_of_another(folder):
            named = pictures.names("artist", self.known.chosen.artist, options.profile)
            wanted = [*making.of_pictures(folder, named, self.given.size, made)]
            if options.nfo:
                wanted += making.of_artist(folder, artist)
            known = [entry for entry in self._of_artists() if os.path.dirname(entry.path) == folder]
            if not known and not is_called_after(options.naming, folder, self.known.album, artist.artist_id):
                return Making()
            known += self._before_the_id(artist, {one.path for one in wanted})
            making.compare(made, tree, wanted, known, partial(read_blob, self.given.blobs))
            others = {entry.path for entry in known if entry.artist != self.known.artist_key}
            made.same = [path for path in made.same if path not in others]  # their rows say whose they are from now on
        return made

    def left(self, home: Publication, folder: bytes) -> list[Gone]:
        """Return what is the artist's above a published album that leaves that folder, if it was the last one there."""
        above = artist_folder(self.given.options.naming, folder)
        left = [one for one in self._of_artists() if home.path.startswith(os.path.dirname(one.path) + b"/")]
        with self.given.database.read() as connection:
            return [
                Gone(one.path, one.alone) for one in left
                if one.alone and (there := os.path.dirname(one.path)) != above
                and ledger.below(connection, home.root_uuid, there).keys() <= {home.path}
            ]  # fmt: skip

    def _before_the_id(self, artist: ArtistMetadata, paths: Collection[bytes]) -> list[Entry]:
        """Return what stands in these places and was made while nobody knew the artist's id."""
        root, name = self.library.root_uuid, ledger.artist_key(artist.name, None)
        with self.given.database.read() as connection:
            return [one for one in ledger.entries(connection, artist=name, root_uuid=root) if one.path in paths]

    def _is_of_another(self, folder: bytes) -> bool:
        if ledger.is_identified(self.known.artist_key):
            return False
        with self.given.database.read() as connection:
            return any(map(ledger.is_identified, ledger.below(connection, self.library.root_uuid, folder).values()))

    def _of_artists(self) -> list[Entry]:
        """Return the files of the artist in the library; those of the one it was published by, too, if they are left.

        They are left when no other album there is by that artist.
        """
        root, key, home = self.library.root_uuid, self.known.artist_key, self.known.publication
        with self.given.database.read() as connection:
            keys = [key] if key else []
            if home and home.artist and home.artist != key:
                keys += [home.artist] if len(ledger.publications(connection, root, home.artist)) == 1 else []
            return [entry for one in keys for entry in ledger.entries(connection, artist=one, root_uuid=root)]
