"""The installation → whether it lives, whether it can work, and its figures for Prometheus."""

from __future__ import annotations

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response

from config.errors import GreenroomError
from daemon.web.installation import App
from daemon.web.roots import roots
from daemon.web.routing import api_router

router = api_router()


@router.get("/healthz", tags=["health"], summary="Whether the process lives")
async def healthz() -> dict[str, str]:
    """Answer, and ask nobody."""
    return {"status": "ok"}


@router.get("/readyz", tags=["health"], summary="Whether it can work", responses={503: {"description": "It cannot."}})
async def readyz(app: App) -> Response:
    """Ask the database and look at the roots. Says only whether, not what: anybody may ask."""
    ready = await run_in_threadpool(_ready, app)
    return JSONResponse({"status": "ready" if ready else "not ready"}, 200 if ready else 503)


def _ready(app: App) -> bool:
    try:
        return all(root.problem is None for root in roots(app))
    except GreenroomError:
        return False


@router.get("/metrics", tags=["health"], summary="Figures for Prometheus", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """Return them in Prometheus' text format, at most a minute old; `greenroom_counted_timestamp_seconds` says."""
    text, content_type = request.app.state.figures.read()
    return Response(text, media_type=content_type)
