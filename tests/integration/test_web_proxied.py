"""Real proxies before the page, set up as docs/operating.md says: with TLS, below a path, which some take off."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import requests

from daemon.bootstrap import Application
from daemon.web.server import WebServer
from tests.certificates import certificate
from tests.waiting import until
from tests.web import NAME, PASSWORD, new_account

pytestmark = pytest.mark.sqlite

BASE: Final = "/greenroom"
DOCS: Final = Path(__file__).parents[2] / "docs" / "operating.md"
NGINX: Final = """
daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{ }}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
  fastcgi_temp_path {folder}/c; scgi_temp_path {folder}/d; uwsgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    {documented}
  }}
}}
"""
CADDY: Final = "{{\n admin off\n auto_https disable_redirects\n}}\n{documented}"
SITE: Final = "https://localhost:{port} {{\n bind 127.0.0.1\n tls {folder}/cert.pem {folder}/key.pem"
# What starts it, what stands around the example of the docs, and what in that is another where the path is taken off.
PROXIES: Final = {
    "nginx": (["-e", "stderr", "-c"], NGINX, (":7788;", ":7788/;")),
    "caddy": (["run", "--adapter", "caddyfile", "--config"], CADDY, ("handle ", "handle_path ")),
}


@pytest.fixture(
    params=[(name, off) for name in PROXIES for off in (False, True)],
    ids=lambda kind: f"{kind[0]}-{'off' if kind[1] else 'on'}",
)
def address(
    request: pytest.FixtureRequest, app: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Where a browser finds a page that is below a path, behind a proxy."""
    name, off = request.param
    program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip(f"{name} is not installed: a proxy was NOT tested")
    arguments, around, taken_off = PROXIES[name]
    (documented,) = re.findall(rf"```{name}\n(.*?)```", DOCS.read_text(), re.DOTALL)
    certificate(tmp_path, "localhost")
    new_account(app)
    monkeypatch.setattr(app, "boot", app.boot.model_copy(update={"web_base": BASE}))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with WebServer(app, ("127.0.0.1", 0)) as server:
        ours = documented.replace(*taken_off) if off else documented
        ours = ours.replace("home.example {", SITE.format(port=port, folder=tmp_path))
        ours = ours.replace("7788", str(server.address[1]))
        config = tmp_path / "config"
        config.write_text(around.format(port=port, folder=tmp_path, documented=ours))
        proxy = subprocess.Popen([program, *arguments, str(config)], env={"HOME": str(tmp_path)})
        try:
            until(lambda: listens(port))
            yield f"https://localhost:{port}"
        finally:
            proxy.terminate()
            proxy.wait()


def listens(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


def test_it_is_worked_with_below_a_path_of_a_proxy_that_speaks_tls(address: str, tmp_path: Path) -> None:
    browser = requests.Session()
    browser.trust_env, browser.verify = False, str(tmp_path / "cert.pem")  # no proxies or authorities of this machine
    browser.headers.update({"origin": address, "accept": "text/html"})  # all that some browsers say
    door = browser.get(f"{address}{BASE}")
    assert door.url == f"{address}{BASE}/sign-in"
    home = browser.post(door.url, data={"name": NAME, "password": PASSWORD})
    assert (home.url, "Sign out" in home.text) == (f"{address}{BASE}/", True)
    assert [vars(cookie)["secure"] for cookie in iter(browser.cookies)] == [True]
    assert browser.cookies.get_dict(path=BASE).keys() == {"__Secure-greenroom_session_greenroom"}
    for path in re.findall(r'(?:href|src)="([^"#]+)"', home.text):
        assert browser.get(f"{address}{path}").status_code == 200, path
    assert browser.get(f"{address}{BASE}/runs/now").text == "data: []\n\n"
    (csrf,) = set(re.findall(r'name="csrf" value="([0-9a-f]+)"', home.text))
    picture = {"file": ("cover.jpg", b"x" * (20 << 20))}
    given = browser.post(f"{address}{BASE}/review/1/pictures", data={"csrf": csrf, "type": "front"}, files=picture)
    assert (given.status_code, "There is nothing here" in given.text) == (404, True), "of no album, but not too long"
    assert browser.post(f"{address}{BASE}/sign-out", data={"csrf": csrf}).url == f"{address}{BASE}/sign-in"
    browser.headers["origin"] = "https://evil.example"
    assert browser.post(door.url, data={"name": NAME, "password": PASSWORD}).status_code == 403
