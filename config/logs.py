"""Log records → stderr: text for a terminal, one JSON object a line for a journal; secrets replaced in both."""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from loguru import logger

from config.reasons import show_path
from config.redaction import KNOWN, Mask

if TYPE_CHECKING:
    from loguru import Message, Record

# The level where none is asked for: what runs until it is stopped tells how it goes, what prints a result need not.
RUNNING_LEVEL, RESULT_LEVEL = "INFO", "WARNING"


def setup_logs(level: str, style: str, secrets: Iterable[str] = ()) -> None:
    """Send logs to stderr. `style` is text, json or auto.

    Each of `secrets`, and whatever the process comes to know as one, is masked by value wherever it turns up.
    """
    as_json = style == "json" or (style == "auto" and not sys.stderr.isatty())
    own = Mask(secrets)

    def clean(text: str) -> str:
        return KNOWN.text(own.text(text))

    def write(message: Message) -> None:
        record = message.record
        fields = {key: _masked(clean, value) for key, value in record["extra"].items()}
        line = {"time": record["time"], "level": record["level"].name, "message": clean(record["message"])}
        error = clean(_traceback(record))
        sys.stderr.write((_as_json if as_json else _as_text)(line, fields, error) + "\n")

    logger.remove()
    # diagnose would print the values of local variables, and backtrace the callers' lines: secrets are among them.
    logger.add(write, level=level, diagnose=False, backtrace=False, catch=True)
    logging.getLogger().addHandler(_FROM_LIBRARIES)


def log_threads() -> None:
    """Let what ends a thread, foreseen by nobody, be a record, too: Python would print it as it is."""
    threading.excepthook = _ended


def _ended(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        name = args.thread.name if args.thread else None
        logger.bind(thread=name).opt(exception=args.exc_value).error("a thread ended unexpectedly")


class _Passing(logging.Handler):
    """Passes on what libraries log, which would else go to stderr as it is, with its secrets and line breaks."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelno in _LEVELS else "WARNING"
        logger.bind(by=record.name).opt(exception=record.exc_info).log(level, "{}", record.getMessage().rstrip())


_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
_FROM_LIBRARIES = _Passing()


def _masked(clean: Callable[[str], str], value: Any) -> Any:
    """Return a field as JSON can hold it, without secrets: paths as text, unknown types as their text."""
    if isinstance(value, bytes):
        return clean(show_path(value))
    if isinstance(value, Mapping):
        return {clean(str(key)): _masked(clean, item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(clean, item) for item in value]
    masked = clean(str(value))
    return value if isinstance(value, bool | int | float | None) and masked == str(value) else masked


def _traceback(record: Record) -> str:
    exception = record["exception"]
    if exception is None or exception.type is None:
        return ""
    return "".join(traceback.format_exception(exception.type, exception.value, exception.traceback)).rstrip()


def _escaped(text: str) -> str:
    """Escape what forges lines or drives a terminal: line breaks, C0 and C1 controls, bidi marks, lone surrogates."""
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _as_json(line: dict[str, Any], fields: dict[str, Any], error: str) -> str:
    whole = {**line, "time": line["time"].isoformat(timespec="milliseconds")}
    if error:
        whole["traceback"] = error
    # A field must not pass for the record's own time, level or message.
    whole |= {f"{key}_" if key in whole else key: value for key, value in fields.items()}
    return _escaped(json.dumps(whole, ensure_ascii=False))


def _as_text(line: dict[str, Any], fields: dict[str, Any], error: str) -> str:
    shown = "".join(f" {key}={json.dumps(value, ensure_ascii=False)}" for key, value in fields.items())
    head = f"{line['time']:%H:%M:%S} {line['level']:<7} {line['message']}"
    # Indented, so that no line of a traceback looks like a record.
    return "\n    ".join(_escaped(part) for part in [f"{head} {shown}".rstrip(), *error.split("\n")] if part)
