"""Rows of a scan → groups of files that belong together, pure; `scanner/kinds` says which steps make which kind."""
