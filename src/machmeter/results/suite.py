"""What a suite says about its benchmarks: ``benchmarks.json`` in asv's results directory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from machmeter.pairs import is_rate

_FILE: Final = "benchmarks.json"

#: asv's units by the beginning of the function's name, for suites without the file.
_UNITS: Final = {
    "timeitem": "seconds",
    "timeraw": "seconds",
    "time": "seconds",
    "peakmem": "bytes",
    "mem": "bytes",
}


@dataclass(frozen=True, slots=True)
class About:
    """One benchmark.

    Parameters
    ----------
    unit : str
        Of its results: "seconds", "bytes", or what a ``track_*`` benchmark says.
    param_names : tuple of str
        Names of its parameters; empty if they are not known.
    listed : bool
        Whether the suite still has it; True if nobody knows.
    """

    unit: str
    param_names: tuple[str, ...] = ()
    listed: bool = True

    @property
    def higher_is_better(self) -> bool:
        """Only of a rate."""
        return is_rate(self.unit)


class Suite:
    """The benchmarks of a suite, known as well as its results directory tells.

    Parameters
    ----------
    entries : mapping of str to mapping, or None
        The content of ``benchmarks.json``.
    """

    def __init__(self, entries: Mapping[str, Any] | None) -> None:
        self._entries = entries

    def about(self, benchmark: str) -> About:
        """Describe a benchmark; what is not on record is guessed from its name, as asv names them."""
        entry = (self._entries or {}).get(benchmark)
        if not isinstance(entry, Mapping):
            return About(_unit_of(benchmark), listed=self._entries is None)
        names = entry.get("param_names") or []
        unit = entry.get("unit")
        return About(
            unit if isinstance(unit, str) else _unit_of(benchmark),
            tuple(map(str, names)) if isinstance(names, list) else (),
        )


def read(results_dir: Path) -> tuple[Suite, tuple[str, ...]]:
    """Read the description of a suite.

    Returns
    -------
    suite : Suite
    problems : tuple of str
        Why it could not be read; none where there simply is no such file.
    """
    path = results_dir / _FILE
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Suite(None), ()
    except (OSError, ValueError, RecursionError) as error:
        return Suite(None), (f"{path} is left out: {type(error).__name__}: {error}",)
    if not isinstance(found, dict):
        return Suite(None), (f"{path} is left out: it describes no benchmarks",)
    return Suite({name: entry for name, entry in found.items() if name != "version"}), ()


def _unit_of(benchmark: str) -> str:
    function = benchmark.rpartition(".")[2].lower()
    return next((unit for start, unit in _UNITS.items() if function.startswith(start)), "unit")
