"""Log lines: no secret gets into one, and nothing in a value can pass for another."""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import uuid4

import pytest
from loguru import logger

from config.logs import log_threads, setup_logs
from config.reasons import MASK
from config.redaction import conceal

SECRET = 'p@ss w"ö\\rd/1'
HOSTILE = "a\n12:00:00 INFO    forged\r\x1b[2J\x9b31m\u202eevil\u2028\u2066\x00\x7f\ud800"
RECORD = re.compile(r"\d\d:\d\d:\d\d [A-Z]+ ")


@pytest.fixture(autouse=True)
def _default_logger_afterwards() -> Iterator[None]:
    yield
    logger.remove()


@pytest.fixture
def text(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    setup_logs("DEBUG", "text", [SECRET])
    return lambda: capsys.readouterr().err


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, Any]]:
    setup_logs("DEBUG", "json", [SECRET])

    def read() -> dict[str, Any]:
        (only,) = capsys.readouterr().err.splitlines()
        assert only.isprintable()
        found: dict[str, Any] = json.loads(only)
        return found

    return read


@pytest.fixture(params=["text", "json"])
def either(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    setup_logs("DEBUG", request.param, [SECRET])
    return lambda: capsys.readouterr().err


SPELLINGS = [
    SECRET,
    quote(SECRET),
    quote(SECRET, safe=""),
    quote_plus(SECRET),
    base64.b64encode(SECRET.encode()).decode(),
    repr(SECRET),
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_masked_in_messages_fields_and_tracebacks(either: Callable[[], str], spelling: str) -> None:
    nested = {"urls": [f"https://x/?key={spelling}"], spelling: spelling.encode()}
    try:
        raise ValueError(spelling)
    except ValueError:
        logger.bind(url=spelling, nested=nested, error=ValueError(spelling)).exception(f"asked {spelling}")
    shown = either()
    assert shown.count(MASK) >= 6
    for form in (SECRET, quote(SECRET), quote_plus(SECRET), json.dumps(SECRET)[1:-1], "p@ss", "w%22", "rd/1", "rd%2F1"):
        assert form not in shown


def test_what_nobody_foresaw_in_a_thread_is_a_record_like_any_other(
    line: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", None)  # the next tests want their own back
    log_threads()

    def fail() -> None:
        raise ValueError(f"asked {SECRET}")

    thread = threading.Thread(target=fail, name="look")
    thread.start()
    thread.join()
    told = line()
    assert (told["level"], told["thread"]) == ("ERROR", "look")
    assert told["traceback"].endswith(f"ValueError: asked {MASK}")


def test_the_values_of_local_variables_are_not_printed(either: Callable[[], str]) -> None:
    private = "".join(["known ", "only here"])
    try:
        int(private[:0])
    except ValueError:
        logger.exception("failed")
    assert "known only here" not in either()


def test_masking_a_word_of_the_record_leaves_it_readable(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logs("INFO", "json", ["message", "true", "1234"])
    logger.bind(dry_run=True, message="true", size=91234, count=5).info("a message")
    found = json.loads(capsys.readouterr().err)
    assert found["message"] == f"a {MASK}"
    assert found["size"] == f"9{MASK}"
    assert found["count"] == 5


def test_what_becomes_known_as_a_secret_later_is_masked_too_and_each_of_several_by_itself(
    either: Callable[[], str],
) -> None:
    token, password = uuid4().hex, uuid4().hex  # a process never forgets one
    first, second = f"tgram://{token}/77", f"mailto://eva:{password}@example.org"
    logger.bind(url=first).info("sent")
    conceal([f"{first} {second}"])
    logger.bind(url=first).info("sent")
    logger.bind(url=quote(second, safe="")).info("sent")
    before, *after = either().splitlines()
    assert token in before
    assert [MASK in line and token not in line and password not in line for line in after] == [True, True]


@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_tag_cannot_forge_a_line_or_drive_the_terminal(text: Callable[[], str], as_bytes: bool) -> None:
    tag: str | bytes = HOSTILE.encode("utf-8", "surrogatepass") if as_bytes else HOSTILE
    logger.bind(tag=tag, nested={"tags": [tag]}).info("read")
    only, end = text().split("\n")
    assert end == ""
    assert only.isprintable()
    assert "evil" in only


def test_a_message_or_a_key_cannot_forge_a_line_either(text: Callable[[], str]) -> None:
    logger.bind(**{HOSTILE: 1}).info(HOSTILE)
    shown = text()
    assert shown.count("\n") == 1
    assert shown.strip("\n").isprintable()


def test_an_exception_s_text_cannot_pass_for_a_record(text: Callable[[], str]) -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logger.exception("failed")
    first, *others = text().rstrip("\n").split("\n")
    assert RECORD.match(first)
    assert others
    for other in others:
        assert other.startswith("    ")
        assert other.isprintable()


def test_a_hostile_value_survives_json_unchanged(line: Callable[[], dict[str, Any]]) -> None:
    logger.bind(tag=HOSTILE).info("read")
    assert line()["tag"] == HOSTILE


def test_a_field_cannot_pass_for_the_record_s_own(line: Callable[[], dict[str, Any]]) -> None:
    logger.bind(message="forged", level="forged", time="forged").warning("real")
    found = line()
    assert (found["message"], found["level"]) == ("real", "WARNING")
    assert (found["message_"], found["level_"], found["time_"]) == ("forged", "forged", "forged")


def test_a_traceback_is_one_field_of_one_line(line: Callable[[], dict[str, Any]]) -> None:
    try:
        raise KeyError("gone")
    except KeyError:
        logger.exception("failed")
    assert line()["traceback"].endswith("KeyError: 'gone'")


def test_braces_in_a_message_with_bound_fields_do_no_harm(line: Callable[[], dict[str, Any]]) -> None:
    logger.bind(name="x").info("an {odd} {} message {0}")
    found = line()
    assert (found["message"], found["name"]) == ("an {odd} {} message {0}", "x")


def test_paths_are_shown_as_text(line: Callable[[], dict[str, Any]]) -> None:
    logger.bind(path=b"caf\xe9/\xc3\xa9", paths=(b"a", b"\xff"), sizes={1: 2}).info("found")
    found = line()
    assert found["path"] == "caf\\xe9/é"
    assert found["paths"] == ["a", "\\xff"]
    assert found["sizes"] == {"1": 2}


def test_the_level_is_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logs("WARNING", "text")
    logger.info("quiet")
    logger.warning("loud")
    assert "quiet" not in (shown := capsys.readouterr().err)
    assert "loud" in shown


def test_auto_means_json_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logs("INFO", "auto")
    logger.info("hello")
    assert json.loads(capsys.readouterr().err)["message"] == "hello"


def test_what_libraries_log_is_written_as_ours_is(line: Callable[[], dict[str, Any]]) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("broken\n")
    found = line()
    assert (found["level"], found["message"], found["by"]) == ("ERROR", "broken", "uvicorn.error")
    assert MASK in found["traceback"]
    assert SECRET not in found["traceback"]
