"""Items of a list → called as people say they are, where somebody said it, else as their files do; their covers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from processor.artwork import rows as pictures
from processor.metadata import documents, rows
from processor.metadata.known import credited


def called(connection: Connection, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return items with artist, album and year as they are to be shown."""
    said = rows.said(connection, [item["id"] for item in items])
    return [_called(item, said[item["id"]]) if item["id"] in said else item for item in items]


def with_covers(connection: Connection, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return items with `cover`, the content of a picture that has a preview, or None."""
    found = pictures.covers(connection, [item["key"] for item in items])
    return [{**item, "cover": found.get(item["key"])} for item in items]


def _called(item: dict[str, Any], said: Any) -> dict[str, Any]:
    found = documents.album({documents.USER: {documents.ITSELF: said}}, ())
    shown = {"album": found.title, "album_artist": credited(found.credits), "year": found.year}
    return {**item, **{name: value for name, value in shown.items() if value is not None}}
