"""The pages, one module each: a `router`, and a `LINK` if it is reached from everywhere."""
