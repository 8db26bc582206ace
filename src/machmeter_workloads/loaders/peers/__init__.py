"""The loaders that people would pick today, each used as its documentation recommends."""
