import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from machmeter.machine.fingerprint import fingerprint

SOURCE = Path(__file__).parents[3] / "src"
NOBODY = 65534

#: Reads once, so that everything is imported while its files can be read, and four times more as another user
#: on a host of another name.
FRESH = """
import os, socket, sys
from machmeter.machine.fingerprint import fingerprint
print(fingerprint().tag)
host, user = sys.argv[1:]
if host:
    socket.sethostname(host)
if user:
    os.setgroups([])
    os.setgid(int(user))
    os.setuid(int(user))
for _ in range(4):
    print(fingerprint().tag)
"""


@contextmanager
def load(processes: int) -> Iterator[None]:
    """Keep every CPU busy, and give way to other tests."""
    command = [sys.executable, "-S", "-c", "import os; os.nice(10)\nwhile True: pass"]
    busy = [subprocess.Popen(command) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def _may_rename_the_host() -> bool:
    unshare = shutil.which("unshare")
    return (
        bool(unshare)
        and subprocess.run(["unshare", "-u", "true"], capture_output=True, check=False).returncode == 0
    )


def read_in_a_fresh_process(folder: Path, host: str, user: str, language: str) -> list[str]:
    """Give five tags of a new process in that folder, under that name of the host, for that user."""
    command = [*(["unshare", "-u"] if host else []), sys.executable, "-c", FRESH, host, user]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "LC_ALL": language, "HOME": str(folder)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.split()


def test_two_hundred_readings_give_one_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readings under load, in other folders and processes, by another user, on a renamed host: one tag."""
    folders = [tmp_path / str(number) for number in range(5)]
    tags = [fingerprint().tag]
    host = _may_rename_the_host()
    user = os.geteuid() == 0
    with load(os.cpu_count() or 1):
        for number, folder in enumerate(folders):
            folder.mkdir()
            monkeypatch.chdir(folder)
            tags += [fingerprint().tag for _ in range(35)]
            name = f"renamed-{number}" if host and number % 2 else ""
            other = str(NOBODY) if user and number % 3 else ""
            tags += read_in_a_fresh_process(folder, name, other, "C" if number % 2 else "de_DE.UTF-8")
    assert len(tags) == 201
    assert len(set(tags)) == 1
