"""The players that show a library to people: told of what changed, and asked whether they saw it; one file a kind."""
