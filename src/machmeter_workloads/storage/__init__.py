"""Bytes on disk: file formats, and writing that is all or nothing."""
