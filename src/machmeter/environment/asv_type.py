"""The environment type ``machmeter`` of asv."""

import hashlib
import json
import os
import re
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from asv import environment, util
from asv.console import log
from asv.repo import Repo

from machmeter.environment import instrument, profile, purity, session
from machmeter.environment.bytecode import BytecodeStore
from machmeter.environment.context import context_for
from machmeter.environment.installer import Installer, find_python
from machmeter.environment.options import Options
from machmeter.environment.progress import say
from machmeter.errors import MachmeterError, NoRepositoryError
from machmeter.probe import sidecar

_BUILD_WHEEL = ["python -m pip wheel --no-deps -w {build_cache_dir} {build_dir}"]
_STAMP = "machmeter-environment.json"
#: Where projects keep their sources, below the checkout.
_SOURCE_FOLDERS = (".", "src", "lib", "python")
#: Run in the environment's python: which of these names it would import from the project's checkout, or from
#: what the project installed. Nothing is imported.
_ORIGINS = """\
import importlib.util, json, os, sys
names, root = json.loads(sys.argv[1])
sys.path[:] = [entry for entry in sys.path if entry]
def places(name):
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return []
    found = [spec.origin, *(spec.submodule_search_locations or [])] if spec else []
    return [os.path.realpath(place) + os.sep for place in found if place and os.sep in place]
home = (os.path.join(root, "project") + os.sep, os.path.join(root, "lib") + os.sep)
print(json.dumps([name for name in names if any(place.startswith(home) for place in places(name))]))
"""
#: The runner's command that comes before all of them, in the driver itself.
_DISCOVERING = "discover"
#: The runner's commands that time benchmarks in the process that asv starts.
_MEASURING = {"run", "run_server"}


