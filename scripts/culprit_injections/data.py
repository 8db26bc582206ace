"""What an injection and a decoy are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

KINDS = (
    "self time",
    "extra call",
    "new function",
    "quadratic loop",
    "dtype widening",
    "extra copy",
    "needless synchronisation",
    "slower decode in a worker",
    "import-time cost",
    "I/O wait",
    "allocation churn",
    "lost caching",
)

BENCHMARKS = (
    "suite.Read.time_read",
    "suite.Segment.time_segment",
    "suite.Tabulate.time_tabulate",
    "suite.Train.time_train",
    "suite.Loader.time_epoch",
    "suite.Series.time_series",
    "suite.timeraw_import",
)

#: Percent that a benchmark becomes slower.
NONE = (0.0, 0.0)
SMALL = (2.0, 5.0)
LARGE = (5.0, 30.0)


@dataclass(frozen=True)
class Edit:
    """A text that is replaced in a file; ``old`` occurs there once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Injection:
    """A slowdown; see the package for what the parts mean."""

    identifier: str
    kind: str
    benchmark: str
    edits: tuple[Edit, ...]
    right: tuple[str, ...]
    size: tuple[float, float]


@dataclass(frozen=True)
class Decoy:
    """A harmless edit of a function, and the benchmarks that run the function."""

    function: str
    edit: Edit
    benchmarks: tuple[str, ...] = ()


def apply(files: Mapping[str, str], edits: Iterable[Edit]) -> dict[str, str]:
    """Return the edited files; raise ValueError where an old text does not occur exactly once."""
    edited = dict(files)
    for edit in edits:
        count = edited[edit.file].count(edit.old)
        if count != 1:
            raise ValueError(f"{edit.file} holds {count} times, not once:\n{edit.old}")
        edited[edit.file] = edited[edit.file].replace(edit.old, edit.new)
    return edited
