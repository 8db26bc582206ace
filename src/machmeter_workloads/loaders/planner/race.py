"""Running the best candidates against each other: a prediction is no measurement."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.loaders.planner.choice import Candidate, Plan, decide, ring_slots
from machmeter_workloads.loaders.planner.stopwatch import (
    FEWEST_BATCHES,
    RepeatedCubes,
    time_once,
    time_steadily,
)
from machmeter_workloads.loaders.planner.survey import MEASURE_S, SAMPLE
from machmeter_workloads.loaders.thread_strategies import THREAD_STRATEGIES
from machmeter_workloads.storage import page_cache

if TYPE_CHECKING:
    from machmeter_workloads.loaders.contract import LoaderSettings
    from machmeter_workloads.loaders.planner.survey import Sample

CONTENDERS = 3
ROUNDS = 3
# A candidate that is predicted to be slower than the best by more does not take part.
WITHIN = 1.5


def contenders(plan: Plan) -> list[Candidate]:
    """Give those who race.

    Parameters
    ----------
    plan : Plan
        By prediction.

    Returns
    -------
    list of Candidate
        The best of each strategy, the chosen one first; empty if nobody comes near it.
    """
    best: dict[str, Candidate] = {}
    for each in plan.candidates:
        if each.made and each.predicted_s <= WITHIN * plan.chosen.predicted_s:
            best.setdefault(each.strategy, each)
    return list(best.values())[:CONTENDERS] if len(best) > 1 else []


def race(plan: Plan, samples: dict[str, Sample], settings: LoaderSettings, deadline: float) -> Plan:
    """Choose again, by measuring the best candidates in turns.

    Parameters
    ----------
    plan : Plan
        By prediction.
    samples : dict of str to Sample
        By format.
    settings : LoaderSettings
        How is loaded.
    deadline : float
        When to begin no further run, on the clock of ``time.monotonic``.

    Returns
    -------
    Plan
        The given one if there was no time to run every contender once.
    """
    racing = contenders(plan)
    seconds: dict[Candidate, float] = {}
    for _ in range(ROUNDS):
        for each in racing:
            if time.monotonic() + _expected_s(each) > deadline:
                break
            # The quickest of several: whatever disturbs a run only makes it slower.
            taken = _run(each, samples[each.format_name], settings)
            seconds[each] = min(taken, seconds.get(each, taken))
    if not racing or len(seconds) < len(racing):
        return plan
    candidates = [replace(each, measured_s=seconds.get(each)) for each in plan.candidates]
    return decide(plan.rates, candidates, settings.batch_size)


def _run(candidate: Candidate, sample: Sample, settings: LoaderSettings) -> float:
    strategy = THREAD_STRATEGIES[candidate.strategy]
    # Single cubes: as many threads are busy, and less memory is touched for the first time.
    settings = replace(settings, batch_size=1, workers=candidate.threads, augment=False)
    slots = ring_slots(candidate.threads, 1)
    if sample.cold:
        page_cache.drop(sample.cold)
        few = CubeSet(sample.cubes.spec, min(SAMPLE, sample.cubes.count), sample.cubes.folder)
        return time_once(few, strategy, settings, slots).wall_s
    endless = RepeatedCubes.of(sample.cubes, SAMPLE)
    return time_steadily(endless, strategy, settings, slots, MEASURE_S).wall_s


def _expected_s(candidate: Candidate) -> float:
    cubes = ring_slots(candidate.threads, 1) + FEWEST_BATCHES
    return max(MEASURE_S, cubes * candidate.predicted_s)
