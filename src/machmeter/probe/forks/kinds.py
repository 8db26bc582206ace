"""How a sample of each kind of benchmark is taken: timed calls, interpreters of their own, values."""

import contextlib
import dataclasses
import gc
import itertools
import os
import statistics
import subprocess
import sys
import textwrap
import time
import timeit
from collections.abc import Iterator
from typing import Any

from asv_runner.benchmarks._base import _get_first_attr
from asv_runner.benchmarks.time import TimeBenchmark
from asv_runner.benchmarks.timeraw import TimerawBenchmark

from machmeter.probe import work
from machmeter.probe.benchmark_types import TimeItemBenchmark, items_of
from machmeter.probe.meter import Meter

#: Before the first sample come two calls: caches, lazy imports and the adaptive interpreter settle. One must
#: do where a call takes longer than this many seconds.
_SLOW_S = 0.5
#: How many times longer than its samples a benchmark's setup may take while the number of calls is sought.
_SETUP_FACTOR = 5.0

#: What a separate interpreter runs. The difference of two complex numbers is both clocks' difference.
_RAW = """\
import time, timeit
timer = timeit.Timer({statement!r}, {setup!r}, lambda: complex(time.perf_counter(), time.process_time()))
seconds = timer.timeit({number})
print("machmeter:", seconds.real, seconds.imag)
"""


class Kind:
    """One benchmark that has been set up.

    Parameters
    ----------
    benchmark : asv_runner's Benchmark
        With its parameters set and its setup done.

    Attributes
    ----------
    name : str
        "time" is compared by seconds a call, "value" by the number that the benchmark returns.
    number : int
        Calls a sample that the suite asks for; 0 leaves it to the driver.
    most : int or None
        Most samples that the suite allows in one process; None leaves it to the driver.
    work : str or None
        Digest of what was computed, where the benchmark says what that is.
    """

    name = "time"

    def __init__(self, benchmark: Any) -> None:  # noqa: ANN401 - asv_runner's types
        self._benchmark = benchmark
        self._params = benchmark._build_params()  # noqa: SLF001 - asv_runner offers no other place
        self.number = 0
        self.most: int | None = None
        self.work: str | None = None

    def warm_up(self) -> float | None:
        """Call the benchmark before it is timed.

        Returns
        -------
        float or None, seconds
            What the last call took; None where nothing may be called before the samples.
        """
        return None

    def calls_for(self, seconds: float) -> int:
        """Find how many calls make a sample of about so many seconds, where the suite does not say.

        Calls are tried in growing numbers, as `timeit.Timer.autorange` does: the first ones are slow, and
        of very short ones the clock itself is a large part.
        """
        if self.number:
            return self.number
        number = 1
        while True:
            began = time.perf_counter()
            taken = float(self.sample(number)["wall_s"])
            if taken >= seconds or time.perf_counter() - began > _SETUP_FACTOR * seconds:
                return number
            number = max(2 * number, min(10 * number, round(number * seconds / max(taken, 1e-9))))

    def sample(self, number: int) -> dict[str, Any]:
        """Take one sample of `number` calls.

        Returns
        -------
        dict
            ``items``; ``wall_s``, ``cpu_s``, ``run_delay_s``, ``gpu_s`` of all of them, or ``value``.
        """
        raise NotImplementedError


class _Calls(Kind):
    """``time_*``: the function in a loop, without garbage collection, as `timeit` does it."""

    def __init__(self, benchmark: Any) -> None:  # noqa: ANN401
        super().__init__(benchmark)
        self._meter = Meter()
        self.number = int(benchmark.number)
        self.most = _most(benchmark.repeat)

    def warm_up(self) -> float | None:
        if self._benchmark.warmup_time == 0:  # the suite times the first call
            return None
        first = float(self.sample(1)["wall_s"])
        return first if first > _SLOW_S else min(first, float(self.sample(1)["wall_s"]))

    def sample(self, number: int) -> dict[str, Any]:
        with _without_collection():
            self._take(number)
        return _row(self._meter, number)

    def _take(self, number: int) -> None:
        call, params = self._benchmark.func, self._params
        self._meter.start()
        for _ in itertools.repeat(None, number):
            call(*params)
        self._meter.stop()


class FreshCalls(_Calls):
    """``time_*`` with a setup: set up anew before each call, as asv does, and only the calls count.

    A call that is a sample by itself is read with all instruments. Several short ones are read with two
    clocks only: the instruments would take longer than the calls. Child processes are then not counted.

    Attributes
    ----------
    steady : bool
        Whether all calls of a sample share one setup. Never so in what is timed; a profile sees little of
        the calls otherwise.
    """

    def __init__(self, benchmark: Any) -> None:  # noqa: ANN401
        super().__init__(benchmark)
        self.steady = False

    def sample(self, number: int) -> dict[str, Any]:
        """Take one sample, each call after a setup of its own where calls do not share one."""
        if number == 1 or self.steady:
            self._benchmark.redo_setup()
            return super().sample(number)
        wall_s = cpu_s = 0.0
        call, params = self._benchmark.func, self._params
        wall, cpu = time.perf_counter, time.process_time
        self._meter.start()
        with _without_collection():
            for _ in range(number):
                self._benchmark.redo_setup()
                cpu_began, began = cpu(), wall()
                call(*params)
                wall_s += wall() - began
                cpu_s += cpu() - cpu_began
        self._meter.stop()
        row = _row(self._meter, number)
        share = wall_s / row["wall_s"]  # waiting for a core is spread over setups and calls
        delay = None if row["run_delay_s"] is None else row["run_delay_s"] * share
        return row | {"wall_s": wall_s, "cpu_s": cpu_s, "run_delay_s": delay}


