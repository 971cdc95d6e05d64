"""What people ask for by command, page or API → looked at, done in a thread or at once, and who said it."""
