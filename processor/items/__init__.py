"""Staged albums ↔ rows: what is known of each, found, compared with its folder, and missed when it is gone."""
