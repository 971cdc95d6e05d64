"""An open application → the web application: its guards, its pages, its API."""

from __future__ import annotations

import socket
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from config.errors import Busy, GreenroomError, Misconfigured, NeedsReview, Rejected, Retryable
from config.wrong_values import what_is_wrong
from daemon.actions.hooks import Messages
from daemon.bootstrap import Application
from daemon.web import api, pages
from daemon.web.access import Access, Throttle
from daemon.web.below import Below
from daemon.web.forwarded import Forwarded
from daemon.web.guard import HEADERS, Guard, came_from
from daemon.web.metrics import Figures, exposition
from daemon.web.navigation import routers
from daemon.web.render import page

STATIC: Final = Path(__file__).parent / "static"
NO_PAGE: Final = "there is no such page"
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
# What an error asks of whoever called.
STATUS: Final[tuple[tuple[type[GreenroomError], int], ...]] = (
    (Busy, 409),
    (NeedsReview, 409),
    (Rejected, 422),
    (Misconfigured, 422),
    (Retryable, 503),
)
# Codes that say more than their type.
CODES: Final = {
    "item_changed": 409,
    "disk_late": 503,
    "unknown_item": 404,
    "unknown_job": 404,
    "unknown_act": 404,
    "unknown_transfer": 404,
    "not_trashed": 404,
    "no_candidate": 404,
    "unknown_hook": 404,
    "unknown_library": 404,
    "unknown_player": 404,
    "no_plan": 404,
    "no_json": 500,  # nothing is wrong with the request
}


def create_app(app: Application) -> FastAPI:
    """Return the web application over an open installation. Raises Misconfigured for a base it cannot be below."""
    _refuse_own(app.boot.web_base)
    hosts = {*LOOPBACK, socket.gethostname(), *app.boot.host_names}
    made = FastAPI(
        title="Greenroom",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its page needs scripts of other sites
        redoc_url=None,
        servers=[{"url": app.boot.web_base}] if app.boot.web_base else None,
        middleware=[
            Middleware(Forwarded, proxies=app.boot.proxies),
            Middleware(Below, base=app.boot.web_base),
            Middleware(Guard, hosts=hosts),
            Middleware(Access, database=app.database, base=app.boot.web_base, refused=_refused),
        ],
    )
    made.state.greenroom = app
    made.state.throttle = Throttle()
    made.state.messages = Messages()
    made.state.figures = Figures(lambda: exposition(app))
    made.add_exception_handler(GreenroomError, _refused)
    made.add_exception_handler(RequestValidationError, _invalid)
    made.add_exception_handler(HTTPException, _not_so)
    made.add_exception_handler(Exception, _broken)
    # Pages are not compressed: their length would tell of the form token beside what a stranger may have sent.
    made.mount("/static", GZipMiddleware(StaticFiles(directory=STATIC), minimum_size=1000))
    # As they are: include_router() would analyse each of them again.
    made.router.routes += [route for package in (api, pages) for router in routers(package) for route in router.routes]
    return made


def _refuse_own(base: str) -> None:
    """Raise Misconfigured for a base that is called as one of our own addresses is: nobody could tell them apart."""
    routes = (route for package in (api, pages) for router in routers(package) for route in router.routes)
    own = {"static", *(route.path.split("/")[1] for route in routes if isinstance(route, APIRoute))}
    if base and base.split("/")[1] in own:
        raise Misconfigured(f"GREENROOM_WEB_BASE={base} begins as pages of Greenroom's own do; choose another name")


async def _refused(request: Request, error: Exception) -> Response:
    """Answer with what a typed error says."""
    assert isinstance(error, GreenroomError)
    by_type = (status for kind, status in STATUS if isinstance(error, kind))
    status = CODES.get(error.reason_code) or next(by_type, 500)
    if _is_api(request):
        return JSONResponse({"detail": _sendable(error.message), "code": error.reason_code}, status)
    return _refusal(request, status, error.message, gone=error.reason_code == "unknown_item")


async def _invalid(request: Request, error: Exception) -> Response:
    """Answer a request that is not as described, without repeating what was sent, which may be no text at all."""
    assert isinstance(error, RequestValidationError)
    found = [
        {"loc": [_sendable(part) for part in one["loc"]], "msg": _sendable(what_is_wrong(one)), "type": one["type"]}
        for one in error.errors()
    ]
    if _is_api(request):
        return JSONResponse({"detail": found, "code": "not_as_described"}, 422)
    if any(problem["loc"][0] == "path" for problem in error.errors()):
        return _refusal(request, 404, NO_PAGE)
    return _refusal(request, 422, "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in found))


async def _not_so(request: Request, error: Exception) -> Response:
    """Answer a path that is nowhere, or a method that is not allowed."""
    assert isinstance(error, HTTPException)
    if _is_api(request) or request.method not in ("GET", "POST"):
        code = HTTPStatus(error.status_code).name.lower()
        return JSONResponse({"detail": error.detail, "code": code}, error.status_code, headers=error.headers)
    is_plain = error.detail == HTTPStatus(error.status_code).phrase  # Starlette's own: nothing answers there
    return _refusal(request, error.status_code, NO_PAGE if is_plain else error.detail)


async def _broken(request: Request, _: Exception) -> Response:
    """Answer after a mistake of ours. This runs outside all our layers, so it sets their headers itself."""
    message = "Greenroom made a mistake; its log says which"
    if _is_api(request):
        return JSONResponse({"detail": message, "code": "internal"}, 500, headers=HEADERS)
    answer = _refusal(request, 500, message)
    answer.headers.update(HEADERS)
    return answer


def _refusal(request: Request, status: int, message: str, *, gone: bool = False) -> Response:
    """Return a page that says why not, and leads back to where the request came from, if that was here."""
    back = came_from(request.headers)
    is_itself = request.method == "GET" and back.partition("?")[0] == request.url.path
    shown = {"message": message, "gone": gone, "back": "" if is_itself else back}
    return page(request, "refused.html", code=status, **shown)


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")


def _sendable(value: object) -> object:
    """Return text without half surrogate pairs, which no UTF-8 has."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
