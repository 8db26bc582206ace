"""Why: profiles of two commits, their difference, the function that explains it."""
