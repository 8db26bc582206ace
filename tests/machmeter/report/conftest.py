"""Samples in one line: a test names only what it is about."""

from collections.abc import Callable
from typing import Any

import pytest

from machmeter.model import Sample

MakeSample = Callable[..., Sample]


def make_sample(**changes: Any) -> Sample:
    ordinary: dict[str, Any] = {
        "started_at": "2026-03-01T08:00:00+00:00",
        "benchmark": "loaders.time_epoch",
        "params": (),
        "commit": "a" * 40,
        "environment": "py3.11",
        "tag": "epyc-2c-24g-3fa91c2e",
        "node": "node01",
        "run": "r1",
        "round": 1,
        "index": 0,
        "items": 1,
        "wall_s": 1.0,
    }
    return Sample(**{**ordinary, **changes})


@pytest.fixture
def sample() -> MakeSample:
    """Make a sample of one second for one item, with the given changes."""
    return make_sample
