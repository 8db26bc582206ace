"""asv's own files of results: checked before anything is built, written whole, saved after each benchmark."""

import contextlib
import copy
import fcntl
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
from machmeter.results.layout import companion_dir

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
        except IsADirectoryError:
            continue
        except (OSError, ValueError, RecursionError):
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
    """Have asv keep what is finished, and only that: neither lose nor overwrite what others have.

    asv saves once per commit and environment, after all its benchmarks: an interrupted run loses that
    set, and two nodes that share the results overwrite each other's with what they loaded at the start.
    A benchmark is finished when asv shows its result, after its last round. asv loads earlier results
    exactly where it is going to save, which tells us where and whether to.
    """
    show, load_data, add_result = runner.log_benchmark_result, Results.load_data, Results.add_result
    save = Results.save
    folders: WeakKeyDictionary[Results, str] = WeakKeyDictionary()
    measured: WeakKeyDictionary[Results, set[str]] = WeakKeyDictionary()
    finished: WeakKeyDictionary[Results, set[str]] = WeakKeyDictionary()

    def load_data_and_remember(self: Results, result_dir: str) -> None:
        load_data(self, result_dir)
        folders[self] = result_dir

    def add_result_and_remember(self: Results, benchmark: dict[str, Any], *rest: Any, **named: Any) -> None:  # noqa: ANN401 - asv's signature
        add_result(self, benchmark, *rest, **named)
        measured.setdefault(self, set()).add(benchmark["name"])

    def save_what_was_measured(self: Results, result_dir: str) -> None:
        if self in folders and self in measured:
            _merge(self, measured[self], result_dir, load_data, save)
        else:  # `asv rm` and the like: the file becomes what asv says
            save(self, result_dir)

    def show_and_save(results: Results, benchmark: dict[str, Any], show_stderr: bool = False) -> None:  # noqa: FBT001, FBT002 - asv's signature
        show(results, benchmark, show_stderr=show_stderr)
        if results in folders:
            names = finished.setdefault(results, set())
            names.add(benchmark["name"])
            _merge(results, names, folders[results], load_data, save)

    Results.load_data = load_data_and_remember
    Results.add_result = add_result_and_remember
    Results.save = save_what_was_measured
    runner.log_benchmark_result = show_and_save


def _merge(
    results: Results, names: set[str], folder: str, load_data: Callable[..., None], save: Callable[..., None]
) -> None:
    """Save some benchmarks over what the file holds at this moment."""
    merged = copy.copy(results)
    with _locked(Path(folder)):
        for attribute in _BY_BENCHMARK:
            setattr(merged, attribute, {})
        load_data(merged, folder)
        for attribute in _BY_BENCHMARK:
            values = getattr(results, attribute)
            # Durations also have entries for builds and caches, "<build>".
            mine = {name for name in values if name in names or name.startswith("<")}
            getattr(merged, attribute).update({name: values[name] for name in mine})
        save(merged, folder)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other drivers, also on other nodes of a shared file system, from writing results meanwhile."""
    lock = companion_dir(folder) / "lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as stream:
        fcntl.lockf(stream, fcntl.LOCK_EX)
        yield
