"""Runs a benchmark of a checked-out commit as often as it is told on standard input; writes what it took.

    python driver.py TREE BENCHMARK

A line of input is a number of iterations; a line of output is processor and wall time, both in seconds.
"""

import gc
import importlib
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path

Seconds = tuple[float, float]

_RAW = """\
import time
{setup}
wall, cpu = time.perf_counter(), time.process_time()
{code}
print(time.process_time() - cpu, time.perf_counter() - wall)
"""


def main() -> None:
    """Answer each line."""
    tree, benchmark = sys.argv[1:]
    sys.path[0] = tree
    suite, *group, name = benchmark.split(".")
    owner = importlib.import_module(f"benchmarks.{suite}")
    if group:
        owner = getattr(owner, *group)()
        owner.setup()
    run = getattr(owner, name)
    measure = raw if name.startswith("timeraw") else timed
    gc.disable()
    for line in sys.stdin:
        sys.stdout.write("{} {}\n".format(*measure(run, int(line), tree)))
        sys.stdout.flush()


def timed(run: Callable[[], None], count: int, _tree: str) -> Seconds:
    """Time some calls."""
    wall, cpu = time.perf_counter(), processor()
    for _ in range(count):
        run()
    return processor() - cpu, time.perf_counter() - wall


def raw(run: Callable[[], tuple[str, str]], count: int, tree: str) -> Seconds:
    """Time some processes' running of a code."""
    code, setup = run()
    command = [sys.executable, "-c", _RAW.format(code=code, setup=setup)]
    total = [0.0, 0.0]
    for _ in range(count):
        done = subprocess.run(command, cwd=tree, check=True, capture_output=True, text=True)
        for place, seconds in enumerate(map(float, done.stdout.split())):
            total[place] += seconds
    return total[0], total[1]


def processor() -> float:
    """Return the processor time of this process and of its workers, in seconds."""
    tasks = (task for child in active_children() for task in Path(f"/proc/{child.pid}/task").iterdir())
    nanoseconds = sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) for task in tasks)
    return time.process_time() + nanoseconds / 1e9


if __name__ == "__main__":
    main()
