"""One item → all that is told of it: where it is, what is known, what happened; as lines and tables, or for scripts."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from config import libraries
from config.reasons import show_path, show_text, show_time
from daemon.bootstrap import Application
from daemon.cli.output import because, print_table, seconds
from daemon.web.editing import lines
from processor.items import repository
from processor.metadata import rows as metadata
from processor.metadata.documents import ITSELF, Known, to_json, winning
from processor.publication import ledger
from processor.transfers.transfer import path_from_json
from processor.verification import rows as checks
from workflow import history, progress
from workflow.engine.job import Job

WIDTH: Final = 120  # characters of a value that are shown
_HISTORY: Final = ("at", "actor", "what", "status", "revision", "why")


class Detail(NamedTuple):
    """One item, and all that is told of it."""

    item: dict[str, Any]
    files: Sequence[repository.StagedFile]
    known: Mapping[str, Known]
    home: dict[str, Any] | None
    look: checks.Look | None
    history: Sequence[dict[str, Any]]
    jobs: Sequence[Job]

    def as_object(self) -> dict[str, Any]:
        """Return it for scripts."""
        return {
            **self.item,
            "files": [file._asdict() for file in self.files],
            "known": {name: one._asdict() | {"value": to_json(one.value)} for name, one in self.known.items()},
            "publication": self.home,
            "verified": self.look and self.look._asdict(),
            "history": self.history,
            "jobs": [asdict(job) for job in self.jobs],
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield what stands in one line each: its name, and what is to be said."""
        item, home, look = self.item, self.home, self.look
        for name in ("album_artist", "album", "year", "status", "position", "revision"):
            yield name, "" if item[name] is None else show_text(str(item[name]))
        yield "confidence", f"{item['confidence']:.0%}"
        yield "path", show_path(item["path"])
        for name, heading in (("warnings", "look at"), ("evidence", "one album as")):
            for n, reason in enumerate(item[name]):
                path = reason["path"] and path_from_json(reason["path"])
                yield "" if n else heading, because(reason["message"], path)
        if home is not None:
            written = f"{home['mode']}, revision {home['revision']}, {show_time(home['updated_at'])}"
            yield "published", f"{show_path(home['place'])}  ({written})"
        if look is not None:
            yield "verified", f"{show_time(look.checked_at)}, {len(look.findings) or 'no'} findings"
            yield from (("", show_text(one["message"])) for one in look.findings)
        if item["news_at"] is not None:
            command = f"`greenroom publish {item['id']}` brings the library up to date"
            yield "waiting", f"newer metadata, since {show_time(item['news_at'])}; {command}"

    def print_tables(self) -> None:
        """Print its tracks, what is known, what happened, and its jobs."""
        tracks = [(file.disc, file.track, file.title, seconds(file.facts.get("duration_ms")), file.path)
                  for file in self.files if file.role == "audio"]  # fmt: skip
        print_table(tracks, ("disc", "track", "title", "length", "file"), "It has no track.")
        known = [(line.label, textwrap.shorten(line.text.replace("\n", "; "), WIDTH), line.source.replace("_", " "))
                 for line in lines("album", self.known) if line.source]  # fmt: skip
        print_table(known, ("what is known", "", "from"))
        happened = [tuple(one[name] for name in _HISTORY) for one in self.history]
        print_table(happened, ("when", "who", *_HISTORY[2:]))
        if self.jobs:
            names = ("phase", "status", "attempt", "error")
            print_table([(job.id, *(getattr(job, name) for name in names)) for job in self.jobs], ("job", *names))


def read(app: Application, connection: Connection, item: int) -> Detail:
    """Read all that is told of an item. Raises Misconfigured when there is none."""
    return Detail(
        progress.find(connection, item),
        repository.files(connection, [item]).get(item, ()),
        winning(metadata.sources(connection, item), ITSELF, "album"),
        _home(connection, item),
        checks.look(connection, item),
        history.of_item(connection, item),
        app.engine.list(item_id=item),
    )


def _home(connection: Connection, item: int) -> dict[str, Any] | None:
    """Return where an item is published, with the whole path of its folder."""
    home = ledger.publication(connection, item)
    if home is None:
        return None
    roots = libraries.root_paths(connection)
    return {**home._asdict(), "place": os.path.join(roots.get(home.root_uuid, b""), home.path)}
