"""Makes virtual environments and installs into them: uv where it works, pip otherwise."""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from asv import util
from asv.console import log
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from machmeter.environment.instrument import site_packages
from machmeter.environment.pip_settings import PipSettings


class Installer:
    """Installs into one virtual environment.

    Parameters
    ----------
    environment : Path
        Root of the virtual environment, which need not exist yet.
    constraints : sequence of Path
        pip constraint files that hold for every install.
    timeout_s : float, seconds
        Longest time without output of any one command.
    """

    def __init__(self, environment: Path, constraints: Sequence[Path], timeout_s: float) -> None:
        self._environment = environment
        self._constraints = constraints
        self._timeout_s = timeout_s
        self._uv = _find_uv()
        self._pip_settings: PipSettings | None = None

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self._environment / "bin" / "python"

    def create(self, base_python: str) -> None:
        """Make the environment, with pip in it.

        Parameters
        ----------
        base_python : str
            Path of the interpreter that the environment belongs to.
        """
        seeded = [
            self._uv or "",
            "venv",
            "--quiet",
            "--clear",
            "--seed",
            "--no-project",
            "--no-python-downloads",
        ]
        plain = [base_python, "-m", "venv", "--clear", os.fspath(self._environment)]
        self._either([*seeded, "--python", base_python, os.fspath(self._environment)], plain, {})

    def install(self, arguments: Sequence[str]) -> None:
        """Install what the arguments name: requirements, files, ``--no-deps``, ``--editable PATH``."""
        constraints = [text for path in self._constraints for text in ("--constraint", os.fspath(path))]
        settings = self._settings()
        fast = [self._uv or "", "pip", "install", "--python", os.fspath(self.python)]
        fast += ["--link-mode", "hardlink", *settings.uv_arguments()]
        plain = [os.fspath(self.python), "-m", "pip", "install"]
        self._either(
            [*fast, *constraints, *arguments], [*plain, *constraints, *arguments], settings.uv_environment()
        )

    def uninstall_project(self) -> None:
        """Remove whatever was installed from a checkout or a wheel below this environment."""
        names = [dist.metadata["Name"] for dist in self.project_distributions()]
        if names:
            fast = [self._uv or "", "pip", "uninstall", "--python", os.fspath(self.python), *names]
            self._either(fast, [os.fspath(self.python), "-m", "pip", "uninstall", "-y", *names], {})

    def project_distributions(self) -> list[Distribution]:
        """Distributions that came from a path below this environment (PEP 610)."""
        return [dist for dist in self._installed() if _came_from(dist, self._environment)]

    def third_party(self) -> dict[str, str]:
        """Versions of the distributions that did not come from a path below this environment, by name."""
        project = {dist.metadata["Name"] for dist in self.project_distributions()}
        return {
            canonicalize_name(dist.metadata["Name"]): dist.version
            for dist in self._installed()
            if dist.metadata["Name"] not in project
        }

    def project_files(self) -> set[str]:
        """Top-level names of what the project installed, as its RECORD lists it."""
        files = [file for dist in self.project_distributions() for file in dist.files or ()]
        names = {file.parts[0].partition(".")[0] for file in files}
        return {name for name in names if name.isidentifier() and not name.startswith("__editable__")}

    def missing_dependencies(self) -> list[str]:
        """List the requirements of the installed project that nothing in the environment satisfies."""
        versions: dict[str, str] = {
            canonicalize_name(dist.metadata["Name"]): dist.version for dist in self._installed()
        }
        wanted = [text for dist in self.project_distributions() for text in dist.requires or ()]
        return [text for text in wanted if not _satisfied(text, versions)]

    def _installed(self) -> Iterable[Distribution]:
        return distributions(path=[os.fspath(site_packages(self._environment))])

    def _settings(self) -> PipSettings:
        if self._pip_settings is None:
            listing = self._run([os.fspath(self.python), "-m", "pip", "config", "list"], dict(os.environ))
            self._pip_settings = PipSettings.parse(listing)
        return self._pip_settings

    def _either(self, fast: list[str], plain: list[str], uv_variables: dict[str, str]) -> None:
        """Let uv do it; if there is no uv or it fails, say so in one line and let pip do it."""
        if self._uv is None:
            log.warning("uv was not found, pip does the work (slower). Install uv to speed this up.")
            self._run(plain, _environment_for_pip())
            return
        try:
            self._run(fast, dict(os.environ) | uv_variables, display_error=False)
        except util.ProcessError as error:
            log.warning(f"uv failed ({_last_line(error)}), pip does the work (slower).")
            self._run(plain, _environment_for_pip())

    def _run(self, command: list[str], variables: dict[str, str], *, display_error: bool = True) -> str:
        variables.pop("PYTHONPATH", None)
        output = util.check_output(
            command,
            timeout=self._timeout_s,
            env=variables,
            cwd=os.fspath(Path.home() if Path.home().is_dir() else Path("/")),
            display_error=display_error,
        )
        return str(output)


def find_python(version: str) -> str | None:
    """Path of the interpreter of a version such as "3.12", None if this machine has none."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    return shutil.which(f"python{version}")


def _find_uv() -> str | None:
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - uv may be missing, or installed by other means

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        return shutil.which("uv")


def _environment_for_pip() -> dict[str, str]:
    # A user's configured "--user" cannot be combined with a virtual environment.
    return dict(os.environ) | {"PIP_USER": "false", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _last_line(error: Any) -> str:  # noqa: ANN401 - asv's ProcessError
    lines = [line.strip() for line in f"{error.stdout}\n{error.stderr}".splitlines() if line.strip()]
    return lines[-1] if lines else f"exit status {error.retcode}"


def _came_from(dist: Distribution, folder: Path) -> bool:
    try:
        url = json.loads(dist.read_text("direct_url.json") or "{}").get("url", "")
    except ValueError:
        return False
    parts = urlparse(url)
    return parts.scheme == "file" and Path(unquote(parts.path)).is_relative_to(folder.absolute())


def _satisfied(requirement: str, versions: dict[str, str]) -> bool:
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:
        return True  # pip would have refused the project: not ours to judge
    if parsed.marker is not None and not parsed.marker.evaluate({"extra": ""}):
        return True
    version = versions.get(canonicalize_name(parsed.name))
    return version is not None and parsed.specifier.contains(version, prereleases=True)
