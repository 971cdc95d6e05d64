"""What a dry run would move ↔ a compressed row: to be read by a person, and compared when that one says yes.

Only the newest plans are kept, and of a very large one only the fingerprints: SQL and bounds of plans are here.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, ForeignKey, delete, insert, select

from config.reasons import show_path
from config.tables import Base, column
from processor.planning.plan import AlbumPlan
from processor.staging.approval import fingerprint

KEPT: Final = 20  # plans
MAX_FILES: Final = 200_000  # listed in one plan; some ten megabytes compressed
_Object = dict[str, Any]


class PlanRow(Base):
    """The plan of one dry run."""

    __tablename__ = "run_plans"

    run_id = column(str, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    plan = column(bytes)  # zlib of the JSON that Plan describes


@dataclass(frozen=True, slots=True)
class Plan:
    """What a dry run would move. Paths are text for people; the fingerprints cover the exact bytes."""

    inbound: str
    staging: str
    albums: list[_Object]  # key, kind, album_artist, album, target, fingerprint, count, files: [{role, source, target}]
    listed: bool  # whether the files are there; too many are counted only

    @property
    def approved(self) -> dict[str, str]:
        """What approving this plan means: the fingerprint of each album, by key."""
        return {album["key"]: album["fingerprint"] for album in self.albums}

    @property
    def files(self) -> int:
        """How many files would move."""
        return sum(album["count"] for album in self.albums)


def keep(connection: Connection, run_id: str, inbound: bytes, staging: bytes, albums: Iterable[AlbumPlan]) -> None:
    """Store the plan of a dry run, and forget the oldest others: where the clock was set back this one seems older."""
    moving = [album for album in albums if album.outcome == "staged"]
    listed = sum(len(album.files) for album in moving) <= MAX_FILES
    plan = {
        "inbound": show_path(inbound),
        "staging": show_path(staging),
        "listed": listed,
        "albums": [_album(album, listed=listed) for album in moving],
    }
    text = json.dumps(plan, separators=(",", ":")).encode()
    connection.execute(insert(PlanRow).values(run_id=run_id, plan=zlib.compress(text, 6)))
    others = select(PlanRow.run_id).where(PlanRow.run_id != run_id).order_by(PlanRow.run_id.desc()).limit(KEPT - 1)
    kept = [run_id, *connection.scalars(others)]
    connection.execute(delete(PlanRow).where(PlanRow.run_id.not_in(kept)))


def read(connection: Connection, run_id: str) -> Plan | None:
    """Return the plan of a run; None if it had none, or it was forgotten."""
    stored = connection.scalar(select(PlanRow.plan).where(PlanRow.run_id == run_id))
    return None if stored is None else Plan(**json.loads(zlib.decompress(stored)))


def _album(album: AlbumPlan, *, listed: bool) -> _Object:
    moving = [file for file in album.files if file.source not in album.stays]
    return {
        "key": album.group.key,
        "kind": album.kind,
        "album_artist": album.group.album_artist,
        "album": album.group.album,
        "target": show_path(album.target or b""),
        "fingerprint": fingerprint(album),
        "count": len(moving),
        "files": [
            {
                "role": file.role,
                "source": show_path(file.source),
                "target": show_path(os.path.join(album.target or b"", file.target)),
            }
            for file in moving
        ]
        if listed
        else [],
    }
