"""A reviewed item → its files with tags that say what is known of it; off unless an admin wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from workflow.engine.context import Context
from workflow.engine.job import Payload
from workflow.operations.tagging import tag_item
from workflow.phase import Decision, Mode, Phase, PhaseSettings


class TagSettings(PhaseSettings):
    """Whether staged files get tags."""

    mode: Mode = Field(
        "off", description="Auto: by itself after the review; manual: when a person asks; off: files keep their tags."
    )
    at_once: int = Field(1, ge=1, le=64, description="Jobs of this phase at once in one process; a lock lets one work.")


class Tag(Phase):
    """Writes tags into the files of staging, in copies that take their place; ReplayGain and the like stay."""

    name = "tag"
    after = "review"
    reached = "tagged"
    description = "Write what is known of reviewed albums into their files."
    settings = TagSettings
    roots = ("staging",)

    def run(self, context: Context, item: Mapping[str, Any], payload: Payload, settings: TagSettings) -> Decision:
        """Write what differs. Raises what workflow.operations.tagging does."""
        done = tag_item(context.database, item["id"], context)
        said = "all files say so already."
        if done.files:
            said = f"{len(done.files)} files got new tags; those before are in the trash of staging for a while."
        return Decision(item["status"], " ".join([said, *(reason.message for reason in done.reasons)])[:500])


PHASE = Tag()