class _TimerCalls(_Calls):
    """``time_*`` with the suite's own ``timer``: that clock decides."""

    def sample(self, number: int) -> dict[str, Any]:
        benchmark, params = self._benchmark, self._params
        timer = timeit.Timer(lambda: benchmark.func(*params), benchmark.redo_setup, timer=benchmark.timer)
        self._meter.start()
        seconds = timer.timeit(number)
        self._meter.stop()
        return _row(self._meter, number) | {"wall_s": seconds, "cpu_s": None}


class Raw(Kind):
    """``timeraw_*``: statements in an interpreter of their own, whose start is not timed."""

    def __init__(self, benchmark: Any) -> None:  # noqa: ANN401
        super().__init__(benchmark)
        self.number = int(benchmark.number)
        self.most = _most(benchmark.repeat)

    def sample(self, number: int) -> dict[str, Any]:
        """Run the statement in a new interpreter."""
        done = subprocess.run(
            [sys.executable, "-c", self.program(number)],
            env=self.variables(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return self.row(number, done.stdout)

    def program(self, number: int, before: str = "") -> str:
        """Return what the interpreter runs; ``before`` is run when it is set up and nothing is timed yet."""
        stated = self._benchmark.func(*self._params)
        statement, setup = stated if isinstance(stated, tuple) else (stated, "")
        return _RAW.format(
            statement=textwrap.dedent(statement),
            setup=f"{textwrap.dedent(setup)}\n{before}",
            number=number,
        )

    def variables(self) -> dict[str, str]:
        """Return the environment that it runs in."""
        return os.environ | (self._benchmark._timeraw_env or {})  # noqa: SLF001

    def row(self, number: int, said: str) -> dict[str, Any]:
        """Read what the interpreter printed."""
        wall_s, cpu_s = map(float, list(filter(_is_answer, said.splitlines()))[-1].split()[1:])
        return {"items": number, "wall_s": wall_s, "cpu_s": cpu_s, "run_delay_s": None, "gpu_s": None}


class _Items(_Calls):
    """``timeitem_*``: calls that say how much they did and what they computed."""

    def __init__(self, benchmark: Any) -> None:  # noqa: ANN401
        Kind.__init__(self, benchmark)
        self._meter = Meter()
        self.number = 1

    def warm_up(self) -> float | None:
        times = int(_attribute(self._benchmark, "warmup", 1))
        return min((float(self.sample(1)["wall_s"]) for _ in range(times)), default=None)

    def calls_for(self, seconds: float) -> int:  # noqa: ARG002 - a call is a whole piece of work
        return 1

    def sample(self, number: int) -> dict[str, Any]:  # noqa: ARG002 - a call is a whole piece of work
        self._meter.start()
        done = self._benchmark.func(*self._params)
        self._meter.stop()
        items = items_of(self._benchmark.name, done)
        if self.work is None:
            self.work = work.digest(done.result)
        return _row(self._meter, items)


class _Value(Kind):
    """``track_*``, ``peakmem_*``, ``mem_*`` and foreign types: what the benchmark returns, once a process."""

    name = "value"

    def __init__(self, benchmark: Any) -> None:  # noqa: ANN401
        super().__init__(benchmark)
        self.number = self.most = 1

    def sample(self, number: int) -> dict[str, Any]:  # noqa: ARG002 - once a process
        returned = self._benchmark.do_run()
        if isinstance(returned, dict):
            returned = statistics.median(returned["samples"])
        return {"items": 1, "value": float(returned)}


def of(benchmark: Any) -> Kind:  # noqa: ANN401
    """Choose how a benchmark is sampled."""
    if isinstance(benchmark, TimeItemBenchmark):
        return _Items(benchmark)
    if isinstance(benchmark, TimerawBenchmark):
        return Raw(benchmark)
    if not isinstance(benchmark, TimeBenchmark):
        return _Value(benchmark)
    if benchmark.timer is not timeit.default_timer:
        return _TimerCalls(benchmark)
    return FreshCalls(benchmark) if benchmark._setups else _Calls(benchmark)  # noqa: SLF001


def _is_answer(line: str) -> bool:
    return line.startswith("machmeter: ")


def _row(meter: Meter, items: float) -> dict[str, Any]:
    return {"items": items} | dataclasses.asdict(meter.take())


def _most(repeat: Any) -> int | None:  # noqa: ANN401 - asv's: a number, 0 for automatic, or (min, max, seconds)
    most = repeat[1] if isinstance(repeat, tuple | list) else repeat
    return int(most) or None


def _attribute(benchmark: Any, name: str, default: float) -> Any:  # noqa: ANN401
    return _get_first_attr(benchmark._attr_sources, name, default)  # noqa: SLF001


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
