from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machmeter.machine.doctor.examination import judge
from machmeter.machine.doctor.finding import Finding, Level, is_fit
from machmeter.machine.doctor.readings import Disk, ProcessUse, Readings

MakeReadings = Callable[..., Readings]
SYSTEM = "/sys/devices/system"


def stat(busy: float = 0.0, steal: float = 0.0) -> str:
    """Give a /proc/stat after 100 ticks of each of four CPUs."""
    ran, stolen = round(100 * busy), round(100 * steal)
    return "".join(f"cpu{cpu} {ran} 0 0 {100 - ran - stolen} 0 0 0 {stolen} 0 0\n" for cpu in range(4))


def psi(share: float, average: float) -> str:
    """Give a PSI file after half a second in which tasks stalled for a share of it."""
    return (
        f"some avg10={100 * average:.2f} avg60=0.00 avg300=0.00 total={round(share * 0.5e6)}\nfull avg10=0\n"
    )


def found(readings: Readings, check: str) -> Finding:
    (finding,) = [each for each in judge(readings) if each.check == check]
    return finding


def test_a_quiet_machine_is_fit(reading: MakeReadings) -> None:
    """Nothing is worse than well, and nothing asks for an action."""
    findings = judge(reading())
    assert [each for each in findings if each.level is not Level.OK] == []
    assert is_fit(findings)


def test_an_unreadable_machine_is_fit_and_unknown() -> None:
    """Without a single source every check is a note or well, apart from the thread settings."""
    findings = judge(Readings())
    worse = {each.check for each in findings if each.level in {Level.WARNING, Level.UNFIT}}
    assert worse == {"thread settings"}
    assert is_fit(findings)
    assert sum(each.found.startswith("unknown") for each in findings) >= 15


TEXTS: list[tuple[str, Mapping[str, str | None], Level, str]] = [
    ("frequency governor", {"governors": "powersave\n"}, Level.WARNING, "powersave"),
    ("frequency governor", {"governors": "performance\nschedutil\n"}, Level.WARNING, "schedutil"),
    ("frequency governor", {"governors": None}, Level.NOTE, "unknown"),
    ("boost", {f"{SYSTEM}/cpu/cpufreq/boost": "1\n"}, Level.NOTE, "on"),
    ("boost", {f"{SYSTEM}/cpu/intel_pstate/no_turbo": "1\n"}, Level.OK, "off"),
    (
        "time source",
        {f"{SYSTEM}/clocksource/clocksource0/current_clocksource": "hpet"},
        Level.WARNING,
        "hpet",
    ),
    ("SMT siblings", {"siblings": "0-1\n2-3\n"}, Level.NOTE, "4 CPUs are 2 cores"),
    ("SMT siblings", {"siblings": "0,4\n1,5\n2,6\n3,7\n"}, Level.NOTE, "4 CPUs on our cores are not ours"),
    ("SMT siblings", {"siblings": None}, Level.NOTE, "unknown"),
    ("load average", {"/proc/loadavg": "2.01 0 0 1/9 1\n"}, Level.WARNING, "2.01 on 4 CPUs"),
    ("load average", {"/proc/loadavg": "4.00 0 0 1/9 1\n"}, Level.WARNING, "4.00"),
    ("load average", {"/proc/loadavg": "4.01 0 0 1/9 1\n"}, Level.UNFIT, "4.01"),
    ("load average", {"/proc/loadavg": "nan"}, Level.NOTE, "unknown"),
    ("CPU quota", {"cgroup.cpu": "150000 100000\n"}, Level.NOTE, "1.5 CPUs"),
    ("CPU quota", {"cgroup.cpu": "-1 100000\n"}, Level.OK, "none"),
    ("CPU quota", {"cgroup.cpu": "\x1b\n"}, Level.NOTE, "unknown"),
    ("memory", {"/proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 99 kB\n"}, Level.WARNING, "available"),
    ("memory", {"/proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 19 kB\n"}, Level.UNFIT, "available"),
    ("memory limit", {"cgroup.memory.usage": "1000 950 inactive_file 10\n"}, Level.WARNING, "left"),
    ("memory limit", {"cgroup.memory.usage": "1000 950 anon 1\ninactive_file 900\n"}, Level.OK, "left"),
    ("memory limit", {"cgroup.memory.usage": "max 1\n\n1000 990\n"}, Level.UNFIT, "left"),
    ("swap", {"/proc/meminfo": "SwapTotal: 2097152 kB\nSwapFree: 1048576 kB\n"}, Level.NOTE, "1 GiB in use"),
    (
        "transparent huge pages",
        {"/sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never"},
        Level.NOTE,
        "always",
    ),
    (
        "NUMA balancing",
        {f"{SYSTEM}/node/has_cpu": "0-1", "/proc/sys/kernel/numa_balancing": "1"},
        Level.WARNING,
        "on, 2 nodes",
    ),
    ("NUMA balancing", {f"{SYSTEM}/node/has_cpu": "0-1"}, Level.OK, "off"),
    ("NUMA balancing", {"/proc/sys/kernel/numa_balancing": "1"}, Level.OK, "one NUMA node"),
    ("ptrace for py-spy", {"/proc/sys/kernel/yama/ptrace_scope": "0"}, Level.OK, "own processes"),
    ("ptrace for py-spy", {"/proc/sys/kernel/yama/ptrace_scope": None}, Level.OK, "no Yama"),
    ("ptrace for py-spy", {"/proc/sys/kernel/yama/ptrace_scope": "2"}, Level.WARNING, "only with"),
    ("ptrace for py-spy", {"/proc/sys/kernel/yama/ptrace_scope": "3"}, Level.WARNING, "nobody"),
    ("ptrace for py-spy", {"container": "docker"}, Level.WARNING, "docker"),
    (
        "ptrace for py-spy",
        {"container": "docker", "/proc/self/status": "CapEff:\t0000000000080000\n"},
        Level.OK,
        "CAP_SYS_PTRACE",
    ),
]


