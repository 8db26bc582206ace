"""Profiles made of known shares, for tests of what subtracts them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from machmeter.profiles import Profile, ProfileFacts, Stack

FACTS = ProfileFacts(
    benchmark="suite.time_load",
    params=(),
    commit="a" * 40,
    tag="box",
    node="node",
    environment="py3.11",
    started_at="2026-11-20T00:00:00+00:00",
    clock="cpu",
    iterations=100,
    wall_s=1.0,
    cpu_s=1.0,
    run_delay_s=0.0,
    plain_wall_s=1.0,
    samples=100,
    errors=0,
    late_s=0.0,
    rate_hz=100,
    project=("pkg", "benchmarks"),
)


def profile(stacks: Mapping[Stack, int], **facts: Any) -> Profile:
    """One profile of given stacks."""
    return Profile(replace(FACTS, **facts), dict(stacks))


def drawn(
    costs: Mapping[str, float], *, seed: int, profiles: int = 8, samples: int = 200, **facts: Any
) -> list[Profile]:
    """Profiles drawn from the cost of each path; "pkg.a:f>pkg.a:g" is a path of two frames."""
    random = np.random.default_rng(seed)
    paths = [("main", *path.split(">")) for path in costs]
    shares = np.array(list(costs.values())) / sum(costs.values())
    return [
        profile(
            {path: int(count) for path, count in zip(paths, counts, strict=True) if count},
            samples=samples,
            **facts,
        )
        for counts in random.multinomial(samples, shares, size=profiles)
    ]
