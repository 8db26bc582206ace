"""What a calibration found about a node: frozen values, and the file that keeps them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from machmeter.files import write_text
from machmeter.results.layout import companion_dir

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Kernel:
    """One reference benchmark.

    Parameters
    ----------
    name : str
        For instance "arithmetic".
    pairs, contended : int
        Pairs that were taken, and how many of them others disturbed.
    spread : float
        Robust standard deviation of a pair's log ratio.
    pair_s : float, seconds
        Of a pair, its side processes included; median.
    """

    name: str
    pairs: int
    contended: int
    spread: float
    pair_s: float


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of replayed verdicts.

    Parameters
    ----------
    share, low, high : float
        With the interval of 95% that so many independent runs give.
    runs : float
        Verdicts that the pairs give without using any of them twice.
    """

    share: float
    low: float
    high: float
    runs: float


@dataclass(frozen=True, slots=True)
class Resolution:
    """How well one slowdown is found.

    Parameters
    ----------
    effect : float
        The slowdown, as a share; also the threshold of the gate.
    injected : int
        Pairs with that slowdown really injected.
    seen, seen_error : float or None
        Their median slowdown and its standard error.
    found, false_alarms, undecided : Rate
        "slower" with the slowdown; "slower" or "faster" without any; without any and with no verdict.
    seconds, pairs : float or None
        Median of the runs that found it.
    seconds_95 : float or None
        After which 95% of all runs have found it; None if fewer do.
    seconds_unchanged : float or None
        Median of the runs without a slowdown.
    lacking_s : float, seconds
        About how much longer to measure until the pairs suffice for a statement; 0 if they do.
    """

    effect: float
    injected: int
    seen: float | None
    seen_error: float | None
    found: Rate
    false_alarms: Rate
    undecided: Rate
    seconds: float | None
    pairs: float | None
    seconds_95: float | None
    seconds_unchanged: float | None
    lacking_s: float = 0.0

    @property
    def is_found(self) -> bool:
        """Whether at least 95% of the runs find it, as far as enough pairs tell."""
        return self.seconds_95 is not None and not self.lacking_s


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a node can resolve.

    Parameters
    ----------
    tag, node, started_at : str
        As in a `Comparison`.
    alpha : float
        Error rate of a verdict.
    seconds : float
        Wall time of measuring.
    kernels : tuple of Kernel
        The reference workload.
    null_seen, null_error : float or None
        Median log ratio of the pairs without a slowdown, and its standard error.
    rows : tuple of Resolution
        The largest slowdown first.
    ended : str
        Why it ended early; empty if it did not.
    """

    tag: str
    node: str
    started_at: str
    alpha: float
    seconds: float
    kernels: tuple[Kernel, ...]
    null_seen: float | None
    null_error: float | None
    rows: tuple[Resolution, ...]
    ended: str = ""


def write(results_dir: Path, found: Calibration) -> Path:
    """Keep a calibration.

    Raises
    ------
    UnwritableError
        If the disk is full or the folder cannot be written.
    """
    moment = found.started_at[:19].replace("-", "").replace(":", "")
    path = companion_dir(results_dir) / "calibrations" / found.tag / f"{moment}Z-{found.node}.json"
    write_text(path, to_json(found))
    return path


def to_json(found: Calibration) -> str:
    """Everything, as one JSON object."""
    return json.dumps({"schema": SCHEMA, **asdict(found)}, indent=1, allow_nan=False) + "\n"