@pytest.mark.parametrize(("check", "texts", "level", "words"), TEXTS)
def test_settings_and_room(
    check: str, texts: Mapping[str, str | None], level: Level, words: str, reading: MakeReadings
) -> None:
    """Each source that is read once has its bounds; the finding holds the value."""
    finding = found(reading(texts), check)
    assert (finding.level, words in finding.found) == (level, True), finding


COUNTERS: list[tuple[str, Mapping[str, str | None], Level, str]] = [
    ("cpu pressure", {"/proc/pressure/cpu": psi(0.10, 0.10)}, Level.WARNING, "10%"),
    ("cpu pressure", {"/proc/pressure/cpu": psi(0.60, 0.40)}, Level.UNFIT, "60%"),
    ("cpu pressure", {"/proc/pressure/cpu": psi(0.60, 0.01)}, Level.OK, "60%"),
    ("cpu pressure", {"/proc/pressure/cpu": psi(0.01, 0.60)}, Level.OK, "60%"),
    ("io pressure", {"/proc/pressure/io": psi(0.60, 0.60)}, Level.WARNING, "60%"),
    ("memory pressure", {"/proc/pressure/memory": psi(0.05, 0.05)}, Level.WARNING, "5%"),
    ("memory pressure", {"/proc/pressure/memory": None}, Level.NOTE, "unknown"),
    ("steal", {"/proc/stat": stat(steal=0.01)}, Level.OK, "1.0%"),
    ("steal", {"/proc/stat": stat(steal=0.03)}, Level.WARNING, "3.0%"),
    ("steal", {"/proc/stat": stat(steal=0.06)}, Level.UNFIT, "6.0%"),
    ("steal", {"/proc/stat": "cpu0 1 2 3"}, Level.NOTE, "unknown"),
    ("CPU quota", {"cgroup.cpu.stat": "nr_periods 105\nnr_throttled 5\n"}, Level.UNFIT, "2 of 5 periods"),
    ("CPU quota", {"cgroup.cpu.stat": "nr_periods 105\nnr_throttled 2\n"}, Level.OK, "none"),
    ("swap", {"/proc/vmstat": "pswpin 107\npswpout 9\n"}, Level.WARNING, "100 pages"),
    ("other processes", {"/proc/stat": stat(busy=0.9)}, Level.UNFIT, "cannot be seen"),
]


@pytest.mark.parametrize(("check", "after", "level", "words"), COUNTERS)
def test_counters_of_the_window(
    check: str, after: Mapping[str, str | None], level: Level, words: str, reading: MakeReadings
) -> None:
    """What counts is the growth between both ends of the window."""
    finding = found(reading(after=after), check)
    assert (finding.level, words in finding.found) == (level, True), finding


def test_busy_foreign_siblings_are_a_warning(reading: MakeReadings) -> None:
    """Somebody else's work on the other half of our cores is named by its number of CPUs."""
    texts = {"affinity": "0,1", "siblings": "0,2\n1,3\n"}
    finding = found(reading(texts, {"/proc/stat": stat(busy=0.5)}), "SMT siblings")
    assert (finding.level, finding.found) == (
        Level.WARNING,
        "2 CPUs on our cores are not ours, 2 of them busy",
    )


