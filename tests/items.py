"""One album of one track and a picture, with paths no text can hold, as the rows of tests that need an item."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from config.reasons import Reason
from processor.items import repository
from processor.items.item import NewItem, new_item
from processor.planning.naming import PlannedFile
from processor.planning.plan import AlbumPlan
from scanner.facts import Facts, Picture
from scanner.grouping.groups import Group, GroupTrack
from scanner.identity import Identity

ROOT = "root-uuid"


def recorded(connection: Connection) -> list[dict[str, Any]]:
    """Return all items with their files, first staged first."""
    return list(repository.these(connection, repository.ids(connection), with_files=True))


def album(
    key: str = "k",
    *,
    title: str = "Song",
    path: bytes = b"AR/Artist/Album \xff",
    facts: Facts | None = None,
    **values: Any,
) -> NewItem:
    """Return the item; `facts` are those of its track, `values` those of its group."""
    group = Group(
        **{
            "key": key,
            "kind": "music_album",
            "album_artist": "Artist",
            "album": "Album",
            "year": None,
            "discs": 1,
            "compilation": False,
            "release_id": None,
            "tracks": (GroupTrack(1, None, 1, title, {"title": "tag"}),),
            "sides": (2,),
            "folders": (b"in \xfe",),
            "home": b"in \xfe",
            "verdict": "take",
            "confidence": 0.5,
            "evidence": (Reason("same_folder", "…", b"in \xfe"),),
            "warnings": (Reason("no_year", "…"),),
            "sources": {"album": "tag"},
        }
        | values
    )
    files = (
        PlannedFile(1, b"in \xfe/a\xff.mp3", b"01 - Song.mp3", "audio", Identity(1, 2, 1 << 40, -5, 4)),
        PlannedFile(2, b"in \xfe/c.jpg", b"c\xff.jpg", "picture", Identity(1, 3, 7, 3, 4)),
    )
    said = Facts(title=title, duration_ms=180_000, rg_track_gain=-7.25, pictures=(Picture(9, 3, "image/jpeg"),))
    plan = AlbumPlan(group, "staged", path, files, ())
    return new_item(plan, {1: facts or said}, root_uuid=ROOT, transfer_id="t1", run_id="r1")
