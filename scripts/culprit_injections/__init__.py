"""Slowdowns put into a realistic project, each with the function that is to blame.

A head commit is the project (``project/``) with one injection and five decoys, harmless edits in other
functions, so that "the only edited function" is never the answer.

To write a half, put a module beside ``first.py`` that holds ``INJECTIONS``, a tuple of `Injection`, and
name it in `HALVES`. An injection is data:

- ``identifier`` names it and its branch; unique over the halves.
- ``kind`` is one of `KINDS`.
- ``benchmark`` is the one that it slows, by its name in asv.
- ``edits`` replace texts; each ``old`` occurs exactly once in its file, after the edits before it.
- ``right`` are the answers that a maintainer would accept, as ``module:qualname``, with ``<module>`` for what
  runs on import: the edited function whose edit costs the time; for an added call or a new function also the
  called one that now takes the time; for a lost cache also what is worked out again; for a wider dtype the
  edited function alone, although others become slower.
- ``size`` is `SMALL` or `LARGE`, the percent by which the benchmark should become slower. Whether it does is
  measured by ``scripts/culprit_project.py calibrate``.

``tests/machmeter/test_culprit_injections.py`` checks what can be checked without measuring.
"""

from importlib import import_module

from .commits import BASE, draw, head_files
from .data import BENCHMARKS, KINDS, LARGE, NONE, SMALL, Decoy, Edit, Injection, apply
from .decoys import DECOYS

#: The modules that hold injections.
HALVES = ("first", "second")

__all__ = [
    "BASE",
    "BENCHMARKS",
    "DECOYS",
    "HALVES",
    "KINDS",
    "LARGE",
    "NONE",
    "SMALL",
    "Decoy",
    "Edit",
    "Injection",
    "apply",
    "draw",
    "head_files",
    "injections",
    "unchanged",
]


def injections(*halves: str) -> tuple[Injection, ...]:
    """Return the injections of some halves, by default of all."""
    modules = [import_module(f"{__name__}.{half}") for half in halves or HALVES]
    return tuple(injection for module in modules for injection in module.INJECTIONS)


def unchanged(each: int = 2) -> tuple[Injection, ...]:
    """Return injections of nothing, so many for each benchmark: their commits hold decoys alone."""
    return tuple(
        Injection(f"decoys-{benchmark.rpartition('_')[2]}-{number}", "none", benchmark, (), (), NONE)
        for benchmark in BENCHMARKS
        for number in range(each)
    )
