"""All instruments of one sample, read together: clocks, pressure, GPU, peak memory."""

import resource
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from machmeter.probe import clock, gpu, pressure


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one stretch of work cost; the fields are those of `machmeter.model.Sample`."""

    started_at: str
    wall_s: float
    cpu_s: float
    run_delay_s: float | None
    pressure: dict[str, Any]
    gpu_s: float | None

    def __add__(self, later: "Measurement") -> "Measurement":
        """Join two stretches of the same sample."""
        return Measurement(
            started_at=self.started_at,
            wall_s=self.wall_s + later.wall_s,
            cpu_s=self.cpu_s + later.cpu_s,
            run_delay_s=_sum(self.run_delay_s, later.run_delay_s),
            pressure={key: _sum(value, later.pressure[key]) for key, value in self.pressure.items()},
            gpu_s=_sum(self.gpu_s, later.gpu_s),
        )


class Meter:
    """Measures a sample that consists of one or more stretches, in the process that made it.

    Examples
    --------
    >>> meter = Meter()
    >>> meter.start()
    >>> total = sum(range(1000))
    >>> meter.stop()
    >>> measurement = meter.take()
    >>> measurement.wall_s > 0
    True
    """

    def __init__(self) -> None:
        self._events = gpu.Events()
        self._clock = clock.Clock()
        self._gauge = pressure.Gauge()
        self._running: tuple[str, pressure.Reading, clock.Reading] | None = None
        self._total: Measurement | None = None

    def start(self) -> None:
        """Begin a stretch."""
        started_at = datetime.now(UTC).isoformat()
        before = self._gauge.read()
        self._events.start()
        self._running = (started_at, before, self._clock.start())

    def stop(self) -> None:
        """End the stretch; without one, nothing happens."""
        if self._running is None:
            return
        gpu_s = self._events.stop()
        after = self._clock.stop()
        started_at, pressure_before, clock_before = self._running
        self._running = None
        passed = clock.elapsed(clock_before, after)
        stretch = Measurement(
            started_at=started_at,
            wall_s=passed.wall_s,
            cpu_s=passed.cpu_s,
            run_delay_s=passed.run_delay_s,
            pressure=pressure.between(pressure_before, self._gauge.read(), passed.cpu_s),
            gpu_s=gpu_s,
        )
        self._total = stretch if self._total is None else self._total + stretch

    def take(self) -> Measurement:
        """Return the sum of all stretches since the last call and forget them.

        Raises
        ------
        RuntimeError
            If nothing was measured.
        """
        total, self._total = self._total, None
        if total is None:
            msg = "nothing was measured: start() and stop() come before take()"
            raise RuntimeError(msg)
        return total


def peak_rss_bytes() -> int:
    """Largest resident set of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _sum(first: Any, second: Any) -> Any:  # noqa: ANN401 - float, int or None
    return None if first is None or second is None else first + second
