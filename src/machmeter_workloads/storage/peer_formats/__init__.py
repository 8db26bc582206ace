"""Storage formats that only the compared libraries read."""
