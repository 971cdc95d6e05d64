"""What requests bring, and what those of the API may be answered with beside what was asked for: shared."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import FormData


async def _form(request: Request) -> FormData:
    return await request.form()


Sent = Annotated[FormData, Depends(_form)]  # a form whose fields are known to its settings or fields only
RowId = Annotated[int, Query(ge=0, lt=1 << 62)]  # of what is asked for, or where the page before ended
Start = Annotated[int, Query(ge=0, le=1 << 31)]  # how many the pages before had
Limit = Annotated[int, Query(ge=1, le=200)]  # how many are wanted
Responses = dict[int | str, dict[str, Any]]


class Body(BaseModel):
    """What is sent: nothing that is not known, and no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)
