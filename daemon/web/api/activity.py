"""Who did what ↔ JSON, newest first."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, Field

from daemon.actions import activity
from daemon.web.installation import App
from daemon.web.routing import api_router

router = api_router("/api/v1/activity", "activity")


class DoneOut(BaseModel):
    """One thing somebody did, as people are told of it."""

    at: dt.datetime
    who: str
    what: str
    about: str
    item_id: int | None = Field(description="The album it was about, if that is still there.")
    run_id: str | None


@router.get("", summary="Who did what")
def read(app: App, everything: bool = False) -> list[DoneOut]:
    """List the newest hundred; unless everything is asked for, without what Greenroom did to albums by itself."""
    with app.database.read() as connection:
        return [DoneOut(**done._asdict()) for done in activity.newest(connection, everything=everything)]
