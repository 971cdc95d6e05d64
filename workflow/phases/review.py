"""A staged item → approved by rule, or left to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from workflow import history
from workflow.engine.context import Context
from workflow.engine.job import Payload
from workflow.phase import Decision, Mode, Phase, PhaseSettings


class ReviewSettings(PhaseSettings):
    """Who approves what was staged."""

    auto_approve: str = Field(
        "off", description="Off, or the least confidence (0…1) with which albums are approved by themselves."
    )
    max_warnings: int = Field(0, ge=0, le=1000, description="An album with more warnings always waits for a person.")

    @field_validator("auto_approve")
    @classmethod
    def _threshold_is_readable(cls, value: str) -> str:
        if value != "off" and not (value.replace(".", "", 1).isdigit() and float(value) <= 1):
            raise ValueError("must be off, or a number from 0 to 1")
        return value

    @property
    def gate(self) -> Mode:
        """A rule is what lets the phase go by itself; without one there is nothing to decide by."""
        if self.mode == "off":
            return "off"
        return "manual" if self.auto_approve == "off" else "auto"


class Review(Phase):
    """Approves by rule; what the rule does not approve stays as it is."""

    name = "review"
    after = "enrich"
    reached = "reviewed"
    description = "Approve staged albums by rule; the others wait for a person."
    settings = ReviewSettings

    def run(self, context: Context, item: Mapping[str, Any], payload: Payload, settings: ReviewSettings) -> Decision:
        """Return `approved` where the rule allows it, else why it does not."""
        confidence, warnings = item["confidence"], len(item["warnings"])
        seen = f"confidence {confidence:.2f}, {warnings} warnings"
        if item["status"] != "pending_review":
            return Decision(None, f"nothing to review: it is {item['status']}")
        if settings.auto_approve == "off":
            return Decision(None, f"no rule approves; {seen}")
        wanted = f"{settings.auto_approve} with at most {settings.max_warnings} warnings"
        if confidence < float(settings.auto_approve) or warnings > settings.max_warnings:
            return Decision(None, f"{seen}; the rule wants {wanted}: a person decides")
        if not context.job.manual and _taken_back(context, item):
            return Decision(None, "a person took a decision about it back: a person decides")
        return Decision("approved", f"{seen}; the rule wants {wanted}")


def _taken_back(context: Context, item: Mapping[str, Any]) -> bool:
    """Whether a person has decided about this revision of an item, which is to be reviewed all the same."""
    with context.database.read() as connection:
        happened = history.of_item(connection, item["id"])
    words = (one["revision"] for one in happened if one["what"] == Review.name and one["job_id"] is None)
    return item["revision"] in words


PHASE = Review()
