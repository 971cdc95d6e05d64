"""One phase a file, found by its name; each holds one PHASE."""
