"""What several processes do at once: importable by them, as a test's own module is not."""

from collections.abc import Mapping
from typing import Any

from machmeter.probe.sidecar import Context, Sidecar


def append_many(context: Context, benchmark: str, row: Mapping[str, Any]) -> None:
    """Append a row two hundred times."""
    sidecar = Sidecar(context, benchmark, [])
    for _ in range(200):
        sidecar.append([row])
