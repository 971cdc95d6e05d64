"""The command line: one file a command, each parse → bootstrap → one verb → print."""
