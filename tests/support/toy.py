"""A toy project in a real git repository, measured by real asv."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "toy"
version = "0"

[tool.setuptools]
py-modules = ["toy"]
"""

BENCHMARKS = """\
import os
import time

import toy


class TimeToy:
    params = ["short", "long"]
    param_names = ["length"]
    rounds = 2
    repeat = 3
    number = 2
    warmup_time = 0

    def time_wait(self, length):
        time.sleep(toy.SECONDS[length])


def time_spin():
    sum(range(1000))


time_spin.repeat = (2, 4, 0.2)
time_spin.rounds = 1
time_spin.warmup_time = 0.01


def track_hold():
    # Hold until the test has sent its signal, with a child that must not be left behind.
    import subprocess

    marker = os.environ.get("TOY_HOLD")
    if marker:
        subprocess.Popen(["sleep", "300"], cwd=os.path.dirname(marker))
        with open(marker, "w") as stream:
            stream.write("holding")
        time.sleep(300)
    return 0


def track_value():
    return toy.VALUE


def track_instrument_in_front():
    import sys

    import machmeter

    return int(os.path.dirname(os.path.dirname(machmeter.__file__)) == sys.path[0])


def track_leaks():
    import importlib.util

    return sum(importlib.util.find_spec(name) is not None for name in ("click", "rich", "asv", "pandas"))
"""


@dataclass(frozen=True)
class Suite:
    """A folder with ``asv.conf.json``, benchmarks and the repository of the toy project."""

    folder: Path
    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def git(self, *arguments: str) -> str:
        run = subprocess.run(["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True)
        return run.stdout.strip()

    def commit(self, message: str, files: Mapping[str, str]) -> str:
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def configure(self, **changes: object) -> None:
        path = self.folder / "asv.conf.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    def environ(self, **more: str) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("ASV", "MACHMETER"))
        }
        bin_dir = os.fspath(Path(sys.executable).parent)
        path = f"{bin_dir}{os.pathsep}{kept.get('PATH', '')}"
        # uv's cache stays the user's own, so that a test does not fetch what is already on disk.
        kept["MACHMETER_HEALTH"] = "off"  # five seconds a run; tests of health say otherwise
        cache = kept.get("UV_CACHE_DIR", os.fspath(Path("~/.cache/uv").expanduser()))
        return (
            kept
            | {"PATH": path, "HOME": os.fspath(self.home), "UV_CACHE_DIR": cache}
            | dict(self.variables)
            | more
        )

    def asv(self, *arguments: str, expect: int | None = 0, **variables: str) -> str:
        run = subprocess.run(
            [sys.executable, "-m", "asv", *arguments],
            cwd=self.folder,
            env=self.environ(**variables),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )
        output = run.stdout + run.stderr
        assert expect is None or run.returncode == expect, f"exit {run.returncode}\n{output}"
        return output

    def results(self) -> dict[str, list[dict[str, Any]]]:
        """asv's result files by machine."""
        found: dict[str, list[dict[str, Any]]] = {}
        for path in sorted((self.folder / "results").glob("*/*.json")):
            if path.name != "machine.json":
                found.setdefault(path.parent.name, []).append(json.loads(path.read_text()))
        return found

    def values(self, machine: str, benchmark: str) -> dict[str, Any]:
        """What asv filed for a benchmark, by commit."""
        return {
            result["commit_hash"]: dict(
                zip(result["result_columns"], result["results"][benchmark], strict=False)
            )["result"]
            for result in self.results()[machine]
            if benchmark in result["results"]
        }

    def rows(self) -> list[dict[str, Any]]:
        """All sidecar lines."""
        files = sorted((self.folder / "results.machmeter" / "samples").rglob("*.jsonl"))
        return [json.loads(line) for path in files for line in path.read_text().splitlines()]


def toy_source(value: int) -> str:
    return f"VALUE = {value}\nSECONDS = {{'short': 0.001, 'long': 0.002}}\n"


def make_suite(tmp_path: Path) -> Suite:
    folder, home = tmp_path / "toy", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    made = Suite(folder, home)
    made.git("init", "-q", "-b", "main")
    made.git("config", "user.name", "Tester")
    made.git("config", "user.email", "tester@example.org")
    configuration = {
        "version": 1,
        "project": "toy",
        "repo": ".",
        "branches": ["main"],
        "results_dir": "results",
        "html_dir": "html",
        "env_dir": "env",
        "plugins": [".machmeter.asv_plugin"],
        "environment_type": "machmeter",
    }
    made.commit(
        "first",
        {
            ".gitignore": "results*\nhtml\nenv\n",
            "asv.conf.json": json.dumps(configuration),
            "pyproject.toml": PYPROJECT,
            "toy.py": toy_source(1),
            "benchmarks/__init__.py": "",
            "benchmarks/toy.py".replace("toy", "bench"): textwrap.dedent(BENCHMARKS),
        },
    )
    return made
