import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from machmeter.probe import clock

#: Spins until it has used the given CPU seconds, then says so and waits for its input to close.
SPIN = """
import sys, time
while time.process_time() < {seconds}:
    pass
print("done", flush=True)
sys.stdin.read()
"""


def spin(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def start(code: str) -> "subprocess.Popen[bytes]":
    """Start Python code that says when it is done spinning and then waits."""
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def wait_until_spun(child: "subprocess.Popen[bytes]") -> None:
    assert child.stdout is not None
    child.stdout.readline()


@pytest.fixture
def spun_child() -> Iterator["subprocess.Popen[bytes]"]:
    with start(SPIN.format(seconds=0.2)) as child:
        wait_until_spun(child)
        yield child
        child.communicate()


def test_cpu_time_of_own_work_is_counted() -> None:
    """Spinning for 50 ms of CPU time is seen as 50 ms, the readings themselves as next to nothing."""
    watch = clock.Clock()
    before = watch.start()
    spin(0.05)
    passed = clock.elapsed(before, watch.stop())
    assert passed.cpu_s == pytest.approx(0.05, abs=0.01)
    assert passed.wall_s >= 0.05


def test_sleeping_costs_wall_time_alone() -> None:
    """A sleep shows in the wall clock and not in the CPU clock."""
    watch = clock.Clock()
    before = watch.start()
    time.sleep(0.05)
    passed = clock.elapsed(before, watch.stop())
    assert passed.wall_s >= 0.05
    assert passed.cpu_s < 0.02


def test_cpu_time_of_a_live_child_is_counted(spun_child: "subprocess.Popen[bytes]") -> None:
    """What a running child has used so far is part of a reading."""
    total = clock.Clock().stop().cpu_s - time.process_time()
    assert total >= 0.19


def test_a_child_that_ends_is_not_counted_twice(spun_child: "subprocess.Popen[bytes]") -> None:
    """CPU time moves from the live child to the reaped children without being added again."""
    watch = clock.Clock()
    before = watch.start()
    spun_child.communicate()
    passed = clock.elapsed(before, watch.stop())
    assert passed.cpu_s < 0.15


def test_cpu_time_of_a_grandchild_is_counted() -> None:
    """A worker's own worker counts too, while it lives and after it has ended."""
    watch = clock.Clock()
    before = watch.start()
    spin_below = SPIN.format(seconds=0.15)
    with start(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin_below!r}])") as child:
        wait_until_spun(child)
        live = clock.elapsed(before, watch.stop())
        child.communicate()
    ended = clock.elapsed(before, watch.stop())
    assert live.cpu_s >= 0.15
    assert ended.cpu_s >= 0.15


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this kernel keeps no schedstat")
def test_waiting_for_a_core_is_counted_in_all_children() -> None:
    """Twice as many spinning processes as there are CPUs wait for each other."""
    watch = clock.Clock()
    before = watch.start()
    children = [start(SPIN.format(seconds=0.2)) for _ in range(2 * (os.cpu_count() or 1))]
    for child in children:
        wait_until_spun(child)
    delay = clock.elapsed(before, watch.stop()).run_delay_s
    for child in children:
        child.communicate()
    assert delay is not None
    assert delay > 0.05


def test_a_thread_that_ended_does_not_make_the_delay_negative() -> None:
    """A thread takes its waiting time with it; the difference stays at or above zero."""
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    watch = clock.Clock()
    before = watch.start()
    stop.set()
    thread.join()
    delay = clock.elapsed(before, watch.stop()).run_delay_s
    assert delay is None or delay >= 0


def test_a_process_that_is_gone_has_no_cpu_time() -> None:
    """A child that ends while the tree is read is left out, not an error."""
    assert clock.process_cpu_s(2**22 - 1) == 0.0
    assert clock._reaped_by_s(2**22 - 1) == 0.0
