"""What decides about calls to other machines, without any: addresses, waiting, circuits, secrets."""

from __future__ import annotations

import base64
import datetime as dt
from urllib.parse import quote

import pytest

from config.errors import Rejected
from config.reasons import MASK
from config.redaction import Mask
from processor.client import circuit
from processor.client.addresses import Origin, origin_of, refusal
from processor.client.body import length_of
from processor.client.call import a_call, shown
from processor.client.circuit import Circuit
from processor.client.exchange import target_of
from processor.client.service import Answer, Service
from processor.client.waiting import back_off, retry_after

NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
SOON = dt.timedelta(seconds=1)


@pytest.mark.parametrize(
    ("location", "target"),
    [("http://b.example/y?z=1", "https://b.example/y?z=1"), ("http://b.example:80/y", "https://b.example/y"),
     ("HTTP://b.example/y", "https://b.example/y"), ("http://b.example:8080/y", "https://b.example:8080/y"),
     ("https://b.example:80/y", "https://b.example:80/y"), ("y", "https://a.example/y"), ("http://[b", None)],
)  # fmt: skip
def test_a_redirect_from_https_stays_there_on_the_port_that_means(location: str, target: str | None) -> None:
    assert target_of("https://a.example/x", location) == target


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.7.7", "100.64.0.1", "::1", "fc00::1",
     "fe80::1%eth0", "::ffff:127.0.0.1", "::ffff:10.0.0.1"],
)  # fmt: skip
def test_the_local_network_is_only_for_hosts_an_admin_named(address: str) -> None:
    assert refusal(address, is_local=False) == "it is in the local network"
    assert refusal(address, is_local=True) is None


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1", "192.0.0.8", "198.18.0.1", "192.0.2.1",
     "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "::127.0.0.1", "::ffff:0:127.0.0.1", "2001:db8::1",
     "169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200", "fec0::1", "192.88.99.1", "",
     "localhost"],
)  # fmt: skip
@pytest.mark.parametrize("is_local", [False, True])
def test_what_is_no_place_of_its_own_is_refused_to_everybody(address: str, is_local: bool) -> None:
    assert refusal(address, is_local) is not None


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_the_internet_is_for_everybody(address: str) -> None:
    assert refusal(address, is_local=False) is None


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTPS://Example.ORG./a", Origin("https", "example.org", 443)),
        ("http://[::1]:8080/", Origin("http", "::1", 8080)),
        ("http://bücher.example/", Origin("http", "xn--bcher-kva.example", 80)),
        ("http://nas_1.lan:5000", Origin("http", "nas_1.lan", 5000)),
    ],
)
def test_an_origin_is_what_the_wire_has(url: str, origin: Origin) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://a/", "gopher://a/", "//a/b", "a", "", "http://", "http:///a", "http://a:99999/",
     "http://a:0/", "http://user:pw@a/", "http://a\n.example/", "http://a b/", "http://a\\b/", "http://[::1/",
     "http://a..b/", "http://%61/", "http://a/\x00", "http://a/" + "x" * 9000],
)  # fmt: skip
def test_what_is_no_address_of_the_web_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(Rejected) as caught:
        origin_of(url)
    assert caught.value.reason_code == "forbidden_url"
    assert "pw" not in caught.value.message


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7), (" 0 ", 0), ("999999999999999999999", 3600), ("Thu, 01 Jan 2026 12:00:30 GMT", 30),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0), ("Thu, 01 Jan 2026 12:00:30 -0000", 30),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 3600),
        ("-5", None), ("1.5", None), ("soon", None), ("", None), (None, None), ("²", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_and_never_more_than_an_hour(told: str | None, seconds: float | None) -> None:
    assert retry_after(told, NOW) == seconds


@pytest.mark.parametrize(
    ("told", "length"),
    [("0", 0), (" 12 ", 12), ("", None), ("-1", None), ("1, 1", None), ("²", None), ("9" * 5000, None)],
)
def test_a_length_is_a_number_or_nothing(told: str, length: int | None) -> None:
    assert length_of({"content-length": told}) == length
    assert length_of({}) is None


def test_attempts_lie_further_and_further_apart_by_chance() -> None:
    assert [back_off(attempt, 0.5) for attempt in (1, 2, 3, 10)] == [1, 2, 4, 30]
    assert (back_off(1, 0), back_off(1, 1)) == (0.5, 1.5)


def test_five_failures_in_a_row_open_a_circuit_for_five_minutes() -> None:
    stands = Circuit()
    for _ in range(4):
        stands = circuit.failed(stands, NOW)
    assert circuit.succeeded(stands) == Circuit(), "one success forgets them"
    assert circuit.admit(stands, NOW).admitted
    stands = circuit.failed(stands, NOW)
    assert not circuit.admit(stands, NOW).admitted
    assert circuit.admit(stands, NOW).seconds == 300
    assert not circuit.admit(stands, NOW + circuit.OPEN - SOON).admitted
    assert circuit.admit(stands, NOW + circuit.OPEN).admitted


def opened() -> Circuit:
    return Circuit("open", 5, until=NOW)


def test_one_probe_goes_out_at_a_time_and_two_that_come_back_close_it() -> None:
    probing, admitted, _ = circuit.admit(opened(), NOW)
    assert admitted
    assert not circuit.admit(probing, NOW).admitted, "one is on its way"
    once = circuit.succeeded(probing)
    assert once.state == "probing"
    again, admitted, _ = circuit.admit(once, NOW)
    assert admitted
    assert circuit.succeeded(again) == Circuit()


def test_a_probe_that_fails_opens_it_again_and_one_that_never_comes_back_is_taken_for_dead() -> None:
    probing = circuit.admit(opened(), NOW).circuit
    failed = circuit.failed(probing, NOW)
    assert (failed.state, failed.until) == ("open", NOW + circuit.OPEN)
    assert circuit.admit(probing, NOW + circuit.PROBE).admitted


def test_calls_that_began_before_it_opened_change_nothing() -> None:
    assert circuit.succeeded(opened()) == opened()
    assert circuit.failed(opened(), NOW + SOON).until == NOW


def test_a_service_that_asks_for_quiet_gets_it_whoever_asks() -> None:
    stands = circuit.asked_for_quiet(Circuit(), 10, NOW)
    assert (circuit.admit(stands, NOW).admitted, circuit.admit(stands, NOW).seconds) == (False, 10)
    assert circuit.asked_for_quiet(stands, 1, NOW) == stands, "the longer one counts"
    assert circuit.succeeded(stands).quiet_until == stands.quiet_until
    assert circuit.admit(stands, NOW + 10 * SOON).admitted


def test_a_clock_that_was_ahead_bars_nobody() -> None:
    ahead = NOW + dt.timedelta(days=400)
    for stands in (opened()._replace(until=ahead + circuit.OPEN), circuit.asked_for_quiet(Circuit(), 10, ahead)):
        assert circuit.admit(stands, NOW).admitted
        assert circuit.barred(stands, NOW) == 0
        assert circuit.barred(circuit.asked_for_quiet(stands, 3, NOW), NOW) == 3


def test_a_call_that_was_admitted_waits_for_what_came_meanwhile() -> None:
    opened = Circuit("open", 5, 0, NOW + 2 * SOON)
    assert circuit.barred(Circuit(), NOW) == circuit.barred(Circuit("probing", 5, 0, NOW + SOON), NOW) == 0
    assert circuit.barred(circuit.asked_for_quiet(opened, 3, NOW), NOW) == 3
    assert circuit.barred(opened, NOW) == 2
    assert circuit.barred(opened, NOW + 2 * SOON) == 0


SECRET = "s3cret/key+ü=1"


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        repr(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"eva:{SECRET}".encode()).decode(),
        base64.urlsafe_b64encode(f"evas:{SECRET}!?".encode()).decode(),
        base64.b64encode(f"evans:{SECRET}...".encode()).decode(),
    ],
)
def test_a_secret_is_masked_however_it_is_spelled(spelled: str) -> None:
    masked = Mask([SECRET]).text(f"GET /?key={spelled}&b=1")
    assert MASK in masked
    assert masked.startswith("GET /?key=")
    assert spelled[6:-6] not in masked


