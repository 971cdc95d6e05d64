"""Pictures offered for an album or an artist → the best of them, whole, in a cache that publishing and pages read."""
