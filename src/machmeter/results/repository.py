"""What a project's repository knows of its commits; asked only where result files do not tell."""

import subprocess
from collections.abc import Mapping
from pathlib import Path


def commit_dates(repository: Path) -> Mapping[str, int]:
    """Read when each commit was made.

    Parameters
    ----------
    repository : Path
        A git repository.

    Returns
    -------
    mapping of str to int
        Full hash to milliseconds since 1970; empty if it cannot be read.
    """
    command = ["git", "-C", str(repository), "log", "--all", "--format=%H %ct"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):  # no git, an address, or no repository
        return {}
    pairs = (line.split() for line in done.stdout.splitlines())
    return {commit: int(seconds) * 1000 for commit, seconds in pairs}


def full_hash(repository: Path, name: str) -> str | None:
    """Resolve a branch, a tag or an abbreviated hash; None if it names no commit."""
    command = ["git", "-C", str(repository), "rev-parse", "--verify", "--quiet", "--end-of-options"]
    try:
        done = subprocess.run([*command, f"{name}^{{commit}}"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None
