"""The README's commands, typed in a fresh clone with a fresh home."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
#: Run by CI itself, and a test that runs the tests would never end.
NOT_HERE = {"scripts/test"}


def commands(page: str) -> list[str]:
    """Lines of the page's shell blocks, without comments; the clone is made by the test."""
    lines = [line.partition("  #")[0].strip() for block in BLOCK.findall(page) for line in block.splitlines()]
    return [
        line for line in lines if line and not line.startswith(("git clone", "cd ")) and line not in NOT_HERE
    ]


def tracked_files() -> Iterator[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    yield from filter(None, listed.stdout.split("\0"))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone of HEAD beside a fresh home whose package caches are warm."""
    folder = tmp_path_factory.mktemp("newcomer")
    subprocess.run(["git", "clone", "-q", os.fspath(ROOT), os.fspath(folder / "machmeter")], check=True)
    cache = Path("~/.cache").expanduser()
    (folder / "home" / ".cache").mkdir(parents=True)
    for name in ("pip", "uv"):
        kept = (cache / name).resolve()
        kept.mkdir(parents=True, exist_ok=True)
        (folder / "home" / ".cache" / name).symlink_to(kept)
    return folder / "machmeter"


def typed(command: str, clone: Path) -> str:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("MACHMETER", "VIRTUAL_ENV"))
    }
    # Other tests run beside this one: what they take from the node is no illness of it.
    kept["MACHMETER_HEALTH"] = "mark"
    path = os.pathsep.join([os.fspath(clone / ".venv" / "bin"), kept["PATH"]])
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=clone,
        env=kept | {"HOME": os.fspath(clone.parent / "home"), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=900,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_command_of_the_readme_works(clone: Path) -> None:
    """Each line of the shell blocks ends with exit 0, in the order of the page."""
    typed_lines = commands((ROOT / "README.md").read_text())
    assert typed_lines[0] == "scripts/run"
    outputs = {line: typed(line, clone) for line in typed_lines}
    table = outputs["scripts/run"]
    for benchmark in ("loaders.Loaders", "synthesis.Synthesis", "epochs.FirstEpoch", "epochs.LaterEpochs"):
        assert benchmark in table
    assert (clone / ".asv" / "html" / "samples.html").is_file()


def test_the_scripts_explain_themselves() -> None:
    """Both scripts have a help text and refuse what they do not know with exit code 2."""
    for script in ("scripts/run", "scripts/test"):
        helped = subprocess.run([ROOT / script, "--help"], capture_output=True, text=True, check=True)
        assert helped.stdout.startswith(f"Usage: {script}")
        refused = subprocess.run([ROOT / script, "--nonsense"], capture_output=True, text=True, check=False)
        assert refused.returncode == 2
        assert "--nonsense" in refused.stderr


def test_the_shell_scripts_are_portable() -> None:
    """shellcheck finds nothing in the POSIX scripts."""
    scripts = ["scripts/run", "scripts/test"]
    checked = subprocess.run(
        ["shellcheck", "-x", *scripts], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, "")


def test_the_file_map_is_complete() -> None:
    """Every folder and every module of the instrument that the README names exists, and none is left out."""
    page = (ROOT / "README.md").read_text()
    for name in tracked_files():
        parts = Path(name).parts
        if parts[:2] == ("src", "machmeter") and len(parts) > 3:
            assert f"{parts[2]}/" in page
        elif parts[:2] == ("src", "machmeter") and parts[2] not in ("__init__.py", "py.typed"):
            assert parts[2] in page
