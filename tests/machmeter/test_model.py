from typing import Any

import pytest

from machmeter.model import Fingerprint, Pressure, Sample


def sample(**changes: Any) -> Sample:
    fields: dict[str, Any] = {
        "started_at": "2026-01-01T00:00:00+00:00",
        "benchmark": "bench.time_x",
        "params": (),
        "commit": "c0ffee",
        "environment": "env",
        "tag": "tag",
        "node": "node",
        "run": "run",
        "round": 1,
        "index": 0,
        "items": 4,
        "wall_s": 1.0,
        "cpu_s": 1.0,
    }
    return Sample(**(fields | changes))


def test_figures_are_per_item() -> None:
    """Seconds of four items together, seconds of one."""
    assert (sample().wall_s_per_item, sample().cpu_s_per_item) == (0.25, 0.25)
    assert sample(cpu_s=None).cpu_s_per_item is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"run_delay_s": 0.04}, False),
        ({"run_delay_s": 0.06}, True),
        ({"pressure": Pressure(cpu_s=0.19)}, False),
        ({"pressure": Pressure(cpu_s=0.21)}, True),
        ({"run_delay_s": 0.5, "pressure": Pressure(others_cpu_s=0.11)}, False),
        ({"run_delay_s": 0.5, "pressure": Pressure(others_cpu_s=0.13)}, True),
        ({"pressure": Pressure(others_cpu_s=0.0, steal_s=0.05)}, False),
        ({"pressure": Pressure(others_cpu_s=0.0, steal_s=0.2)}, True),
        ({"wall_s": 0.04, "run_delay_s": 0.5, "pressure": Pressure(others_cpu_s=0.0)}, True),
    ],
)
def test_contention_is_what_others_did(changes: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    """Waiting beyond the bounds counts, unless nobody else ran: then its workers waited for each other."""
    assert sample(**changes).contended is expected


def test_the_tag_is_the_label_and_a_digest_of_the_identity_alone() -> None:
    """State and the order of facts do not matter; any fact does."""
    first = Fingerprint({"a": 1, "b": 2}, {"kernel": "6.1"}, "box")
    assert first.tag == Fingerprint({"b": 2, "a": 1}, {"kernel": "6.2"}, "box").tag
    assert first.tag != Fingerprint({"a": 1, "b": 3}, {"kernel": "6.1"}, "box").tag
    assert first.tag == f"box-{first.digest[:8]}"
