"""The commits between two, as the main line of a repository sees them."""

import subprocess
from pathlib import Path

from asv.repo import Repo

from machmeter.errors import ConfigurationError
from machmeter.results.bisections import Commit


def between(repo: Repo, good: str, bad: str) -> tuple[str, ...]:
    """List the first-parent history from a commit, left out, to another, included; oldest first.

    Parameters
    ----------
    repo : Repo
        asv's.
    good, bad : str
        Full hashes.

    Raises
    ------
    ConfigurationError
        If the first is no ancestor of the second.
    """
    folder = _git_folder(repo)
    if good == bad or _git(folder, "merge-base", "--is-ancestor", good, bad) is None:
        raise _not_between(folder, good, bad)
    listed = _git(folder, "rev-list", "--first-parent", "--reverse", f"{good}..{bad}") or ""
    return tuple(listed.split())


def _not_between(folder: Path, good: str, bad: str) -> ConfigurationError:
    base = (_git(folder, "merge-base", good, bad) or "").strip()
    fact = f"{good[:8]} is {f'no ancestor of {bad[:8]}' if good != bad else 'both good and bad'}."
    reason = "There are no commits between them, one of which made it slower."
    if base and base not in {good, bad}:
        return ConfigurationError(fact, reason, f'"git merge-base" says {base[:8]}: try that as GOOD.')
    return ConfigurationError(fact, reason, "Swap them, or name other commits.")


def describe(repo: Repo, commit: str) -> Commit:
    """Read who made a commit, when, and its first line."""
    shown = _git(_git_folder(repo), "show", "-s", "--encoding=UTF-8", "--format=%an%x00%aI%x00%s", commit)
    author, date, subject = [*(shown or "").rstrip("\n").split("\0"), "", ""][:3]
    return Commit(commit, author, date, subject)


def _git_folder(repo: Repo) -> Path:
    if repo.dvcs != "git":
        raise ConfigurationError(
            "The project's repository is no git repository.",
            "The commits between two are asked of git.",
            '"machmeter gate" compares any two commits.',
        )
    return clone(repo)


def clone(repo: Repo) -> Path:
    """Folder of asv's clone of the project, of whatever version control."""
    return Path(str(repo._path)).absolute()  # noqa: SLF001 - asv offers no other place


def _git(folder: Path, *arguments: str) -> str | None:
    """Ask git; None if it says no."""
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
    )
    return done.stdout if done.returncode == 0 else None
