"""Inbound tree → rows of a scan DB → groups. Reads only."""
