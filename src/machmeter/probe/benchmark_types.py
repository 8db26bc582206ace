"""What asv_runner meets in the benchmark process: the metered ``time_*`` and the type ``timeitem_*``."""

import itertools
import numbers
import re
import time
import timeit
from collections.abc import Callable
from typing import Any

from asv_runner.benchmarks._base import Benchmark, _get_first_attr
from asv_runner.benchmarks.time import TimeBenchmark
from asv_runner.benchmarks.timeraw import TimerawBenchmark

from machmeter.probe import gpu, work
from machmeter.probe.meter import Measurement, Meter, peak_rss_bytes
from machmeter.probe.path import path_in
from machmeter.probe.sidecar import Context, Sidecar


class TimeItemBenchmark(Benchmark):
    """Wall seconds per item of work: ``timeitem_*`` methods that return what they did.

    ``setup`` runs once in each process. The method is called ``warmup`` times untimed, then ``repeat``
    times timed, or until ``time_budget`` seconds have passed; each call is one sample. It returns an
    object with ``items`` (a positive number), ``bytes`` (a number or None) and ``result`` (what was
    computed, see `machmeter.probe.work.digest`); ``path`` may say what an item needs at least (see
    `machmeter.probe.path`).

    Attributes of the benchmark class
    ---------------------------------
    repeat : int, default 5
    warmup : int, default 1
    time_budget : float, seconds, default 10
    rounds : int, default 2
        Processes.
    """

    name_regex = re.compile(r"^(TimeItem[A-Z_].+|timeitem_.+)$")

    def __init__(self, name: str, func: Callable[..., Any], attr_sources: list[object]) -> None:
        super().__init__(name, func, attr_sources)
        self.type = "time"
        self.unit = "seconds"
        self.rounds = int(_get_first_attr(attr_sources, "rounds", 2))

    def run(self, *params: object) -> dict[str, Any]:
        """Take the samples; asv files their median.

        Returns
        -------
        dict
            ``samples`` (list of float, seconds per item) and ``number`` (1).
        """
        repeat = max(1, int(self._attribute("repeat", 5)))
        deadline = time.monotonic() + float(self._attribute("time_budget", 10.0))
        for _ in range(self._warmups()):
            self.func(*params)
        sidecar, meter = _sidecar(self), Meter()
        samples: list[float] = []
        while len(samples) < repeat and (not samples or time.monotonic() < deadline):
            meter.start()
            done = self.func(*params)
            meter.stop()
            taken = meter.take()
            row = _row(taken, items=items_of(self.name, done))
            samples.append(taken.wall_s / row["items"])
            if sidecar is not None:
                payload = getattr(done, "bytes", None)
                size = None if payload is None else float(payload)
                told = {"bytes": size, "work": work.digest(done.result)}
                sidecar.append([row | told | path_in(self.name, done)])
        return {"samples": samples, "number": 1}

    def _attribute(self, name: str, default: float) -> Any:  # noqa: ANN401 - whatever the suite says
        return _get_first_attr(self._attr_sources, name, default)

    def _warmups(self) -> int:
        # `asv run --quick` asks for no warm-up in asv's own word.
        return 0 if self._attribute("warmup_time", -1) == 0 else int(self._attribute("warmup", 1))


def install(profile: Callable[[Any, list[str], Context], None]) -> None:
    """Have every ``time_*`` and ``timeraw_*`` benchmark of this process metered.

    asv_runner takes the first type whose name fits and lists its own types first, so a subclass never
    gets its turn; `Benchmark.do_run` is the one place that all of them pass.

    Parameters
    ----------
    profile : callable
        Takes a benchmark, its parameters and the context, after the samples, where profiles are asked for.
    """
    plain = Benchmark.do_run

    def do_run(self: Benchmark) -> object:
        sidecar = _sidecar(self) if isinstance(self, TimeBenchmark) else None
        result = plain(self) if sidecar is None else _metered(self, plain, sidecar)
        context = Context.current()
        if context is not None and context.profile is not None and self.type == "time":
            profile(self, _params(self), context)
        return result

    Benchmark.do_run = do_run


class _MeteredTimer:
    """Stands for a `timeit.Timer`: same samples, with the instruments read outside the timed stretch."""

    def __init__(self, timer: Any, meter: Meter, *, starts: bool) -> None:  # noqa: ANN401 - asv's timers
        self._timer = timer
        self._meter = meter
        self._starts = starts
        self.readings: list[tuple[float, Measurement]] = []

    def timeit(self, number: int) -> float:
        if self._starts:
            self._meter.start()
        seconds = self._timer.timeit(number)
        self._meter.stop()
        self.readings.append((seconds, self._meter.take()))
        return float(seconds)


