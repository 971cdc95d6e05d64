"""The ground floor: what must exist before anything can run."""
