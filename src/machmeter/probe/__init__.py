"""How long: what runs inside the benchmark process, on the standard library alone."""
