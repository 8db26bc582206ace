"""Measuring what every strategy costs on this node, with a few cubes of the data set."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.errors import UnwritableError
from machmeter_workloads.loaders.planner.rates import NodeRates, StrategyRates
from machmeter_workloads.loaders.planner.stopwatch import RepeatedCubes, Timing, time_steadily
from machmeter_workloads.loaders.planner.storage_rate import measure_storage
from machmeter_workloads.loaders.thread_strategies import THREAD_STRATEGIES
from machmeter_workloads.storage import page_cache
from machmeter_workloads.storage.formats import FORMATS
from machmeter_workloads.storage.source import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machmeter_workloads.loaders.contract import LoaderSettings

# Cubes that stand for the whole series.
SAMPLE = 8
# For one measurement of one strategy, or of the storage.
MEASURE_S = 0.05
# A file of which less is in the page cache is a cold one.
WARM_SHARE = 0.5
# A strategy that is so many times slower than the best on one thread is not measured on several.
HOPELESS = 2.0
# What a conversion could add in a moment, for whole cubes and for windows.
QUICKLY_MADE = ("raw16", "lz4_16")
QUICKLY_MADE_FOR_WINDOWS = ("b2nd", *QUICKLY_MADE)


@dataclass(frozen=True)
class Sample:
    """The first cubes of a series in one format.

    Parameters
    ----------
    cubes : CubeSet
        The series.
    format_name : str
        The format.
    file_bytes : float
        Of a cube and its mask, on average.
    cold_share : float
        Of a cube, what is not in the page cache, on average.
    cold : tuple of Path
        Files of which most is not there.
    """

    cubes: CubeSet
    format_name: str
    file_bytes: float
    cold_share: float
    cold: tuple[Path, ...]

    @classmethod
    def of(cls, cubes: CubeSet, format_name: str) -> Self:
        """Look at the files, without reading them.

        Parameters
        ----------
        cubes : CubeSet
            A series.
        format_name : str
            Of which it has all files.

        Returns
        -------
        Sample
        """
        count = min(SAMPLE, cubes.count)
        paths = [cubes.cube_path(format_name, index) for index in range(count)]
        sizes = [path.stat().st_size for path in (*paths, *map(cubes.mask_path, range(count)))]
        resident = {path: page_cache.resident(path) for path in paths}
        cold = tuple(path for path, share in resident.items() if share < WARM_SHARE)
        return cls(cubes, format_name, sum(sizes) / count, 1 - sum(resident.values()) / count, cold)


def sample_formats(cubes: CubeSet) -> dict[str, Sample]:
    """Look at every format that was made.

    Parameters
    ----------
    cubes : CubeSet
        A series.

    Returns
    -------
    dict of str to Sample
        By format.
    """
    ends = {0, cubes.count - 1}
    names = [name for name in FORMATS if all(cubes.cube_path(name, index).exists() for index in ends)]
    return {name: Sample.of(cubes, name) for name in names}


def usable_cpus() -> int:
    """Count the CPUs that this process may run on."""
    return len(os.sched_getaffinity(0))


def survey(samples: dict[str, Sample], settings: LoaderSettings, deadline: float) -> NodeRates:
    """Measure.

    Parameters
    ----------
    samples : dict of str to Sample
        The formats that were made, at least one.
    settings : LoaderSettings
        Crop and pace count.
    deadline : float
        When to begin no further measurement, on the clock of ``time.monotonic``. The best strategies of most
        nodes come first, and one is always measured.

    Returns
    -------
    NodeRates
    """
    cold = [path for sample in samples.values() for path in sample.cold]
    rates = NodeRates(usable_cpus(), ())
    if cold:
        one, all_of_them = measure_storage(cold, rates.cpus, MEASURE_S)
        rates = replace(rates, storage_bytes_per_s=all_of_them, reader_bytes_per_s=one)
    if settings.bytes_per_s is not None:
        rates = replace(
            rates,
            storage_bytes_per_s=min(rates.storage_bytes_per_s, settings.bytes_per_s),
            reader_bytes_per_s=min(rates.reader_bytes_per_s, settings.bytes_per_s),
        )
    try:
        return replace(rates, strategies=tuple(_strategy_rates(samples, settings, rates.cpus, deadline)))
    finally:
        # Left as it was found: what is chosen for a cold cache must be chosen for the next epoch, too.
        page_cache.drop(cold)


def _strategy_rates(
    samples: dict[str, Sample], settings: LoaderSettings, cpus: int, deadline: float
) -> Iterator[StrategyRates]:
    best_s = float("inf")
    for name in _usable(settings):
        format_name = THREAD_STRATEGIES[name].format_name
        if format_name not in samples or (time.monotonic() > deadline and best_s < float("inf")):
            continue
        rates = _measured(name, samples[format_name], settings, cpus, best_s)
        best_s = min(best_s, rates.alone_cpu_s)
        yield rates
    for format_name in QUICKLY_MADE if settings.crop is None else QUICKLY_MADE_FOR_WINDOWS:
        if format_name not in samples and time.monotonic() < deadline:
            yield from _makeshift_rates(format_name, samples, settings, cpus)


def _usable(settings: LoaderSettings) -> list[str]:
    # Pages that are mapped cannot be paced.
    return [name for name in THREAD_STRATEGIES if name != "mapped" or settings.bytes_per_s is None]


def _measured(
    name: str, sample: Sample, settings: LoaderSettings, cpus: int, best_s: float, *, made: bool = True
) -> StrategyRates:
    # CPU seconds: what else runs on the node does not count for them, and the race measures the rest.
    alone_s = together_s = _time(name, sample, settings, 1).cpu_s
    if made and cpus > 1 and alone_s < HOPELESS * best_s:
        together_s = _time(name, sample, settings, cpus).cpu_s
    # A pace counts what comes from the page cache, too.
    cold_share = sample.cold_share if settings.bytes_per_s is None else 1.0
    return StrategyRates(name, sample.format_name, made, sample.file_bytes, cold_share, alone_s, together_s)


def _time(name: str, sample: Sample, settings: LoaderSettings, threads: int) -> Timing:
    settings = replace(settings, batch_size=1, workers=threads, augment=False, device="cpu", bytes_per_s=None)
    # Cold files are read once, which may take long.
    distinct = 1 if sample.cold else SAMPLE
    repeated = RepeatedCubes.of(sample.cubes, distinct)
    return time_steadily(repeated, THREAD_STRATEGIES[name], settings, threads + 1, MEASURE_S)


def _makeshift_rates(
    format_name: str, samples: dict[str, Sample], settings: LoaderSettings, cpus: int
) -> Iterator[StrategyRates]:
    """Measure a format that was not made, with one cube in the folder for temporary files."""
    cold_share = sum(sample.cold_share for sample in samples.values()) / len(samples)
    source = next(iter(samples.values()))
    # No room there is no reason to fail.
    with contextlib.suppress(UnwritableError, OSError), tempfile.TemporaryDirectory() as folder:
        _make_one(source, format_name, Path(folder))
        sample = Sample.of(CubeSet(source.cubes.spec, 1, Path(folder)), format_name)
        sample = replace(sample, cold_share=cold_share)
        for name in _usable(settings):
            if THREAD_STRATEGIES[name].format_name == format_name:
                yield _measured(name, sample, settings, cpus, best_s=0, made=False)


def _make_one(source: Sample, format_name: str, folder: Path) -> None:
    copy = CubeSet(source.cubes.spec, 1, folder)
    cube = FORMATS[source.format_name].read(source.cubes.cube_path(source.format_name, 0), UNLIMITED)
    for path in (copy.cube_path(format_name, 0), copy.mask_path(0)):
        path.parent.mkdir()
    FORMATS[format_name].write(copy.cube_path(format_name, 0), cube)
    shutil.copyfile(source.cubes.mask_path(0), copy.mask_path(0))
