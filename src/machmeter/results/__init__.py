"""The only modules that touch files of results."""
