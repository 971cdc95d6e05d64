"""An album and the releases it could be → rows: candidates, the chosen one, what it says, warnings for a reviewer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from config.reasons import Reason
from processor.items import repository
from processor.matching import rows, told
from processor.matching.comparison import Comparison
from processor.matching.own import OwnAlbum, content_key
from processor.matching.rows import NOBODY, Choice, Enrichment
from processor.matching.verdict import Verdict
from processor.metadata import rows as metadata
from processor.metadata.artists import artist_named, link_artists
from processor.metadata.documents import CHOICE, ITSELF, Document

MATCH: Final = "match"  # who chose a candidate that nobody was asked about
WARNS: Final = "match_"  # what the codes of our warnings begin with
CANDIDATES: Final = 12  # kept of one item
LEAST: Final = 3  # different lengths; with fewer a choice is not carried over by sound alone


@dataclass(frozen=True, slots=True)
class Album:
    """A staged album as it is being enriched."""

    item_id: int
    revision: int
    own: OwnAlbum
    folder: bytes | None = None  # where it is; None while nobody knows the staging library

    @property
    def content(self) -> str:
        """Its identity by sound: codec and length of every track."""
        return content_key(self.own.tracks)


def keep(
    connection: Connection, album: Album, source: str, verdict: Verdict, strangers: Collection[str], now: dt.datetime
) -> None:
    """Write the result of matching, and what the release says if it was accepted.

    `strangers` know no such album: what one of them said of a release the album was compared with before goes.
    """
    for other in {one.source for one in rows.candidates(connection, album.item_id)} & {*strangers} - {source}:
        metadata.write(connection, album.item_id, other, {}, now)
    found = [told.candidate(album.own, one, n) for n, one in enumerate(verdict.ranked[:CANDIDATES], 1)]
    if verdict.kind == "accepted":
        found[0] = found[0]._replace(chosen_by=MATCH)
    rows.keep_candidates(connection, album.item_id, found)
    said: Document = {}
    if verdict.kind == "accepted":
        said = found[0].document
    elif verdict.group_id is not None and verdict.best is not None:
        said = told.group_document(verdict.best.release)
    metadata.write(connection, album.item_id, source, said, now)
    metadata.write(connection, album.item_id, CHOICE, {}, now)
    _conclude(connection, album, verdict.kind, verdict.reasons, now)


def keep_choice(
    connection: Connection, album: Album, chosen: Choice, compared: Comparison | None, now: dt.datetime
) -> None:
    """Write which release a person said it is. `compared` is with the release as told now.

    What the release said when it was chosen is locked; what its provider says since counts beside it.
    """
    said = chosen.document if compared is None else told.document(album.own, compared)
    if chosen.release_id == NOBODY:
        said = {}
    elif compared is not None:
        _add(connection, album, compared)
    its_id = chosen.release_id if compared is None else compared.release.id  # into which it may have been merged
    rows.mark_chosen(connection, album.item_id, its_id, chosen.actor)
    before = metadata.read(connection, album.item_id).get(CHOICE, {})
    is_same = before.get(ITSELF, {}).get("release_id") == said.get(ITSELF, {}).get("release_id")
    metadata.write(connection, album.item_id, chosen.source, said, now)
    if not is_same or set(before) != set(said):
        metadata.write(connection, album.item_id, CHOICE, said, now)
    what = "that it is none of these" if chosen.release_id == NOBODY else "which release it is"
    why = Reason("chosen", f"{chosen.actor} said {what}, on {chosen.at:%Y-%m-%d}.")
    _conclude(connection, album, "chosen", [why], now)


def carries(album: Album, is_near: bool) -> bool:
    """Tell whether a choice made for the same sound is meant for this album.

    It is if enough lengths differ; else only if the release is near as well.
    """
    lengths = {track.length_ms for track in album.own.tracks if track.length_ms is not None}
    return len(lengths) >= LEAST or is_near


def _add(connection: Connection, album: Album, compared: Comparison) -> None:
    """Let a chosen release be among the candidates."""
    there = rows.candidates(connection, album.item_id)
    if all(one.release_id != compared.release.id for one in there):
        last = max((one.position for one in there), default=0)
        rows.keep_candidates(connection, album.item_id, [*there, told.candidate(album.own, compared, last + 1)])


def _conclude(connection: Connection, album: Album, kind: str, reasons: Sequence[Reason], now: dt.datetime) -> None:
    as_json = [told.as_json(reason) for reason in reasons]
    made = Enrichment(album.content, album.revision, kind, as_json, now)
    rows.keep_enrichment(connection, album.item_id, made)
    repository.set_warnings(connection, album.item_id, WARNS, _warnings(kind, reasons))
    link(connection, album.item_id)


def link(connection: Connection, item_id: int) -> None:
    """Say whom an item is credited to, by what counts of it now."""
    credits = metadata.album(connection, item_id).credits
    artists = [artist_named(connection, credit.name, credit.artist_id) for credit in credits]
    link_artists(connection, item_id, artists)


def _warnings(kind: str, reasons: Sequence[Reason]) -> list[Reason]:
    said = " ".join(reason.message for reason in reasons)
    texts = {
        "ambiguous": "It is not sure which release it is; choose one.",
        "none": "No release was found that it could be.",
    }
    return [Reason(f"{WARNS}{kind}", f"{texts[kind]} {said}".strip())] if kind in texts else []
