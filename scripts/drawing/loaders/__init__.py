"""Figures of what ``measure_loaders.py`` and ``measure_photos.py`` recorded, one file a figure."""
