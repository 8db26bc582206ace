"""Runs the reference kernels in a child process, with one thread each, and reads what they say."""

import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import machmeter
from machmeter.machine.parsing import UNKNOWN
from machmeter.machine.storage import storage

#: One thread for every library that the kernels call.
SINGLE_THREAD: Final = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "BLOSC_NTHREADS",
    ),
    "1",
)

#: Gives the child today's instrument and nothing else of the driver's packages: its own numpy stays its own.
_START: Final = """\
import importlib.util, os, runpy, sys
package = sys.argv.pop(1)
spec = importlib.util.spec_from_file_location(
    "machmeter", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
)
sys.modules["machmeter"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["machmeter"])
runpy.run_module("machmeter.probe.kernels", run_name="__main__", alter_sys=True)
"""

#: Stands for one kernel a number of threads.
BY_THREADS: Final = "memcpy_threads"

#: Reads from the disk, which the child does not know.
COLD_READ: Final = "cold_read"

_MOST_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True)
class Setting:
    """Which node the kernels speak for, and what they use there.

    Parameters
    ----------
    tag, node, run : str
        As in the samples of the run.
    directory : Path
        Where the data lie: the storage kernels read there.
    suite_python : Path or None
        Python of the suite's environment, for the kernels that need torch or blosc2.
    gpu : bool
        Whether the machine has a GPU that this process may use.
    python : Path
        For the kernels that numpy suffices for.
    """

    tag: str
    node: str
    run: str
    directory: Path
    suite_python: Path | None = None
    gpu: bool = False
    python: Path = Path(sys.executable)


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be run, and where.

    Parameters
    ----------
    names : tuple of str
        Kernels, in the order of `machmeter.probe.kernels`.
    python : Path
        The driver's own where numpy suffices, the suite's environment where torch or blosc2 is needed.
    directory : Path
        For the scratch files; every other kernel ignores it.
    seconds : float
        Timed seconds a kernel.
    threads : int
        The most threads of ``memcpy_threads``.
    timeout_s : float, seconds
        For all kernels together.
    """

    names: tuple[str, ...]
    python: Path
    directory: Path
    seconds: float
    threads: int = 1
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What a kernel reached: one rate a repetition, in `unit`; or why it could not run.

    Parameters
    ----------
    rates : tuple of float
        In the order of the repetitions; empty if it is unavailable.
    sustained : float
        All work over all timed seconds.
    """

    name: str
    unit: str = ""
    rates: tuple[float, ...] = ()
    sustained: float = math.nan
    conditions: str = ""
    unavailable: str | None = None


def run(request: Request) -> tuple[Measured, ...]:
    """Run kernels in a child process.

    Returns
    -------
    tuple of Measured
        At least one for every name asked for. A kernel that the child never reported, because it crashed,
        hung or could not start, is unavailable with the reason; what it reported before that counts.
    """
    reported, ending = _child(request)
    parsed = (_parsed(line) for line in reported.splitlines())
    found = [
        _on_disk(each, request.directory)
        for each in parsed
        if each is not None and _asked(each.name) in request.names
    ]
    done = {_asked(each.name) for each in found}
    missing = [Measured(name, unavailable=ending) for name in request.names if name not in done]
    return tuple(found + missing)


def _child(request: Request) -> tuple[str, str]:
    """Give what the child printed, and how it ended."""
    command = [os.fspath(request.python), "-c", _START, os.fspath(Path(machmeter.__file__).parent)]
    command += [*request.names, "--directory", os.fspath(request.directory.absolute())]
    command += ["--seconds", str(request.seconds), "--threads", str(request.threads)]
    # The current folder may hold a numpy.py of its own; since Python 3.11 this keeps it out.
    variables = {**os.environ, **SINGLE_THREAD, "PYTHONSAFEPATH": "1"}
    try:
        done = subprocess.run(
            command, env=variables, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=request.timeout_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        return _decoded(error.stdout), f"not finished within {request.timeout_s:g} s"
    except OSError as error:
        return "", f"{request.python} does not start: {error.strerror or error}"
    last = (_decoded(done.stderr).strip().splitlines() or ["no message"])[-1]
    return _decoded(done.stdout), f"the process ended with {done.returncode}: {last}"[:_MOST_CHARACTERS]


def _decoded(output: bytes | str | None) -> str:
    return output.decode("utf-8", "replace") if isinstance(output, bytes) else output or ""


def _asked(name: str) -> str:
    """Give the name that was asked for: ``memcpy_threads`` is reported as one kernel a number of threads."""
    return BY_THREADS if name.startswith(f"{BY_THREADS}_") else name


def _on_disk(measured: Measured, directory: Path) -> Measured:
    """Add what a cold read came from: a hard disk and a solid-state disk may hold the same file system."""
    if measured.name != COLD_READ or measured.unavailable is not None:
        return measured
    facts = storage(directory)
    known = [facts[name] for name in ("filesystem", "kind", "model") if facts[name] != UNKNOWN]
    return replace(measured, conditions=", ".join(dict.fromkeys(known)) or measured.conditions)


def _parsed(line: str) -> Measured | None:
    """Read one line; what a library prints among them is passed over."""
    try:
        row = json.loads(line)
        unavailable = row.get("unavailable")
        plain = Measured(str(row["name"]))
        if unavailable is not None:
            return replace(plain, unavailable=str(unavailable))
        rates = tuple(_rate(rate) for rate in row["rates"])
        texts = {"unit": str(row["unit"]), "conditions": str(row["conditions"])}
        return replace(plain, rates=rates, sustained=_rate(row["sustained"]), **texts) if rates else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _rate(value: Any) -> float:  # noqa: ANN401 - from JSON
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        msg = f"{value!r} is no rate"
        raise ValueError(msg)
    return float(value)
