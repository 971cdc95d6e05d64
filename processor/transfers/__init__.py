"""One journalled transfer → files in their new place, step by step, each of which may be the last; and back."""
