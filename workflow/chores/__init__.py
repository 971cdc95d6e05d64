"""One chore a file, found by its name; each holds one CHORE."""
