"""What a driver puts on record before it measures: the node's state, and whether the node is healthy."""

import functools
import os
import platform
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from asv.console import log

from machmeter.environment.context import run_identifier
from machmeter.environment.instrument import site_packages
from machmeter.environment.options import HEALTH_MODES
from machmeter.environment.progress import say
from machmeter.errors import ConfigurationError, UnhealthyNodeError
from machmeter.machine import health
from machmeter.machine.fingerprint import fingerprint
from machmeter.machine.kernels import Setting
from machmeter.machine.libraries import libraries
from machmeter.machine.storage import storage
from machmeter.machine.threads import thread_settings
from machmeter.model import HealthRecord, RunRecord
from machmeter.results import health_records, runs

#: Installed for asv and for building, never imported by what is timed.
_TOOLS = {"asv-runner", "build", "pip", "pympler", "pyproject-hooks", "setuptools", "wheel"}

#: Overrides the option "health" of asv.conf.json.
VARIABLE = "MACHMETER_HEALTH"


def data_directory() -> Path:
    """Return the directory that benchmarks read from, as ``machmeter_workloads`` chooses it."""
    chosen = os.environ.get("MACHMETER_DATA")
    cache = os.environ.get("XDG_CACHE_HOME") or os.fspath(Path("~/.cache").expanduser())
    directory = Path(chosen).expanduser() if chosen else Path(cache) / "machmeter"
    # What has not been made yet will lie on the storage of the folder above.
    return next(folder for folder in (directory, *directory.absolute().parents) if folder.is_dir())


def mode(option: str) -> str:
    """Return what happens on an unhealthy node: the variable's word, else the configuration's.

    Raises
    ------
    ConfigurationError
        If the variable says something else.
    """
    chosen = os.environ.get(VARIABLE) or option
    if chosen not in HEALTH_MODES:
        raise ConfigurationError(
            f"{VARIABLE} is {chosen!r}.", "Nothing was measured.", f"Known: {', '.join(HEALTH_MODES)}."
        )
    return chosen


def observe(results_dir: Path, suite_python: Path | None) -> HealthRecord:
    """Observe this node's health, judge it, and keep the observation."""
    setting = here(suite_python)
    earlier, problems = health_records.read(results_dir, setting.tag)
    for problem in problems:
        log.warning(problem)
    record = health.check(setting, earlier)
    health_records.write(results_dir, record)
    return record


def suite_python(env_dir: Path) -> Path | None:
    """Return the Python of the suite's newest environment, None where none has been made."""
    stamps = sorted(env_dir.glob("*/asv-env-info.json"), key=lambda path: path.stat().st_mtime)
    return stamps[-1].parent.absolute() / "bin" / "python" if stamps else None


def here(suite_python: Path | None, directory: Path | None = None) -> Setting:
    """Describe this node to the kernels; the storage is that of the data directory unless said otherwise."""
    found = fingerprint()
    return Setting(
        tag=found.tag,
        node=platform.node(),
        run=run_identifier(),
        directory=directory or data_directory(),
        suite_python=suite_python,
        gpu=bool(found.identity["gpus"]),
    )


class Session:
    """What one driver has put on record about its run.

    Parameters
    ----------
    results_dir : Path
        asv's results directory.
    """

    def __init__(self, results_dir: Path) -> None:
        self._results_dir = results_dir
        self._versions: dict[str, set[str]] = {}
        self._kept = False
        self._health: HealthRecord | None = None
        found = fingerprint()
        self.record = RunRecord(
            run=run_identifier(),
            tag=found.tag,
            node=platform.node(),
            started_at=datetime.now(UTC).isoformat(),
            state=found.state,
            storage=storage(data_directory()),
            threads=thread_settings(os.environ),
        )

    @classmethod
    @functools.cache
    def of(cls, results_dir: Path) -> "Session":
        """Return this driver's session; all environments of a run share it."""
        return cls(results_dir)

    def mark(self, chosen: str, suite_python: Path) -> str | None:
        """Check this node once, against what its class has shown before.

        Parameters
        ----------
        chosen : str
            One of `HEALTH_MODES`.
        suite_python : Path
            Python of the suite's environment, for the GPU's kernels.

        Returns
        -------
        str or None
            The mark that every sample carries: what is slow. None for a healthy or unknown node.

        Raises
        ------
        UnhealthyNodeError
            If something is slow and the mode is "refuse".
        """
        if chosen == "off":
            return None
        if self._health is None:
            say("Checking the node's health (some seconds)")
            self._health = observe(self._results_dir, suite_python)
            say(f"Health: {self._health.health.text}")
        if not self._health.health.slow:
            return None
        if chosen == "refuse":
            raise UnhealthyNodeError(self._health.tag, self._health.health.text)
        return self._health.health.text

    def keep(self, environment: Path, mark: str | None) -> None:
        """Keep the record, with everything that is installed in an environment at this moment.

        Parameters
        ----------
        environment : Path
            Root of a virtual environment. Each environment and commit of a run adds its own versions.
        mark : str or None
            What `mark` returned.
        """
        found = {**libraries(site_packages(environment)), "python": _python_version(environment)}
        before = {name: set(versions) for name, versions in self._versions.items()}
        for name, version in found.items():
            if name not in _TOOLS:
                self._versions.setdefault(f"library {name}", set()).add(version)
        if before == self._versions and self._kept:
            return
        versions = {name: " and ".join(sorted(seen)) for name, seen in sorted(self._versions.items())}
        state = {**self.record.state, **versions}
        runs.write(self._results_dir, replace(self.record, state=state, health=mark or "no finding"))
        self._kept = True


def _python_version(environment: Path) -> str:
    """Read the full version from ``pyvenv.cfg``; uv and venv spell its key differently."""
    try:
        lines = (environment / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    values = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    return values.get("version_info") or values.get("version") or "unknown"