def test_a_mask_learns_more_secrets_and_leaves_short_ones() -> None:
    mask = Mask(["abc"])
    assert mask.text("abc defghi") == "abc defghi"
    mask.learn(["defghi"])
    assert mask.text("abc defghi") == f"abc {MASK}"


def test_an_answer_is_remembered_by_what_was_asked_and_not_by_the_key() -> None:
    def key(secret: str, word: str) -> str:
        service = Service("s", secrets=(secret,))
        params = {"q": word, "api_key": secret, "no": None}
        return a_call("GET", f"https://a/{secret}/x", None, "json", params=params).key(service)

    assert key("first-key", "a") == key("second-key", "a") != key("second-key", "b")


def test_a_shown_url_has_neither_query_nor_secret() -> None:
    service = Service("s", secrets=("topsecret",))
    assert shown("https://a.example/v1/topsecret/x?api_key=1", service) == f"https://a.example/v1/{MASK}/x"


def test_json_is_such_that_a_database_can_hold_it() -> None:
    said = Answer(200, {}, rb'{"a\u0000": ["\ud800x", NaN, 1e400, null]}').json()
    assert said == {"a": ["\ufffdx", None, None, None]}


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"[" * 100_000, b"\xff\xfe\xfa", b"9" * 5000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        Answer(200, {}, body).json()
    assert caught.value.reason_code == "bad_answer"
