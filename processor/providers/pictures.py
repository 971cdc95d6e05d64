"""What providers say of a picture → the parts of an offer, or nothing: addresses, sizes, languages, votes. Pure."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from config.errors import Rejected
from processor.client.addresses import origin_of

MOST: Final = 200  # offers of one answer; nobody looks at more
LARGEST: Final = 100_000  # pixels


def address(url: Any, base_url: str) -> str | None:
    """Return where a picture is: by https, which providers have and do not always say; None for no address.

    On the provider's own host it is asked as the provider is, so that a mirror without TLS works.
    """
    if not isinstance(url, str):
        return None
    if url.startswith("//"):
        url = f"https:{url}"
    try:
        host = origin_of(url).host
    except Rejected:
        return None
    wanted = origin_of(base_url).scheme if host == origin_of(base_url).host else "https"
    return f"{wanted}:{url.partition(':')[2]}"


def pixels(value: int | None) -> int | None:
    """Return a width or a height; a provider's 0 says that it does not know."""
    return value if value and value <= LARGEST else None


def language(value: str | None) -> str | None:
    """Return the language of the text in a picture; None for none, which providers write as nothing, 00 or xx."""
    plain = (value or "").strip().lower()[:2]
    return plain if plain.isascii() and plain.isalpha() and plain != "xx" and len(plain) == 2 else None


def tail(url: str) -> str:
    """Return what tells a picture from all others of its provider, of whom every picture has an address of its own."""
    return urlsplit(url).path.lstrip("/")[-200:]
