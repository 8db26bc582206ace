"""The strategy "auto": measures this node and this data set, and takes what is best for them."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from machmeter_workloads.errors import MissingDataError
from machmeter_workloads.loaders.planner.choice import choose
from machmeter_workloads.loaders.planner.race import race
from machmeter_workloads.loaders.planner.survey import sample_formats, survey
from machmeter_workloads.loaders.thread_loader import ThreadLoader
from machmeter_workloads.loaders.thread_strategies import THREAD_STRATEGIES

if TYPE_CHECKING:
    from machmeter_workloads.data.cube_set import CubeSet
    from machmeter_workloads.loaders.contract import Loader, LoaderSettings
    from machmeter_workloads.loaders.planner.choice import Plan

# What is begun before takes its time: the first cubes of a slow storage, or of a large format.
SURVEY_S = 1.2
RACE_S = 0.8


def plan(cubes: CubeSet, settings: LoaderSettings) -> Plan:
    """Measure storage, decoding and threads, predict every strategy, and have the best ones race.

    Parameters
    ----------
    cubes : CubeSet
        What is to be loaded. What of it is in the page cache now is taken to be there later.
    settings : LoaderSettings
        How it is to be loaded; ``workers`` and ``prefetch`` are what is chosen here.

    Returns
    -------
    Plan
        After about two seconds.

    Raises
    ------
    MissingDataError
        The data set was not made in any format.
    """
    samples = sample_formats(cubes)
    if not samples:
        raise MissingDataError.of(cubes.cube_path("original", 0))
    start = time.monotonic()
    predicted = choose(survey(samples, settings, start + SURVEY_S), settings.batch_size)
    return race(predicted, samples, settings, time.monotonic() + RACE_S)


class AutoLoader(ThreadLoader):
    """A loader by plan.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded.
    settings : LoaderSettings
        How it is loaded, but for ``workers`` and ``prefetch``.
    plan : Plan
        What was chosen.

    Attributes
    ----------
    plan : Plan
        The given one.
    """

    def __init__(self, cubes: CubeSet, settings: LoaderSettings, plan: Plan) -> None:
        self.plan = plan
        strategy = THREAD_STRATEGIES[plan.chosen.strategy]
        super().__init__(cubes, strategy, replace(settings, workers=plan.chosen.threads), plan.slots)


def load_auto(cubes: CubeSet, settings: LoaderSettings) -> Loader:
    """Load with whatever strategy, format, threads and slots are the quickest here.

    Parameters
    ----------
    cubes : CubeSet
        What is loaded; at least one of its formats must have been made.
    settings : LoaderSettings
        How it is loaded; ``workers`` and ``prefetch`` do not count.

    Returns
    -------
    Loader
        Its ``plan`` says why.

    Raises
    ------
    MissingDataError
        The data set was not made in any format.
    UnfitSizeError
        The crop does not fit into the cubes.
    """
    return AutoLoader(cubes, settings, _remembered(cubes, _deciding(settings), _warm_formats(cubes)))


# Two seconds are worth remembering, within a process: what holds on this node now may not hold elsewhere.
@lru_cache(maxsize=16)
def _remembered(cubes: CubeSet, settings: LoaderSettings, warm_formats: frozenset[str]) -> Plan:
    del warm_formats
    return plan(cubes, settings)


def _deciding(settings: LoaderSettings) -> LoaderSettings:
    """Keep what decides which strategy is best."""
    return replace(settings, seed=0, augment=False, workers=0, prefetch=0)


def _warm_formats(cubes: CubeSet) -> frozenset[str]:
    samples = sample_formats(cubes).values()
    return frozenset(sample.format_name for sample in samples if not sample.cold)
