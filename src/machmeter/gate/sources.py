"""What the repository says about two commits: which Python sources differ, and who edited a function."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from machmeter.profiling.edits import Edits

#: Larger sources are generated, and take seconds to parse.
_LARGEST_BYTES = 2 << 20
#: So many commits of a range are looked at for who edited a function.
_MOST_COMMITS = 200


class Sources:
    """Sources of a project at its commits.

    Parameters
    ----------
    repository : Path
        asv's clone of the project, or the project itself.
    """

    def __init__(self, repository: Path) -> None:
        self._repository = repository

    def edits(self, base: str, head: str, paths: Sequence[str] = ()) -> Edits:
        """Tell which functions differ between two commits; nothing where git cannot tell.

        Parameters
        ----------
        base, head : str
            Full hashes.
        paths : sequence of str, optional
            Only these files.
        """
        listed = self._git("diff", "--name-only", "-z", "--no-renames", base, head, "--", *paths)
        files = [path for path in listed.split("\0") if path.endswith(".py")]
        return Edits.between({path: (self._text(base, path), self._text(head, path)) for path in files})

    def editor(self, base: str, head: str, name: str) -> str:
        """Find the one commit of a range that edited a function; empty if none or several did.

        Parameters
        ----------
        base, head : str
            Full hashes.
        name : str
            ``module:qualname``.
        """
        module = name.partition(":")[0].replace(".", "/")
        pattern = [f":(glob)**/{module}.py", f":(glob)**/{module}/__init__.py"]
        listed = self._git("rev-list", "--no-merges", f"{base}..{head}", "--", *pattern).split()
        if len(listed) > _MOST_COMMITS:
            return ""
        editors = [commit for commit in listed if self.edits(f"{commit}^", commit, pattern).of(name)]
        return editors[0] if len(editors) == 1 else ""

    def _text(self, commit: str, path: str) -> str | None:
        command = ["git", "-C", str(self._repository), "cat-file", "blob", f"{commit}:{path}"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode or len(done.stdout) > _LARGEST_BYTES:
            return None
        return done.stdout.decode("utf-8", errors="replace")

    def _git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self._repository), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):  # another system, or a commit that is not there
            return ""
        return done.stdout.decode("utf-8", errors="replace")
