"""The memory pass: which call paths hold a benchmark's heap at the moment when it is largest."""

import gc
import importlib
import os
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from machmeter.probe import stacks
from machmeter.probe.forks import kinds, process, untimed
from machmeter.probe.qualnames import Qualnames

#: What runs outside the benchmark in its own thread stands below this function.
_OUTSIDE = f"{__name__}:take"


def take(kind: kinds.Kind, benchmark: Any, project: Collection[str]) -> dict[str, Any]:  # noqa: ANN401 - asv_runner's
    """Have memray follow one call of a benchmark.

    Parameters
    ----------
    kind : Kind
        The benchmark, set up and warm.
    benchmark : asv_runner's Benchmark
        The same.
    project : collection of str
        Top-level modules of the project and the suite, whose functions get qualified names.

    Returns
    -------
    dict
        ``rows``: a role and frames from the benchmark inwards (list of str), bytes and number of the
        allocations that are alive when most bytes are. Or ``refused``: why there are none.

    Notes
    -----
    Python's own allocators are followed object by object: arenas of a megabyte would be ascribed to whoever
    happened to need the next one. Child processes are not followed.
    """
    if isinstance(kind, kinds.Raw):
        return {"refused": "statements in an interpreter of their own cannot be followed"}
    try:
        memray = importlib.import_module("memray")
    except ImportError as error:
        return {"refused": f"memray cannot be imported in the benchmark environment ({error})"}
    untimed.renew(benchmark)
    call = untimed.call_of(benchmark)
    with tempfile.TemporaryDirectory(prefix="machmeter-memory-") as folder:
        file = os.path.join(folder, "allocations")
        tracker = memray.Tracker(
            file,
            native_traces=False,
            follow_fork=False,
            trace_python_allocators=True,
            file_format=memray.FileFormat.AGGREGATED_ALLOCATIONS,
        )
        gc.collect()
        with tracker:
            call()
        with memray.FileReader(file) as reader:
            records = reader.get_high_watermark_allocation_records(merge_threads=True)
            return {"rows": _rows(records, project)}


def _rows(records: Iterable[Any], project: Collection[str]) -> list[tuple[list[str], int, int]]:
    files = stacks.module_names(process.module_files())
    names = Qualnames()

    def named(function: str, file: str, line: int) -> str:
        found = stacks.named(function, file, files)
        if found.partition(":")[0].partition(".")[0] not in project:
            return found
        return stacks.named(names.of(function, file, line), file, files)

    totals: defaultdict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0])
    for record in records:
        stack = placed([named(*frame) for frame in reversed(record.stack_trace())])
        if stack is not None:
            totals[stack][0] += record.size
            totals[stack][1] += record.n_allocations
    return [(list(stack), size, number) for stack, (size, number) in sorted(totals.items())]


def placed(frames: list[str]) -> tuple[str, ...] | None:
    """Put a role before the frames of a thread; None for what happened around the benchmark.

    Parameters
    ----------
    frames : list of str
        ``module:qualname`` from the outermost inwards; none of a thread that Python does not know.
    """
    if stacks.REGION in frames:
        inner = frames[len(frames) - frames[::-1].index(stacks.REGION) :]
        return "main", *stacks._folded(inner)  # noqa: SLF001 - what py-spy's stacks are folded by
    return None if _OUTSIDE in frames else ("thread", *stacks._folded(frames))  # noqa: SLF001
