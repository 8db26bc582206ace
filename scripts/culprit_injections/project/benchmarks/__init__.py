"""Benchmarks of tinyscope."""
