"""Albums as grouped, and the world as it was looked at → what will be done with each, in words. Pure."""
