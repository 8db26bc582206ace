"""What measurements mean: pure numpy, no files, no clocks."""