@pytest.mark.parametrize(
    ("environment", "level", "words"),
    [
        ({}, Level.WARNING, "none is set; libraries take all 4 CPUs"),
        ({"OMP_NUM_THREADS": "many"}, Level.WARNING, "not a number"),
        ({"OMP_NUM_THREADS": "0"}, Level.WARNING, "not a number"),
        ({"MKL_NUM_THREADS": "2"}, Level.WARNING, "OMP_NUM_THREADS is not set"),
        ({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "2"}, Level.WARNING, "contradictory"),
        ({"OMP_NUM_THREADS": "5"}, Level.WARNING, "more threads than 4 CPUs"),
        ({"OMP_NUM_THREADS": "2,1"}, Level.OK, "OMP_NUM_THREADS=2,1"),
        ({"OMP_NUM_THREADS": "1", "BLOSC_NTHREADS": "4"}, Level.OK, "BLOSC_NTHREADS=4"),
    ],
)
def test_thread_settings(
    environment: dict[str, str], level: Level, words: str, reading: MakeReadings
) -> None:
    """Variables are set, not set, or contradict each other or the number of CPUs."""
    finding = found(reading(environment=environment), "thread settings")
    assert (finding.level, words in finding.found) == (level, True), finding


@pytest.mark.parametrize(
    ("cores", "threads", "cpus", "level"),
    [
        (0.09, "4", None, Level.OK),
        (0.40, "4", None, Level.NOTE),
        (0.60, "4", None, Level.UNFIT),
        (0.60, "3", None, Level.WARNING),
        (0.60, "1", {0, 1}, Level.WARNING),
        (0.99, "4", {8, 9}, Level.OK),
    ],
)
def test_other_processes(
    cores: float, threads: str, cpus: set[int] | None, level: Level, reading: MakeReadings
) -> None:
    """A busy process makes unfit only where measured threads would have to share a core with it."""
    use = ProcessUse(4711, "spinner", "somebody", cores, None if cpus is None else frozenset(cpus))
    environment = {"OMP_NUM_THREADS": threads}
    finding = found(reading(processes=(use,), environment=environment), "other processes")
    assert finding.level is level
    assert level is Level.OK or f"spinner (pid 4711, somebody) uses {cores:.0%} of a core" in finding.found


@pytest.mark.parametrize(
    ("role", "free", "writable", "level"),
    [
        ("data", 50 * 2**30, True, Level.OK),
        ("data", 2**30, True, Level.WARNING),
        ("data", 0, True, Level.UNFIT),
        ("data", 50 * 2**30, False, Level.OK),
        ("results", 50 * 2**30, False, Level.UNFIT),
        ("results", None, True, Level.NOTE),
    ],
)
def test_disks(role: str, free: int | None, writable: bool, level: Level, reading: MakeReadings) -> None:  # noqa: FBT001
    """Without room or without the right to write nothing can be kept; data may be read-only."""
    disk = Disk(role, Path("/there"), free, writable)
    assert found(reading(disks=(disk,)), f"{role} disk").level is level


def test_every_trouble_says_why_and_what_to_do(reading: MakeReadings) -> None:
    """No warning of the tables above leaves its reader alone."""
    readings = [reading(texts) for _, texts, _, _ in TEXTS] + [reading(after=each[1]) for each in COUNTERS]
    troubles = [
        finding
        for each in readings
        for finding in judge(each)
        if finding.level in {Level.WARNING, Level.UNFIT}
    ]
    assert all(finding.why and finding.advice for finding in troubles)


REAL = sorted({text for _, texts, _, _ in TEXTS + COUNTERS for text in texts.values() if text})
LINES = st.from_regex(r"[a-z_]{0,12}:? ?-?[0-9]{1,25}([ ,\n-][0-9a-z.]+){0,9}")
TEXT = st.none() | st.text(max_size=60) | LINES | st.sampled_from(REAL)
ANY_TEXTS = st.fixed_dictionaries({name: TEXT for _, texts, _, _ in TEXTS for name in texts})
ANY_COUNTERS = st.fixed_dictionaries({name: TEXT for _, texts, _, _ in COUNTERS for name in texts})


@settings(max_examples=150, deadline=None)
@given(
    ANY_TEXTS, TEXT, ANY_COUNTERS, ANY_COUNTERS, st.dictionaries(st.just("OMP_NUM_THREADS"), st.text()), TEXT
)
def test_random_texts_never_raise(
    texts: dict[str, str | None],
    affinity: str | None,
    before: dict[str, str | None],
    after: dict[str, str | None],
    environment: dict[str, str],
    gpus: str | None,
) -> None:
    """Whatever a source holds, every finding is one printable line."""
    readings = Readings(
        texts={**texts, "affinity": affinity}, before=before, after=after, environment=environment, gpus=gpus
    )
    assert all(finding.found.isprintable() for finding in judge(readings))
