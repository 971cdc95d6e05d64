"""Candidates and what was seen of pictures ↔ their rows. All SQL of both."""
