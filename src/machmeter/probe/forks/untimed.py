"""Calls of a benchmark that nobody times."""

import functools
from collections.abc import Callable
from typing import Any

from machmeter.probe import spy


def renew(benchmark: Any) -> None:  # noqa: ANN401 - asv_runner's
    """Set a benchmark up anew where it has a setup, as is done before each timed call."""
    if benchmark._setups:  # noqa: SLF001 - asv_runner offers no other place
        benchmark.redo_setup()


def call_of(benchmark: Any) -> Callable[[], Any]:  # noqa: ANN401
    """Bind the benchmark's function to its parameters; in stacks, what it calls stands below `spy.region`."""
    return functools.partial(spy.region, benchmark.func, *benchmark._build_params())  # noqa: SLF001
