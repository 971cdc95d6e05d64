"""A template and what it shows → HTML. Every value is escaped, whatever the template's name."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, RedirectResponse

from config.reasons import counted, figure, isolated, show_path, show_text
from daemon.web.below import put_below
from daemon.web.navigation import links
from daemon.words import SAID, stage_said
from processor.metadata.known import credited
from processor.planning.space import human_size
from processor.transfers.transfer import path_from_json

HERE: Final = Path(__file__).parent
_TYPED: Final = re.compile("`([^`]+)`")
_OWN_FORM: Final = Markup('<input type="hidden" name="csrf" value="{}">')  # stands in each form: see access.own_form


def page(request: Request, template: str, *, code: int = 200, **shown: Any) -> HTMLResponse:
    """Return a page, or the part of one that htmx asked for."""
    actor = getattr(request.state, "actor", None)
    path, base = request.url.path, request.app.state.greenroom.boot.web_base
    said = SAID.get(request.query_params.get("said", ""))
    common = {
        "actor": actor,
        "own_form": _OWN_FORM.format(actor.csrf if actor else ""),
        "links": links(),
        "path": path,
        "base": base,
        "now": dt.datetime.now(dt.UTC),
        "said": said,
        "code": code,
    }
    return HTMLResponse(put_below(base, _environment().get_template(template).render(common | shown)), code)


def lead(address: str, said: str) -> RedirectResponse:
    """Lead to a page that says what was done: a key of SAID."""
    path, hash_mark, part = address.partition("#")
    return RedirectResponse(f"{path}?said={said}{hash_mark}{part}", 303)


@functools.cache
def _environment() -> Environment:
    made = Environment(
        autoescape=True,
        loader=FileSystemLoader(HERE / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"path": show_path, "text": _text, "when": when, "size": human_size, "duration": duration}
    made.filters |= {"credited": credited, "album_name": album_name, "sentence": sentence, "stage": stage_said}
    made.filters |= {"message": message, "counted": counted, "figure": figure, "alike": alike}
    made.filters["kept_path"] = lambda kept: show_path(path_from_json(kept))
    made.globals["static"] = _static
    return made


@functools.cache
def _static(name: str) -> str:
    """Return the address of one of our files; it changes with what is in there, so browsers may keep it for good."""
    return f"/static/{name}?v={hashlib.sha256((HERE / 'static' / name).read_bytes()).hexdigest()[:12]}"


def _text(value: object) -> str:
    """Return what a tag says without the control characters a terminal or a log would obey."""
    return "" if value is None else show_text(str(value))


def album_name(item: Mapping[str, Any], most: int = 10_000) -> str:
    """Return what an album is called, artist and title each shortened, and each kept from turning the other around."""
    artist, title = item["album_artist"] or "Unknown artist", item["album"] or "Unknown album"
    return f"{isolated(_short(artist, most))} – {isolated(_short(title, most))}"


def alike(reasons: Iterable[Mapping[str, str]]) -> list[tuple[str, int]]:
    """Return each message once, in their order, with how often it is there: of many files the same may be said."""
    return list(Counter(reason["message"] for reason in reasons).items())


def message(value: object) -> Markup:
    """Return a message with what people may type, which stands between backticks, as such."""
    return Markup(_TYPED.sub(r"<code>\1</code>", str(escape(_text(value)))))  # noqa: S704 - all else is escaped


def sentence(value: object) -> Markup:
    """Return a message of an error as a sentence: it begins with a capital and ends."""
    text = _text(value).strip()
    return message(text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", ":", "`")) else "."))


def _short(text: str, most: int) -> str:
    shown = _text(text)
    return shown if len(shown) <= most else f"{shown[: most - 1].rstrip()}…"


def when(moment: dt.datetime | str | None) -> Markup | str:
    """Return a time, also one that is text in ISO 8601, as a person of this machine reads it, and for programs."""
    if moment is None:
        return "never"
    if isinstance(moment, str):
        try:
            moment = dt.datetime.fromisoformat(moment)
        except ValueError:
            return _text(moment)
    shown = f"{moment.astimezone():%Y-%m-%d %H:%M}"
    return Markup("<time datetime='{}'>{}</time>").format(moment.isoformat(), escape(shown))


def duration(milliseconds: int | None) -> str:
    """Return a length as mm:ss, or h:mm:ss; "–" if nobody knows it."""
    if milliseconds is None:
        return "–"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
