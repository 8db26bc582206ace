"""Whether `asv run` is to profile what it has measured, and what its processes must know for that."""

import os
from pathlib import Path
from typing import Any, Final

from machmeter.errors import ConfigurationError
from machmeter.profiling.program import spy_program
from machmeter.results.profiles import profiles_dir

#: "1" asks for profiles.
VARIABLE: Final = "MACHMETER_PROFILE"
_RATE_HZ: Final = 100


def is_wanted() -> bool:
    """Whether the user asked for profiles.

    Raises
    ------
    ConfigurationError
        If the variable says something else than yes or no.
    """
    chosen = os.environ.get(VARIABLE, "0") or "0"
    if chosen not in {"0", "1"}:
        raise ConfigurationError(f"{VARIABLE} is {chosen!r}.", "Nothing was measured.", "Known: 0, 1.")
    return chosen == "1"


def request(results_dir: Path, tag: str, project: tuple[str, ...]) -> dict[str, Any]:
    """Describe to a benchmark process how it is profiled; see `machmeter.probe.asv_profile.take`."""
    return {
        "program": spy_program(),
        "folder": os.fspath(profiles_dir(results_dir, tag)),
        "rate_hz": _RATE_HZ,
        "options": [],
        "project": list(project),
    }
