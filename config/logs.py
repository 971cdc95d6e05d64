"""Log records → stderr: text for a terminal, one JSON object a line for a journal; secrets replaced in both."""

from __future__ import annotations

import base64
import json
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from loguru import logger

from config.reasons import MASK, show_path

if TYPE_CHECKING:
    from loguru import Message, Record

# The level where none is asked for: what runs until it is stopped tells how it goes, what prints a result need not.
RUNNING_LEVEL, RESULT_LEVEL = "INFO", "WARNING"
MIN_SECRET = 4  # characters; replacing shorter ones would garble every line


def setup_logs(level: str, style: str, secrets: Iterable[str] = ()) -> None:
    """Send logs to stderr. `style` is text, json or auto; each of `secrets` is masked by value wherever it turns up."""
    as_json = style == "json" or (style == "auto" and not sys.stderr.isatty())
    mask = _Mask(secrets)

    def write(message: Message) -> None:
        record = message.record
        fields = {key: mask.value(value) for key, value in record["extra"].items()}
        line = {"time": record["time"], "level": record["level"].name, "message": mask.text(record["message"])}
        error = mask.text(_traceback(record))
        sys.stderr.write((_as_json if as_json else _as_text)(line, fields, error) + "\n")

    logger.remove()
    # diagnose would print the values of local variables, and backtrace the callers' lines: secrets are among them.
    logger.add(write, level=level, diagnose=False, backtrace=False, catch=True)


class _Mask:
    """Replaces secrets, in every form they are usually written in, before anything is escaped or serialised."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= MIN_SECRET for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)  # else a part is masked and the rest stays
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text

    def value(self, value: Any) -> Any:
        """Return a field as JSON can hold it: paths as text, unknown types as their text."""
        if isinstance(value, bytes):
            return self.text(show_path(value))
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        masked = self.text(str(value))
        return value if isinstance(value, bool | int | float | None) and masked == str(value) else masked


def _forms(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode()
    return {secret, quote(secret, safe=""), quote_plus(secret), quote(secret), repr(secret)[1:-1], encoded}


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
