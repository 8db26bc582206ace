"""Deterministic makers of realistic data, and the folder where they are kept."""
