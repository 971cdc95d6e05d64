"""What is known of an album → the tags of its files, in copies whose sound stays what it is."""
