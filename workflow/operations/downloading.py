"""A picture on offer → its bytes, from the provider that told of it; none while no other machine may be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.boot import BootSettings
from config.errors import Rejected, Retryable

if TYPE_CHECKING:
    from processor.artwork.desk import Fetch
    from processor.artwork.offer import Offer
    from processor.providers.registry import Providers


def downloads(providers: Providers) -> Fetch:
    """Return how pictures are downloaded.

    It raises what `Providers.picture` raises; Retryable (`offline`) where GREENROOM_OFFLINE says that nobody is asked;
    Rejected for a picture, or a provider, that is no more.
    """
    from processor.providers.registry import all_providers

    is_offline = BootSettings().offline

    def fetch(offer: Offer, small: bool) -> bytes:
        if is_offline:
            raise Retryable("no provider is asked for a picture: GREENROOM_OFFLINE is set", code="offline")
        if offer.provider not in all_providers():
            raise Rejected(f"no provider is called {offer.provider} any more", code="no_provider")
        answer = providers.picture(offer, preview=small)
        if not answer.found:
            raise Rejected(f"{offer.provider} does not have the picture any more", code="gone")
        return answer.body

    return fetch
