"""Recorded rows, sorted by what may stand in one figure, and Mach for each strategy in them."""

import contextlib
import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from drawing.refusal import RefusedError
from machmeter.machine import paths
from machmeter.machine.limits import Mach

Row = Mapping[str, Any]

UNLIMITED = "unlimited"

HTC = ("original", "blosc", "fp16", "gpu_aug", "ring_buffer")
OURS = (
    *("threads_original", "threads_blosc", "threads_fp16", "threads_lz4"),
    *("raw16", "mapped", "windows", "auto"),
)


class Setting(NamedTuple):
    """What must be equal for two rows to stand in one figure."""

    machine: str
    size: str
    workers: int
    batch: int

    @property
    def text(self) -> str:
        """For a title: "cubes of 240x320x100, batches of 4, 2 workers, epyc-2c-24g-269fd493"."""
        workers = "no workers" if not self.workers else f"{self.workers} workers"
        named = [f"cubes of {self.size}", f"batches of {self.batch}", workers, self.machine]
        return ", ".join(filter(None, named))

    @property
    def stem(self) -> str:
        """For a file's name."""
        return "-".join(filter(None, [self.size, f"{self.workers}w", f"b{self.batch}", self.machine]))


def read(files: Iterable[Path]) -> list[Row]:
    """Read the rows that were measured; failed ones and a line that was cut off are passed over.

    Raises
    ------
    RefusedError
        A file is not there, or there is no row in all of them.
    """
    names = list(files)
    found = [row for path in names for row in _lines(path) if "failed" not in row and "name" in row]
    if not found:
        raise RefusedError(
            f"{', '.join(map(str, names))}: no measured row.",
            "A figure is drawn from rows.",
            'Measure some with "scripts/measure_loaders.py run" or "scripts/measure_photos.py run".',
        )
    return found


def _lines(path: Path) -> Iterator[Row]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RefusedError(
            f"{path} cannot be read: {reason}.", "A figure is drawn from rows.", "Name a file of rows."
        ) from error
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            row = json.loads(line)
            if isinstance(row, dict):
                yield row


def of_cubes(rows: Iterable[Row]) -> dict[Setting, list[Row]]:
    """Sort the rows of ``measure_loaders.py`` by their setting."""
    found: dict[Setting, list[Row]] = defaultdict(list)
    for row in rows:
        if "wall_s" in row and "size" in row:
            found[Setting(row.get("tag", ""), row["size"], row["workers"], row["batch"])].append(row)
    return dict(sorted(found.items()))


def of_photos(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Sort the rows of ``measure_photos.py`` by their machine."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if "images_per_s" in row:
            found[row.get("tag", "")].append(row)
    return dict(sorted(found.items()))


def by_name(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Group rows by the strategy's or the limit's name, in the order in which they first come."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["name"], []).append(row)
    return found


def median(rows: Iterable[Row], key: str) -> float:
    """Median of a column; NaN where no row has it."""
    values = [row[key] for row in rows if row.get(key) is not None]
    return statistics.median(values) if values else float("nan")


def strategies(rows: Iterable[Row], io_speed: str | None = None) -> list[Row]:
    """Choose the rows that are no limits, of one I/O speed if it is given."""
    return [row for row in rows if not is_limit(row) and io_speed in (None, row.get("io_speed", UNLIMITED))]


def is_limit(row: Row) -> bool:
    """Whether a row is a limit of the node: what threads need from memory to memory, with no loader."""
    return "lifetime" not in row


def rates(rows: Iterable[Row]) -> dict[str, float]:
    """Give the limits that were measured beside the strategies: bytes a CPU second, by name.

    Each row of a limit says in ``limit`` which ones it measured, and the bytes of them in a cube.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for limit, amount in row.get("limit", {}).items():
            found[limit].append(amount / row["cpu_s"])
    return paths.rates() | {limit: statistics.median(each) for limit, each in found.items()}


class Machs(NamedTuple):
    """How near a strategy comes to the limits on its path; None where they are not known."""

    cpu: Mach | None
    wall: Mach | None


def machs(of_strategy: Sequence[Row], known: Mapping[str, float]) -> Machs:
    """Compare the medians of a strategy's rows with the limits of the same run."""
    path = of_strategy[-1].get("path") or {}
    if paths.unknown(path, known):
        return Machs(None, None)
    threads = of_strategy[-1].get("threads") or max(1, of_strategy[-1]["workers"])
    return Machs(
        paths.cpu_mach(path, known, median(of_strategy, "cpu_s")),
        paths.wall_mach(path, known, median(of_strategy, "wall_s"), threads),
    )


def spelled(found: Mach | None) -> str:
    """Spell a Mach with its bottleneck, for instance "0.82 decode"; nothing where there is none."""
    return "" if found is None else f"{found.value:.2f} {paths.stage(found.bottleneck)}"
