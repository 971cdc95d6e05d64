"""What requests of the API bring, and what they may be answered with beside what was asked for: shared by resources."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

Responses = dict[int | str, dict[str, Any]]


class Body(BaseModel):
    """What is sent: nothing that is not known, and no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)
