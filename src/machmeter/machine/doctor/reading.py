"""Everything the doctor looks at, read without root and without a judgement."""

import os
import re
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import psutil

from machmeter.machine import cgroups
from machmeter.machine.doctor import gpu_reading, processes
from machmeter.machine.doctor.readings import WINDOW_S, Disk, Readings
from machmeter.machine.threads import thread_settings

_CPU: Final = Path("/sys/devices/system/cpu")

#: Read once; the source is named after the file.
_FILES: Final = (
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/cpu/smt/control",
    "/sys/devices/system/cpu/cpufreq/boost",
    "/sys/devices/system/cpu/intel_pstate/no_turbo",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    "/sys/devices/system/clocksource/clocksource0/available_clocksource",
    "/sys/devices/system/node/has_cpu",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/proc/sys/kernel/numa_balancing",
    "/proc/sys/kernel/yama/ptrace_scope",
    "/proc/self/status",
    "/proc/loadavg",
    "/proc/meminfo",
)

#: Read at the beginning and at the end of the window.
_COUNTERS: Final = (
    "/proc/stat",
    "/proc/vmstat",
    "/proc/pressure/cpu",
    "/proc/pressure/io",
    "/proc/pressure/memory",
)


def read(directories: Mapping[str, Path], library: Any = None, window_s: float = WINDOW_S) -> Readings:  # noqa: ANN401
    """Read this machine.

    Parameters
    ----------
    directories : mapping of str to Path
        What is kept there, and where.
    library : module, optional
        Stands for `pynvml`.
    window_s : float, seconds
        How long to watch the counters and processes.
    """
    # NVML may take its time and uses the CPU: it is done before the window begins.
    gpus = gpu_reading.read(os.environ.get("CUDA_VISIBLE_DEVICES"), library)
    texts = _texts()
    places = {**directories, "temporary": Path(tempfile.gettempdir())}
    before, started, own_cpu_s = _counters(), time.perf_counter(), time.process_time()
    first = processes.snapshot()
    time.sleep(window_s)
    last = processes.snapshot()
    after, ended = _counters(), time.perf_counter()
    return Readings(
        texts=texts,
        before=before,
        after=after,
        window_s=ended - started,
        own_cpu_s=time.process_time() - own_cpu_s,
        processes=processes.uses(first, last, window_s),
        disks=tuple(_disk(role, path) for role, path in places.items()),
        environment=thread_settings(os.environ),
        gpus=gpus,
    )


def _texts() -> dict[str, str | None]:
    return {
        **{name: _text(Path(name)) for name in _FILES},
        **cgroups.read(),
        "cgroup.memory.usage": cgroups.read_usage()["cgroup.memory.usage"],
        "affinity": ",".join(map(str, sorted(os.sched_getaffinity(0)))),
        "governors": _distinct(_CPU.glob("cpufreq/policy*/scaling_governor")),
        "siblings": _distinct(_CPU.glob("cpu[0-9]*/topology/thread_siblings_list")),
        "container": container(),
    }


def _counters() -> dict[str, str | None]:
    texts = {name: _text(Path(name)) for name in _COUNTERS}
    return {**texts, "cgroup.cpu.stat": cgroups.read_usage()["cgroup.cpu.stat"]}


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None


def _distinct(paths: Iterable[Path]) -> str | None:
    """Give the distinct texts of some files, one a line; None where there is no such file."""
    texts = {(_text(path) or "").strip() for path in paths}
    return "".join(f"{text}\n" for text in sorted(texts - {""})) or None


def _disk(role: str, path: Path) -> Disk:
    """Ask for the room at a directory, or at the nearest one above that exists."""
    try:
        there = next((each for each in (path, *path.absolute().parents) if each.exists()), Path("/"))
        return Disk(role, path, psutil.disk_usage(os.fspath(there)).free, os.access(there, os.W_OK))
    except (OSError, ValueError):
        return Disk(role, path, None, writable=True)


def container() -> str:
    """Say what makes us think that we are in a container; an empty text if nothing does."""
    groups = _text(Path("/proc/1/cgroup")) or ""
    named = re.findall(r"docker|kubepods|libpod|containerd|lxc", groups)
    marks = {"docker": "/.dockerenv", "podman": "/run/.containerenv", "apptainer": "/.singularity.d"}
    found = {name for name, path in marks.items() if Path(path).exists()}
    return " ".join(sorted({*found, *named}))
