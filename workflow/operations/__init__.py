"""What people ask for, and what follows from it → done under the locks, with its rows, history and events."""
