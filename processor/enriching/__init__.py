"""The steps of enriching: what others know of an album → its release, words and pictures, kept with their source."""
