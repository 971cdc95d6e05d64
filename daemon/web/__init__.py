"""The page and the API: everything a person decides, in a browser."""
