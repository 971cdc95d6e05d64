"""The guarded client against real servers on this machine: what it asks, what it refuses, what it remembers."""

from __future__ import annotations

import datetime as dt
import os
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from config import admin
from config.database import Database
from config.errors import GreenroomError, Stopped
from processor.client import circuits, memory, turns
from processor.client.client import Client
from processor.client.exchange import World, trusted
from processor.client.service import EXPECTED, Answer, Outage, Service
from tests import certificates
from tests.providers import Provider, Reply, Seen, as_json, gzipped, redirect
from workflow.chores.cleanup import CHORE

ROOT = Path(__file__).parents[2]
NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
SECRET = "v3ry-secret/key"
ALBUM = as_json({"title": "Nightjar"})


class Around:
    """The world of one client: a clock that waiting moves, names, and what was waited for and asked."""

    def __init__(self) -> None:
        self.now = NOW
        self.waited: list[float] = []
        self.turns: list[tuple[str, float]] = []
        self.names: dict[str, list[str]] = {}
        self.ca: str | None = None

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += dt.timedelta(seconds=seconds)

    @contextmanager
    def turn(self, _: Database, name: str, __: object, *, apart: float = 0, longest: float) -> Iterator[None]:
        if apart:
            self.turns.append((name, apart))
        yield

    def resolve(self, host: str, port: int) -> Sequence[str]:
        return self.names.get(host, [host])

    def client(self, database: Database) -> Client:
        world = World(self.resolve, lambda: 0.5, self.turn, self.ca)
        return Client(database, wait=self.wait, clock=lambda: self.now, world=world)


@pytest.fixture
def around() -> Around:
    return Around()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider().serving() as serving:
        yield serving


@pytest.fixture
def other() -> Iterator[Provider]:
    """Another server, which nobody allowed."""
    with Provider().serving() as serving:
        yield serving


@pytest.fixture
def client(sqlite_url: str, around: Around) -> Iterator[Client]:
    database = Database(sqlite_url)
    with around.client(database) as made:
        yield made
    database.close()


@pytest.fixture
def shared(database: Database, around: Around) -> Iterator[Client]:
    """A client on each kind of database, where rows matter."""
    with around.client(database) as made:
        yield made


def of(provider: Provider, **more: Any) -> Service:
    return Service("shelf", local=(provider.url,), **{"attempts": 1, "read": 5, **more})


def refused(ask: Callable[[], object]) -> GreenroomError:
    with pytest.raises(GreenroomError) as caught:
        ask()
    error = caught.value
    assert error.__cause__ is None, "a chained error would be logged with its URL"
    return error


def code(ask: Callable[[], object]) -> str:
    return refused(ask).reason_code


def test_it_says_who_it_is_and_what_it_expects(client: Client, provider: Provider) -> None:
    provider.answers = {"/album": ALBUM, "/cover": Reply(body=b"\xff\xd8", kind="image/jpeg")}
    answer = client.get(f"{provider.url}/album", service=of(provider), params={"q": "a&b", "none": None})
    assert (answer.status, answer.json(), answer.found) == (200, {"title": "Nightjar"}, True)
    client.get(f"{provider.url}/cover", service=of(provider), accept="image")
    album, cover = provider.seen
    assert album.query == {"q": "a&b"}
    assert album.headers["user-agent"].startswith("Greenroom/")
    assert album.headers["user-agent"].endswith(" (self-hosted)")
    assert (album.headers["accept"], album.headers["accept-encoding"]) == ("application/json", "gzip, deflate")
    assert cover.headers["accept-encoding"] == "identity"
    assert "cookie" not in album.headers


def test_it_says_whom_to_ask_where_an_admin_says_so(sqlite_url: str, around: Around, provider: Provider) -> None:
    provider.answers = {"/": ALBUM}
    database = Database(sqlite_url)
    with database.begin() as connection:
        admin.put(connection, "network.contact", "eva@example.org", actor="eva", now=NOW)
    with around.client(database) as client:
        client.get(provider.url, service=of(provider))
    database.close()
    assert provider.seen[0].headers["user-agent"].endswith(" (eva@example.org)")


