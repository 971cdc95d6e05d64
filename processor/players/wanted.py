"""A debt → what the player should show for it: the album as it is known, its folder, and its artist's."""

from __future__ import annotations

import os
from typing import Final

from sqlalchemy import Connection

from config.reasons import show_path
from processor import nfo
from processor.metadata import documents
from processor.metadata import rows as metadata
from processor.metadata.artists import artist_metadata, artists_of
from processor.metadata.known import AlbumMetadata
from processor.players.debts import Owed
from processor.players.paths import mapped
from processor.players.player import Player, Wanted

_PICTURES: Final = (b".jpg", b".jpeg", b".png")


def wanted(connection: Connection, player: Player, owed: Owed) -> Wanted:
    """Return what a player should show, nothing of a folder that is gone.

    Raises Misconfigured (`unknown_item`) for an item that is gone where its folder is not. The folders are only looked
    at: which pictures there are, and whether the one above is the artist's.
    """
    if owed.change == "gone":
        return Wanted(None, AlbumMetadata())
    folder = os.path.join(owed.root, owed.folder).rstrip(b"/")
    album = metadata.album(connection, owed.item_id)
    tagged = documents.album(metadata.itself(connection, owed.item_id), ())
    artists = [artist_metadata(connection, one.id) for one in artists_of(connection, owed.item_id)]
    above = os.path.dirname(folder) if os.path.dirname(owed.folder) else None
    names = _names(above) if above is not None else []
    is_artists = nfo.ARTIST in names  # a folder that has one is an artist's own
    pictures = tuple(_pictures(_with_discs(folder)))
    return Wanted(
        mapped(player.path_map, folder), album, tuple(artists), len(album.tracks), pictures,
        tagged, mapped(player.path_map, above) if above is not None and is_artists else None,
        tuple(_pictures(names)) if is_artists else (),
    )  # fmt: skip


def _names(folder: bytes) -> list[bytes]:
    try:
        return sorted(os.listdir(folder))
    except OSError:  # a file, or the players see what we do not at this moment
        return []


def _with_discs(folder: bytes) -> list[bytes]:
    """Return the names in an album's folder, and those in its folders."""
    names = _names(folder)
    discs = [name for name in names if os.path.isdir(os.path.join(folder, name))]
    return names + [disc + b"/" + name for disc in discs for name in _names(os.path.join(folder, disc))]


def _pictures(names: list[bytes]) -> list[str]:
    return [path for name in names if name.lower().endswith(_PICTURES) and (path := show_path(name)).encode() == name]
