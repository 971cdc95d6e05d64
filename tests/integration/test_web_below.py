"""The page below a path of its host: every address is below it, whether a proxy leaves that path on or takes it off."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

import pytest
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from config.errors import Misconfigured
from daemon.bootstrap import Application
from daemon.web.app import create_app
from daemon.web.below import put_below
from daemon.web.render import HERE
from tests.everything import everything_says
from tests.web import NAME, PASSWORD, new_account

pytestmark = pytest.mark.sqlite

BASE: Final = "/greenroom"
TEMPLATES: Final = HERE / "templates"
TYPED: Final = ("value", "placeholder")  # attributes that hold what somebody says, and no address


class Addresses(HTMLParser):
    """Collects what looks like an address of this host, in whatever attribute; `pages` are those a browser goes to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.pages: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and value.startswith("/") and name not in TYPED:
                self.found.add(value)
                if name in ("href", "src"):
                    self.pages.add(value.partition("#")[0])


def takes_it_off(app: ASGIApp) -> ASGIApp:
    """A proxy that asks without the path, as `handle_path` of Caddy does; what is not below it goes elsewhere."""

    async def proxied(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            assert scope["path"].startswith(BASE), f"{scope['path']} is not ours"
            scope["path"] = scope["path"].removeprefix(BASE) or "/"
            scope["raw_path"] = scope["raw_path"].removeprefix(BASE.encode()) or b"/"
        await app(scope, receive, send)

    return proxied


@pytest.fixture
def below(app: Application, monkeypatch: pytest.MonkeyPatch) -> ASGIApp:
    """The web application of an installation that is below a path, with one account."""
    monkeypatch.setattr(app, "boot", app.boot.model_copy(update={"web_base": BASE}))
    new_account(app)
    return create_app(app)


@pytest.fixture(params=["left on", "taken off"])
def client(below: ASGIApp, request: pytest.FixtureRequest) -> TestClient:
    """A browser that asks for what it is shown, nobody yet, and a proxy before it."""
    proxied = below if request.param == "left on" else takes_it_off(below)
    headers = {"sec-fetch-site": "same-origin", "accept": "text/html"}
    return TestClient(proxied, base_url="http://localhost", headers=headers)


def sign_in(client: TestClient) -> None:
    """Fill in the form of the door, which was asked for another page."""
    form = {"name": NAME, "password": PASSWORD, "to": "/"}
    assert client.post(f"{BASE}/sign-in", data=form).url.path == f"{BASE}/"


def test_every_address_of_every_page_is_below_it_and_answers(client: TestClient, app: Application) -> None:
    sign_in(client)
    to_see = {f"{BASE}{path}" for path in everything_says(app, 'href="/not/ours"')}
    seen: set[str] = set()
    while to_see := to_see - seen:
        path = to_see.pop()
        seen.add(path)
        answer = client.get(path)
        assert answer.status_code == 200, path
        if "text/html" in answer.headers["content-type"]:
            shown = Addresses(answer.text)
            assert [one for one in shown.found if not one.startswith(f"{BASE}/")] == [], path
            to_see |= shown.pages
    assert {"/static/style.css", "/static/icon.svg", "/api/v1/openapi.json", "/account"} <= {
        path.removeprefix(BASE).partition("?")[0] for path in seen
    }


def test_whatever_attribute_templates_write_an_address_into_is_put_below() -> None:
    written = {name for page in TEMPLATES.rglob("*.html") for name in re.findall(r'([\w-]+)="/', page.read_text())}
    written -= set(TYPED)
    assert len(written) >= 7
    assert [name for name in written if put_below(BASE, f'<a {name}="/a">') != f'<a {name}="{BASE}/a">'] == []


def test_who_is_sent_on_stays_below_it(client: TestClient) -> None:
    door = client.get(f"{BASE}/review?q=a%20b&status=any")
    assert door.url.path == f"{BASE}/sign-in"
    (to,) = re.findall(r'name="to" value="([^"]+)"', door.text)
    form = {"name": NAME, "password": PASSWORD, "to": to.replace("&amp;", "&")}
    answer = client.post(f"{BASE}/sign-in", data=form, follow_redirects=False)
    assert answer.headers["location"] == f"{BASE}/review?q=a%20b&status=any"
    assert client.get(f"{BASE}/review/?q=a", follow_redirects=False).headers["location"] == f"{BASE}/review?q=a"
    # Whoever is refused is led back to where they came from; whoever is nobody any more, by the door.
    came = {"referer": f"http://localhost{BASE}/jobs?status=dead"}
    assert f'href="{BASE}/jobs?status=dead"' in client.get(f"{BASE}/nowhere", headers=came).text
    client.cookies.clear()
    assert client.post(f"{BASE}/jobs/7", headers=came).url.query == b"to=%2Fjobs%3Fstatus%3Ddead"


@pytest.mark.parametrize(
    ("origin", "named"),
    [
        ("https://localhost", "__Secure-greenroom_session_greenroom"),
        ("http://localhost", "greenroom_session_greenroom"),
    ],
)
def test_the_cookie_is_for_what_is_below_it_alone_and_ends_with_the_session(
    client: TestClient, origin: str, named: str
) -> None:
    form = {"name": NAME, "password": PASSWORD}
    answer = client.post(f"{BASE}/sign-in", data=form, headers={"origin": origin}, follow_redirects=False)
    name, attributes = answer.headers["set-cookie"].partition("=")[::2]
    assert (name, f"; Path={BASE};" in attributes, "; Secure" in attributes) == (named, True, "https" in origin)
    session = {"cookie": f"{name}={attributes.partition(';')[0]}; greenroom_session=of-another-greenroom"}
    (csrf,) = set(re.findall(r'name="csrf" value="([0-9a-f]+)"', client.get(f"{BASE}/", headers=session).text))
    out = client.post(f"{BASE}/sign-out", data={"csrf": csrf}, headers=session, follow_redirects=False)
    ended = [said for said in out.headers.get_list("set-cookie") if said.startswith(f"{name}=")]
    assert len(ended) == 1
    assert f"Max-Age=0; Path={BASE};" in ended[0]


def test_the_cookies_of_greenrooms_above_keep_nobody_out(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """Browsers send the cookies of all paths the page is below, that of the longest first (RFC 6265, 5.4)."""
    new_account(app)
    form = {"name": NAME, "password": PASSWORD}
    said: list[str] = []
    for base in ("/music/test", "/music", ""):
        monkeypatch.setattr(app, "boot", app.boot.model_copy(update={"web_base": base}))
        client = TestClient(create_app(app), base_url="http://localhost", headers={"accept": "text/html"})
        answer = client.post(f"{base}/sign-in", data=form, follow_redirects=False)
        name, value = answer.headers["set-cookie"].partition(";")[0].split("=")
        said.append(f"{name}={'ended' if said else value}")
    monkeypatch.setattr(app, "boot", app.boot.model_copy(update={"web_base": "/music/test"}))
    client = TestClient(create_app(app), base_url="http://localhost", headers={"cookie": "; ".join(said)})
    assert client.get("/music/test/account").status_code == 200


def test_what_is_told_to_programs_is_below_it(client: TestClient) -> None:
    sign_in(client)
    (csrf,) = set(re.findall(r'name="csrf" value="([0-9a-f]+)"', client.get(f"{BASE}/account").text))
    assert client.get(f"{BASE}/api/v1/openapi.json").json()["servers"] == [{"url": BASE}]
    made = client.post(f"{BASE}/hooks", data={"csrf": csrf, "name": "lidarr"})
    assert made.text.count(f"POST {BASE}/api/v1/hooks/lidarr") == 1
    assert f"<code>{BASE}/api/v1</code>" in client.get(f"{BASE}/account").text


@pytest.mark.parametrize("asked", ["/", BASE, "/review?status=any"])
def test_whoever_asks_for_it_at_the_root_is_led_below(below: ASGIApp, asked: str) -> None:
    client = TestClient(below, base_url="http://localhost", headers={"accept": "text/html"})
    sign_in(client)
    page = client.get(asked)
    assert (page.url.path.startswith(BASE), "Sign out" in page.text) == (True, True), "nor is asked who it is again"
    assert client.get("/healthz").json() == {"status": "ok"}, "what watches over it need not know"


def test_what_only_begins_like_it_is_not_below_it(below: ASGIApp) -> None:
    client = TestClient(below, base_url="http://localhost", headers={"accept": "text/html"})
    assert client.get(f"{BASE}s/jobs").url == f"http://localhost{BASE}/sign-in?to=%2Fgreenrooms%2Fjobs"


@pytest.mark.parametrize("base", ["/api", "/static/music", "/admin", "/review"])
def test_what_is_called_as_a_page_of_our_own_is_no_path_to_be_below(
    app: Application, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of /api/v1/items nobody could tell whether a proxy took /api off it."""
    monkeypatch.setattr(app, "boot", app.boot.model_copy(update={"web_base": base}))
    with pytest.raises(Misconfigured, match=f"GREENROOM_WEB_BASE={base} begins as pages of Greenroom's own"):
        create_app(app)


def test_at_the_root_nothing_is_below_a_path(app: Application) -> None:
    new_account(app)
    client = TestClient(create_app(app), base_url="http://localhost", headers={"accept": "text/html"})
    assert client.get(f"{BASE}/jobs").url == "http://localhost/sign-in?to=%2Fgreenroom%2Fjobs"