def test_nothing_of_the_environment_goes_along(
    client: Client, provider: Provider, other: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eva password hunter22")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, other.url)
    provider.answers = {"/": ALBUM}
    client.get(provider.url, service=of(provider))
    assert "authorization" not in provider.seen[0].headers
    assert other.seen == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://2130706433:{port}/"])
def test_nobody_reaches_this_machine_unless_an_admin_named_it(client: Client, provider: Provider, url: str) -> None:
    service = Service("elsewhere")
    # The system's own resolver reads such spellings; here it is told what they mean.
    around_names = {"localhost": ["127.0.0.1"], "2130706433": ["127.0.0.1"]}
    client._exchange._world.resolve.__self__.names = around_names  # type: ignore[attr-defined]
    assert code(lambda: client.get(url.format(port=provider.port), service=service)) == "forbidden_address"
    assert provider.seen == []


def test_a_name_with_one_forbidden_address_is_forbidden(client: Client, around: Around, provider: Provider) -> None:
    around.names = {"rebound.example": ["1.1.1.1", "127.0.0.1"]}
    error = refused(lambda: client.get(f"http://rebound.example:{provider.port}/", service=Service("x")))
    assert error.message == "rebound.example leads to 127.0.0.1, and it is in the local network"


def test_a_name_that_changes_its_mind_is_asked_once_and_held_to_it(
    client: Client, around: Around, provider: Provider
) -> None:
    """The address that was looked at is the one that is connected to: nobody asks for it a second time."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1" if len(asked) == 1 else "10.0.0.1"]

    around.resolve = rebinding  # type: ignore[method-assign]
    provider.answers = {"/": ALBUM}
    with around.client(client._database) as fresh:
        service = Service("mirror", local=(provider.at("mirror.example"),), attempts=1)
        assert fresh.get(provider.at("mirror.example"), service=service).found
        assert fresh.get(provider.at("mirror.example"), service=service).found
    assert asked == ["mirror.example"], "the second goes over the same connection"


def test_what_one_service_may_reach_another_may_not(client: Client, provider: Provider) -> None:
    provider.answers = {"/": ALBUM}
    assert client.get(provider.url, service=of(provider)).found
    assert code(lambda: client.get(provider.url, service=Service("other"))) == "forbidden_address"


def test_redirects_are_followed_three_times(client: Client, provider: Provider) -> None:
    provider.answers = {"/1": redirect("/2", 307), "/2": redirect("3", 301), "/3": redirect(provider.url), "/": ALBUM}
    assert client.get(f"{provider.url}/1", service=of(provider)).json() == {"title": "Nightjar"}
    provider.answers["/0"] = redirect("/1", 308)
    assert code(lambda: client.get(f"{provider.url}/0", service=of(provider))) == "too_many_redirects"
    assert provider.paths() == ["/1", "/2", "/3", "/", "/0", "/1", "/2", "/3"]


@pytest.mark.parametrize("to", ["http://127.0.0.1:{other}/", "http://10.0.0.1/", "file:///etc/passwd", "http://u:p@a/"])
def test_no_redirect_leads_to_where_nobody_may_go(client: Client, provider: Provider, other: Provider, to: str) -> None:
    provider.answers = {"/": redirect(to.format(other=other.port))}
    assert code(lambda: client.get(provider.url, service=of(provider))).startswith("forbidden_")
    assert other.seen == []


def test_credentials_stay_where_they_were_meant_for(client: Client, provider: Provider, other: Provider) -> None:
    service = Service("shelf", local=(provider.url, other.url), secrets=(SECRET,), attempts=1)
    provider.answers = {"/": redirect(f"{other.url}/away"), "/back": ALBUM, "/here": redirect("/back")}
    other.answers = {"/away": redirect(f"{provider.url}/back")}
    headers = {"X-Api-Key": SECRET, "Authorization": "Bearer " + SECRET, "Cookie": SECRET}
    assert client.get(provider.url, service=service, headers=headers).found
    assert client.get(f"{provider.url}/here", service=service, headers=headers).found
    held = [(seen.path, "x-api-key" in seen.headers) for seen in [*provider.seen, *other.seen]]
    assert held == [("/", True), ("/back", False), ("/here", True), ("/back", True), ("/away", False)]
    assert SECRET not in str(other.seen)


def test_a_post_carries_its_body_nowhere_else(client: Client, provider: Provider) -> None:
    provider.answers = {"/": redirect("/2", 307), "/form": ALBUM, "/rpc": ALBUM}
    assert code(lambda: client.post(provider.url, service=of(provider), form={"a": 1})) == "provider_refused"
    client.post(f"{provider.url}/form", service=of(provider), form={"a": "ü", "b": None})
    client.post(f"{provider.url}/rpc", service=of(provider), json={"method": "Ping"})
    form, rpc = provider.seen[1:]
    assert (form.body, form.headers["content-type"]) == (b"a=%C3%BC", "application/x-www-form-urlencoded")
    assert (rpc.body, rpc.headers["content-type"]) == (b'{"method": "Ping"}', "application/json")


PACKED = {"Content-Encoding": "gzip"}
WRONG = {
    "a web page": (Reply(body=b"<html>", kind="text/html"), "wrong_type"),
    "an unknown packing": (Reply(body=b"{}", headers={"Content-Encoding": "br"}), "wrong_type"),
    "a large body": (Reply(body=b"1" * 2001), "too_large"),
    "a large body of unknown length": (Reply(body=b"1" * 2001, chunked=True), "too_large"),
    "a bomb": (gzipped(b"1" * 50_000_000), "too_large"),
    "a bomb in pieces": (gzipped(b"1" * 2001, chunked=True), "too_large"),
    "two lengths": (Reply(400, headers={"content-length": "9"}), "provider_outage"),
    "less than it said": (Reply(body=b"{}", length=20), "provider_outage"),
    "half a body": (Reply(body=b"[1, 2, 3]", cut=4), "provider_outage"),
    "half of the pieces": (Reply(body=b"[1, 2, 3]", cut=4, chunked=True), "provider_outage"),
    "half of a packed body": (Reply(body=gzipped(b"[]").body[:-9], headers=PACKED), "provider_outage"),
    "no packing where it said so": (Reply(body=b"[]", headers=PACKED), "provider_outage"),
    "busy": (Reply(503), "provider_outage"),
    "a fault": (Reply(500), "provider_outage"),
    "a wrong key": (Reply(401), "unauthorized"),
    "a refusal": (Reply(400), "provider_refused"),
    "what was not asked for": (Reply(304), "provider_refused"),
    "a redirect to nowhere": (Reply(302), "provider_refused"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_an_answer_has_a_name(
    client: Client, provider: Provider, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXPECTED, "json", replace(EXPECTED["json"], limit=2000))
    provider.answers["/"], expected = WRONG[name]
    service = of(provider, ttl=60)
    assert code(lambda: client.get(provider.url, service=service)) == expected
    provider.answers["/"] = ALBUM
    assert client.get(provider.url, service=service).found, "nothing wrong was remembered, no connection is spoilt"


def test_packed_and_dealt_out_answers_are_read(client: Client, provider: Provider) -> None:
    import zlib

    long = b'{"a": "' + b"x" * 300_000 + b'"}'
    bare = zlib.compressobj(wbits=-15)
    provider.answers = {
        "/gzip": gzipped(long),
        "/chunks": gzipped(long, chunked=True),
        "/zlib": Reply(body=zlib.compress(long), headers={"Content-Encoding": "deflate"}),
        "/bare": Reply(body=bare.compress(long) + bare.flush(), headers={"Content-Encoding": "deflate"}),
        "/untyped": Reply(body=long, kind=None),
    }
    for path in provider.answers:
        assert client.get(provider.url + path, service=of(provider)).body == long, path


DRIPS = {
    "nothing at all": Reply(body=b"{}", silent=30),
    "a header byte by byte": Reply(body=b"{}", drip=0.3),
    "a body byte by byte": Reply(body=b"[" + b"1," * 500 + b"1]", drip=0.1),
    "an endless body": Reply(body=b"1" * 400, drip=0.1, chunked=True),
}


@pytest.mark.parametrize("name", DRIPS)
def test_no_answer_lasts_for_ever(client: Client, provider: Provider, name: str) -> None:
    provider.answers["/"] = DRIPS[name]
    error = refused(lambda: client.get(provider.url, service=of(provider, total=0.5)))
    assert isinstance(error, Outage)
    assert "no whole answer within 0.5 s" in error.message or "it says nothing" in error.message


def test_what_does_not_work_is_tried_again_later_and_later(client: Client, around: Around, provider: Provider) -> None:
    provider.answers, provider.faults = {"/": ALBUM}, [Reply(500), Reply(body=b"{}", cut=1)]
    assert client.get(provider.url, service=of(provider, attempts=3)).found
    assert around.waited == [1, 2]
    provider.faults = [Reply(502)] * 3
    assert code(lambda: client.get(provider.url, service=of(provider, attempts=3))) == "provider_outage"
    assert len(provider.seen) == 6


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("said", ["7", "Thu, 01 Jan 2026 12:00:07 GMT"])
def test_a_service_is_left_alone_as_long_as_it_asks(
    shared: Client, around: Around, provider: Provider, status: int, said: str
) -> None:
    provider.answers, provider.faults = {"/": ALBUM}, [Reply(status, headers={"Retry-After": said})]
    assert shared.get(provider.url, service=of(provider, attempts=2)).found
    assert around.waited == [7]


def test_who_asks_for_a_long_rest_gets_it_from_everybody(shared: Client, around: Around, provider: Provider) -> None:
    provider.answers, provider.faults = {"/": ALBUM}, [Reply(429, headers={"Retry-After": "120"})]
    error = refused(lambda: shared.get(provider.url, service=of(provider, attempts=3)))
    assert isinstance(error, Outage)
    assert (error.seconds, around.waited, len(provider.seen)) == (120, [], 1)
    with around.client(shared._database) as another:
        told = refused(lambda: another.get(provider.url, service=of(provider)))
        assert told.reason_code == "provider_paused"
        assert "until 2026-01-01 12:02:00 UTC" in told.message, "which is true whenever it is read"
        around.now += dt.timedelta(seconds=110)
        assert another.get(provider.url, service=of(provider)).found, "ten seconds more are worth waiting"
    assert around.waited == [10]


def test_a_post_that_may_have_been_taken_is_not_sent_again(client: Client, provider: Provider) -> None:
    for fault, times in [(Reply(503), 3), (Reply(429), 3), (Reply(500), 1), (Reply(body=b"{}", cut=1), 1)]:
        provider.seen.clear()
        provider.down = fault
        assert code(lambda: client.post(provider.url, service=of(provider, attempts=3), form={})) == "provider_outage"
        assert len(provider.seen) == times


def test_a_job_that_is_stopped_stops_where_it_waits(client: Client, around: Around, provider: Provider) -> None:
    def stop(seconds: float) -> None:
        raise Stopped("the worker is asked to stop")

    provider.down = Reply(503)
    around.wait = stop  # type: ignore[method-assign]
    with around.client(client._database) as stopping, pytest.raises(Stopped):
        stopping.get(provider.url, service=of(provider, attempts=3))


def test_no_error_and_no_row_holds_a_secret(shared: Client, provider: Provider, around: Around) -> None:
    service = of(provider, secrets=(SECRET,), ttl=60)
    url, params, headers = f"{provider.url}/{SECRET}/x", {"api_key": SECRET}, {"X-Key": SECRET}
    told: list[str] = []
    for down in (Reply(500), Reply(401), Reply(body=b"{}", cut=1), Reply(kind="text/" + SECRET, body=b"x"), ALBUM):
        provider.down = down
        try:
            shared.get(url, service=service, params=params, headers=headers)
        except GreenroomError as error:
            told.append(str(error.reason()))
    around.names = {"127.0.0.1": []}
    with around.client(shared._database) as nowhere:
        told.append(str(refused(lambda: nowhere.get(f"{url}/y", service=service, params=params)).reason()))
    with shared._database.read() as connection:
        told.append(str(circuits.standing(connection)))
        told += [str(tuple(row)) for row in connection.exec_driver_sql("SELECT * FROM answers")]
    assert len(told) == 7
    for secret in ("v3ry-secret", "api_key"):
        assert secret not in "".join(told)


def test_headers_that_would_forge_a_request_are_refused(client: Client, provider: Provider) -> None:
    for value in ("a\r\nHost: evil", "a\nb", "ключ"):
        error = refused(partial(client.get, provider.url, service=of(provider), headers={"X": value}))
        assert (error.reason_code, provider.seen) == ("forbidden_url", [])


def test_each_real_request_takes_a_turn_and_no_other(client: Client, around: Around, provider: Provider) -> None:
    provider.answers, provider.faults = {"/": redirect("/album"), "/album": ALBUM}, [Reply(500)]
    service = of(provider, per_second=2.5, attempts=2, ttl=60)
    for _ in range(3):
        assert client.get(provider.url, service=service).found
    assert around.turns == [("shelf", 0.4)] * 3
    assert provider.paths() == ["/", "/", "/album"]


def test_what_was_asked_before_is_not_asked_again(shared: Client, around: Around, provider: Provider) -> None:
    provider.answers = {f"/{n}": as_json(n) for n in range(5)}
    service = of(provider, ttl=60, negative_ttl=30)
    for _ in range(3):
        said = [shared.get(f"{provider.url}/{n}", service=service) for n in range(6)]
        assert [(answer.found and answer.json()) for answer in said] == [0, 1, 2, 3, 4, False]
    assert all(answer.from_cache for answer in said)
    assert len(provider.seen) == 6
    around.now += dt.timedelta(seconds=31)
    assert not shared.get(f"{provider.url}/5", service=service).from_cache, "that there is nothing is asked earlier"
    assert shared.get(f"{provider.url}/4", service=service).from_cache
    around.now += dt.timedelta(seconds=30)
    assert not shared.get(f"{provider.url}/4", service=service).from_cache
    assert not shared.get(f"{provider.url}/4", service=service, fresh=True).from_cache


def test_a_question_by_post_is_remembered_by_its_body(shared: Client, provider: Provider) -> None:
    provider.answers = {"/": lambda seen: as_json(seen.body.decode())}
    for _ in range(2):
        assert [
            shared.post(provider.url, service=of(provider, ttl=60), form={"print": n}).json() for n in ("a", "b")
        ] == ["print=a", "print=b"]
    assert len(provider.seen) == 2


def test_what_cannot_be_read_is_not_remembered(client: Client, provider: Provider) -> None:
    provider.answers = {"/": Reply(body=b'{"title": "Nigh')}
    answer = client.get(provider.url, service=of(provider, ttl=60))
    assert code(answer.json) == "bad_answer"
    provider.answers = {"/": ALBUM}
    assert client.get(provider.url, service=of(provider, ttl=60)).json() == {"title": "Nightjar"}


def test_an_old_answer_is_better_than_none(shared: Client, around: Around, provider: Provider) -> None:
    provider.answers = {"/": ALBUM}
    service = of(provider, ttl=60)
    shared.get(provider.url, service=service)
    provider.down = Reply(503)
    around.now += dt.timedelta(days=3)
    old = shared.get(provider.url, service=service)
    assert (old.json(), old.from_cache) == ({"title": "Nightjar"}, True)
    assert shared.get(provider.url, service=service, fresh=True).from_cache
    assert code(lambda: shared.get(f"{provider.url}/new", service=service)) == "provider_outage"
    provider.down = None
    assert not shared.get(provider.url, service=service).from_cache


def test_a_service_that_fails_five_times_is_left_alone_by_all_processes(
    shared: Client, around: Around, provider: Provider, database_url: str
) -> None:
    provider.down = Reply(500)
    for n in range(5):
        assert code(partial(shared.get, f"{provider.url}/{n}", service=of(provider))) == "provider_outage"
    assert code(lambda: shared.get(provider.url, service=of(provider))) == "provider_paused"
    assert ask_elsewhere(database_url, provider, around.now) == ["provider_paused"]
    assert len(provider.seen) == 5

    provider.down, provider.answers = None, {"/": ALBUM}
    around.now += dt.timedelta(minutes=5)
    assert shared.get(provider.url, service=of(provider)).found, "the one probe"
    assert shared.get(provider.url, service=of(provider)).found, "the second"
    with shared._database.read() as connection:
        stands = circuits.standing(connection)["shelf"]
    assert (stands["state"], stands["failures"], stands["requests"], stands["failed"]) == ("closed", 0, 7, 5)
    assert (stands["succeeded_at"], stands["failed_at"]) == (around.now, NOW)


def test_a_probe_is_not_tried_twice_and_its_failure_opens_the_circuit_again(
    shared: Client, around: Around, provider: Provider
) -> None:
    provider.down = Reply(500)
    for _ in range(5):
        refused(lambda: shared.get(provider.url, service=of(provider)))
    around.now += dt.timedelta(minutes=5)
    assert code(lambda: shared.get(provider.url, service=of(provider, attempts=3))) == "provider_outage"
    assert code(lambda: shared.get(provider.url, service=of(provider, attempts=3))) == "provider_paused"
    assert len(provider.seen) == 6


def test_a_refusal_is_told_in_the_words_of_the_service_without_what_it_was_sent(
    client: Client, provider: Provider
) -> None:
    service = of(provider, secrets=(SECRET,))
    said = {
        f'{{"error": {{"code": 4, "message": "no key {SECRET}\\u001b"}}}}': " (no key •••\\x1b)",
        '{"message": "You must authenticate."}': " (You must authenticate.)",
        '{"error": "Not allowed"}': " (Not allowed)",
        '[]': "",
        "{": "",
    }  # fmt: skip
    for body, shown in said.items():
        provider.down = Reply(400, body.encode())
        message = refused(lambda: client.get(provider.url, service=service)).message
        assert message == f"shelf refuses to answer: 400{shown}"
    provider.down = Reply(400, b'"a login page"', kind="text/html")
    assert refused(lambda: client.get(provider.url, service=service)).message == "shelf refuses to answer: 400"


def test_a_service_that_refuses_works(client: Client, provider: Provider) -> None:
    provider.down = Reply(403)
    for _ in range(9):
        assert code(lambda: client.get(provider.url, service=of(provider))) == "unauthorized"
    assert len(provider.seen) == 9


def test_an_answer_of_a_clock_that_was_ahead_is_asked_for_anew(database: Database) -> None:
    with database.begin() as connection:
        memory.remember(connection, "q", "s", Answer(200, {}, b"{}"), NOW + dt.timedelta(days=400), 60)
        found = memory.recall(connection, "q", NOW)
    assert found is not None, "for when nobody answers"
    assert not found.is_good


def test_only_so_much_is_remembered(database: Database) -> None:
    answers = [Answer(200, {}, os.urandom(1000)) for _ in range(10)]
    with database.begin() as connection:
        for n, answer in enumerate(answers):
            memory.remember(connection, str(n), "s", answer, NOW + dt.timedelta(seconds=n), 60)
        memory.remember(connection, "huge", "s", Answer(200, {}, bytes(memory.LARGEST + 1)), NOW, 60)
        assert memory.recall(connection, "huge", NOW) is None
        assert memory.surplus(connection, NOW, 100) == []
        assert memory.surplus(connection, NOW, 100, most=8_200) == ["0", "1"], "the oldest go"
        assert memory.surplus(connection, NOW, 3, most=0) == ["0", "1", "2"], "a few at a time"
        late = NOW + dt.timedelta(seconds=61.5)
        assert sorted(memory.surplus(connection, late, 100)) == ["0", "1"]
        memory.forget(connection, ["0", "1"])
        assert memory.surplus(connection, late, 100) == []


def test_four_processes_share_the_pace_of_one(database_url: str, provider: Provider) -> None:
    """By the server's own record no request came sooner than it allows, even after the answer to the one before."""
    slow, per_second, each = iter([0.2, 0, 0.05] * 4), 20.0, 3
    answered: list[float] = []

    def answer(_: Seen) -> Reply:
        time.sleep(next(slow))
        answered.append(time.monotonic())
        return Reply(body=b"{}")

    provider.answers = {"/": redirect("/album"), "/album": answer}
    assert elsewhere(PACED, database_url, provider.url, per_second, each) == ["0"] * 4
    came = sorted([*((seen.at, True) for seen in provider.seen), *((at, False) for at in answered)])
    assert len(came) == 3 * 4 * each
    gaps = [later - earlier for (earlier, _), (later, is_request) in pairwise(came) if is_request]
    assert min(gaps) >= 1 / per_second


def test_who_dies_with_the_turn_keeps_it_no_longer_than_a_request_lasts(database: Database) -> None:
    began = time.monotonic()
    with database.begin() as connection:
        assert turns.take(connection, "shelf", "dead", longest=0.2, apart=0.1)
    with turns.turn(database, "shelf", time.sleep, apart=0.1, longest=60), database.begin() as connection:
        assert time.monotonic() - began >= 0.29
        turns.hand_on(connection, "shelf", "dead", 0.1)  # it was only asleep, and takes nothing from who has it now
        assert not turns.take(connection, "shelf", "other", longest=60, apart=0.1)


def test_a_clock_that_was_set_back_stops_nobody(database: Database) -> None:
    with database.begin() as connection:
        turns.take(connection, "shelf", "before", longest=86_400, apart=1)
        assert turns.left(connection, "shelf", apart=1) == 0
        assert turns.take(connection, "shelf", "after", longest=1, apart=1)


def test_who_waits_for_a_turn_hears_that_the_service_wants_to_be_left_alone(
    database: Database, provider: Provider
) -> None:
    provider.down = Reply(429, headers={"Retry-After": "3600"}, silent=0.1)
    service = of(provider, per_second=20)
    with Client(database) as client, ThreadPoolExecutor() as threads:
        asked = [threads.submit(code, partial(client.get, f"{provider.url}/{n}", service=service)) for n in range(4)]
        assert sorted(one.result() for one in asked) == ["provider_outage", *["provider_paused"] * 3]
    assert len(provider.seen) == 1


def test_the_same_question_at_the_same_time_is_asked_once(database_url: str, provider: Provider) -> None:
    """Four processes ask for the same two things."""
    provider.answers = {"/a": Reply(body=b"{}", silent=0.3), "/b": Reply(404, silent=0.1)}
    assert elsewhere(PACED, database_url, provider.url, 0, 1, "/a", "/b", "/a") == ["0"] * 4
    assert sorted(provider.paths()) == ["/a", "/b"]


def test_who_waits_for_an_answer_that_never_comes_asks(database: Database, provider: Provider) -> None:
    provider.answers, provider.faults = {"/": ALBUM}, [Reply(500, silent=0.2)]
    with Client(database) as client, ThreadPoolExecutor() as threads:
        ask = partial(client.get, provider.url, service=of(provider, ttl=60))
        said = [one.exception() is None for one in [threads.submit(ask) for _ in range(3)]]
    assert (sorted(said), len(provider.seen)) == ([False, True, True], 2)


def test_answers_nobody_will_want_are_cleaned_up(database: Database) -> None:
    settings = CHORE.settings()
    with database.begin() as connection:
        memory.remember(connection, "old", "s", Answer(200, {}, b"{}"), NOW, 60)
        assert not CHORE.has_work(connection, settings, NOW + dt.timedelta(days=30))
        assert CHORE.has_work(connection, settings, NOW + dt.timedelta(days=31))


def test_a_service_that_says_no_request_is_left_gets_a_rest(client: Client, around: Around, provider: Provider) -> None:
    provider.answers = {"/": as_json({}, headers={"X-Left": "0"}), "/more": as_json({}, headers={"X-Left": "1"})}
    service = of(provider, remaining="x-left")
    client.get(f"{provider.url}/more", service=service)
    client.get(provider.url, service=service)
    assert around.waited == []
    client.get(provider.url, service=service)
    assert around.waited == [10]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate of this machine by the name shelf.example, and its key."""
    return certificates.certificate(tmp_path_factory.mktemp("tls"), "shelf.example")


def test_tls_looks_at_the_name_though_the_address_was_chosen(
    client: Client, around: Around, certificate: tuple[str, str], tmp_path: Path
) -> None:
    around.names = {"shelf.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]}
    with Provider(certificate).serving() as provider:
        provider.answers = {"/": ALBUM, "/plain": redirect(f"http://shelf.example:{provider.port}/")}
        shelf, other = provider.at("shelf.example"), provider.at("other.example")
        service = Service("shelf", local=(shelf, other), attempts=1)
        error = refused(lambda: client.get(shelf, service=service))
        assert re.search("its certificate is not trusted: self.signed certificate", error.message)
        around.ca = certificate[0]
        with around.client(client._database) as trusting:
            assert trusting.get(shelf, service=service).found
            assert trusting.get(f"{shelf}/plain", service=service).found, "a redirect never leads back to http"
            error = refused(lambda: trusting.get(other, service=service))
            assert "its certificate is not trusted: Hostname mismatch" in error.message
        (tmp_path / "trusted").mkdir()
        around.ca = hashed(tmp_path / "trusted", certificate[0])
        with around.client(client._database) as trusting:
            assert trusting.get(shelf, service=service).found


def hashed(folder: Path, certificate: str) -> str:
    """Return a folder of certificates as systems have it."""
    name = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", certificate], check=True, capture_output=True)
    (folder / f"{name.stdout.decode().strip()}.0").symlink_to(certificate)
    return str(folder)


def test_what_the_machine_trusts_is_trusted(tmp_path: Path) -> None:
    # As where there are none, of which the stubs of Python know nothing.
    paths = ssl.get_default_verify_paths()._replace(cafile=None, capath=None)  # type: ignore[arg-type]
    assert trusted(paths) is None
    assert trusted(paths._replace(capath=str(tmp_path))) is None, "an empty folder would trust nobody"
    (tmp_path / "0a1b2c3d.0").touch()
    assert trusted(paths._replace(capath=str(tmp_path))) == str(tmp_path)
    assert trusted(paths._replace(cafile="/a", capath=str(tmp_path))) == "/a"


ELSEWHERE = """
import datetime as dt, sys
from config.database import Database
from config.errors import GreenroomError
from processor.client.client import Client
from processor.client.service import Service
database = Database(sys.argv[1])
now = dt.datetime.fromisoformat(sys.argv[3])
with Client(database, clock=lambda: now) as client:
    try:
        print(client.get(sys.argv[2], service=Service("shelf", local=(sys.argv[2],), attempts=1)).status)
    except GreenroomError as error:
        print(error.reason_code)
database.close()
"""

# Four processes of one that has imported everything; each opens the database itself. Paths are remembered.
PACED = """
import os, sys, time
from config.database import Database
from processor.client.client import Client
from processor.client.service import Service
def ask():
    database = Database(sys.argv[1])
    url, per_second, each, *paths = sys.argv[2:]
    service = Service("shelf", per_second=float(per_second) or None, local=(url,), ttl=60 if paths else None)
    with Client(database) as client:
        for path in paths or [""] * int(each):
            client.get(url + path, service=service)
    database.close()
for _ in range(4):
    if os.fork() == 0:
        ask()
        os._exit(0)
print(*(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(4)))
"""


def ask_elsewhere(database_url: str, provider: Provider, now: dt.datetime) -> list[str]:
    """Ask in a process of its own; return what it printed."""
    return elsewhere(ELSEWHERE, database_url, provider.url, now.isoformat())


def elsewhere(program: str, *arguments: object) -> list[str]:
    """Run a program in a process of its own; return the words it printed."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
