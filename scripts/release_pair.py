#!/usr/bin/env python3
"""Makes a repository whose two commits are releases of plenoptic, for "machmeter flame" to compare.

    scripts/release_pair.py DIR
    cd DIR; machmeter flame HEAD~1..HEAD -b forward

The releases come from the package index as source archives; the older one needs numpy below 2, so that the
two commits have different dependencies as well.
"""

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

_RELEASES = {"1.0.2": '"numpy<2"', "1.1.0": '"numpy>=2"'}
_PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "plenoptic"
version = "{version}"
dependencies = [{numpy}, "scipy", "matplotlib", "pyrtools", "tqdm", "imageio", "scikit-image", "einops",
    "importlib-resources", "Deprecated", "setuptools<81"]

[tool.setuptools.packages.find]
where = ["src"]
"""
_SUITE = '''\
"""The Portilla-Simoncelli model of both releases: statistics of a texture, and their gradient."""

from types import SimpleNamespace

import torch


class Portilla:
    repeat = 5
    timeout = 300

    def setup(self):
        import plenoptic

        torch.manual_seed(0)
        self.image = torch.rand(1, 1, 128, 128)
        self.model = plenoptic.simul.PortillaSimoncelli((128, 128))

    def timeitem_forward(self):
        with torch.no_grad():
            statistics = self.model(self.image)
        return SimpleNamespace(items=1, bytes=None, result=statistics.numpy())
'''
_CONFIGURATION = {
    "version": 1,
    "project": "plenoptic",
    "repo": ".",
    "branches": ["main"],
    "plugins": [".machmeter.asv_plugin"],
    "environment_type": "machmeter",
    "matrix": {"req": {"torch": ["2.13.0"]}},
    "benchmark_dir": "benchmarks",
    "env_dir": ".asv/env",
    "results_dir": ".asv/results",
    "html_dir": ".asv/html",
}


def main() -> None:
    """Make the repository."""
    folder = Path(sys.argv[1])
    (folder / "benchmarks").mkdir(parents=True)
    (folder / "benchmarks" / "__init__.py").write_text("")
    (folder / "benchmarks" / "suite.py").write_text(_SUITE)
    (folder / "asv.conf.json").write_text(json.dumps(_CONFIGURATION, indent=1))
    (folder / ".gitignore").write_text(".asv\n__pycache__\n")
    _git(folder, "init", "-q", "-b", "main", ".")
    for version, numpy in _RELEASES.items():
        shutil.rmtree(folder / "src", ignore_errors=True)
        _unpack(version, folder / "src")
        (folder / "pyproject.toml").write_text(_PYPROJECT.format(version=version, numpy=numpy))
        _git(folder, "add", "-A")
        _git(folder, "commit", "-q", "-m", f"plenoptic {version}")


def _unpack(version: str, target: Path) -> None:
    """Download a release and keep its sources."""
    with tempfile.TemporaryDirectory() as scratch:
        wanted = ["--no-deps", "--no-binary", "plenoptic", f"plenoptic=={version}", "--dest", scratch]
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", *wanted], check=True)
        (archive,) = Path(scratch).glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(scratch, filter="data")
        shutil.copytree(Path(scratch) / f"plenoptic-{version}" / "src", target)


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=machmeter", "-c", "user.email=machmeter@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    main()
