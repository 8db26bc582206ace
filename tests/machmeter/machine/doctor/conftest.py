"""Readings of a quiet machine with four CPUs: a test changes only what it is about."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from machmeter.machine.doctor.readings import Disk, ProcessUse, Readings

GIB = 2**30
STAT = "cpu  0 0 0 0 0 0 0 0 0 0\n" + "".join(f"cpu{cpu} 0 0 0 {{0}} 0 0 0 0 0 0\n" for cpu in range(4))
PSI = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"


def quiet() -> Readings:
    counters: dict[str, str | None] = {
        "/proc/stat": STAT.format(100),
        "/proc/vmstat": "pswpin 7\npswpout 9\n",
        **{f"/proc/pressure/{name}": PSI for name in ("cpu", "io", "memory")},
        "cgroup.cpu.stat": "nr_periods 100\nnr_throttled 3\n",
    }
    return Readings(
        texts={
            "affinity": "0,1,2,3",
            "siblings": "0\n1\n2\n3\n",
            "governors": "performance\n",
            "/sys/devices/system/cpu/online": "0-3\n",
            "/sys/devices/system/cpu/cpufreq/boost": "0\n",
            "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
            "/sys/devices/system/node/has_cpu": "0\n",
            "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
            "/proc/sys/kernel/numa_balancing": "0\n",
            "/proc/sys/kernel/yama/ptrace_scope": "1\n",
            "/proc/self/status": "Name:\tx\nCapEff:\t0000000000000000\n",
            "/proc/loadavg": "0.10 0.20 0.30 1/90 4242\n",
            "/proc/meminfo": "MemTotal: 8000 kB\nMemAvailable: 6000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
            "cgroup.cpu": "max 100000\n",
            "cgroup.memory.usage": "max 4096 anon 1\nfile 2\ninactive_file 1\n",
            "container": "",
        },
        before={**counters, "/proc/stat": STAT.format(0)},
        after=counters,
        window_s=0.5,
        processes=(ProcessUse(7, "", "", 0.03),),
        disks=(Disk("data", Path("/data"), 50 * GIB, writable=True),),
        environment={"OMP_NUM_THREADS": "2"},
        gpus="[]",
    )


@pytest.fixture
def reading() -> Callable[..., Readings]:
    """Make readings of the quiet machine with other texts, counters afterwards, or fields."""

    def make(texts: Any = None, after: Any = None, **fields: Any) -> Readings:
        base = quiet()
        return replace(
            base, texts={**base.texts, **(texts or {})}, after={**base.after, **(after or {})}, **fields
        )

    return make