def _metered(benchmark: Any, run: Callable[[Any], Any], sidecar: Sidecar) -> Any:  # noqa: ANN401 - asv's types
    """Run a benchmark of asv's own with its timer and its setup hook observed."""
    meter, timers = Meter(), []
    raw = isinstance(benchmark, TimerawBenchmark)

    def observe(make: Callable[..., Any]) -> Callable[..., _MeteredTimer]:
        def make_metered(*params: object) -> _MeteredTimer:
            if not raw:
                benchmark.timer = gpu.synchronised(benchmark.timer)
            timers.append(_MeteredTimer(make(*params), meter, starts=raw))
            return timers[-1]

        return make_metered

    clock = None if raw else benchmark.timer
    benchmark.redo_setup = _between_stretches(benchmark.redo_setup, meter)
    benchmark._get_timer = observe(benchmark._get_timer)  # noqa: SLF001 - asv_runner offers no other place
    benchmark._get_interleaved_timer = observe(benchmark._get_interleaved_timer)  # noqa: SLF001
    result = run(benchmark)
    if isinstance(result, dict) and "samples" in result:
        sidecar.append(_rows(benchmark.name, result, timers, clock))
    return result


def _between_stretches(redo_setup: Callable[[], None], meter: Meter) -> Callable[[], None]:
    """Keep the benchmark's own setup out of what is measured: timers call it just before the statement."""

    def metered_setup() -> None:
        meter.stop()
        redo_setup()
        meter.start()

    return metered_setup


def _rows(
    name: str, result: dict[str, Any], timers: list[_MeteredTimer], clock: object
) -> list[dict[str, Any]]:
    """Rows of the samples that asv returned: the last readings; the earlier ones were its warm-up."""
    samples, number = result["samples"], result["number"]
    readings = [reading for timer in timers for reading in timer.readings][-len(samples) :]
    if [seconds / number for seconds, _ in readings] != list(samples):
        msg = f"machmeter: {name}: asv_runner returned other samples than its timer measured."
        raise RuntimeError(msg)
    rows = []
    for seconds, measurement in readings:
        row = _row(measurement, items=number)
        if clock is None:  # timeraw: the interpreter that ran the statement is its own, with its own start-up
            row |= {"wall_s": seconds, "cpu_s": None, "run_delay_s": None}
        elif clock is timeit.default_timer:
            row["wall_s"] = seconds
        rows.append(row)
    return rows


def _row(measurement: Measurement, items: float) -> dict[str, Any]:
    return {
        "started_at": measurement.started_at,
        "items": items,
        "wall_s": measurement.wall_s,
        "cpu_s": measurement.cpu_s,
        "run_delay_s": measurement.run_delay_s,
        "pressure": measurement.pressure,
        "gpu_s": measurement.gpu_s,
        "gpu": gpu.state(),
        "peak_rss_bytes": peak_rss_bytes(),
    }


def items_of(name: str, done: Any) -> float:  # noqa: ANN401 - whatever the suite returned
    """Items of work that a ``timeitem_*`` benchmark says it did.

    Raises
    ------
    TypeError
        If it returned something else.
    """
    items = getattr(done, "items", None)
    if not isinstance(items, numbers.Real) or not float(items) > 0 or not hasattr(done, "result"):
        msg = (
            f"{name} returned {type(done).__name__!r}. A timeitem_ benchmark returns an object with a "
            "positive number of items, bytes and result: without items there are no seconds per item."
        )
        raise TypeError(msg)
    return float(items)


def _sidecar(benchmark: Any) -> Sidecar | None:  # noqa: ANN401 - asv's types
    context = Context.current()
    return (
        None if context is None else Sidecar(context, benchmark.name, _params(benchmark), benchmark.version)
    )


def _params(benchmark: Any) -> list[str]:  # noqa: ANN401 - asv's types
    """Return asv's texts of the current parameters, found by identity: values need not be comparable."""
    current = benchmark._current_params  # noqa: SLF001 - asv_runner offers no other place
    texts = itertools.product(*benchmark.params)
    values = itertools.product(*benchmark._params)  # noqa: SLF001
    for text, value in zip(texts, values, strict=True):
        if all(mine is theirs for mine, theirs in zip(value, current, strict=True)):
            return list(text)
    return []
