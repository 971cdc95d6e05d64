"""A request → the installation it is about."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from daemon.bootstrap import Application


async def _installation(request: Request) -> Application:  # async, or each would take a thread of those for routes
    app: Application = request.app.state.greenroom
    return app


App = Annotated[Application, Depends(_installation)]
