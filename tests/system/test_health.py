"""Real throttling of the health check: CPU quota, stopped processes, neighbours on every core."""

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from machmeter.machine import health
from machmeter.machine.kernels import Setting
from machmeter.model import HealthRecord

pytestmark = pytest.mark.system

#: Runs its arguments with python, and stops them half of the time: 20 ms of 40.
DUTY_CYCLE = """\
#!{python}
import signal, subprocess, sys, time
child = subprocess.Popen([{python!r}, *sys.argv[1:]])
while child.poll() is None:
    for what in (signal.SIGSTOP, signal.SIGCONT):
        child.send_signal(what)
        time.sleep(0.02)
sys.exit(child.returncode)
"""
IN_GROUP = """\
#!/bin/sh
echo $$ > {group}/cgroup.procs
exec {python} "$@"
"""
SPIN = """\
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
print("spinning", flush=True)
while True:
    pass
"""

#: With so much spread between observations of a node that nobody throttles, half of its speed is no news.
UNSTEADY = 0.10

#: The CPU time of others, as share of the wall time, that leaves a node steady.
ALONE = 0.10


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a third of the seconds: still three periods of a quota."""
    monkeypatch.setattr(health, "_CPU_S", 0.3)


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting("box-1c-1g-00000000", "one", "run", tmp_path)


@pytest.fixture
def earlier(setting: Setting) -> list[HealthRecord]:
    """Seven observations of this machine as it is."""
    records = [health.check(setting, ()) for _ in range(7)]
    rates = [record.rates[2].sustained for record in records]
    if max(rates) / statistics.median(rates) - 1 > UNSTEADY or 1 - sorted(rates)[2] / max(rates) > UNSTEADY:
        pytest.skip("others use this machine: its own observations differ too much")
    return records


def program(folder: Path, text: str) -> Path:
    path = folder / "python"
    path.write_text(text)
    path.chmod(0o755)
    return path


@contextlib.contextmanager
def quota(share: float) -> Iterator[Path]:
    """Make a control group, cgroup v1 or v2, with this share of one CPU."""
    roots = {"/sys/fs/cgroup/cpu": "cpu.cfs_quota_us", "/sys/fs/cgroup/cpu,cpuacct": "cpu.cfs_quota_us"}
    for root, file in {**roots, "/sys/fs/cgroup": "cpu.max"}.items():
        group = Path(root) / f"machmeter-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            if (group / file).exists():
                value = f"{share * 1e5:.0f}"
                (group / file).write_text(value if file == "cpu.cfs_quota_us" else f"{value} 100000")
                yield group
                return
        finally:
            group.rmdir()
    pytest.skip("no control group can be made here")


@contextlib.contextmanager
def neighbours() -> Iterator[None]:
    """Let a process spin on every core that this one may use."""
    commands = [[sys.executable, "-c", SPIN, str(cpu)] for cpu in os.sched_getaffinity(0)]
    spinning = [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
    try:
        for process in spinning:
            assert process.stdout is not None
            assert process.stdout.readline() == b"spinning\n"
        yield
    finally:
        for process in spinning:
            process.kill()
            process.communicate()


def compute(record: HealthRecord) -> dict[str, float]:
    """Give what is missing of the kernels that need nothing but the core."""
    names = {"matrix_product_f32", "interpreter"}
    return {each.kernel: each.by for each in record.health.slow if each.kernel in names}


def others_cpu_s() -> float:
    """Give the CPU time of everybody but this process and its ended children: /proc/stat, proc(5)."""
    user, nice, system = map(int, Path("/proc/stat").read_text().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])


def test_a_cpu_quota_is_caught(setting: Setting, earlier: list[HealthRecord], tmp_path: Path) -> None:
    """Half of one CPU: all kernels of the core lose half, and their best repetitions nothing."""
    with quota(0.5) as group:
        python = program(tmp_path, IN_GROUP.format(group=group, python=sys.executable))
        found = health.check(replace(setting, python=python), earlier)
    assert found.health.verdict == "slow"
    assert set(compute(found)) == {"matrix_product_f32", "interpreter"}
    assert all(0.3 < by < 0.7 for by in compute(found).values())
    assert any(each.interrupted for each in found.health.slow)


def test_a_stopped_process_is_caught(setting: Setting, earlier: list[HealthRecord], tmp_path: Path) -> None:
    """Stopped half of the time, the kernels of the core lose about half."""
    python = program(tmp_path, DUTY_CYCLE.format(python=sys.executable))
    found = health.check(replace(setting, python=python), earlier)
    assert set(compute(found)) == {"matrix_product_f32", "interpreter"}


def test_a_neighbour_on_every_core_is_caught(setting: Setting, earlier: list[HealthRecord]) -> None:
    """As many spinning processes as cores take half of each."""
    with neighbours():
        found = health.check(setting, earlier)
    assert set(compute(found)) == {"matrix_product_f32", "interpreter"}


def test_a_steady_node_stays_healthy(setting: Setting, earlier: list[HealthRecord]) -> None:
    """Nothing is done to it, and nothing is found."""
    started, before = time.monotonic(), others_cpu_s()
    for _ in range(8):
        earlier.append(health.check(setting, earlier))
    if others_cpu_s() - before > ALONE * (time.monotonic() - started):
        pytest.skip("others used this machine meanwhile")
    assert [record.health.text for record in earlier[-8:]] == ["healthy"] * 8


def test_health_takes_at_most_six_seconds(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own seconds, start of the child and scratch files included."""
    monkeypatch.undo()
    assert health.check(setting, ()).wall_s <= 6.0
