"""What should be where, against what is there: files looked at byte by byte, judged, and mended where we made them."""
