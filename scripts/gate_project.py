#!/usr/bin/env python3
"""The project that `measure_gate.py` measures: its source, its suite, its configuration."""

#: Percent of work that the commits add, each in a commit of its own; 0 is an empty commit.
EFFECTS = ("0", "0.2", "0.5", "1", "2", "5")

PROJECT = '''\
"""The project under test: every function does UNITS equal pieces of work."""
import time

UNITS = {units}


def python():
    total = 0
    for unit in range(UNITS):
        for i in range(20):
            total += unit * i % 7
    return total


def allocate():
    kept = None
    for unit in range(UNITS):
        kept = [(i, [i]) for i in range(10)]
    return kept


def numeric(a):
    for unit in range(UNITS):
        a = a * 1.0000001 + 0.5
    return a


def network(model, x):
    for unit in range(UNITS // 5):
        y = model(x)
    return y


def wait():
    time.sleep(0.000005 * UNITS)


class Items:
    """As many items as there are units, in whole batches: 0.2% more is no whole batch and not measured."""

    def __len__(self):
        return UNITS

    def __getitem__(self, index):
        return sum(range(100 + index % 3))
'''

SUITE = """\
import numpy as np
import torch
import project


def time_python():
    project.python()


def time_allocate():
    project.allocate()


class Numpy:
    def setup(self):
        self.a = np.arange(2000.0)

    def time_numpy(self):
        project.numeric(self.a)


class Torch:
    def setup(self):
        torch.manual_seed(0)
        self.model = torch.nn.Conv2d(4, 8, 3)
        self.x = torch.rand(1, 4, 16, 16)

    def time_torch(self):
        with torch.no_grad():
            project.network(self.model, self.x)


class Loader:
    def setup(self):
        if hasattr(self, "loader"):  # its workers live as long as the process
            return
        self.loader = torch.utils.data.DataLoader(
            project.Items(), batch_size=5, num_workers=2, persistent_workers=True
        )
        for _ in self.loader:
            pass

    def time_loader(self):
        for _ in self.loader:
            pass


def time_wait():
    project.wait()
"""

CONFIGURATION = {
    "version": 1,
    "project": "project",
    "repo": ".",
    "branches": ["HEAD"],
    "plugins": [".machmeter.asv_plugin"],
    "environment_type": "machmeter",
    "benchmark_dir": "benchmarks",
    "env_dir": ".asv/env",
    "results_dir": ".asv/results",
    "html_dir": ".asv/html",
    "matrix": {"req": {"numpy": [""], "torch": ["2.13.0"]}},
}

PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "project"
version = "0"

[tool.setuptools]
py-modules = ["project"]
"""
