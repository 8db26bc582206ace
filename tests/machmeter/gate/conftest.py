from collections.abc import Callable
from typing import Any

import pytest

from machmeter.pairs import Cost, Pair


@pytest.fixture
def pair() -> Callable[..., Pair]:
    """A pair of a computing benchmark without any change; keywords say what is different."""

    def made(base: Cost | None = None, head: Cost | None = None, **changes: Any) -> Pair:
        facts: dict[str, Any] = {
            "benchmark": "bench.time_x",
            "params": (),
            "generation": changes.get("index", 0),
            "index": 0,
            "first": "base",
            "order": "ABBA",
            "started_at": "2026-01-01T00:00:00+00:00",
            "seconds": 1.0,
            "contended": False,
            "cpu": 0.0,
            "wall": 0.0,
        }
        plain = Cost(wall_s=1.0, cpu_s=1.0, samples=2)
        return Pair(base=base or plain, head=head or plain, **facts | changes)

    return made
