"""Greenroom and other programs at the same work, side by side → how many times faster or slower it is."""
