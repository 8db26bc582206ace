"""A against B, now: two commits measured in turns until the answer is certain."""
