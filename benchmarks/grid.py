"""Which grid is measured: MACHMETER_GRID is "small" (minutes, the default) or "full" (the nightly run)."""

import os

NAME = os.environ.get("MACHMETER_GRID", "small")
if NAME not in ("small", "full"):
    msg = f'MACHMETER_GRID is {NAME!r}, which is no grid. Nothing is measured. Set it to "small" or "full".'
    raise ValueError(msg)

FULL = NAME == "full"


def grid(small, full):
    """Choose the values of a parameter."""
    return full if FULL else small
