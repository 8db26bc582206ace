"""The questions asked of every commit: thin asv classes, a parameter grid and one call each."""
