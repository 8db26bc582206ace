"""Pages, tables and JSON: what a person reads of the samples."""
