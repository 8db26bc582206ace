"""A reference workload with exact slowdowns: a suite, and two environments with a copy of a module each."""

import os
import venv
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from machmeter.environment import instrument
from machmeter.gate import environments
from machmeter.gate.processes import SideEnvironment
from machmeter.gate.stage import Setting

#: Kernels by name; numpy is there wherever machmeter is.
KERNELS: Final = ("arithmetic", "dicts", "arrays")

#: Units of work of the base: effects are whole numbers of them, and a call is about as long as a sample.
_UNITS: Final = 1000
_MODULE: Final = "machmeter_reference"
_SOURCE: Final = '''\
"""So many equal units of work: more units in the head's copy are a slowdown of exactly known size."""

import numpy

UNITS = {units}
_LEFT = numpy.linspace(0.0, 1.0, 512)
_RIGHT = numpy.linspace(1.0, 2.0, 512)


def arithmetic(effect):
    for _ in range(UNITS[effect]):
        total = 0
        for number in range(24):
            total = (total * 31 + number) % 65521


def dicts(effect):
    for _ in range(UNITS[effect]):
        made = {{str(number): [number] for number in range(10)}}
        sum(len(each) for each in made.values())


def arrays(effect):
    for _ in range(UNITS[effect]):
        (_LEFT * _RIGHT + _RIGHT).sum()
'''
_SUITE: Final = f"""\
import {_MODULE} as reference


class Reference:
    params = {{effects}}

    def time_arithmetic(self, effect):
        reference.arithmetic(effect)

    def time_dicts(self, effect):
        reference.dicts(effect)

    def time_arrays(self, effect):
        reference.arrays(effect)
"""


def make(folder: Path, effects: Sequence[float]) -> Setting:
    """Write the workload.

    Parameters
    ----------
    folder : Path
        Empty; the caller removes it.
    effects : sequence of float
        Slowdowns of the head, as shares: multiples of 0.001.

    Returns
    -------
    Setting
        For a `Stage`. Neither git nor asv is needed.
    """
    suite = folder / "reference_suite"
    suite.mkdir(parents=True)
    (suite / "__init__.py").write_text("", encoding="utf-8")
    (suite / "speed.py").write_text(_SUITE.format(effects=list(effects)), encoding="utf-8")
    base = _side(folder, "base", dict.fromkeys(effects, _UNITS))
    head = _side(folder, "head", {effect: round(_UNITS * (1 + effect)) for effect in effects})
    variables = environments.variables(os.environ)
    return Setting(base, head, suite, variables, own=(os.fspath(suite),), names=(_MODULE,))


def _side(folder: Path, name: str, units: dict[float, int]) -> SideEnvironment:
    """Make an environment that shares the driver's packages and has its own copy of the module.

    The driver's own environment would not do: where machmeter is installed for a user or by the system, its
    packages do not lie below its interpreter's prefix.
    """
    root = folder / name
    venv.EnvBuilder(symlinks=True, with_pip=False).create(root)
    packages = instrument.site_packages(root)
    for place in {_folder_of("asv_runner"), _folder_of("numpy")}:
        for entry in place.iterdir():
            if _is_shared(entry) and not (packages / entry.name).exists():
                (packages / entry.name).symlink_to(entry)
    instrument.inject(root)
    (packages / f"{_MODULE}.py").write_text(_SOURCE.format(units=units), encoding="utf-8")
    return SideEnvironment(name, name, root, packages)


def _folder_of(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None  # noqa: S101 - the driver depends on it
    assert spec.origin is not None  # noqa: S101 - it is a package with an __init__.py
    return Path(spec.origin).parent.parent


def _is_shared(entry: Path) -> bool:
    """Whether an entry of site-packages belongs into the workload's environments: no start-up hooks."""
    return entry.suffix != ".pth" and not entry.name.startswith(("machmeter", "asv_bench", "__"))
