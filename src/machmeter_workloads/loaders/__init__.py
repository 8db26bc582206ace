"""Loading strategies: one a file, one registry, one contract."""
