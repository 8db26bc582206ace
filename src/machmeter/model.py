"""Frozen values that travel between the modules: what a machine is, what a sample is."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: A sample is contended when its processes spent more than this share of their runnable time waiting
#: for a core. Profiles misattribute 5% of their time at 0.08 already; a quiet machine stays below 0.02.
RUN_DELAY_BOUND = 0.05

#: ... or when somebody on the machine waited for a core during more than this share of the sample.
PRESSURE_BOUND = 0.20

#: A sample's own workers may wait for each other: that is its nature, no contention. Others must have run for
#: more than this share of it, and for longer than the kernel's way to count everybody's CPU time may be wrong
#: by: two ticks of 10 ms. Samples shorter than `SHORTEST_S` seconds are judged by their waiting alone.
OTHERS_BOUND = 0.10
TICKS_S = 0.02
SHORTEST_S = 0.05


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a machine is (hashed) and the state it is in (recorded only).

    Parameters
    ----------
    identity : mapping of str to JSON value
        Facts that decide speed and do not change by themselves. A fact that cannot be read is "unknown".
    state : mapping of str to JSON value
        Facts that may change on the same hardware: kernel, microcode, driver, governor.
    label : str
        Readable part of the tag, for instance "epyc-2c-24g".
    """

    identity: Mapping[str, Any]
    state: Mapping[str, Any]
    label: str

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of the identity facts, 64 hex digits."""
        canonical = json.dumps(self.identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def tag(self) -> str:
        """The machine's name: the readable label and the first eight hex digits of the digest."""
        return f"{self.label}-{self.digest[:8]}"


@dataclass(frozen=True, slots=True)
class Pressure:
    """What happened on the machine while a sample was taken.

    Parameters
    ----------
    cpu_s, io_s, memory_s : float or None, seconds
        Time in which at least one task of the machine stalled on that resource (PSI "some").
    steal_s : float or None, seconds
        Time that the hypervisor gave to others, summed over all CPUs.
    others_cpu_s : float or None, seconds
        CPU time of all other processes of the machine.
    involuntary_switches : int or None
        How often this process was taken off a core.
    """

    cpu_s: float | None = None
    io_s: float | None = None
    memory_s: float | None = None
    steal_s: float | None = None
    others_cpu_s: float | None = None
    involuntary_switches: int | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One timed piece of work: one line of a sidecar.

    Parameters
    ----------
    started_at : str
        UTC, ISO 8601.
    benchmark : str
        asv's name of the benchmark.
    params : tuple of str
        asv's representation of the parameters, empty for a benchmark without.
    commit, environment, tag, node, run : str
        Commit hash, asv environment name, hardware tag, host name, identifier of the `asv run`.
    round : int
        1-based number of the benchmark process for this benchmark, parameters and run.
    index : int
        0-based number of the sample in its process.
    items : float
        Work items in the sample; the calls of the function for a plain ``time_*`` benchmark.
    wall_s : float, seconds
        Wall time of all items together.
    cpu_s : float or None, seconds
        CPU time of the process and its children.
    run_delay_s : float or None, seconds
        Time that the threads of the process and its children were runnable but waited for a core.
    health : str or None
        What was slow about the node when it was told to measure all the same; None for a healthy or
        unknown one.
    version : str or None
        asv's version of the benchmark: a digest of its code. Another version is another benchmark.
    conditions : str or None
        Thread settings and storage of the run, and whether it was a quick one.
    path : mapping of str to float, or None
        What an item needs at least from each limit of its node, see `machmeter.machine.paths`; None where the
        benchmark does not say.
    """

    started_at: str
    benchmark: str
    params: tuple[str, ...]
    commit: str
    environment: str
    tag: str
    node: str
    run: str
    round: int
    index: int
    items: float
    wall_s: float
    bytes: float | None = None
    cpu_s: float | None = None
    run_delay_s: float | None = None
    pressure: Pressure = field(default_factory=Pressure)
    gpu_s: float | None = None
    gpu: Mapping[str, Any] | None = None
    peak_rss_bytes: int | None = None
    work: str | None = None
    health: str | None = None
    version: str | None = None
    conditions: str | None = None
    path: Mapping[str, float] | None = None

    @property
    def wall_s_per_item(self) -> float:
        """Wall seconds an item."""
        return self.wall_s / self.items

    @property
    def cpu_s_per_item(self) -> float | None:
        """CPU seconds an item, of the process and its children."""
        return None if self.cpu_s is None else self.cpu_s / self.items

    @property
    def contended(self) -> bool:
        """Whether others disturbed the sample beyond `RUN_DELAY_BOUND` or `PRESSURE_BOUND`."""
        if (self.pressure.steal_s or 0.0) > max(OTHERS_BOUND * self.wall_s, TICKS_S):
            return True
        others = self.pressure.others_cpu_s
        if (
            others is not None
            and self.wall_s >= SHORTEST_S
            and others <= OTHERS_BOUND * self.wall_s + TICKS_S
        ):
            return False
        delay, cpu = self.run_delay_s or 0.0, self.cpu_s or 0.0
        waited = delay > RUN_DELAY_BOUND * (delay + cpu) if delay else False
        return waited or (self.pressure.cpu_s or 0.0) > PRESSURE_BOUND * self.wall_s


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One invocation of the driver on one node: what may differ between runs on the same hardware.

    Parameters
    ----------
    run, tag, node, started_at : str
        As in the samples of the run.
    state : mapping of str to JSON value
        The fingerprint's state at that time.
    storage : mapping of str to JSON value
        What the data directory lies on.
    threads : mapping of str to str
        Environment variables that set numbers of threads.
    health : str
        "healthy", "unknown", or what was slow and by how much.
    """

    run: str
    tag: str
    node: str
    started_at: str
    state: Mapping[str, Any]
    storage: Mapping[str, Any]
    threads: Mapping[str, str]
    health: str = "unknown"


