"""One group → one staged folder. Every write to a media tree is here."""
