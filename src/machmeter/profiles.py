"""Frozen values of profiles: what one process was seen doing, and the difference of two commits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

#: From the outermost frame inwards: a role ("main", "worker", "rank 0" …), then ``module:qualname`` each.
Stack = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProfileFacts:
    """How a profile was taken.

    Parameters
    ----------
    benchmark, params : str, tuple of str
        As in a `Sample`.
    commit, tag, node, environment, started_at : str
        As in a `RunRecord`; the time is UTC, ISO 8601.
    clock : str
        "cpu": stacks of threads that computed; "wall": of the main thread, waiting or not.
    iterations : int
        Calls of the benchmark while it was watched.
    wall_s, cpu_s, run_delay_s : float, seconds
        What these calls took: wall time, CPU of all processes, waiting for a core.
    others_cpu_s : float, seconds
        CPU time of everybody else on the node meanwhile, py-spy left out.
    plain_wall_s : float, seconds
        Wall time of as many calls in the same process while nobody watched.
    samples, errors : int
        Stacks that were read, and those that could not be.
    late_s : float, seconds
        How far sampling fell behind, at worst.
    rate_hz : int
        Samples a second.
    options : tuple of str
        "nonblocking" and "native", where they were used.
    versions : mapping of str to str
        Installed distributions by name.
    project : tuple of str
        Top-level modules of the project and the suite.
    work : str or None
        Digest of what was computed, where the benchmark says what that is.
    """

    benchmark: str
    params: tuple[str, ...]
    commit: str
    tag: str
    node: str
    environment: str
    started_at: str
    clock: str
    iterations: int
    wall_s: float
    cpu_s: float
    run_delay_s: float
    plain_wall_s: float
    samples: int
    errors: int
    late_s: float
    rate_hz: int
    options: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    project: tuple[str, ...] = ()
    work: str | None = None
    others_cpu_s: float = 0.0

    @property
    def seconds(self) -> float:
        """Seconds of the clock that counts."""
        return self.cpu_s if self.clock == "cpu" else self.wall_s

    @property
    def delayed(self) -> float:
        """Share of the wall time that was spent waiting for a core."""
        return self.run_delay_s / self.wall_s if self.wall_s > 0 else 0.0

    @property
    def disturbed(self) -> float:
        """CPU time of everybody else, as a share of the wall time."""
        return self.others_cpu_s / self.wall_s if self.wall_s > 0 else 0.0

    @property
    def overhead(self) -> float:
        """What watching cost, as a share of the time without it."""
        return self.wall_s / self.plain_wall_s - 1.0 if self.plain_wall_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Profile:
    """What one process and its children were seen doing.

    Parameters
    ----------
    facts : ProfileFacts
        How it was taken.
    stacks : mapping of Stack to int
        How often each call path was seen.
    """

    facts: ProfileFacts
    stacks: Mapping[Stack, int]

    @property
    def count(self) -> int:
        """Stacks that were seen, all together."""
        return sum(self.stacks.values())


@dataclass(frozen=True, slots=True)
class Change:
    """What a call path or a function takes of an iteration at both commits.

    Parameters
    ----------
    base_s, head_s : float, seconds an iteration
        Cost at the base, and at the head in terms of the base's speed.
    low_s, high_s : float, seconds an iteration
        Interval of 95% of their difference.
    p_value : float
        Against "no difference".
    significant : bool
        Whether it is among the discoveries of its kind (Benjamini-Hochberg).
    """

    base_s: float
    head_s: float
    low_s: float
    high_s: float
    p_value: float
    significant: bool

    @property
    def delta_s(self) -> float:
        """Head minus base."""
        return self.head_s - self.base_s


@dataclass(frozen=True, slots=True)
class Node:
    """A call path, with everything below it.

    Parameters
    ----------
    stack : Stack
        From the role inwards.
    project : bool
        Whether its last frame belongs to the project or the suite.
    total : Change
        Of this path and all that it calls.
    """

    stack: Stack
    project: bool
    total: Change


@dataclass(frozen=True, slots=True)
class FunctionChange:
    """A function of the project with what it spends itself and in libraries.

    Parameters
    ----------
    name : str
        ``module:qualname``.
    own : Change
        Time in the function itself and in what it calls outside the project.
    total : Change
        Time in it and in everything below it.
    edited : bool or None
        Whether its code differs between the commits; None if that is not known.
    status : str
        "added" or "vanished" if only one side has it in its source or was seen in it, empty otherwise.
    callers : tuple of str
        The project's functions it was called from, most of the time first.
    """

    name: str
    own: Change
    total: Change
    edited: bool | None = None
    status: str = ""
    callers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Culprit:
    """The function that explains a change.

    Parameters
    ----------
    name : str
        ``module:qualname``.
    share, low, high : float
        What it adds, as a share of the base's whole cost, with its interval of 95%.
    via : str
        The function below it that spends the time, where that is another one; empty otherwise.
    commit : str
        The commit that changed it, where that is known; empty otherwise.
    """

    name: str
    share: float
    low: float
    high: float
    via: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """Two commits' profiles, subtracted.

    Parameters
    ----------
    benchmark, params : str, tuple of str
        As in a `Sample`.
    base, head : tuple of ProfileFacts
        The profiles of each side.
    ratio, low, high : float
        Cost of the head over that of the base, with its interval of 95%: the gate's where there is one.
    clock : str
        See `ProfileFacts`.
    nodes : tuple of Node
        Every call path, parents before children.
    functions : tuple of FunctionChange
        The project's, most blamed first.
    culprit : Culprit or None
        None: no function can be named.
    reason : str
        Why not; empty where one is named.
    notes : tuple of str
        What the reader should know: versions that differ, work that changed, profiles that were refused.
    """

    benchmark: str
    params: tuple[str, ...]
    base: tuple[ProfileFacts, ...]
    head: tuple[ProfileFacts, ...]
    ratio: float
    low: float
    high: float
    clock: str
    nodes: tuple[Node, ...]
    functions: tuple[FunctionChange, ...]
    culprit: Culprit | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()
