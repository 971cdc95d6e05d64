"""What happens next, and who carries it."""
