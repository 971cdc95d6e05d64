"""Who gets in: strangers nowhere but through the listed doors, sessions and keys as far as they may."""

from __future__ import annotations

import datetime as dt
import html
import re
import select
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.routing import Mount

from config import activity, tokens
from config.errors import Retryable
from daemon.bootstrap import Application, application
from daemon.web import access
from daemon.web import server as web_server
from daemon.web.access import LINE, Throttle, is_open
from daemon.web.app import create_app
from daemon.web.guard import POLICY
from daemon.web.prompt import MAX_CONNECTIONS, PromptProtocol
from daemon.web.server import WebServer
from tests.commands import chosen
from tests.waiting import until
from tests.web import NAME, PASSWORD, Browser, set_up

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def browser(bare_app: Application) -> Browser:
    """A browser at a fresh installation."""
    return Browser(bare_app)


def test_every_route_but_the_listed_few_asks_for_credentials(browser: Browser) -> None:
    stranger = TestClient(create_app(browser.app), base_url="http://localhost", follow_redirects=False)
    walked = 0
    for path, methods in browser.routes():
        if is_open(path):
            continue
        for method in methods:
            answer = stranger.request(method, re.sub(r"\{[^}]+\}", "1", path))
            assert answer.status_code == 401, (method, path, answer.status_code)
            walked += 1
    assert walked >= 8


