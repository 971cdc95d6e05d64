"""The process: schedule, commands, signals."""
