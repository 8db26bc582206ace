"""What a real repository says about the functions that two commits edited."""

import subprocess
from pathlib import Path

import pytest

from machmeter.gate.sources import Sources


class Repository:
    """A git repository with one module in a package below ``src``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._git("init", "-q", ".")

    def _git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        command = ["git", *identity, *arguments]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, **functions: str) -> str:
        path = self.folder / "src" / "pkg" / "mod.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"def {name}(x):\n    return {body}\n" for name, body in functions.items()))
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", "edit")
        return self._git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_the_edited_functions_are_named_as_they_are_imported(repository: Repository) -> None:
    """The folder ``src`` is no package."""
    base, head = repository.commit(f="x", g="x"), repository.commit(f="x", g="x + 1")
    found = Sources(repository.folder).edits(base, head)
    assert (found.of("pkg.mod:f"), found.of("pkg.mod:g")) == ("", "changed")


def test_the_commit_that_edited_a_function_is_found(repository: Repository) -> None:
    """Among those that edited others."""
    base = repository.commit(f="x", g="x")
    repository.commit(f="x + 1", g="x")
    wanted = repository.commit(f="x + 1", g="x + 2")
    head = repository.commit(f="x + 3", g="x + 2")
    assert Sources(repository.folder).editor(base, head, "pkg.mod:g") == wanted
    assert Sources(repository.folder).editor(base, head, "pkg.mod:f") == ""
    assert Sources(repository.folder).editor(base, head, "pkg.mod:h") == ""


def test_a_new_file_is_all_added(repository: Repository) -> None:
    """And the first commit of a range may have no parent to compare with."""
    base = repository.commit(f="x")
    (repository.folder / "src" / "pkg" / "more.py").write_text("def h():\n    return 1\n")
    head = repository.commit(f="x")
    assert Sources(repository.folder).edits(base, head).of("pkg.more:h") == "added"


def test_what_git_cannot_tell_is_nothing(
    tmp_path_factory: pytest.TempPathFactory, repository: Repository
) -> None:
    """An unknown commit, a folder that is no repository: nothing is known to be edited."""
    commit = repository.commit(f="x")
    assert not Sources(repository.folder).edits("0" * 40, commit).known
    assert not Sources(tmp_path_factory.mktemp("empty")).edits(commit, commit).known


def test_file_names_are_never_taken_for_options(repository: Repository) -> None:
    """Git lists them; a name may begin with a dash or hold a newline."""
    base = repository.commit(f="x")
    for name in ("--output=evil.py", "a\nb.py"):
        (repository.folder / name).write_text("def h():\n    return 1\n")
    head = repository.commit(f="x")
    found = Sources(repository.folder).edits(base, head)
    assert len(found.added) == 2
    assert not (repository.folder / "evil.py").exists()
