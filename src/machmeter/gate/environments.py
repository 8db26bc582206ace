"""Installs the two commits of a comparison, each into an environment of its own."""

import fcntl
import os
import re
from collections.abc import Mapping
from pathlib import Path

from asv import environment
from asv.config import Config
from asv.repo import NoSuchNameError, Repo
from asv.util import ProcessError

from machmeter.environment.asv_type import MachmeterEnvironment
from machmeter.environment.instrument import site_packages
from machmeter.environment.progress import say
from machmeter.errors import ConfigurationError, UninstallableCommitError
from machmeter.gate.processes import SideEnvironment
from machmeter.gate.stage import Setting

#: Two environments hold the commits of whatever was compared last; their packages are links to one file each.
_SLOTS = ("a", "b")
#: Variables that set the threads of what commonly computes; the rest follows OpenMP's.
_THREAD_VARIABLES = (
    "BLOSC_NTHREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
#: Locks of this process.
_HELD: dict[Path, int] = {}
_HASH = re.compile("[0-9a-f]{40,64}")


def commit_of(repo: Repo, name: str) -> str:
    """Full hash of a commit.

    Raises
    ------
    ConfigurationError
        If the repository has no such commit.
    """
    found = _lookup(repo, name)
    if not found:
        repo.pull()  # a mirror of a remote repository may be older than the commit
        found = _lookup(repo, name)
    if not found:
        raise ConfigurationError(
            f"{name!r} is no commit of the project's repository.",
            "There is nothing to compare with.",
            'Check the spelling; in a clone, "git fetch" gets commits that only the server has.',
        )
    return found


def _lookup(repo: Repo, name: str) -> str:
    """Full hash of a commit, empty if there is none; git repeats what it takes for an option."""
    try:
        found = str(repo.get_hash_from_name(name))
    except (NoSuchNameError, ProcessError):
        return ""
    return found if _HASH.fullmatch(found) else ""


def install(conf: Config, repo: Repo, base: str, head: str, chosen: str | None = None) -> tuple[Setting, str]:
    """Install two commits.

    Parameters
    ----------
    conf, repo
        asv's configuration and repository; the working directory is the configuration's.
    base, head : str
        Full hashes.
    chosen : str, optional
        asv's name of the environment, where the matrix has several; the first by default.

    Returns
    -------
    setting : Setting
        The installed sides.
    name : str
        asv's name of the environment.
    """
    _reserve(Path(conf.env_dir).absolute() / "gate.lock")
    slots = {slot: _environment(conf, slot, chosen) for slot in _SLOTS}
    assigned = _assign(slots, base, head)
    for commit, slot in zip((base, head), assigned, strict=True):
        slot.create()
        say(f"Installing {commit[:8]}")
        _install(slot, conf, repo, commit)
    one, other = assigned
    suite = Path(conf.benchmark_dir).absolute()
    own = [os.fspath(suite), *(os.fspath(each.root / "project") for each in assigned)]
    names = one.project_modules() | other.project_modules()
    setting = Setting(
        base=_side("base", base, one),
        head=_side("head", head, other),
        suite=suite,
        variables=variables(os.environ) | one.env_vars,
        own=tuple(own),
        names=tuple(sorted(names)),
        different=_difference(one, other),
    )
    return setting, str(one.name)


def variables(environ: Mapping[str, str], threads: int = 1) -> dict[str, str]:
    """Environment of benchmark processes: numbers of threads that nobody has set are set.

    Parameters
    ----------
    environ : mapping of str to str
        The driver's own.
    threads : int
        Two threads on two contended cores cost up to 25 times their CPU time, spinning.
    """
    inherited = {name: value for name, value in environ.items() if name != "PYTHONPATH"}
    return dict.fromkeys(_THREAD_VARIABLES, str(threads)) | inherited


def _environment(conf: Config, slot: str, chosen: str | None) -> MachmeterEnvironment:
    kept = conf.env_dir, conf.environment_type
    conf.env_dir, conf.environment_type = os.path.join(kept[0], f"gate-{slot}"), "machmeter"  # noqa: PTH118
    try:
        found = [each for each in environment.get_environments(conf, "") if chosen in {None, each.name}]
    finally:
        conf.env_dir, conf.environment_type = kept
    if not found:
        raise ConfigurationError(
            f"There is no environment {chosen or 'that can be made'}.",
            "Nothing was measured.",
            '"pythons" and "matrix" in asv.conf.json say which there are; "asv setup" makes them.',
        )
    made: MachmeterEnvironment = found[0]
    return made


def _reserve(lock: Path) -> None:
    """Keep other processes from exchanging the commits under our sides, until this process ends.

    Raises
    ------
    ConfigurationError
        If another process compares commits in these environments.
    """
    if lock in _HELD:
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConfigurationError(
            f"Another machmeter measures in {lock.parent}.",
            "Both would install their commits there, and each would measure the other's.",
            'Wait until it is done, or give this one a checkout of its own ("git worktree add").',
        ) from None
    except OSError:  # a file system without locks
        pass
    _HELD[lock] = descriptor


def _install(slot: MachmeterEnvironment, conf: Config, repo: Repo, commit: str) -> None:
    try:
        slot.install_project(conf, repo, commit)
    except ProcessError as error:
        lines = f"{error.stdout or ''}\n{error.stderr or ''}".split("\n")
        told = [line.strip() for line in lines if line.strip()]
        raise UninstallableCommitError(commit, told[-1] if told else str(error)) from error


def _assign(
    slots: Mapping[str, MachmeterEnvironment], base: str, head: str
) -> tuple[MachmeterEnvironment, MachmeterEnvironment]:
    """Give each commit the environment that has it already."""
    one, other = (slots[slot] for slot in _SLOTS)
    swapped = one.installed_commit_hash == head or other.installed_commit_hash == base
    return (other, one) if swapped else (one, other)


def _side(name: str, commit: str, made: MachmeterEnvironment) -> SideEnvironment:
    return SideEnvironment(name, commit, made.root, site_packages(made.root), made.variables)


def _difference(one: MachmeterEnvironment, other: MachmeterEnvironment) -> str:
    mine, theirs = one.third_party(), other.third_party()
    different = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
    if not different:
        return ""
    return "dependencies differ: " + ", ".join(_change(name, mine, theirs) for name in different)


def _change(name: str, mine: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    return f"{name} {mine.get(name, 'absent')} and {theirs.get(name, 'absent')}"
