"""Where metadata and pictures come from: one file a provider, and the shape of what they tell."""
