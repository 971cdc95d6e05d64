"""Disk, journal, sidecars and rows of the staging library, compared; what is provable is repaired."""