class MachmeterEnvironment(environment.Environment):
    """Virtual environments made by uv, with a commit installed as a link to its checkout.

    A pure-Python project is installed editable; a project with a build step gets a wheel as in asv's own
    environments. The project's dependencies are installed where the matrix does not provide them. The
    user's own build, install and uninstall commands win over all of this.
    """

    tool_name = "machmeter"
    matches_python_fallback = False

    def __init__(self, conf: Any, python: str, requirements: dict[str, str], tagged_env_vars: Any) -> None:  # noqa: ANN401 - asv's types
        base_python = find_python(python)
        if base_python is None:
            msg = f'No python{python} found on PATH: install it, or change "pythons" in asv.conf.json.'
            raise environment.EnvironmentUnavailable(msg)
        try:
            _check_repository(conf)
            self._options = Options.parse(getattr(conf, "machmeter", None), Path.cwd())
        except MachmeterError as error:
            raise util.UserError(str(error)) from error
        self._base_python = base_python
        self._results_dir = Path(conf.results_dir).absolute()
        self._benchmark_dir = conf.benchmark_dir
        self._requirements = requirements  # the base class needs it for the path before it sets it
        super().__init__(conf, python, requirements, tagged_env_vars)
        # The probe relies on this version's inner parts: see the contract tests.
        self._base_requirements["pip+asv_runner"] = f"=={version('asv_runner')}"
        self._installer = Installer(Path(self._path), self._options.constraints, self._install_timeout)

    @classmethod
    def matches(cls, python: str) -> bool:
        """Tell whether this machine has that version of Python."""
        return re.match(r"^\d+\.\d+$", python) is not None and find_python(python) is not None

    @property
    def root(self) -> Path:
        """Root of the virtual environment."""
        return Path(self._path)

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables of a process that measures the installed commit."""
        return {**self._global_env_vars, **self.env_vars, "PIP_USER": "false"}

    def third_party(self) -> dict[str, str]:
        """Versions of what is installed besides the project, by name."""
        return self._installer.third_party()

    def project_modules(self) -> set[str]:
        """Top-level names of the installed project's modules, wherever its installation leads."""
        names = self._installer.project_files()
        for folder in _SOURCE_FOLDERS:
            names |= _modules_in(Path(self._path) / "project" / folder)
        if not names:
            return set()
        asked = json.dumps([sorted(names), os.path.realpath(self._path)])
        return set(json.loads(self.run_executable("python", ["-c", _ORIGINS, asked])))

    def check_presence(self) -> bool:
        """Tell whether the environment exists and was made from the same requirements and constraints."""
        return bool(super().check_presence()) and self._stamped() == self._stamp()

    def create(self) -> None:
        """Make the environment if it is not there, and put today's instrument in front."""
        if self._is_setup:
            return
        super().create()
        util.write_json(os.fspath(Path(self._path) / _STAMP), self._stamp())
        instrument.inject(Path(self._path))
        answer = self.run_executable("python", ["-c", instrument.CHECK]).strip()
        if answer != instrument.IN_PLACE:
            msg = (
                f"The instrument is not in place in {self._path}: asv_runner would measure without it. "
                f"It answered {answer!r}. Remove that folder and run again."
            )
            raise util.UserError(msg)

    def _put_on_record(self) -> str | None:
        """Note the state of the node, and refuse to measure on one that is not healthy.

        This happens where asv discovers and measures: environments are also made in child processes, whose
        memory is lost. asv tries another commit after a `UserError` here, so it must be none.
        """
        ours = session.Session.of(self._results_dir)
        mark = ours.mark(session.mode(self._options.health), self._installer.python)
        ours.keep(Path(self._path), mark)
        return mark

    def run(self, args: list[str], **kwargs: Any) -> Any:  # noqa: ANN401 - asv's signature
        """Run the environment's python; benchmark processes learn where they are."""
        log.debug(f"Running '{' '.join(args)}' in {self.name}")
        command = args[1] if len(args) > 1 else ""
        if command == _DISCOVERING and not _is_dry_run():
            self._put_on_record()
        if command in _MEASURING and not _is_dry_run():
            variables = dict(kwargs.pop("env", None) or os.environ)
            kwargs["env"] = variables | {sidecar.VARIABLE: self._context().encode()}
        return self.run_executable("python", args, **kwargs)

    def checkout_project(self, repo: Any, commit_hash: str) -> None:  # noqa: ANN401 - asv's types
        """Check a commit out.

        The checkout is the installation here: until it is complete, no commit counts as installed.
        """
        self._set_installed_commit_hash(None)
        super().checkout_project(repo, commit_hash)

    def _setup(self) -> None:
        say(f"Creating {self.name}")
        self._installer.create(self._base_python)
        say(f"Installing requirements for {self.name}")
        self._installer.install(self._requirement_texts())
        say("Compiling what this computer has not compiled yet")
        BytecodeStore.of_user().compile(Path(self._path))

    def _requirement_texts(self) -> list[str]:
        wanted = {**self._requirements, **self._base_requirements}
        return [_requirement(key.removeprefix("pip+").strip(), value) for key, value in wanted.items()]

    def _stamp(self) -> dict[str, Any]:
        return {
            # A copied environment links to the checkout that it was copied from.
            "path": self._path,
            "requirements": sorted(self._requirement_texts()),
            "constraints": [
                hashlib.sha256(path.read_bytes()).hexdigest() for path in self._options.constraints
            ],
        }

    def _stamped(self) -> dict[str, Any] | None:
        try:
            return dict(util.load_json(os.fspath(Path(self._path) / _STAMP)))
        except (util.UserError, OSError, TypeError, ValueError):
            return None

    def _context(self) -> sidecar.Context:
        commit = self._global_env_vars.get("ASV_COMMIT") or self.installed_commit_hash or "unknown"
        mark = self._put_on_record()
        record = session.Session.of(self._results_dir).record
        described = context_for(self._results_dir, self.name, commit, mark, record)
        if not profile.is_wanted():
            return described
        return replace(
            described, profile=profile.request(self._results_dir, record.tag, self._project_names())
        )

    def _project_names(self) -> tuple[str, ...]:
        suite = Path(str(self._benchmark_dir)).name
        return (*sorted(self.project_modules()), suite)

    def _uninstall_project(self) -> None:
        if self._uninstall_command is not None:
            super()._uninstall_project()
            return
        self._set_installed_commit_hash(None)
        self._installer.uninstall_project()

    def _build_project(self, repo: Any, commit_hash: str, build_dir: str) -> None:  # noqa: ANN401 - asv's types
        if self._build_command is not None or self._install_command is not None:
            super()._build_project(repo, commit_hash, build_dir)
        elif not purity.is_pure_python(Path(build_dir)):
            log.info(f"Building {repo.get_decorated_hash(commit_hash, 8)} for {self.name}")
            # As asv does, but for the project alone: asv's default collects the dependencies' wheels
            # beside it and then cannot tell which one to install.
            self._interpolate_and_run_commands(_BUILD_WHEEL, build_dir, self.build_env_vars)

    def _install_project(self, repo: Any, commit_hash: str, build_dir: str) -> None:  # noqa: ANN401 - asv's types
        if self._build_command is not None or self._install_command is not None:
            super()._install_project(repo, commit_hash, build_dir)
            return
        log.info(f"Installing {repo.get_decorated_hash(commit_hash, 8)} into {self.name}")
        if purity.is_pure_python(Path(build_dir)):
            self._installer.install(["--no-deps", "--editable", build_dir])
        else:
            built = Path(self._global_env_vars["ASV_BUILD_CACHE_DIR"])
            wheels = [os.fspath(path) for path in built.glob("*.whl")]
            self._installer.install(["--no-deps", "--force-reinstall", *wheels])
        missing = self._installer.missing_dependencies() if self._options.dependencies else []
        if missing:
            self._installer.install(missing)
            BytecodeStore.of_user().compile(Path(self._path))


def _modules_in(folder: Path) -> set[str]:
    """Names that could be imported from a folder."""
    if not folder.is_dir():
        return set()
    found = {path.stem if path.suffix == ".py" else path.name for path in folder.iterdir()}
    return {name for name in found if name.isidentifier()}


def _is_dry_run() -> bool:
    """Whether asv was told not to save anything; it does not tell its environments."""
    return bool({"--dry-run", "-n"} & set(sys.argv))


def _check_repository(conf: Any) -> None:  # noqa: ANN401 - asv's types
    """Say which folder is no repository before anything is built; asv says "DVCS" and no next step."""
    folder = Path(str(conf.repo))
    if (
        conf.dvcs is None
        and folder.is_dir()
        and not any(kind.url_match(conf.repo) for kind in util.iter_subclasses(Repo))
    ):
        raise NoRepositoryError(folder.absolute())


def _requirement(name: str, value: str) -> str:
    """Join a name and asv's notation of its version: "", "1.2" or ">=1.2"."""
    if not value:
        return name
    return f"{name}{value}" if value[0] in "<>=!~" else f"{name}=={value}"
