"""An album that joins a staged one → the place of each file there; what is there already stays in inbound. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from config.reasons import Reason, show_path
from processor.planning import naming
from processor.planning.meeting import Encounter
from processor.planning.naming import PlannedFile, Proposal


class Joining(NamedTuple):
    """Every file of the newcomer with its place, or the place of its twin; `stays` are the sources that do not move."""

    files: tuple[PlannedFile, ...]
    stays: frozenset[bytes]
    reasons: tuple[Reason, ...]


def into(proposal: Proposal, encounter: Encounter) -> Joining:
    """Name what joins among what is there; nothing that is there gets another name."""
    twins = encounter.twins
    stays = {file.file_id: file for file in proposal.files if file.source in twins}
    group = proposal.group
    moving = replace(
        proposal,
        group=group._replace(
            tracks=tuple(track for track in group.tracks if track.file_id not in stays),
            sides=tuple(id for id in group.sides if id not in stays),
        ),
    )
    discs = max((track.disc for track in encounter.staged), default=1)
    tracks = max((track.number or 0 for track in encounter.staged), default=0)
    named = {file.file_id: file for file in naming.join(moving, encounter.there, discs, tracks).files}
    files = tuple(named.get(file.file_id) or replace(file, target=twins[file.source]) for file in proposal.files)
    return Joining(files, frozenset(file.source for file in stays.values()), _told(twins))


def _told(twins: Mapping[bytes, bytes]) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            "already_there",
            f"The same bytes are in the album already, as {show_path(there)}; this copy was left where it is.",
            source,
        )
        for source, there in sorted(twins.items())
    )
