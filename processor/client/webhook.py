"""A message → JSON posted to an address an admin named, signed so that its receiver knows who sent it, and when.

The signature is HMAC-SHA256 over the time, a dot and the body, with the secret both sides have; in hex, as GitHub's
and Stripe's are.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from config.errors import Rejected
from processor.client.service import Service

if TYPE_CHECKING:
    from processor.client.client import Client

SIGNATURE: Final = "X-Greenroom-Signature"  # sha256=…
TIMESTAMP: Final = "X-Greenroom-Timestamp"  # seconds since 1970, signed with the body against replays


def deliver(client: Client, url: str, secret: str, message: Mapping[str, Any], now: float) -> None:
    """Post a message. Raises what the client raises, and Rejected when there is nothing at the address.

    Without a secret it is not signed. The address may be in the local network: an admin named it.
    """
    at = str(int(now))
    headers = {TIMESTAMP: at, **({SIGNATURE: signature(secret, at, encoded(message))} if secret else {})}
    hidden = (url, url.partition("?")[0], secret)  # many an address is all that its receiver asks for
    name = f"webhook {hashlib.sha256(url.encode()).hexdigest()[:12]}"
    service = Service(name, local=(url,), secrets=tuple(filter(None, hidden)))
    if not client.post(url, service=service, json=message, headers=headers, accept="any").found:
        raise Rejected("there is nothing at the address of a webhook; look at phase.notify.webhooks", code="no_webhook")


def signature(secret: str, at: str, body: bytes) -> str:
    """Return what the header says of a body."""
    return "sha256=" + hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def encoded(message: Mapping[str, Any]) -> bytes:
    """Return a message as the client puts it on the wire."""
    return json.dumps(message, allow_nan=False).encode()
