"""Strategies that load folders of photographs, after (DL)²."""
