"""`greenroom web`: the page and the API alone, without the daemon."""

from __future__ import annotations

import click

from config.errors import Misconfigured
from config.logs import RUNNING_LEVEL, log_threads
from config.machine import share_heaps
from daemon.bootstrap import application
from daemon.signals import stop_on_signals


@click.command()
def command() -> None:
    """Serve the page and the API, and nothing else; `greenroom run` serves them too.

    Where it listens is GREENROOM_WEB (127.0.0.1:7788); it answers to localhost, this machine's name and what
    GREENROOM_WEB_HOSTS lists. On a fresh installation it prints a setup token: whoever has it makes the first account.

    Behind a proxy, let that one speak TLS, pass the Host header on and add to X-Forwarded-For whom it was asked by, as
    Caddy does, and nginx with $proxy_add_x_forwarded_for; name its address in GREENROOM_WEB_PROXIES, or failed sign-ins
    of all its visitors count as one's. Nobody else's X-Forwarded-For is believed. Where it has other pages, too,
    GREENROOM_WEB_BASE says below which path this one is, as /greenroom.
    """
    from daemon.web.server import WebServer

    share_heaps()
    log_threads()
    with application(log_level=RUNNING_LEVEL) as app:
        address = app.boot.web_address
        if address is None:
            raise Misconfigured("GREENROOM_WEB is empty, so there is no page; set it to HOST:PORT")
        stop = stop_on_signals()
        with WebServer(app, address) as server:
            try:
                server.wait(stop)
            finally:
                app.ongoing.stop()
                app.ongoing.is_idle()
