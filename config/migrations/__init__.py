"""The schema's history: one file a revision, run by `greenroom migrate` and at every start."""
