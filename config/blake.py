"""Bytes → their BLAKE2b digest, without hashlib, which loads OpenSSL with it: a twentieth of the start of a scan."""

from __future__ import annotations

from _blake2 import blake2b  # hashlib has it from here, too

__all__ = ["blake2b"]