def test_while_the_database_is_away_a_person_is_told_on_a_page_and_a_script_in_json(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(browser)

    def away(*_: object) -> None:
        raise Retryable("the database did not answer", code="database_unavailable")

    monkeypatch.setattr(access, "recognise", away)
    for answer in (browser.client.get("/review"), browser.client.post("/review/1/edit", data={"title": "x"})):
        assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
        assert "The database did not answer." in answer.text
        assert "<body data-refused>" in answer.text, "what was typed is kept"
    told = browser.client.get("/api/v1/items")
    assert (told.status_code, told.json()["code"]) == (503, "database_unavailable")


def test_the_open_doors_are_these_and_no_others(browser: Browser) -> None:
    found = {path for path, _ in browser.routes() if is_open(path)}
    assert found <= {"/healthz", "/readyz", "/sign-in", "/setup", "/api/v1/hooks/{name}"}
    static = [route for route in browser.served.routes if isinstance(route, Mount)]
    assert [mount.path for mount in static] == ["/static"]
    style = browser.client.get("/static/style.css")
    assert (style.headers["content-encoding"], style.headers["cache-control"]) == ("gzip", "public, max-age=3600")
    page = browser.client.get("/setup")
    assert "content-encoding" not in page.headers
    (named,) = re.findall(r'href="(/static/style.css[^"]+)"', page.text)
    assert "immutable" in browser.client.get(named).headers["cache-control"]  # its name changes with what is in it


def test_a_fresh_installation_is_set_up_once_with_the_token_from_the_log(browser: Browser) -> None:
    assert browser.client.get("/", headers={"accept": "text/html"}).url.path == "/setup"
    wrong = browser.client.post("/setup", data={"token": "guess", "name": "eva", "password": PASSWORD})
    assert wrong.status_code == 403
    token = browser.setup_token()
    short = browser.client.post("/setup", data={"token": token, "name": "eva", "password": "short"})
    assert short.status_code == 422
    assert "12 to" in short.text
    assert browser.client.post("/setup", data={"token": token, "name": "eva", "password": PASSWORD}).url.path == "/"
    again = browser.client.post("/setup", data={"token": token, "name": "eve", "password": PASSWORD})
    assert again.status_code == 403
    assert browser.client.get("/setup", follow_redirects=False).headers["location"] == "/sign-in"
    assert browser.client.get("/sign-in").url.path == "/", "who is known is not asked again"


def test_a_setup_token_of_yesterday_opens_nothing_and_it_is_said_how_to_get_another(browser: Browser) -> None:
    with browser.app.database.begin() as connection:
        old = tokens.grant(connection, "setup", NOW - tokens.SETUP, lasts=tokens.SETUP)
    page = browser.client.post("/setup", data={"token": old, "name": NAME, "password": PASSWORD})
    assert (page.status_code, "restart" in page.text) == (403, True)


def test_signing_in_takes_the_right_password_and_signing_out_ends_it(browser: Browser) -> None:
    set_up(browser)
    client = browser.client
    session = client.cookies["greenroom_session"]
    assert client.post("/sign-out", data={"csrf": browser.csrf()}).url.path == "/sign-in"
    client.cookies.set("greenroom_session", session)
    assert client.get("/", headers={"accept": "text/html"}).url.path == "/sign-in"
    for name, password in ((NAME, "x" * 12), ("nobody", PASSWORD), (NAME, "")):
        assert client.post("/sign-in", data={"name": name, "password": password}).status_code in (403, 422)
    assert client.post("/sign-in", data={"name": NAME, "password": PASSWORD}).url.path == "/"


def test_tries_at_once_are_counted_as_tries_one_after_the_other(browser: Browser) -> None:
    """Each takes 64 MiB, too, so that they must not be looked at together."""
    set_up(browser)
    web = browser.served

    def guess(_: int) -> int:
        client = TestClient(web, base_url="http://localhost", headers={"sec-fetch-site": "same-origin"})
        return client.post("/sign-in", data={"name": NAME, "password": "not the right one"}).status_code

    with ThreadPoolExecutor(16) as pool:
        answers = Counter(pool.map(guess, range(16)))
    assert answers == {403: 10, 429: 6}


def test_who_is_signed_in_is_served_while_a_crowd_tries_passwords(browser: Browser) -> None:
    """All requests share some threads, and each try would wait in one for its turn."""
    set_up(browser)
    with browser.client as page, ThreadPoolExecutor(60) as pool:
        with browser.served.state.throttle.turn:  # somebody's password is being looked at
            form = {"name": NAME, "password": "not the right one"}
            tries = [pool.submit(page.post, "/sign-in", data=form) for _ in range(60)]
            until(lambda: sum(one.done() for one in tries) == 60 - LINE)
            assert page.get("/account").status_code == 200
        assert Counter(one.result().status_code for one in tries) == {403: 10, 429: 50}


def test_signing_in_leads_to_the_page_that_was_asked_for_and_never_elsewhere(browser: Browser) -> None:
    set_up(browser)
    client, asked = browser.client, "/review?q=a%20b&status=any"
    client.post("/sign-out", data={"csrf": browser.csrf()})
    door = client.get(asked, headers={"accept": "text/html"})
    assert door.url.path == "/sign-in"
    (to,) = re.findall(r'name="to" value="([^"]+)"', door.text)
    late = {"accept": "text/html", "referer": "http://localhost/review?before=7"}
    assert client.post("/review/7", headers=late).url.query == b"to=%2Freview%3Fbefore%3D7"
    form = {"name": NAME, "password": PASSWORD}
    answer = client.post("/sign-in", data={**form, "to": html.unescape(to)}, follow_redirects=False)
    assert answer.headers["location"] == asked
    long = "/" + "a" * 5000
    assert client.get("/sign-in", params={"to": long}).status_code == 200
    for elsewhere in (
        long,
        "//evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "https://evil.example/",
        "review",
        "",
    ):
        answer = client.post("/sign-in", data={**form, "to": elsewhere}, follow_redirects=False)
        assert answer.headers["location"] == "/"


def test_a_page_that_follows_something_is_loaded_anew_once_its_session_has_ended(browser: Browser) -> None:
    """Or it would go on showing what was last seen; loaded anew it leads to the door, and from there back."""
    set_up(browser)
    browser.client.post("/sign-out", data={"csrf": browser.csrf()})
    answer = browser.client.get("/jobs/1", headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-refresh"]) == (401, "true")


def test_a_page_that_is_not_there_says_so_and_leads_back(browser: Browser) -> None:
    set_up(browser)
    for path in ("/nowhere", "/review/x", "/review/999", "/runs/none"):
        answer = browser.client.get(path, headers={"referer": "http://localhost/jobs?status=dead"})
        assert (answer.status_code, "There is nothing here" in answer.text) == (404, True)
        assert 'href="/jobs?status=dead"' in answer.text
    for elsewhere in ("http://evil.example/", "http://localhost//evil.example/", "http://[evil/"):
        assert "evil" not in browser.client.get("/nowhere", headers={"referer": elsewhere}).text


def test_a_mistake_of_ours_is_a_page_without_its_details_and_with_all_headers(browser: Browser) -> None:
    set_up(browser)

    def broken() -> None:
        raise ZeroDivisionError("what only the log may say")

    browser.served.add_api_route("/broken", broken)
    mine = dict(browser.client.cookies)
    client = TestClient(browser.served, base_url="http://localhost", cookies=mine, raise_server_exceptions=False)
    answer = client.get("/broken")
    assert (answer.status_code, "Something went wrong" in answer.text, "the log may say" in answer.text) == (
        500,
        True,
        False,
    )
    assert answer.headers["content-security-policy"] == POLICY


def test_too_many_wrong_passwords_make_even_the_right_one_wait(browser: Browser) -> None:
    set_up(browser)
    browser.served.state.throttle = Throttle(tries=2)
    for _ in range(2):
        browser.client.post("/sign-in", data={"name": NAME, "password": "x" * 12})
    answer = browser.client.post("/sign-in", data={"name": NAME, "password": PASSWORD})
    assert answer.status_code == 429


def test_who_guesses_elsewhere_keeps_nobody_out_where_the_account_was_used_before(browser: Browser) -> None:
    set_up(browser)
    browser.served.state.throttle = Throttle(tries=2)

    def tried(password: str, peer: str) -> int:
        client = TestClient(browser.served, base_url="http://localhost", client=(peer, 5), follow_redirects=False)
        return client.post("/sign-in", data={"name": NAME, "password": password}).status_code

    assert tried(PASSWORD, "192.0.2.1") == 303
    assert [tried("x" * 12, f"198.51.100.{n}") for n in range(3)] == [403, 403, 429]
    assert tried(PASSWORD, "198.51.100.9") == 429
    assert tried(PASSWORD, "192.0.2.1") == 303
    browser.served.state.throttle = Throttle(tries=2)  # as after a restart, over which they go on
    assert [tried("x" * 12, f"198.51.100.{n}") for n in range(3)] == [403, 403, 429]
    assert tried(PASSWORD, "192.0.2.1") == 303
    assert [tried("x" * 12, "192.0.2.1") for _ in range(3)] == [403, 403, 429], "who guesses there is made to wait, too"


def test_behind_a_proxy_each_visitor_is_counted_alone(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(browser)
    app = browser.app
    proxies = app.boot.model_copy(update={"web_proxies": "127.0.0.1, 10.0.0.0/8"})
    monkeypatch.setattr(app, "boot", proxies)
    made = create_app(app)
    made.state.throttle = Throttle(tries=2)

    def tried(password: str, *visitors: str, peer: str = "127.0.0.1") -> int:
        client = TestClient(made, base_url="http://localhost", client=(peer, 5), follow_redirects=False)
        headers = [("sec-fetch-site", "same-origin"), *(("x-forwarded-for", visitor) for visitor in visitors)]
        return client.post(
            "/sign-in", data={"name": f"no {visitors}", "password": password}, headers=headers
        ).status_code

    for _ in range(2):
        assert tried("x" * 12, "192.0.2.9, 198.51.100.7") == 403  # the first of them anybody may claim to be
    assert tried("x" * 12, "203.0.113.1, 198.51.100.7", "10.1.2.3") == 429
    assert tried("x" * 12, "198.51.100.8") == 403
    assert tried("x" * 12, "198.51.100.7", peer="192.0.2.1") == 403, "it is no proxy of ours, and so itself"
    with app.database.read() as connection:
        seen = [event.detail for event in activity.newest(connection) if event.what == "sign_in_failed"]
    assert seen == [f"address {one}" for one in ("192.0.2.1", "198.51.100.8", "198.51.100.7", "198.51.100.7")]


def test_failures_are_forgotten_in_time_and_counted_by_account_and_address() -> None:
    throttle = Throttle(tries=2, per=60)
    for now in (0.0, 10.0):
        throttle.failed(("account eva", "address 1"), now)
    assert throttle.wait(("account eva", "address 2"), 20) == 40
    assert throttle.wait(("account ada", "address 1"), 20) == 40
    assert throttle.wait(("account ada", "address 2"), 20) == 0
    assert throttle.wait(("account eva", "address 1"), 61) == 0


def test_what_changes_something_has_to_come_from_our_own_page(browser: Browser) -> None:
    set_up(browser)
    form = {"csrf": browser.csrf(), "staging_scan.schedule": "every 5m"}
    refused = TestClient(browser.served, base_url="http://localhost", cookies=browser.client.cookies)
    ways: list[dict[str, str]] = [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "authorization": "Basic eDp5"},  # browsers send it by themselves
        {"sec-fetch-site": "cross-site", "authorization": "Bearer "},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},  # no browser of the last years
    ]
    for headers in ways:
        answer = refused.post("/admin/settings/staging_scan", data=form, headers=headers)
        assert answer.status_code == 403, headers
    assert browser.setting("schedule") == "0 */1 * * *"


@pytest.mark.parametrize("origin", ["https://music.example", "http://localhost:8443"])
def test_of_a_proxy_that_changes_our_name_it_is_said_what_it_has_to_pass_on(browser: Browser, origin: str) -> None:
    """As nginx does without proxy_set_header, and with $host where it listens on another port."""
    refused = TestClient(browser.served, base_url="http://localhost").post("/sign-in", headers={"origin": origin})
    assert (refused.status_code, refused.text.count(origin), refused.text.count("$http_host")) == (403, 1, 1)


def test_a_form_without_its_sessions_token_changes_nothing(browser: Browser) -> None:
    set_up(browser)
    for csrf in ({}, {"csrf": "0" * 64}):
        answer = browser.client.post("/admin/settings/staging_scan", data={"staging_scan.workers": "9", **csrf})
        assert answer.status_code == 403
    assert browser.setting("workers") == "4"


def test_a_key_reads_or_writes_as_its_scopes_say_and_never_once_it_is_revoked(browser: Browser) -> None:
    set_up(browser)
    with browser.app.database.begin() as connection:
        reader = tokens.grant(connection, "api_key", NOW, account=NAME, name="graphs", scopes=("read",))
        writer = tokens.grant(connection, "api_key", NOW, account=NAME, name="script")
    outside = TestClient(browser.served, base_url="http://localhost")
    config = "/api/v1/settings/phase-config"
    assert outside.get(config, headers={"x-api-key": reader}).status_code == 200
    assert outside.get(config, headers={"authorization": f"Bearer {reader}"}).status_code == 200
    change = {"staging_scan.workers": 7}
    assert outside.patch(config, json=change, headers={"x-api-key": reader}).status_code == 403
    assert outside.patch(config, json=change, headers={"x-api-key": writer}).status_code == 200
    assert browser.setting("workers") == "7"
    with browser.app.database.begin() as connection:
        (key,) = [token for token in tokens.granted(connection, "api_key") if token.name == "script"]
        assert writer.startswith(key.prefix or "?")
        tokens.revoke(connection, key.id)
    assert outside.get(config, headers={"x-api-key": writer}).status_code == 401


def test_nothing_secret_is_kept(browser: Browser) -> None:
    set_up(browser)
    session = browser.client.cookies["greenroom_session"]
    with browser.app.database.read() as connection:
        kept = str(
            [
                *connection.exec_driver_sql("SELECT * FROM accounts"),
                *connection.exec_driver_sql("SELECT * FROM tokens"),
            ]
        )
    assert PASSWORD not in kept
    assert session not in kept
    assert "$argon2id$" in kept


def test_a_name_that_is_not_ours_is_not_answered(browser: Browser) -> None:
    for host, status in (("evil.example", 400), ("localhost:7788", 200), ("127.0.0.1", 200), ("[::1]:7788", 200)):
        assert browser.client.get("/healthz", headers={"host": host}).status_code == status, host


@pytest.mark.parametrize(
    "host", ["evil@localhost", "localhost/x", "localhost?x", "localhost#x", "localhost:x", "[::1]x"]
)
def test_what_is_no_name_and_port_is_not_answered(browser: Browser, host: str) -> None:
    assert browser.client.get("/healthz", headers={"host": host}).status_code == 400


def test_names_of_ours_are_written_as_people_write_them(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    names = "Bücher.example, music.example:8443, fd00::5, [fd00::6]:80, .ü, https://as.url.example:8443/, http://"
    monkeypatch.setattr(browser.app, "boot", browser.app.boot.model_copy(update={"web_hosts": names}))
    client = TestClient(create_app(browser.app))
    for host in (
        "xn--bcher-kva.example",
        "as.url.example",
        "music.example",
        "MUSIC.example:8443",
        "[fd00::5]:7788",
        "[fd00::6]",
    ):
        assert client.get("/healthz", headers={"host": host}).status_code == 200, host
    for host in ("cher.example", "fd00", "", "[fd00::7]"):
        assert client.get("/healthz", headers={"host": host}).status_code == 400, host


def test_an_origin_that_is_no_address_is_not_our_page(browser: Browser) -> None:
    outside = TestClient(browser.served, base_url="http://localhost")
    assert outside.post("/sign-in", headers={"origin": "http://["}).status_code == 403


def test_who_only_wants_to_know_whether_it_is_there_is_told(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen(monkeypatch, tmp_path, sqlite_url)
    with application() as app, WebServer(app, ("127.0.0.1", 0)) as server:
        asked = socket.create_connection(server.address, timeout=60)
        with asked, asked.makefile("rb") as answer:
            asked.sendall(b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            head, _, body = answer.read().partition(b"\r\n\r\n")
    assert (head[:15], b"content-length: 15" in head, body) == (b"HTTP/1.1 200 OK", True, b"")


def test_no_answer_leads_to_another_scheme_than_the_browsers(browser: Browser) -> None:
    """A proxy may speak TLS: then ours is not the browser's."""
    set_up(browser)
    answer = browser.client.get("/review/?q=a", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/review?q=a")


def test_every_answer_tells_browsers_to_run_nothing_but_our_own_scripts(browser: Browser) -> None:
    for path in ("/setup", "/healthz", "/nowhere", "/static/style.css"):
        policy = browser.client.get(path).headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize(("path", "size"), [("/sign-in", 20_000), ("/setup", 20_000), ("/libraries", 2 << 20)])
def test_a_body_too_long_is_not_read(browser: Browser, path: str, size: int) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert browser.client.post(path, content=b"%" * size, headers=kind).status_code == 413


@pytest.mark.parametrize(
    ("origin", "name", "is_secure"),
    [("https://localhost", "__Host-greenroom_session", True), ("http://localhost", "greenroom_session", False)],
)
def test_behind_a_proxy_that_speaks_tls_cookies_are_for_tls_alone(
    browser: Browser, origin: str, name: str, is_secure: bool
) -> None:
    set_up(browser)
    form = {"name": NAME, "password": PASSWORD}
    answer = browser.client.post("/sign-in", data=form, headers={"origin": origin}, follow_redirects=False)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{name}=")
    assert ("; Secure" in cookie) is is_secure
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()


def test_a_session_of_tls_that_has_ended_does_not_keep_anybody_out_who_signs_in_without(browser: Browser) -> None:
    """As browsers have it that asked one host, or this machine, in both ways; they send both cookies."""
    set_up(browser)
    form = {"name": NAME, "password": PASSWORD}
    answer = browser.client.post("/sign-in", data=form, headers={"origin": "http://localhost"}, follow_redirects=False)
    session = answer.headers["set-cookie"].partition(";")[0]
    browser.client.cookies.clear()
    both = {"cookie": f"__Host-greenroom_session=ended; {session}"}
    assert browser.client.get("/account", headers=both, follow_redirects=False).status_code == 200


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "])
def test_who_never_says_what_they_want_is_not_waited_for(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    chosen(monkeypatch, tmp_path, sqlite_url)
    monkeypatch.setattr(PromptProtocol, "patience", 0.1)
    with application() as app, WebServer(app, ("127.0.0.1", 0)) as server:
        with socket.create_connection(server.address, timeout=60) as slow:
            slow.sendall(said)
            assert slow.recv(1000) == b""  # closed
        monkeypatch.setattr(PromptProtocol, "patience", 60)
        with socket.create_connection(server.address, timeout=60) as prompt:
            prompt.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert b"200 OK" in prompt.recv(1000)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\nname=",
    ],
    ids=["nothing", "half a head", "a request, and no other", "half a body"],
)
def test_a_crowd_that_says_nothing_makes_room_for_who_comes(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    chosen(monkeypatch, tmp_path, sqlite_url)
    monkeypatch.setattr(PromptProtocol, "crowd", 8)
    monkeypatch.setattr(web_server, "MOST_AT_ONCE", 10)
    with application() as app, WebServer(app, ("127.0.0.1", 0)) as server, ExitStack() as crowd:
        for _ in range(20):
            crowd.enter_context(socket.create_connection(server.address, timeout=60)).sendall(said)
            time.sleep(0.02)  # all at once would be refused, and so make room by themselves

        def is_answered() -> bool:
            prompt = crowd.enter_context(socket.create_connection(server.address, timeout=60))
            prompt.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return b"200 OK" in prompt.recv(1000)

        for _ in range(3):
            assert any(is_answered() for _ in range(50))  # the requests of those who gave way may take a moment to end


def test_who_comes_while_a_crowd_of_half_bodies_comes_again_and_again_is_not_sent_away(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen(monkeypatch, tmp_path, sqlite_url)
    monkeypatch.setattr(PromptProtocol, "crowd", 8)
    monkeypatch.setattr(web_server, "MOST_AT_ONCE", 8 * web_server.MOST_AT_ONCE // MAX_CONNECTIONS)
    over = threading.Event()

    def come_again(address: tuple[str, int]) -> None:
        while not over.is_set():
            with suppress(OSError), socket.create_connection(address, timeout=60) as one:
                one.sendall(
                    b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
                    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nname=a"
                )
                one.recv(1000)

    def answer(address: tuple[str, int]) -> bytes:
        with suppress(OSError), socket.create_connection(address, timeout=60) as prompt:
            prompt.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return prompt.recv(1000)[:12]
        return b""  # there was no slower one just then

    with ExitStack() as stack:
        crowd, app = stack.enter_context(ThreadPoolExecutor(12)), stack.enter_context(application())
        stack.callback(over.set)  # before the crowd is waited for, also where this fails
        server = stack.enter_context(WebServer(app, ("127.0.0.1", 0)))
        for _ in range(12):
            crowd.submit(come_again, server.address)
        came = [answer(server.address) for _ in range(100)]
    assert set(came) - {b""} == {b"HTTP/1.1 200"}


def test_a_request_that_two_may_read_differently_is_not_answered_and_ends_its_connection(browser: Browser) -> None:
    """Else who goes by its length, as a proxy may, and who goes by its pieces disagree where the next one begins."""
    with WebServer(browser.app, ("127.0.0.1", 0)) as server, socket.create_connection(server.address, 60) as proxy:
        proxy.sendall(
            b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        said = b"".join(iter(lambda: proxy.recv(65536), b""))
    assert said.startswith(b"HTTP/1.1 400")
    assert said.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("path", "head", "size", "status"),
    [
        ("/sign-in", "Host: localhost\r\nOrigin: https://evil.example", 1000, 403),
        ("/sign-in", "Host: evil.example", 1000, 400),
        ("/sign-in", "Host: localhost", 1 << 20, 413),
        ("/review/1/pictures", "Host: localhost", 30 << 20, 413),
    ],
    ids=["from elsewhere", "another host", "too long", "too large a picture"],
)
def test_who_is_refused_reads_why_though_he_is_still_sending(
    browser: Browser, path: str, head: str, size: int, status: int
) -> None:
    """A connection that is closed with something unread is reset, and an answer on its way is lost."""
    with WebServer(browser.app, ("127.0.0.1", 0)) as server, socket.create_connection(server.address, 60) as slow:
        slow.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\nContent-Length: {size}\r\n\r\n".encode())
        select.select([slow], [], [], 0.3)  # whoever answers before all is there, does so now
        slow.sendall(bytes(size))
        said = b"".join(iter(lambda: slow.recv(65536), b""))
    assert said.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nconnection: close\r\n" in said


def test_who_asks_whether_to_send_is_refused_before_he_does(browser: Browser) -> None:
    with WebServer(browser.app, ("127.0.0.1", 0)) as server, socket.create_connection(server.address, 60) as polite:
        polite.sendall(
            b"POST /sign-in HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
        )
        said = b"".join(iter(lambda: polite.recv(65536), b""))
    assert said.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "said",
    [
        b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",  # whose answer needs none of it
        b"GET /static/htmx.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 300,  # more than any buffer holds
    ],
    ids=["a body without end", "answers nobody reads"],
)
def test_who_was_answered_and_neither_ends_nor_reads_is_not_waited_for(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    chosen(monkeypatch, tmp_path, sqlite_url)
    monkeypatch.setattr(PromptProtocol, "patience", 0.2)
    with (
        application() as app,
        WebServer(app, ("127.0.0.1", 0)) as server,
        socket.create_connection(server.address, timeout=60) as slow,
    ):
        slow.sendall(said)
        slow.recv(1)

        def is_closed() -> bool:
            try:
                slow.send(b"x")  # a byte now and then keeps uvicorn from closing by itself
            except OSError:
                return True
            return False

        until(is_closed)
