"""Log records → stderr: text for a terminal, one JSON object a line for a journal; secrets replaced in both."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from loguru import logger

if TYPE_CHECKING:
    from loguru import Message, Record

MASK = "•••"
MIN_SECRET = 4  # characters; replacing shorter ones would garble every line


def setup_logs(level: str, style: str, secrets: Iterable[str] = ()) -> None:
    """Send logs to stderr. `style` is text, json or auto; each of `secrets` is masked by value wherever it turns up."""
    as_json = style == "json" or (style == "auto" and not sys.stderr.isatty())
    masked = {form for secret in secrets if len(secret) >= MIN_SECRET for form in (secret, quote(secret, safe=""))}

    def mask(text: str) -> str:
        for secret in masked:
            text = text.replace(secret, MASK)
        return text

    def write(message: Message) -> None:
        record = message.record
        sys.stderr.write(mask(_as_json(record) if as_json else _as_text(record)) + "\n")

    logger.remove()
    # diagnose would print the values of local variables, and backtrace the callers' lines: secrets are among them.
    logger.add(write, level=level, diagnose=False, backtrace=False, catch=True)


def _fields(record: Record) -> dict[str, Any]:
    return {key: value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
            for key, value in record["extra"].items()}  # fmt: skip


def _error(record: Record) -> str | None:
    exception = record["exception"]
    if exception is None or exception.type is None:
        return None
    import traceback

    return "".join(traceback.format_exception(exception.type, exception.value, exception.traceback))


def _as_json(record: Record) -> str:
    line = {"time": record["time"].isoformat(timespec="milliseconds"), "level": record["level"].name,
            "message": record["message"], **_fields(record)}  # fmt: skip
    error = _error(record)
    if error:
        line["traceback"] = error
    return json.dumps(line, ensure_ascii=False, default=str)


def _as_text(record: Record) -> str:
    # Values may hold newlines and terminal escapes from tags and file names: json.dumps escapes both.
    fields = " ".join(
        f"{key}={json.dumps(value, ensure_ascii=False, default=str)}" for key, value in _fields(record).items()
    )
    error = _error(record)
    head = f"{record['time']:%H:%M:%S} {record['level'].name:<7} {record['message']}"
    return f"{head}  {fields}".rstrip() + (f"\n{error.rstrip()}" if error else "")
