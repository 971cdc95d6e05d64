"""Which release an album is, judged from what both say of themselves. Pure, but for rows.py."""