@dataclass(frozen=True, slots=True)
class Event:
    """Facts that changed between two runs of the same hardware: a candidate cause beside the commit.

    Parameters
    ----------
    tag, node, run, at : str
        The run that met the change first, and when it started.
    changes : mapping of str to (before, after)
        Every fact whose value is another.
    """

    tag: str
    node: str
    run: str
    at: str
    changes: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class KernelRate:
    """What a reference kernel reached in one observation of a node.

    Parameters
    ----------
    name : str
        For instance "memcpy".
    unit : str
        Of the rates: "GB/s", "GFLOP/s" or "iterations/s"; empty if it is unavailable.
    sustained : float
        All work over all seconds; what stops or shares the core lowers it. 0 if it is unavailable.
    undisturbed : float
        Upper quartile of the rates of the short repetitions; only slower hardware lowers it. 0 likewise.
    repetitions : int
        How many there were.
    conditions : str
        What else decides the rate: a library's version, a file system's type.
    unavailable : str or None
        Why it could not run.
    """

    name: str
    unit: str = ""
    sustained: float = 0.0
    undisturbed: float = 0.0
    repetitions: int = 0
    conditions: str = ""
    unavailable: str | None = None


@dataclass(frozen=True, slots=True)
class Slowness:
    """A kernel that is slower than usual on this hardware.

    Parameters
    ----------
    kernel : str
        Its name.
    by : float
        Share of the usual sustained rate that is missing: 0.3 for a rate of 70%.
    interrupted : bool
        True: its best repetitions are as fast as ever, so something takes the core away (other processes,
        a CPU quota). False: every repetition is slower (clock, memory, disk, a busy sibling thread).
    """

    kernel: str
    by: float
    interrupted: bool

    @property
    def text(self) -> str:
        """For instance "memcpy by 48% (interrupted)"."""
        return f"{self.kernel} by {self.by:.0%}{' (interrupted)' if self.interrupted else ''}"


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a node is as fast as its twins and as itself before.

    Parameters
    ----------
    verdict : str
        "healthy", "slow", or "unknown".
    slow : tuple of Slowness
        Not empty where the verdict is "slow".
    unknown : tuple of str
        One sentence for every kernel that could not be judged.
    """

    verdict: str
    slow: tuple[Slowness, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The verdict in a few words, as it stands in `RunRecord.health`."""
        if not self.slow:
            return self.verdict
        return "slow: " + ", ".join(each.text for each in self.slow)


@dataclass(frozen=True, slots=True)
class HealthRecord:
    """One observation of a node's health.

    Parameters
    ----------
    tag, node, run, started_at : str
        As in the samples of the run.
    wall_s : float, seconds
        What the observation took.
    rates : tuple of KernelRate
        In the order in which they were taken.
    health : Health
        What was made of them, given the observations before.
    """

    tag: str
    node: str
    run: str
    started_at: str
    wall_s: float
    rates: tuple[KernelRate, ...]
    health: Health


@dataclass(frozen=True, slots=True)
class Limit:
    """What this node can do at most in one respect.

    Parameters
    ----------
    name : str
        The kernel's name, for instance "page_cache_read".
    unit : str
        Of the rates: "GB/s" or "GFLOP/s"; empty if it is unavailable.
    median, low, high : float
        Median of the rates of the repetitions, and its interval of 95% from their order statistics; their
        smallest and largest below six repetitions. 0 if it is unavailable.
    repetitions : int
        How many there were.
    conditions : str
        What else decides the rate: a library's version, a file system's type.
    unavailable : str or None
        Why it could not be measured.
    """

    name: str
    unit: str = ""
    median: float = 0.0
    low: float = 0.0
    high: float = 0.0
    repetitions: int = 0
    conditions: str = ""
    unavailable: str | None = None


@dataclass(frozen=True, slots=True)
class LimitsRecord:
    """The limits of a node, measured once.

    Parameters
    ----------
    tag, node, run, started_at : str
        As in a `HealthRecord`.
    wall_s : float, seconds
        What measuring took.
    limits : tuple of Limit
        In the order in which they were measured.
    """

    tag: str
    node: str
    run: str
    started_at: str
    wall_s: float
    limits: tuple[Limit, ...]
