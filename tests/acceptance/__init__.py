"""Real players, where they are installed, asked what they show of what was published; `scripts/players` runs it."""
