"""asv's own files of results: checked before anything is built, written whole, saved after each benchmark."""

import copy
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from asv import runner, util
from asv.results import Results

from machmeter.errors import HalfWrittenResultError, UnwritableError
from machmeter.files import write_text

#: Attributes of asv's `Results` that hold one value a benchmark.
_BY_BENCHMARK = (
    "_results",
    "_samples",
    "_stats",
    "_benchmark_params",
    "_profiles",
    "_started_at",
    "_duration",
    "_benchmark_version",
)


def check(folder: Path) -> None:
    """Make sure that a machine's results can be written and none of them is cut off.

    Parameters
    ----------
    folder : Path
        ``results/<machine>``; it is made where it is missing.

    Raises
    ------
    UnwritableError
        If nothing can be written there.
    HalfWrittenResultError
        If a file is not complete; asv would skip it in `publish` and stop on it after the build in `run`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UnwritableError(folder, error) from error
    for path in half_written(folder):
        raise HalfWrittenResultError(path)


def half_written(folder: Path) -> Iterator[Path]:
    """Files that are not complete JSON."""
    for path in sorted(folder.rglob("*.json")):
        try:
            json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            yield path


def write_whole() -> None:
    """Have asv write all its JSON under a temporary name first.

    asv opens the final name and writes into it: a signal or a full disk in that moment leaves half a
    file, which the next run cannot read.
    """

    def write_json(path: str, data: Any, api_version: int | None = None, compact: bool = False) -> None:  # noqa: ANN401, FBT001, FBT002 - asv's signature
        if api_version is not None:
            data = dict(data) | {"version": api_version}
        layout: dict[str, Any] = {"separators": (",", ":")} if compact else {"indent": 4, "sort_keys": True}
        # Results carry a version; the thousands of files of a published site do not and can be made again.
        durable = api_version is not None
        write_text(Path(path).absolute(), json.dumps(data, **layout), durable=durable)

    util.write_json = write_json


def save_after_each_benchmark() -> None:
    """Have asv keep what is finished, not only complete sets of benchmarks.

    asv saves once per commit and environment, after all its benchmarks: an interrupted run loses that
    set. A benchmark is finished when asv shows its result, after its last round. asv loads earlier
    results exactly where it is going to save, which tells us where and whether to.
    """
    show, load_data = runner.log_benchmark_result, Results.load_data
    folders: WeakKeyDictionary[Results, str] = WeakKeyDictionary()
    finished: WeakKeyDictionary[Results, set[str]] = WeakKeyDictionary()

    def load_data_and_remember(self: Results, result_dir: str) -> None:
        load_data(self, result_dir)
        folders[self] = result_dir

    def show_and_save(results: Results, benchmark: dict[str, Any], show_stderr: bool = False) -> None:  # noqa: FBT001, FBT002 - asv's signature
        show(results, benchmark, show_stderr=show_stderr)
        if results in folders:
            names = finished.setdefault(results, set())
            names.add(benchmark["name"])
            _save_only(results, names, folders[results], load_data)

    Results.load_data = load_data_and_remember
    runner.log_benchmark_result = show_and_save


def _save_only(
    results: Results, names: set[str], folder: str, load_data: Callable[[Results, str], None]
) -> None:
    """Save some benchmarks over what the file holds; the others are in the middle of their rounds."""
    partial = copy.copy(results)
    for attribute in _BY_BENCHMARK:
        setattr(partial, attribute, {})
    load_data(partial, folder)
    for attribute in _BY_BENCHMARK:
        values = getattr(results, attribute)
        getattr(partial, attribute).update({name: values[name] for name in names if name in values})
    partial.save(folder)
