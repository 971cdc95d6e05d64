"""`python -m daemon.cli` → the command line."""

from daemon.cli import main

main()
