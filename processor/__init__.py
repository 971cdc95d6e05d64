"""Groups → staged albums, and those in libraries. Every write to a media tree is here, and what asks other machines."""
